#!/usr/bin/env bats
# The tools that are for any object, where xdp_filter.o alone is attached, and beside splicer.o.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load xdp

setup_file() {
	xdp_links
}

setup() {
	box_begin
	xdp_attach_anew
}

attach_splicer() {
	tc qdisc add dev t0 clsact
	tc filter add dev t0 ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
}

# A rule to drop, and what meets it: 3 frames, and 2 that do not.
sample() {
	xdp_rule add 192.0.2.0/24 drop
	send 3 udp 192.0.2.9 10.0.0.1 80
	send 2 udp 198.51.100.9 10.0.0.1 80
}

@test "the pins of an XDP program are where those of tc are" {
	[ /sys/fs/bpf/xdp -ef /sys/fs/bpf/tc ] || fail 'one directory' 'two'
	[ -e "$pins/xdp1_rules" ] || fail "$pins/xdp1_rules" 'none'
	[ ! -e "$pins/splicer1_rules" ] || fail 'no rules of splicer.o' 'some'
}

@test "verdict_stat: a table, JSON, and by object and hook" {
	sample
	capture verdict_stat
	assert_status 0
	assert_errors ''
	assert_output - <<-'END'
		OBJECT  IFACE  HOOK    VERDICT  ACTION   REASON        PACKETS  BYTES  MEANING
		xdp     t0     driver  BLOCKED  dropped  rule-drop           3    147  a drop rule matches
		xdp     t0     driver  ALLOWED  passed   default-pass        2     98  no rule matches, and the default is to pass
	END
	capture verdict_stat -j --object xdp --hook driver --by reason --verdict BLOCKED
	assert_output '[{"reason":"rule-drop","packets":3,"bytes":147,"text":"a drop rule matches"}]'
	capture verdict_stat --object splicer
	assert_status 0
	assert_output ''
	capture verdict_stat --hook ingress
	assert_output ''
}

# samples OF: the lines of OpenMetrics that begin so
samples() {
	grep -e "^$1" "$out" >"$tmp/samples"
}

@test "OpenMetrics: rules of each object that was attached" {
	sample
	capture verdict_stat --openmetrics
	assert_status 0
	assert_errors ''
	samples splicer_rules
	assert_text rules "$tmp/samples" 'splicer_rules{object="xdp"} 1'
	samples splicer_packets_total
	assert_text packets "$tmp/samples" - <<-'END'
		splicer_packets_total{object="xdp",iface="t0",hook="driver",verdict="BLOCKED",action="dropped",reason="rule-drop"} 3
		splicer_packets_total{object="xdp",iface="t0",hook="driver",verdict="ALLOWED",action="passed",reason="default-pass"} 2
	END
	attach_splicer
	map_update 10.0.0.0 8 80 80 0 udp
	map_update 10.0.0.0 8 81 81 0 udp
	capture verdict_stat --openmetrics
	samples splicer_rules
	assert_text rules "$tmp/samples" $'splicer_rules{object="splicer"} 2\nsplicer_rules{object="xdp"} 1'
}

@test "metrics over HTTP" {
	sample
	# shellcheck disable=SC2016  # for the inner shell
	capture bash -c 'printf "GET /metrics HTTP/1.0\r\n\r\n" | "$1"' - "$BATS_TEST_DIRNAME/../../scripts/metrics"
	assert_status 0
	assert_output_has 'HTTP/1.1 200 OK'
	assert_output_has 'splicer_rules{object="xdp"} 1'
}

@test "both attached: each counts what it sees, and what the first drops the other never does" {
	attach_splicer
	map_update 10.0.0.0 8 80 80 0 udp
	sample
	capture verdict_stat --by object,verdict
	assert_output - <<-'END'
		OBJECT   VERDICT  PACKETS  BYTES
		xdp      BLOCKED        3    147
		splicer  ALLOWED        2     98
		xdp      ALLOWED        2     98
	END
}

@test "trace_tail: what the XDP program drops and what it monitors, by object, hook and verdict" {
	local packet

	xdp_rule add 192.0.2.0/24 drop -S bans
	xdp_rule add 198.51.100.0/24 monitor
	for packet in 192.0.2.9 198.51.100.9; do
		tail_events "echo 1 udp $packet 10.0.0.1 80 | tally t1 02:00:00:00:00:01 >/dev/null" \
			trace_tail --object xdp --hook driver -j -c 1
		assert_status 0
		cat "$out" >>"$tmp/events"
	done
	python3 -ISc '
import json, sys
a, b = map(json.loads, open(sys.argv[1]))
assert [a[key] for key in ("object", "hook", "verdict", "action", "reason", "service", "iface", "src")] == \
       ["xdp", "driver", "BLOCKED", "dropped", "rule-drop", "bans", "t0", "192.0.2.9"], a
assert [b[key] for key in ("verdict", "action", "reason", "service", "src")] == \
       ["DETECTED", "passed", "rule-drop", None, "198.51.100.9"], b
' "$tmp/events" || fail 'two events' "$(cat "$tmp/events")"
}

@test "tools of splicer.o say whose maps are missing" {
	local reason='not pinned; is splicer.o attached to an interface'

	capture rule_list
	assert_status 1
	assert_errors "rule_list: $pins/splicer1_rules: $reason"
	capture map_update 10.0.0.0 8 80 80 0 udp
	assert_status 1
	assert_errors "map_update: $pins/splicer1_rules: $reason"
}
