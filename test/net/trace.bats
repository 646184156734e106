#!/usr/bin/env bats
# shellcheck shell=bats
# trace_tail: every reader gets every decision, and readers come and go.
# A test is a subshell, and each has its own pids:
# shellcheck disable=SC2030,SC2031

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

PLACES=16

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	lab_attach wan0
	lab_attach lan0
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 tcp 127.0.0.1 58997 udp ::1 58997 tcp ::1 58997 tcp 192.0.2.1 22
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

# Fifty each of what is dropped and what is spliced, IPv4 and IPv6; a port for each.
decisions() {
	local port
	for ((port = 7000; port < 7050; port++)); do
		echo "timeout udp 192.0.2.1 $port"
		echo "timeout udp 2001:db8::1 $port"
		echo "answer udp 172.16.240.9 $port"
		echo "answer udp fd00:240::9 $port"
	done
}

splice_decisions() {
	map_update 172.16.240.0 24 7000 7049 58997 udp
	map_update fd00:240:: 64 7000 7049 58997 udp
}

# What a reader must have seen of them, in the order of sort.
expected_decisions() {
	decisions | sed 's/^timeout udp/dropped no-rule/; s/^answer udp/spliced rule-splice/' | sort
}

seen() {
	fields action reason dst dport <"$BATS_TEST_TMPDIR/$1" | sort
}

# start_tails NUMBER: fills $pids
start_tails() {
	local number
	pids=()
	for ((number = 0; number < $1; number++)); do
		tail_start "tail$number"
		pids+=("$pid")
	done
}

# A reader that finds a place ends with exit 0 after one event.
assert_place() {
	tail_start place -c 1
	lab_on client frame eth0 lldp
	assert_ends "$pid" 0
}

assert_no_place() {
	assert_error trace_tail -c 1
	assert_match "$err" "all $PLACES places of subscribers are taken"
}

@test "three readers at once each get every one of 200 drops and splices" {
	local reader
	splice_decisions
	pids=()
	for reader in one two three; do
		tail_start "$reader" -j -c 200
		pids+=("$pid")
	done
	assert_traffic client < <(decisions)
	for reader in "${pids[@]}"; do
		assert_ends "$reader" 0
	done
	for reader in one two three; do
		assert_equal "$(seen "$reader")" "$(expected_decisions)" "reader $reader"
	done
}

@test "every line of -j is JSON with the documented keys" {
	splice_decisions
	map_update -S 'a "b" \c' 172.16.240.9 32 7000 7000 58997 udp
	tail_start json -j -c 2
	assert_traffic client <<-END
		answer udp 172.16.240.9 7000 from 5555
		timeout tcp 2001:db8::1 7000
	END
	assert_ends "$pid" 0
	assert_equal "$(fields object iface hook verdict action reason proto src sport dst dport service port ethertype tcp_flags \
		<"$BATS_TEST_TMPDIR/json" | sort | cut -d ' ' -f 1-8,10-)" "$(
			cat <<-'END'
				splicer wan0 ingress ALLOWED spliced rule-splice udp 192.0.2.2 172.16.240.9 7000 a "b" \c 58997 2048 -
				splicer wan0 ingress BLOCKED dropped no-rule tcp 2001:db8::2 2001:db8::1 7000 - - 34525 2
			END
		)"
	fields time rule length <"$BATS_TEST_TMPDIR/json"
}

@test "a line for people names verdict, reason, interface, both ends and the service" {
	map_update -S sip-trunk 172.16.240.0 24 7000 7000 58997 udp
	map_update -S sip-trunk fd00:240:: 64 7000 7000 58997 udp
	tail_start lines -c 2
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 7000 hello 5555
	assert_exit 0 lab_on client peer udp-ask fd00:240::9 7000 hello 5555
	assert_ends "$pid" 0
	assert_equal "$(tr -s ' ' <"$BATS_TEST_TMPDIR/lines" | cut -d ' ' -f 2-)" "$(
		cat <<-END
			ALLOWED spliced rule-splice wan0 udp 192.0.2.2:5555 > 172.16.240.9:7000 port 58997 service sip-trunk len 47
			ALLOWED spliced rule-splice wan0 udp [2001:db8::2]:5555 > [fd00:240::9]:7000 port 58997 service sip-trunk len 67
		END
	)"
}

@test "-i and -p select" {
	splice_decisions
	tail_start lan -j -i lan0
	tail_start tcp -j -p tcp
	tail_start both -j -i lan0 -p 6
	assert_traffic client <<-END
		answer udp 172.16.240.9 7001
		timeout udp 192.0.2.1 7002
		timeout tcp 192.0.2.1 7003
	END
	assert_traffic guest <<-END
		answer udp fd00:240::9 7004
		timeout udp 2001:db8::1 7005
		timeout tcp 2001:db8::1 7006
	END
	lab_on guest frame eth0 lldp
	eventually grep -q '"reason":"ethertype"' "$BATS_TEST_TMPDIR/lan"
	eventually grep -q 7006 "$BATS_TEST_TMPDIR/tcp"
	eventually grep -q 7006 "$BATS_TEST_TMPDIR/both"
	# a SYN may have been sent twice
	assert_equal "$(fields dport <"$BATS_TEST_TMPDIR/lan" | sort -u | xargs)" '- 7004 7005 7006'
	assert_equal "$(fields dport <"$BATS_TEST_TMPDIR/tcp" | sort -u | xargs)" '7003 7006'
	assert_equal "$(fields dport <"$BATS_TEST_TMPDIR/both" | sort -u | xargs)" '7006'
}

@test "established packets are no events" {
	map_update 172.16.240.0 24 7000 7000 58997 tcp
	map_update fd00:240:: 64 7000 7000 58997 tcp
	tail_start established -j
	assert_exit 0 lab_on client peer tcp-bulk 172.16.240.9 7000 5
	assert_exit 0 lab_on client peer tcp-bulk fd00:240::9 7000 5
	assert_exit 0 lab_on client peer tcp-ask 192.0.2.1 22 hello
	eventually has_lines "$BATS_TEST_TMPDIR/established" 3
	kill -INT "$pid"
	assert_ends "$pid" 0
	assert_equal "$(fields action reason dst dport tcp_flags <"$BATS_TEST_TMPDIR/established")" "$(
		cat <<-END
			spliced rule-splice 172.16.240.9 7000 2
			spliced rule-splice fd00:240::9 7000 2
			passed ssh-own 192.0.2.1 22 2
		END
	)"
}

@test "there are 16 places; one reader more is refused, and gets in when one ended by SIGINT or SIGTERM" {
	local signal
	start_tails "$PLACES"
	for signal in INT TERM; do
		assert_no_place
		kill -"$signal" "${pids[0]}"
		assert_ends "${pids[0]}" 0
		pids=("${pids[@]:1}")
		assert_place
		tail_start again
	done
	assert_no_place
}

@test "a reader whose output is closed ends and frees its place" {
	local reader
	start_tails $((PLACES - 1))
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	# shellcheck disable=SC2016
	started "$BATS_TEST_TMPDIR/errors" bash -c 'exec trace_tail >"$1"' - "$BATS_TEST_TMPDIR/pipe"
	reader=$pid
	exec 9<"$BATS_TEST_TMPDIR/pipe"
	eventually tail_listens "$reader"
	assert_no_place
	exec 9<&-
	lab_on client frame eth0 lldp
	assert_ends "$reader" 1
	assert_match "$(<"$BATS_TEST_TMPDIR/errors")" '^trace_tail: stdout: '
	assert_place
}

@test "20 readers killed one after the other leave places that the next one takes" {
	local number
	for ((number = 0; number < 20; number++)); do
		tail_start killed
		kill -9 "$pid"
		assert_ends "$pid" 137
	done
	assert_place
	start_tails "$PLACES"
	assert_no_place
}

@test "all places left by killed readers are taken again, and events reach the new readers only" {
	local number
	start_tails "$PLACES"
	for number in "${pids[@]}"; do
		kill -9 "$number"
		assert_ends "$number" 137
	done
	pids=()
	for ((number = 0; number < PLACES; number++)); do
		tail_start "next$number" -j -c 1
		pids+=("$pid")
	done
	assert_no_place
	lab_on client frame eth0 lldp
	for number in "${pids[@]}"; do
		assert_ends "$number" 0
	done
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/next* | fields reason ethertype | uniq -c | xargs)" \
		"$PLACES ethertype $((0x88cc))"
}
