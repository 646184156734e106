#!/usr/bin/env bats
# shellcheck shell=bats
# Packets that flow.o samples: which they are, how many, and that all others are counted, while two processors see
# packets at once.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

NEVER=1h # a restart that does not come
SOON=100ms

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	# nobody but the test is to send
	sysctl -qw net.ipv6.conf.wan0.disable_ipv6=1
	lab_on client sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
	ip link set wan0 arp off
	lab_on client ip link set eth0 arp off
}

setup() {
	mac=$(lab_mac wan0)
	detach wan0 2>/dev/null || true
	rm -rf "${PINS:?}"/*
	tc qdisc add dev wan0 clsact
	tc filter add dev wan0 ingress prio 10 bpf da obj "${LAB_OBJECTS:?}/flow.o" sec action
}

teardown() {
	stop_started
}

# sampling SESSIONS PACKETS_PER_SESSION PACKETS [SETTING=VALUE]...: no restarts but those that are said
sampling() {
	local name restarts=()
	for name in SESSION_ACCEPT_RESTART_TIME SESSION_PACKET_RESTART_TIME BUFFER_PACKET_RESTART_TIME; do
		[[ "${*:4}" == *"$name="* ]] || restarts+=("$name=$NEVER")
	done
	flow_set "N_SESSION=$1" "N_PACKET_PER_SESSION=$2" "N_PACKET_TOTAL=$3" "${restarts[@]}" "${@:4}"
}

# on_cpu NUMBER COMMAND [ARG]...: of the processors that this process may use
on_cpu() {
	local cpus
	mapfile -t cpus < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
	lab_on client taskset -c "${cpus[$1 % ${#cpus[@]}]}" "${@:2}"
}

# both COMMAND [ARG]...: on two processors at once; % is 1 and 2
both() {
	local one two
	on_cpu 0 "${@//%/1}" 3>&- &
	one=$!
	on_cpu 1 "${@//%/2}" 3>&- &
	two=$!
	wait "$one" || return
	wait "$two"
}

# flood_both TIMES PROTO DESTINATION FIRST COUNT: one packet of each session, so often
flood_both() {
	both "$LAB_OBJECTS/test/flood" eth0 "$mac" "$2" "$3" 9 "$4" "$5" "$1"
}

# datagrams PORT SESSIONS PACKETS: on one processor; see "sampled series"
datagrams() {
	lab_on client sampled series eth0 "$mac" 192.0.2.2 192.0.2.1 "$@"
}

result() {
	flow_dump --result "$BATS_TEST_TMPDIR/result"
	cat "$BATS_TEST_TMPDIR/result"
}

# records: how many packets are there
records() {
	result | sampled lines | wc -l
}

# losses: "LOST OVERWRITTEN REFUSED"
losses() {
	flow_dump --packets 2>&1 >/dev/null | awk '
		/found no room/ { lost = $2 }
		/written over/ { overwritten = $2 }
		/not sampled/ { refused = $2 }
		END { print lost + 0, overwritten + 0, refused + 0 }'
}

# assert_sampled RECORDS LOST OVERWRITTEN REFUSED
assert_sampled() {
	assert_equal "$(records)" "$1" 'packets that are recorded' || return
	assert_equal "$(losses)" "$2 $3 $4" 'packets that are lost, written over, refused'
}

# ---- which packets ----

@test "nothing is sampled until it is said" {
	datagrams 1000 10 3
	assert_sampled 0 0 0 0
}

@test "the first packets of each session, in their order, from two processors" {
	sampling 1000 5 10000
	both sampled series eth0 "$mac" 192.0.2.2 192.0.2.1 %000 300 12
	assert_sampled 3000 0 0 0
	assert_equal "$(result | sampled sizes | cut -d' ' -f2- | sort | uniq -c | xargs)" '600 1 2 3 4 5'
	assert_equal "$(result | sampled sizes | cut -d' ' -f1 | sort -u | wc -l)" 600 'sessions'
}

@test "so many packets of a session that two processors see at once" {
	sampling 4000 7 16384
	flood_both 10 udp 192.0.2.1 0 500
	flood_both 10 tcp 2001:db8::1 0 500
	assert_sampled 7000 0 0 0
	assert_equal "$(result | sampled lines | cut -d' ' -f1 | sort | uniq -c | awk '{ print $1 }' | sort -u)" 7
}

@test "so many sessions, and the packets of others are counted" {
	sampling 100 3 16384
	flood_both 5 tcp 192.0.2.1 0 400
	flood_both 5 udp 2001:db8::1 0 400
	# of those that are taken up no packet is refused: 10 each
	assert_sampled 300 0 0 $((2 * 10 * 400 - 100 * 10))
	assert_equal "$(result | sampled lines | cut -d' ' -f1,5 | sort | uniq -c | awk '{ print $1 }' | sort | uniq -c | xargs)" '100 3'
}

@test "so many sessions, of which two processors see others" {
	sampling 3000 1 16384
	flood_both 1 udp 192.0.2.1 %0000 2000
	assert_sampled 3000 0 0 1000
}

@test "so many packets in all; what finds no room is counted" {
	sampling 4000 1000 777
	flood_both 5 tcp 2001:db8::1 0 400
	flood_both 5 udp 192.0.2.1 0 400
	assert_sampled 777 $((2 * 10 * 400 - 777)) 0 0
}

@test "as many packets as there is room for by default" {
	sampling 4000 1000 16384
	flood_both 5 udp 192.0.2.1 0 2000
	assert_sampled 16384 $((2 * 5 * 2000 - 16384)) 0 0
}

@test "more packets than that" {
	sampling 4000 1000 17000
	flood_both 5 udp 192.0.2.1 0 2000
	assert_sampled 17000 $((2 * 5 * 2000 - 17000)) 0 0
}

# ---- what is said of a packet ----

@test "both families: TCP, UDP, ICMP, fragments and others" {
	local before after
	sampling 1000 100 10000
	before=$(date +%s)000000000
	lab_on client sampled mix eth0 "$mac" 192.0.2.2 192.0.2.1 2001:db8::2 2001:db8::1 >"$BATS_TEST_TMPDIR/expected"
	after=$(($(date +%s) + 1))000000000
	assert_equal "$(records)" "$(wc -l <"$BATS_TEST_TMPDIR/expected")"
	assert_same_lines <(sort "$BATS_TEST_TMPDIR/expected") < <(result | sampled lines | sort)
	assert_exit 0 sampled within "$before" "$after" < <(result)
	assert_equal "$out" ''
}

@test "a file for each packet" {
	sampling 1000 100 10000
	lab_on client sampled mix eth0 "$mac" 192.0.2.2 192.0.2.1 2001:db8::2 2001:db8::1 |
		cut -d' ' -f1-4,6- | sort >"$BATS_TEST_TMPDIR/expected"
	assert_exit 0 flow_dump --debug "$BATS_TEST_TMPDIR/files"
	assert_exit 0 sampled files "$BATS_TEST_TMPDIR/files"
	assert_same_lines <(sort "$BATS_TEST_TMPDIR/expected") < <(sort <<<"$out")
}

# ---- again, after some time ----

# more_records NUMBER SESSIONS PORT: sends a datagram of each session, and looks for so many records
more_records() {
	datagrams "$3" "$2" 1
	[ "$(records)" -ge "$1" ]
}

@test "a session is sampled anew when it was left alone for some time" {
	sampling 10 2 10000 "SESSION_PACKET_RESTART_TIME=$SOON"
	datagrams 1000 3 1
	# all at once or later, but two of each at a time
	eventually more_records 12 3 1000
	assert_equal "$(result | sampled sizes | cut -d' ' -f1 | xargs)" '1000 1001 1002'
	assert_equal "$(losses)" '0 0 0'
}

@test "but not before" {
	sampling 10 2 10000
	datagrams 1000 3 40
	assert_sampled 6 0 0 0
	datagrams 1000 3 40
	assert_sampled 6 0 0 0
}

# has_port NUMBER: sends a datagram of it, and looks for one in the records
has_port() {
	datagrams "$1" 1 1
	result | sampled sizes | grep -q "^$1 "
}

@test "other sessions are taken up some time after the last one was" {
	sampling 2 1 10000 "SESSION_ACCEPT_RESTART_TIME=$SOON"
	datagrams 1000 2 1
	eventually has_port 2000
	# as many as the limit says: one more of them, the first two no longer
	has_port 3000
	assert_equal "$(result | sampled sizes | cut -d' ' -f1 | sort | xargs)" '1000 1001 2000 3000'
}

@test "a session of before is taken up like others" {
	sampling 1 1 10000 "SESSION_ACCEPT_RESTART_TIME=$SOON"
	datagrams 1000 1 1
	eventually has_port 2000
	eventually more_records 3 1 1000
	assert_equal "$(result | sampled sizes | sort | xargs)" '1000 1 1 2000 1'
}

# is_anew: the buffer
is_anew() {
	datagrams 5000 1 1
	[ "$(losses | cut -d' ' -f2)" -gt 0 ]
}

@test "a full buffer begins anew some time after its last record" {
	sampling 10000 1000 50 "BUFFER_PACKET_RESTART_TIME=$SOON"
	flood_both 1 udp 2001:db8::1 0 25
	assert_sampled 50 0 0 0
	eventually is_anew
	assert_equal "$(losses | cut -d' ' -f2)" 50 'records that were written over'
	assert_equal "$(result | sampled sizes)" '5000 1'
}

@test "but not before it is full, nor sooner" {
	sampling 10000 1000 50 "BUFFER_PACKET_RESTART_TIME=$NEVER"
	flood_both 1 udp 192.0.2.1 0 200
	assert_sampled 50 350 0 0
	flood_both 1 udp 192.0.2.1 0 200
	assert_sampled 50 750 0 0
}

# ---- generations ----

@test "records of a generation are handed out once, and all that were sent by then" {
	sampling 1000 3 10000
	datagrams 1000 4 2
	flow_dump --reset --result "$BATS_TEST_TMPDIR/first" >/dev/null
	assert_equal "$(sampled sizes <"$BATS_TEST_TMPDIR/first" | xargs)" '1000 1 2 1001 1 2 1002 1 2 1003 1 2'
	assert_equal "$(records)" 0
	datagrams 2000 1 1
	assert_equal "$(result | sampled sizes)" '2000 1'
}

# has_records
has_records() {
	[ "$(records)" -gt 0 ]
}

@test "a reader meets no record in pieces while the buffer is written" {
	local round
	sampling 4000 1000000000 2000 "BUFFER_PACKET_RESTART_TIME=1ms"
	started "$BATS_TEST_TMPDIR/flood" nsenter --net=/run/netns/client -- \
		"$LAB_OBJECTS/test/flood" eth0 "$mac" udp 192.0.2.1 9 0 1000 1000000
	eventually has_records
	for ((round = 0; round < 20; round++)); do
		assert_equal "$(result | sampled lines | cut -d' ' -f2- | grep -vxF '40000 192.0.2.1 9 17 28 0 0 0 0 0 0 0')" '' || return
	done
	assert_match "$(losses)" '^[0-9]+ [1-9][0-9]* 0$'
}
