#!/usr/bin/env bats
# flow_set: what is shown, set and refused; several at once, killed, without memory, without room for a generation.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup_file() {
	ip link add t0 type veth peer name t1
	sysctl -qw net.ipv6.conf.t0.disable_ipv6=1 net.ipv6.conf.t1.disable_ipv6=1
	ip link set t0 up
	ip link set t1 up
}

# flow.o on t0 with new pins, and nothing else.
setup() {
	box_begin
	tc qdisc del dev t0 clsact 2>/dev/null || true
	rm -rf "${pins:?}"/*
	tc qdisc add dev t0 clsact
	tc filter add dev t0 ingress prio 10 bpf da obj "${LAB_OBJECTS:?}/flow.o" sec action
}

# For the assertions: what is in force.
rules() {
	flow_set --save </dev/null
}

# How many generations wait.
waiting() {
	local slot count=0

	for slot in {1..7}; do
		[ "$(bpfmap slot "$pins/flow1_sessions" "$slot")" = none ] || count=$((count + 1))
	done
	echo "$count"
}

assert_waiting() {
	[ "$(waiting)" = "$1" ] || fail "$1 generations that wait" "$(waiting)"
}

# ---- showing ----

@test "as tc leaves it: defaults in parentheses" {
	capture flow_set
	assert_status 0
	assert_errors ''
	assert_output - <<-'END'
		NAME             VALUE    UNIT      USED     BYTES
		capacity         (24576)  sessions     0  42477696
		idle-tcp         (3600)   s            -         -
		idle-ended       (60)     s            -         -
		idle-udp         (60)     s            -         -
		idle-other       (60)     s            -         -
		details          (off)    -            -         -
		content          (on)     -            -         -
		session-packets  (0)      packets      -         -
		sessions         (10)     sessions     0         -
		packets          (16384)  packets      0   1441880
		session-restart  (5)      s            -         -
		packet-restart   (1)      s            -         -
		buffer-restart   (1)      s            -         -
	END
	capture flow_set --save
	assert_output ''
	capture flow_set -j
	assert_json 'd[0] == {"name": "capacity", "original": None, "value": 24576, "default": True, "unit": "sessions", "used": 0, "bytes": 42477696}'
	assert_json 'd[10] == {"name": "session-restart", "original": "SESSION_ACCEPT_RESTART_TIME", "value": 5000000000, "default": True, "unit": "ns", "used": None, "bytes": None}'
	assert_json 'd[5] == {"name": "details", "original": None, "value": False, "default": True, "unit": None, "used": None, "bytes": None}'
	assert_json '[e["original"] for e in d[7:]] == ["N_PACKET_PER_SESSION", "N_SESSION", "N_PACKET_TOTAL", "SESSION_ACCEPT_RESTART_TIME", "SESSION_PACKET_RESTART_TIME", "BUFFER_PACKET_RESTART_TIME"]'
}

@test "sessions and samples that there are" {
	assert_done flow_set N_PACKET_PER_SESSION=2
	tally t1 02:00:00:00:00:01 <<<$'5 udp 10.0.0.1 10.0.0.2 53\n1 udp fd00::1 fd00::2 53' >"$tmp/sent"
	assert_text sent "$tmp/sent" $'5 245\n1 69'
	capture flow_set -j
	assert_json '(d[0]["used"], d[8]["used"], d[9]["used"]) == (2, 2, 3)'
}

# ---- setting ----

@test "sampling turned on takes the defaults of the original; the rest stays" {
	assert_done flow_set N_PACKET_PER_SESSION=5
	capture flow_set --save
	assert_output $'--session-packets 5\n--packets 50'
	assert_done flow_set N_SESSION=20 SESSION_ACCEPT_RESTART_TIME=1500000 --packet-restart 2m
	capture flow_set --save
	assert_output - <<-'END'
		--session-packets 5
		--sessions 20
		--packets 50
		--session-restart 1500us
		--packet-restart 120s
	END
	capture flow_set -v --packets default
	assert_output 'C --packets default'
	capture flow_set -j
	assert_json 'd[9]["value"] == 100 and d[9]["default"]'
	assert_done flow_set --session-packets 1000
	assert_done flow_set --packets default
	capture flow_set -j
	assert_json 'd[9]["value"] == 16384'
	assert_done flow_set --session-packets 0
	capture flow_set --save
	assert_output - <<-'END'
		--sessions 20
		--packets 16384
		--session-restart 1500us
		--packet-restart 120s
	END
}

@test "switches: on, off, default; they need no generation, and hold for sessions that begin" {
	capture flow_set -v --details on --content off
	assert_output $'C --details on\nC --content off'
	capture flow_set --save
	assert_output $'--details on\n--content off'
	capture flow_set
	grep -qE '^details +on +-' "$out" && grep -qE '^content +off +-' "$out" || fail 'on and off' "$(cat "$out")"
	capture flow_set -j
	assert_json '[(e["value"], e["default"]) for e in d[5:7]] == [(True, False), (False, False)]'
	capture flow_set -v --details on --content on
	assert_output $'= --details on\nC --content on'
	capture flow_set --save
	assert_output '--details on'
	capture flow_set -v --details default --content default
	assert_output $'C --details default\n= --content default'
	capture flow_set --save
	assert_output ''
	assert_done flow_set --content off
	assert_done flow_set --content default
	capture flow_set -j
	assert_json 'd[6]["value"] is True and d[6]["default"]'
	assert_waiting 0
}

@test "details are kept of sessions that begin while they are on, as long as these last" {
	tally t1 02:00:00:00:00:01 <<<'2 udp 10.0.0.1 10.0.0.2 53' >"$tmp/sent"
	assert_done flow_set --details on --capacity 6000
	tally t1 02:00:00:00:00:01 <<<$'2 udp 10.0.0.1 10.0.0.2 53\n2 udp 10.0.0.1 10.0.0.2 54' >"$tmp/sent"
	assert_done flow_set --details off --capacity 6006
	tally t1 02:00:00:00:00:01 <<<$'2 udp 10.0.0.1 10.0.0.2 54\n2 udp 10.0.0.1 10.0.0.2 55' >"$tmp/sent"
	capture flow_dump -j --columns dport,data_fwd,gaps
	assert_json 'sorted((e["dport"], e["data_fwd"], e["gaps"]) for e in d) == [(53, None, None), (54, 4, 3), (55, None, None)]'
}

@test "times: units, none is ns, 0 is the least" {
	local pair

	for pair in 7=7ns 7ns=7ns 3us=3us 4ms=4ms 2s=2s 6m=360s 1h=3600s 1000=1us 60000ms=60s; do
		assert_done flow_set --session-restart "${pair%=*}"
		capture flow_set --save
		assert_output "--session-restart ${pair#*=}"
	done
	assert_done flow_set --session-restart 0 --session-packets 1
	capture flow_set --save
	assert_output_has '--session-restart 1ns'
}

@test "-v, -n and -j: a letter and what was said" {
	capture flow_set -v --idle-tcp 5 N_SESSION=7 --idle-udp default
	assert_status 0
	assert_output $'C --idle-tcp 5\n= --idle-udp default\nC --sessions 7'
	capture flow_set -n --idle-tcp default --capacity 100 N_SESSION=7
	assert_output $'C --capacity 102\nC --idle-tcp default\n= --sessions 7'
	capture flow_set --save
	assert_output $'--idle-tcp 5\n--sessions 7'
	capture flow_set -j --idle-tcp default
	assert_json 'd == [{"change": "C", "name": "idle-tcp", "original": None, "value": 3600, "default": True, "unit": "seconds"}]'
	capture flow_set -n -j --idle-tcp 9
	assert_json '[(e["change"], e["value"]) for e in d] == [("C", 9)]'
	assert_waiting 0
}

@test "--save and -f: what is saved is read back, to the same" {
	assert_done flow_set --capacity 1200 --idle-tcp 1 --idle-ended 2 --idle-udp 3 --idle-other 4 --details on --content off --session-packets 5 --sessions 6 \
		--packets 20000 --session-restart 8 --packet-restart 9us --buffer-restart 10ms
	flow_set --save >"$tmp/saved"
	assert_text saved "$tmp/saved" - <<-'END'
		--capacity 1200
		--idle-tcp 1
		--idle-ended 2
		--idle-udp 3
		--idle-other 4
		--details on
		--content off
		--session-packets 5
		--sessions 6
		--packets 20000
		--session-restart 8ns
		--packet-restart 9us
		--buffer-restart 10ms
	END
	setup
	capture flow_set --save
	assert_output ''
	assert_done flow_set -f "$tmp/saved"
	capture flow_set --save
	assert_text saved "$out" - <"$tmp/saved"
	# shellcheck disable=SC2046  # words
	capture flow_set -n $(<"$tmp/saved")
	[ "$(cut -c 1 "$out" | sort -u)" = = ] || fail 'nothing to change' "$(cat "$out")"
	assert_done flow_set -f - <<<$'# nothing\n--idle-udp 7  # two\nN_SESSION=3'
	capture flow_set -n -f - <<<'--idle-udp 7'
	assert_output '= --idle-udp 7'
}

# ---- generations ----

@test "another capacity is another generation, and settings stay; the rest is not" {
	assert_done flow_set --idle-tcp 5 N_PACKET_PER_SESSION=2 --packets 16384
	assert_waiting 0
	assert_done flow_set --capacity 1000
	assert_waiting 1
	capture flow_set --save
	assert_output $'--capacity 1002\n--idle-tcp 5\n--session-packets 2\n--packets 16384'
	assert_done flow_set --capacity 1002
	assert_done flow_set --capacity 997
	assert_waiting 1
	assert_done flow_set --packets 16385
	assert_waiting 2
	capture flow_set -j
	assert_json 'd[9]["bytes"] == 88 * 16386'
	assert_done flow_set --packets 16384
	assert_waiting 2
	assert_done flow_set --capacity default
	capture flow_set -j
	assert_json 'd[0]["default"] and d[9]["bytes"] == 88 * 16385'
}

@test "so many generations wait that there is no room: an error that says what helps, and nothing is set" {
	local i

	for i in {1..7}; do
		assert_done flow_set --capacity "$((i * 6))"
	done
	assert_waiting 7
	assert_state flow1_sessions flow_set --idle-udp 5 --capacity 600
	assert_errors_have 'flow_dump --reset'
	assert_waiting 7
	assert_done flow_set --idle-udp 5
	capture flow_set --save
	assert_output $'--capacity 42\n--idle-udp 5'
}

@test "no memory: an error, and nothing is changed" {
	capture "$BATS_TEST_DIRNAME/no_memory" flow_set --idle-udp 5 --capacity 6000
	program=flow_set
	assert_status 1
	assert_complaint flow1_sessions
	assert_rules ''
	assert_errors_have 'no memory for another generation of 10135 KiB'
	assert_done "$BATS_TEST_DIRNAME/no_memory" flow_set --idle-udp 5
}

# ---- refused ----

@test "what is malformed is refused, and nothing of it is set" {
	local text

	assert_refused N_SESSIONS=5 flow_set --idle-udp 5 N_SESSIONS=5
	assert_errors_have 'where NAME is N_SESSION, N_PACKET_PER_SESSION'
	for text in N_SESSION n_session=5 capacity=5 =5 N_SESSION= N_SESSION=0 N_SESSION=-1 N_SESSION=5s N_SESSION=12582912; do
		assert_refused "$text" flow_set --idle-udp 5 "$text"
	done
	for text in '' 0 4294967296 x 5s 1.5; do
		assert_refused "$text" flow_set --idle-other 5 --idle-tcp "$text"
		assert_errors_have '--idle-tcp is a number of seconds, 1-4294967295, or default'
	done
	for text in '' s -1s 5S 5sec 5d 1.5s ' 5s' '5 s' 05s 9223372036854775808 9223372037s 2562048h 99999999999999999999999999s; do
		assert_refused "$text" flow_set --idle-udp 5 --packet-restart "$text"
		assert_errors_have '--packet-restart is a time'
	done
	for text in '' 0 1 yes ON onn 'on ' true; do
		assert_refused "$text" flow_set --idle-udp 5 --details "$text"
		assert_errors_have '--details is on, off or default'
	done
	assert_refused 12582913 flow_set --capacity 12582913
	assert_refused 0 flow_set --capacity 0
	assert_refused 16777217 flow_set --packets 16777217
	assert_refused 6 flow_set --sessions 5 --sessions 6
	assert_refused N_SESSION=6 flow_set --sessions 5 N_SESSION=6
	assert_errors_have '--sessions was said already'
	assert_refused --save flow_set --save --idle-udp 5
	assert_refused --save flow_set --save -j
	assert_refused -n flow_set -n
	assert_refused - flow_set -f - --idle-udp 5 <<<''
	assert_refused stdin:2:12 flow_set -f - <<<$'--idle-tcp 5\n--idle-udp x'
	assert_refused stdin:2:1 flow_set -f - <<<$'--idle-tcp 5\n--save'
}

@test "no fewer sessions are sampled than there is room for: refused, whichever is set" {
	assert_state --sessions flow_set --sessions 24576
	assert_errors_have '24576 sessions sampled at a time are not fewer than there is room for, 24576 (--capacity)'
	assert_done flow_set --sessions 24575
	assert_state --sessions flow_set --capacity 20000
	assert_done flow_set --capacity 20000 --sessions 100
	assert_state --sessions flow_set --capacity 6 --sessions 6
	assert_done flow_set --capacity 6 --sessions 5
}

@test "pins: missing, of another shape, of another namespace; a reader takes nothing" {
	local other=/sys/fs/bpf/other maps

	assert_state /sys/fs/bpf/none flow_set --pin-dir /sys/fs/bpf/none
	assert_errors_have 'no such directory; is flow.o attached'
	capture unshare --net flow_set
	assert_status 0
	assert_done flow_set --idle-udp 5
	for words in '' '--idle-udp 6' '-n --idle-udp 6' '--save'; do
		# shellcheck disable=SC2086  # words
		capture unshare --net flow_set $words
		program=flow_set
		assert_status 1
		assert_complaint "$pins"
		assert_errors_have 'another network namespace'
	done
	rm -rf "$other"
	mkdir "$other"
	mapfile -t maps < <(find "$pins" -type f ! -name flow1_packets)
	bpfmap link "${maps[@]}" "$other"
	assert_state "$other/flow1_packets" flow_set --pin-dir "$other"
	assert_errors_have 'not pinned; is flow.o attached'
	assert_state "$other/flow1_packets" flow_set --pin-dir "$other" --idle-udp 7
	bpfmap create "$other/flow1_packets" 2 4 4 8 0
	assert_state "$other/flow1_packets" flow_set --pin-dir "$other" --idle-udp 7
	assert_errors_have 'a map of another kind'
	rm -rf "$other"
}

@test "without privilege, and to a full disk" {
	capture setpriv --reuid 65534 --clear-groups --bounding-set -all "$(command -v flow_set)" --idle-udp 7
	program=flow_set
	assert_status 1
	assert_one_line
	capture bash -c 'flow_set >/dev/full'
	assert_status 1
	capture flow_set --save
	assert_output ''
}

# ---- several at once, and killed ----

@test "many at once: each change is there" {
	local i jobs=()

	for i in {1..8}; do
		flow_set --idle-tcp "$i" --idle-udp "$i" 3>&- &
		jobs+=($!)
		flow_set --idle-other 77 --sessions 9 3>&- &
		jobs+=($!)
	done
	flow_set --capacity 600 3>&- &
	jobs+=($!)
	flow_set --packets 20000 --session-packets 1 3>&- &
	jobs+=($!)
	wait "${jobs[@]}"
	capture flow_set --save
	[ "$(grep -c -e '--capacity 600' -e '--idle-other 77' -e '--sessions 9' -e '--session-packets 1' -e '--packets 20000' "$out")" = 5 ] ||
		fail 'five settings' "$(cat "$out")"
	[ "$(sed -n 's/^--idle-tcp //p' "$out")" = "$(sed -n 's/^--idle-udp //p' "$out")" ] ||
		fail 'both of one command' "$(cat "$out")"
}

@test "killed at any moment, flow_set leaves the old settings or the new ones, and the next one goes on" {
	local i delay

	for i in {1..7}; do
		delay=$(printf '0.%03d' $((i * 9)))
		timeout -s KILL "$delay" flow_set --capacity "$((6000 + i % 2 * 6))" --idle-tcp "$((100 + i % 2))" 2>/dev/null || true
		capture flow_set --save
		assert_status 0
		case $(tr '\n' ' ' <"$out") in
		'' | '--capacity 6000 --idle-tcp 100 ' | '--capacity 6006 --idle-tcp 101 ') ;;
		*) fail 'old or new' "$(cat "$out")" ;;
		esac
		[ "$(waiting)" != 7 ] || setup
	done
	assert_done flow_set --capacity 60
	capture flow_set -j
	assert_json 'd[0]["value"] == 60'
}
