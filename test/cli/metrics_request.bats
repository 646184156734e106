#!/usr/bin/env bats
# splicer_metrics and bytes that are no request: they come from anybody who reaches the port.

# shellcheck disable=SC2154,SC2034,SC2016,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers

METRICS=$BATS_TEST_DIRNAME/../../scripts/metrics

# A request with some of its bytes changed, or cut off, always the same for a number.
mutated() { # NUMBER
	awk -v number="$1" 'BEGIN {
		srand(number)
		text = "GET /metrics/other HTTP/1.1\r\nHost: box\r\nAccept: */*\r\n\r\n"
		if (rand() < 0.3)
			text = substr(text, 1, int(rand() * length(text)))
		for (i = 1; i <= length(text); i++)
			if (rand() < 0.05)
				printf "\\x%02x", int(rand() * 256)
			else
				printf "\\x%02x", index(codes(), substr(text, i, 1)) + 0
	}
	function codes(  i, all) {
		for (i = 1; i < 256; i++)
			all = all sprintf("%c", i)
		return all
	}'
}

# Answered by an error, or not at all where it is not whole; nothing of it comes back, and no tool is run for it.
assert_turned_away() { # BYTES
	local status=0
	# shellcheck disable=SC2059  # bytes, written as \xNN
	printf "$1" | timeout 20 "$METRICS" -- --no-such-option >"$tmp/answer" 2>"$tmp/said" || status=$?
	[ "$status" = 0 ] || fail "exit status $status for $1"
	[ ! -s "$tmp/said" ] || fail "stderr for $1: $(cat "$tmp/said")"
	[ ! -s "$tmp/answer" ] || head -n 1 "$tmp/answer" | grep -qxE $'HTTP/1\\.1 4[0-9]{2} [A-Za-z ]+\r' ||
		fail "answer to $1: $(head -c 300 "$tmp/answer" | od -c)"
}

@test "a request with other bytes in it gets an error, or nothing" {
	local i
	export LC_ALL=C
	for ((i = 1; i <= 60; i++)); do
		assert_turned_away "$(mutated "$i")"
	done
}

@test "lines that say more than a request" {
	local request
	for request in 'GET /metrics/$(id) HTTP/1.1\r\n\r\n' 'GET /metrics/`id` HTTP/1.1\n\n' 'GET /metrics/../flows HTTP/1.0\n\n' \
		'GET  HTTP/1.1\n\n' '\n' '\r\n\r\n' 'GET\n\n' 'POST /metrics HTTP/1.1\r\n\r\n' 'GET /metrics HTTP/9.9\n\n' '\\\n\n' \
		'-n /metrics HTTP/1.1\n\n' '* * *\n\n' 'GET /metrics\\ HTTP/1.1\n\n' 'GET /metrics\0 HTTP/1.1 x\n\n'; do
		assert_turned_away "$request"
	done
}

@test "a line without an end, and lines without an end" {
	head -c 20000 /dev/zero | tr '\0' a >"$tmp/long"
	capture bash -c '"$1" <"$2"' - "$METRICS" "$tmp/long"
	assert_status 0
	assert_output_has 'HTTP/1.1 431'
	yes 'a: b' | head -n 200 >"$tmp/many"
	capture bash -c '"$1" <"$2"' - "$METRICS" "$tmp/many"
	assert_status 0
	assert_output_has 'HTTP/1.1 431'
}
