#!/usr/bin/env bats
# shellcheck shell=bats
# Rules that end by themselves, seen on real traffic.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_attach wan0
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 udp ::1 58997 udp 127.0.0.1 58998 udp ::1 58998 udp 127.0.0.1 58999 udp ::1 58999
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
}

teardown() {
	stop_started
}

# both LINE...: the lines of map_update, for IPv4 and, with the addresses replaced, for IPv6
both() {
	local line
	for line; do
		echo "${line//NET/172.16.240.0 24}"
		echo "${line//NET/fd00:240:: 64}"
	done
}

# none_of SERVICE: no rule of this tag is left
none_of() {
	[ -z "$(rule_list --save -S "$1")" ]
}

# Rules of tag "short" end after a second, or a little later: from then on no packet may meet them, which is known when
# rule_list does not show them any more.
assert_gone() {
	eventually none_of short
}

@test "a rule that has expired matches no packet, though nobody has taken it away" {
	assert_quiet map_update -f <(both 'NET 5060 5060 58997 udp -S short --ttl 3600' 'NET 5061 5061 58997 udp' \
		'NET 5061 5061 0 udp -a drop -P 1 -S short --ttl 3600')
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		timeout udp 172.16.240.9 5061
		timeout udp fd00:240::9 5061
	END
	assert_quiet map_update -f <(both 'NET 5060 5060 58997 udp -S short --ttl 1' \
		'NET 5061 5061 0 udp -a drop -P 1 -S short --ttl 1')
	assert_gone
	assert_traffic client <<-END
		timeout udp 172.16.240.9 5060
		timeout udp fd00:240::9 5060
		answer udp 172.16.240.9 5061
		answer udp fd00:240::9 5061
	END
	assert_equal "$(python3 -IS "$BATS_TEST_DIRNAME/../arena.py" live)" 6 'rules in the arena'
}

# assert_by PORT LISTENER...: who answers on this port, and on those after it
assert_by() {
	local port=$1 by
	shift
	for by; do
		echo "answer udp 172.16.240.9 $port by $by"
		echo "answer udp fd00:240::9 $port by $by"
		port=$((port + 1))
	done | assert_traffic client
}

@test "the next best rule takes over: of the same key, in the ports that both have, and of others" {
	assert_quiet map_update -f <(both 'NET 80 85 58997 udp -S short --ttl 1' \
		'NET 80 90 58998 udp' 'NET 79 95 58999 udp --ttl 3600' 'NET 84 86 58999 udp -P -1')
	assert_gone
	assert_by 79 58999 58998 58998 58998 58998 58998 58998 58998
	assert_by 90 58998 58999
	# one that never ends under several that do, of the same ports
	map_delete --all
	assert_quiet map_update -f <(both 'NET 80 80 58997 udp -S short --ttl 1 -P 3' 'NET 80 80 58997 udp -S short --ttl 1 -P 2' \
		'NET 80 80 58998 udp' 'NET 80 80 58999 udp -P -2 --ttl 3600' 'NET 81 81 58997 udp -S short --ttl 1 -P 9' \
		'NET 81 81 58998 udp --ttl 3600' 'NET 81 81 58999 udp -P -1')
	assert_gone
	assert_by 80 58998 58998
	# and behind the longer prefix, the shorter
	map_delete --all
	assert_quiet map_update -f - <<-'END'
		172.16.240.9 32 80 80 58997 udp -S short --ttl 1
		fd00:240::9 128 80 80 58997 udp -S short --ttl 1
		172.16.0.0 16 80 80 58998 udp --ttl 3600
		fd00:: 16 80 80 58998 udp --ttl 3600
		0.0.0.0 0 80 80 58999 udp
		:: 0 80 80 58999 udp
	END
	assert_gone
	assert_by 80 58998
}

@test "while rules expire, others are swept and time goes on: a flow with a next best rule loses no datagram" {
	local stream i
	map_update 172.16.240.0 24 5000 5999 58998 udp
	started "$BATS_TEST_TMPDIR/stream" nsenter --net=/run/netns/client -- peer udp-stream 172.16.240.9 5060
	stream=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/stream"
	for i in 1 2 3; do
		map_update -f <(both "NET 5060 5060 58997 udp -S short --ttl 1" "NET 5060 506$i 58997 udp -S short --ttl 1 -P $i" \
			"NET 5050 5070 58999 udp --ttl 1 -S short")
		assert_gone
		map_update 172.16.240.0 24 6000 6000 58998 udp
	done
	eventually grep -q enough "$BATS_TEST_TMPDIR/stream"
	kill "$stream"
	assert_ends "$stream" 0
	read -r asked _ answered _ < <(tail -n 1 "$BATS_TEST_TMPDIR/stream")
	assert_equal "$answered" "$asked" 'answers to datagrams sent meanwhile'
}

@test "counters stay when a time is set, set anew and taken away" {
	map_update 172.16.240.0 24 5060 5060 58997 udp
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 5060 one
	assert_equal "$(rule_values packets)" 1
	map_update --ttl 3600 172.16.240.0 24 5060 5060 58997 udp
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 5060 two
	assert_equal "$(rule_values packets)" 2
	map_update --ttl 7200 172.16.240.0 24 5060 5060 58998 udp
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 5060 three
	assert_equal "$(rule_values packets)" 3
	map_update -f - <<<$'172.16.240.0 24 5060 5060 58998 udp\n10.0.0.0 8 80 80 0 tcp'
	assert_equal "$(rule_values packets)" $'3\n0'
	assert_exit 0 bash -o pipefail -c 'rule_list --save | sed "1s/$/ --ttl 60/" | map_update --replace -f -'
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 5060 four
	assert_equal "$(rule_values packets)" $'4\n0'
}
