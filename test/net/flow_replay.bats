#!/usr/bin/env bats
# shellcheck shell=bats
# flow_replay and scripts/replay: whatever capture, the same input comes to the same output. Whether the numbers are right
# is for flow_compare.bats.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	captures "$BATS_FILE_TMPDIR"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	all=$BATS_FILE_TMPDIR
}

teardown() {
	stop_started
	tc qdisc del dev live0 clsact 2>/dev/null || true
	rm -rf "${PINS:?}"
}

replay() {
	"$BATS_TEST_DIRNAME/../../scripts/replay" "$@"
}

# column NAME [ARG]...: one value for each session that a capture comes to
column() {
	local name=$1
	shift
	replay "$@" -- -j | fields "$name"
}

# ---- the same comes to the same ----

@test "the same captures come to the same bytes, in every form" {
	local form
	for form in -j --csv --json-lines ''; do
		# shellcheck disable=SC2086  # none is no word
		assert_equal "$(replay "$all"/[a-k]*.pcap -- $form | md5sum)" "$(replay "$all"/[a-k]*.pcap -- $form | md5sum)" \
			"$form" || return
	done
}

# Sessions of the same addresses and ports only have a few places, however large the table is.
@test "room that does not help is not made" {
	local words=(+61 '>:1' +61 '>:1' +61 '>:1' +61 '>:1' +61 '>:1')
	captures --talk talk.pcap udp "${words[@]}" "${words[@]}" "${words[@]}" "${words[@]}" "${words[@]}" "${words[@]}"
	assert_exit 0 replay talk.pcap -- -j
	assert_match "$err" 'sessions have lost their place to others'
	assert_equal "$(fields packets_fwd <<<"$out" | sort -u)" 1
}

@test "whatever the link layer, byte order and format, the same packets come to the same sessions" {
	local file expected
	expected=$(replay "$all/link_ethernet.pcap" -- -j)
	assert_match "$expected" '"src":"2001:db8::1"'
	assert_match "$expected" '"bytes_rev":7079'
	for file in "$all"/link_*; do
		assert_equal "$(replay "$file" -- -j)" "$expected" "$file" || return
	done
}

@test "cut packets come to the same as whole ones" {
	assert_equal "$(replay "$all/snap.pcap" -- -j)" "$(replay "$all/link_ethernet.pcap" -- -j)"
}

@test "from standard input, from a pipe, and from several files in turn" {
	local expected
	expected=$(replay "$all/tcp_ends.pcap" -- -j)
	assert_equal "$(replay - -- -j <"$all/tcp_ends.pcap")" "$expected"
	assert_equal "$(replay - -- -j < <(cat "$all/tcp_ends.pcap"))" "$expected"
	assert_equal "$(replay <(cat "$all/tcp_ends.pcap") -- -j)" "$expected"
	assert_equal "$(column packets_fwd "$all/tcp_whole.pcap" "$all/tcp_whole.pcap" | sort -u)" 10
	assert_equal "$(column packets_fwd "$all/tcp_whole.pcap" "$all/udp.pcap" | wc -l)" 8
}

@test "times are those of the capture, to the nanosecond; of one in microseconds, to that" {
	assert_equal "$(column start_time "$all/tcp_whole.pcap" | sort -u)" 2023-11-14T22:13:20.123456789Z
	assert_equal "$(column start_time "$all/micro.pcap" | sort -u)" 2023-11-14T22:13:20.123456000Z
}

@test "the table grows until every session has its place, or is as large as it is told to be" {
	captures --many many.pcap 60000
	assert_exit 0 replay many.pcap -- --csv
	assert_equal "$(wc -l <<<"$out") $err" '60001 '
	assert_exit 0 replay --capacity 2000 many.pcap -- --csv
	[ "$(wc -l <<<"$out")" -lt 4000 ] || fail "$(wc -l <<<"$out") sessions"
	assert_match "$err" '^flow_replay: replay0: [0-9]+ sessions have lost their place to others'
	assert_equal "$(replay --capacity 2000 many.pcap -- --csv 2>&1 | md5sum)" \
		"$(replay --capacity 2000 many.pcap -- --csv 2>&1 | md5sum)"
}

# ---- what is not a whole capture ----

# assert_refused STATUS FILE REASON: one line about it, and no output
assert_refused() {
	assert_exit "$1" replay "$2" -- -j || return
	assert_equal "$out" '' 'standard output' || return
	assert_match "$err" "^flow_replay: $2: $3[^"$'\n'"]*$"
}

@test "what is no capture is refused, with one line" {
	: >nothing
	echo 'not a capture at all' >text
	head -c 20 "$all/udp.pcap" >part
	python3 -ISc 'import struct; open("radio", "wb").write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 105))'
	assert_refused 2 nothing 'not a capture: '
	assert_refused 2 text 'not a capture: '
	assert_refused 2 part 'not a capture: '
	assert_refused 2 radio 'link type IEEE802_11 \(105\): none of Ethernet'
	assert_exit 1 replay missing -- -j
	assert_match "$err" '^flow_replay: missing: No such file or directory'
	# of several none is counted
	assert_exit 2 replay "$all/udp.pcap" text -- -j
	assert_equal "$out" ''
}

@test "of a file that is cut off, what came before is counted, and said" {
	head -c -1 "$all/tcp_whole.pcap" >short
	assert_exit 1 replay short -- -j
	assert_match "$err" '^flow_replay: short: truncated dump file; .*; the packets before that, 35, are counted$'
	assert_equal "$(fields packets_fwd packets_rev <<<"$out" | sort | tr '\n' ' ')" '10 8 9 8 '
}

@test "a capture without packets comes to no session" {
	head -c 24 "$all/udp.pcap" >none
	assert_exit 0 replay none -- -j
	assert_equal "$(tr -d '[:space:]' <<<"$out")$err" '[]'
}

@test "a packet of less than link-layer and IP header is told of; what is not IP is no session" {
	python3 -ISc '
import struct
with open("odd", "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for frame in (b"", bytes(13), bytes(14), bytes(12) + b"\x08\x06" + bytes(28), bytes(12) + b"\x08\x00", bytes(2000)):
        file.write(struct.pack("<IIII", 1, 2, len(frame), len(frame)) + frame)'
	assert_exit 0 replay -v odd -- -j
	assert_equal "$(tr -d '[:space:]' <<<"$out")" '[]'
	assert_match "$err" '"packets":6,.*"no_header":3,'
}

# ---- what sessions come to ----

# One line each: CONN_STATE HISTORY, PROTOCOL and what the two ends say; of the table of connection states and letters in
# the manual of Zeek (conn.log).
@test "states and histories are Zeek's" {
	local state history proto words wrong=''
	while read -r state history proto words; do
		# shellcheck disable=SC2086  # words
		captures --talk talk.pcap "$proto" $words
		got=$(replay talk.pcap -- -j | fields state history)
		[ "$got" = "$state $history" ] || wrong+="$proto $words: $got instead of $state $history"$'\n'
	done <<-END
		S0 S tcp >S
		S1 ShADT tcp >S <SA >A >PA:10 +1 >PA:10@-10
		REJ Sr tcp >S <RA
		S1 ShA tcp >S <SA >A
		S1 ShADd tcp >S <SA >A >PA:10 <PA:20
		SF ShADadFf tcp >S <SA >A >PA:10 <A <PA:20 >A >FA <FA >A
		SF ShADdfF tcp >S <SA >A >PA:10 <PA:20 <FA >FA
		S2 ShAFa tcp >S <SA >A >FA <A
		S3 ShAf tcp >S <SA >A <FA >A
		RSTO ShAR tcp >S <SA >A >R
		RSTO ShR tcp >S <SA >R
		RSTR ShADr tcp >S <SA >A >PA:10 <RA
		RSTOS0 SR tcp >S >R
		RSTRH ^hr tcp <SA <R
		SH SF tcp >S >F
		SHR ^hf tcp <SA <F
		OTH Dd tcp >PA:10 <PA:10
		SF Dd udp >:10 <:10
		S0 D udp >:10 >:10
	END
	assert_equal "$wrong" ''
}

@test "a port that is used again after the end, or long after, is another session" {
	captures --talk talk.pcap tcp '>S' '<SA' '>A' '>FA' '<FA' '>A' '>S' '<SA' '>A'
	assert_equal "$(column state talk.pcap | sort | tr '\n' ' ')" 'S1 SF '
	captures --talk talk.pcap udp '>:1' '<:1' +59 '>:1' +61 '>:1'
	assert_equal "$(column packets_fwd talk.pcap | sort | tr '\n' ' ')" '1 2 '
}

@test "settings of flow_set, options of flow_dump" {
	assert_equal "$(column samples --set '--session-packets 3 --sessions 100' "$all/tcp_whole.pcap" | tr '\n' ' ')" '3 3 '
	captures --talk talk.pcap udp '>:1' +20 '>:1'
	assert_equal "$(column packets_fwd --set '--idle-udp 10' talk.pcap | tr '\n' ' ')" '1 1 '
	assert_exit 2 replay --set '--no-such 3' "$all/udp.pcap"
	assert_match "$err" '^flow_set: --no-such: '
	assert_exit 2 replay "$all/udp.pcap" -- --no-such
	assert_match "$err" '^flow_dump: --no-such: '
}

# ---- over a link ----

# what is the same at any pace
timeless() {
	fields proto src sport dst dport packets_fwd packets_rev bytes_fwd bytes_rev state history syn_fwd fin_rev | sort
}

@test "over a link, sessions come to the same but for their times" {
	local name
	captures --talk large.pcap udp '>:3000' '<:8000'
	for name in "$all/tcp_whole" "$all/tcp_ends" "$all/vlan" "$all/headers" "$all/fragments" large; do
		assert_equal "$(replay --veth --speed top "$name.pcap" -- -j | timeless)" "$(replay "$name.pcap" -- -j | timeless)" \
			"$name" || return
	done
}

@test "over a link, packets keep their distance, or a part of it" {
	local whole part
	captures --talk talk.pcap udp '>:1' +1 '>:1'
	whole=$(column gap_min_fwd --veth talk.pcap)
	part=$(column gap_min_fwd --veth --speed 4 talk.pcap)
	awk -v whole="$whole" -v part="$part" 'BEGIN { exit !(whole >= 0.9 && part >= 0.2 && part < whole) }' ||
		fail 'a second, and a quarter of it' "$whole and $part"
}

# ---- the machine it runs on ----

sessions_of() {
	flow_dump -j | fields src dst packets_fwd | grep "^$1 "
}

@test "nothing of this box is touched, and nothing is left" {
	local before
	lab_host live live0 192.0.2.1/24
	tc qdisc add dev live0 clsact
	tc filter add dev live0 ingress prio 10 handle 1 bpf da obj "${LAB_OBJECTS:?}/flow.o" sec action
	lab_on live peer sweep <<<'answer ping 192.0.2.1 0'
	before=$(sessions_of 192.0.2.2)
	assert_equal "$before" '192.0.2.2 192.0.2.1 1'
	replay "$all/tcp_whole.pcap"
	assert_equal "$(sessions_of 192.0.2.2)" "$before"
	assert_equal "$(sessions_of 2001:db8::1)" ''
	assert_exit 1 ip link show replay0
}

@test "flow_replay runs captures through the program that is there, unless it has seen live packets" {
	ip link show live0 >/dev/null 2>&1 || lab_host live live0 192.0.2.1/24
	assert_exit 1 flow_replay -i live0 "$all/tcp_whole.pcap"
	tc qdisc add dev live0 clsact
	tc filter add dev live0 egress prio 30 handle 1 bpf da obj "${LAB_OBJECTS:?}/flow.o" sec action/egress
	assert_error flow_replay -i live0 "$all/tcp_whole.pcap"
	assert_match "$err" 'live0: flow.o is not on its ingress'
	tc filter add dev live0 ingress prio 10 handle 1 bpf da obj "${LAB_OBJECTS:?}/flow.o" sec action
	lab_on live peer sweep <<<'answer ping 192.0.2.1 0'
	assert_error flow_replay -i live0 "$all/tcp_whole.pcap"
	assert_match "$err" 'live0: has sessions of live packets'
	assert_equal "$(flow_dump -j | fields sport | grep -c 40001)" 0
}

@test "flow_replay: what it prints with -v and -j" {
	ip link show live0 >/dev/null 2>&1 || lab_host live live0 192.0.2.1/24
	# nothing comes from its other end meanwhile
	lab_on live ip link set eth0 down
	tc qdisc add dev live0 clsact
	tc filter add dev live0 ingress prio 10 handle 1 bpf da obj "${LAB_OBJECTS:?}/flow.o" sec action
	assert_quiet flow_replay -i live0 "$all/tcp_whole.pcap"
	assert_exit 0 flow_replay -v -i live0 "$all/tcp_whole.pcap"
	assert_match "$out" "$all/tcp_whole.pcap +36 +15546 +1700000000.123456789 +1700000000.245124304 +0 +0"
	cp "$all/udp.pcap" input
	assert_exit 0 flow_replay -j -i live0 "$all/udp.pcap" - <input
	assert_equal "$(fields packets no_header evicted <<<"$out" | tr '\n' ' ')" '82 0 0 82 0 0 '
	assert_exit 1 flow_replay -j -i live0 missing
	assert_equal "$(tr -d '[:space:]' <<<"$out")" '[]'
	lab_on live ip link set eth0 up
}

@test "usage errors" {
	assert_exit 2 flow_replay
	assert_exit 2 flow_replay "$all/udp.pcap"
	assert_match "$err" '^flow_replay: -i: missing'
	assert_exit 2 flow_replay -i lo
	assert_match "$err" '^flow_replay: FILE: missing'
	assert_exit 2 replay
	assert_match "$err" '^replay: FILE: missing'
	assert_exit 2 replay --speed 2 "$all/udp.pcap"
	assert_match "$err" '^replay: --speed: goes with --veth'
	assert_exit 2 replay --veth --speed fast "$all/udp.pcap"
	assert_exit 2 replay --capacity 0 "$all/udp.pcap"
	assert_exit 2 replay --nosuch "$all/udp.pcap"
	assert_exit 0 replay --help
	assert_match "$out" '^usage: replay '
}
