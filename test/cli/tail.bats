#!/usr/bin/env bats
# trace_tail: what it refuses, and how an event looks. That each filter selects its events on traffic is in net/trace.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup() {
	box_clean
	limit=30
	export TZ=UTC0
}

mac() { ip -br link show t0 | awk '{ print $3 }'; }

# lines without the time that they begin with
timeless() { sed -E 's/^[0-9:.]+ //' "$out"; }

assert_timeless() {
	timeless >"$tmp/timeless"
	assert_text 'stdout without times' "$tmp/timeless" "$1"
}

@test "interfaces" {
	assert_refused interface trace_tail -i ''
	assert_refused any trace_tail -i any
	assert_refused 0 trace_tail -i '#0'
	assert_state t9 trace_tail -i t9
	assert_refused t0 trace_tail -i t0 -i t1 -i t0 -i t1 -i t0
	assert_errors 'trace_tail: t0: at most 4 of a kind'
}

@test "addresses" {
	local option

	for option in -s --source -d --destination ''; do
		# shellcheck disable=SC2086  # no word at all where there is no option
		assert_refused 10.0.0.1/8 trace_tail $option 10.0.0.1/8
		assert_errors 'trace_tail: 10.0.0.1/8: host bits set, did you mean 10.0.0.0/8'
		# shellcheck disable=SC2086
		assert_refused 10.0.0.9-10.0.0.1 trace_tail $option 10.0.0.9-10.0.0.1
		assert_errors 'trace_tail: 10.0.0.9-10.0.0.1: the range ends before it starts'
		# shellcheck disable=SC2086
		assert_refused ::1-10.0.0.1 trace_tail $option ::1-10.0.0.1
		# shellcheck disable=SC2086
		assert_refused host trace_tail $option host
		# shellcheck disable=SC2086
		assert_refused '' trace_tail $option ''
	done
	assert_refused ::5 trace_tail ::1 ::2 ::3 ::4 ::5
	assert_errors 'trace_tail: ::5: at most 4 of a kind'
	assert_refused ::5 trace_tail -s ::1 -s ::2 -s ::3 -s ::4 -s ::5
	assert_refused ::5 trace_tail -d ::1 -d ::2 -d ::3 -d ::4 -d ::5
}

@test "ports and protocols" {
	local option

	for option in --sport --dport; do
		assert_refused 65536 trace_tail "$option" 65536
		assert_refused 90-80 trace_tail "$option" 90-80
		assert_errors 'trace_tail: 90-80: the range of ports ends before it starts'
		assert_refused 80- trace_tail "$option" 80-
		assert_refused http trace_tail "$option" http
		assert_refused 5 trace_tail "$option" 1 "$option" 2 "$option" 3 "$option" 4 "$option" 5
	done
	assert_refused tcpx trace_tail -p tcpx
	assert_refused 256 trace_tail -p 256
}

@test "rules" {
	assert_refused 0 trace_tail -r 0
	assert_refused x trace_tail --rule x
	assert_refused 1099511627776 trace_tail -r 1099511627776
	assert_refused 2 trace_tail -r 1 -r 2
	assert_errors 'trace_tail: 2: the rule is given twice'
	assert_refused service trace_tail -S ''
	assert_refused b trace_tail -S a --service b
	assert_errors 'trace_tail: b: the service is given twice'
	assert_refused "$(printf '%065d' 0)" trace_tail -S "$(printf '%065d' 0)"
	assert_refused 'a?b' trace_tail -S $'a\eb'
}

@test "what was decided" {
	assert_refused drop trace_tail --verdict drop
	assert_errors 'trace_tail: drop: unknown verdict (BLOCKED, ALLOWED, DETECTED)'
	assert_refused drop trace_tail --action drop
	assert_errors 'trace_tail: drop: unknown action (dropped, passed, spliced, translated)'
	assert_refused spliced trace_tail --verdict BLOCKED --action spliced
	assert_errors 'trace_tail: spliced: no packet of this verdict is spliced'
	assert_refused why trace_tail --reason why
	assert_errors_have 'unknown reason (truncated, '
	assert_refused none trace_tail --reason none
	assert_refused out trace_tail --hook out
	assert_refused tc trace_tail --object tc
	assert_refused '?' trace_tail --verdict '?'
}

@test "types of events, and samples" {
	assert_refused all trace_tail --event all
	assert_errors 'trace_tail: all: unknown type of event (decision, redecision, packet)'
	assert_refused packet trace_tail --event packet
	assert_errors 'trace_tail: packet: needs --sample NUMBER: one in so many'
	assert_refused 0 trace_tail --sample 0
	assert_refused 4294967296 trace_tail --sample 4294967296
	assert_refused -1 trace_tail --sample -1
	assert_refused 2 trace_tail --sample 1 --sample 2
}

@test "the buffer" {
	assert_refused 3 trace_tail --buffer 3
	assert_refused 6 trace_tail --buffer 6
	assert_errors 'trace_tail: 6: not a power of two'
	assert_refused 1k trace_tail --buffer 1k
	assert_refused 2097152 trace_tail --buffer 2097152
	tail_events 'frame t1 lldp' trace_tail -c 1 --buffer 4
	assert_status 0
	assert_timeless 'BLOCKED dropped ethertype t0 ethertype 0x88cc len 34'
}

@test "a line for each kind of packet" {
	local to
	to=$(mac)
	tail_events 'frame t1 lldp' trace_tail -c 1
	assert_status 0
	assert_errors ''
	assert_timeless 'BLOCKED dropped ethertype t0 ethertype 0x88cc len 34'
	tail_events "frame t1 udp $to 192.0.2.2 40000 192.0.2.1 99" trace_tail -c 1 -p udp
	assert_timeless 'BLOCKED dropped no-rule t0 udp 192.0.2.2:40000 > 192.0.2.1:99 len 52'
	tail_events "frame t1 udp $to 2001:db8::2 40000 2001:db8::1 99" trace_tail -c 1 -p udp
	assert_timeless 'BLOCKED dropped no-rule t0 udp [2001:db8::2]:40000 > [2001:db8::1]:99 len 72'
	tail_events "frame t1 vlan 7 $to 192.0.2.2 40000 192.0.2.1 99" trace_tail -c 1 -p udp
	assert_timeless 'BLOCKED dropped no-rule t0 udp 192.0.2.2:40000 > 192.0.2.1:99 vlan 7 len 52'
}

@test "-t: date and zone of the time that is now" {
	tail_events 'frame t1 lldp' env TZ=CET-1 trace_tail -t -c 1
	assert_status 0
	[[ $(<"$out") =~ ^(....-..-..T..:..:..\.......\+01:00)\ BLOCKED\ dropped ]] ||
		fail 'a time as RFC 3339 has it' "$(<"$out")"
	# that of a clock which may be set meanwhile, so only the day is compared
	local day
	day=$(date -u -d "${BASH_REMATCH[1]}" +%F)
	[ "$day" = "$(date -u +%F)" ] || [ "$day" = "$(date -u -d '-1 hour' +%F)" ] || fail "$(date -u +%F)" "$day"
}

@test "-j: one object, with each key of the manual" {
	local key page=$BATS_TEST_DIRNAME/../../man/trace_tail.8

	tail_events "frame t1 udp $(mac) 192.0.2.2 40000 192.0.2.1 99" trace_tail -c 1 -j -p udp
	assert_status 0
	assert_json 'd["iface"] == "t0" and d["verdict"] == "BLOCKED" and d["action"] == "dropped" and d["hook"] == "ingress"'
	assert_json 'd["src"] == "192.0.2.2" and d["sport"] == 40000 and d["dst"] == "192.0.2.1" and d["dport"] == 99'
	assert_json 'd["rule"] is None and d["sample"] is None and d["new_src"] is None and d["type"] == "decision"'
	python3 -ISc 'import json, sys; print("\n".join(json.load(open(sys.argv[1]))))' "$out" | sort >"$tmp/keys"
	sed -nE '/^.Bl -column "ip_check_before"/,/^.El/s/^.It Li ([a-z_0-9]+) Ta .*/\1/p' "$page" | sort >"$tmp/documented"
	diff -u "$tmp/documented" "$tmp/keys" || fail 'the keys of the manual' 'others'
}

@test "colour on a terminal only, and never with NO_COLOR or a dumb one" {
	local red=$'\e[31m BLOCKED\e[0m '

	# shellcheck disable=SC2016  # for the inner shell
	on_terminal=("$BATS_TEST_DIRNAME/on_terminal" bash -c 'exec trace_tail -c 1 "$@" >&2' -)
	tail_events 'frame t1 lldp' env TERM=xterm "${on_terminal[@]}"
	assert_status 0
	assert_errors_have "$red"
	tail_events 'frame t1 lldp' env TERM=xterm NO_COLOR= "${on_terminal[@]}"
	assert_errors_have "$red"
	tail_events 'frame t1 lldp' env TERM=xterm "${on_terminal[@]}" -j
	assert_errors_have '"verdict":"BLOCKED"'
	tail_events 'frame t1 lldp' env TERM=xterm NO_COLOR=1 "${on_terminal[@]}"
	assert_errors_have ' BLOCKED dropped '
	tail_events 'frame t1 lldp' env TERM=dumb "${on_terminal[@]}"
	assert_errors_have ' BLOCKED dropped '
	tail_events 'frame t1 lldp' env TERM=xterm trace_tail -c 1
	assert_timeless 'BLOCKED dropped ethertype t0 ethertype 0x88cc len 34'
}
