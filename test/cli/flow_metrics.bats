#!/usr/bin/env bats
# flow_dump --openmetrics: read by the strict parser of python3-prometheus-client, which is not ours.

# shellcheck disable=SC2154,SC2034  # out, err and tmp are set in helpers.bash
load helpers
load flow

setup_file() {
	flow_links
}

setup() {
	box_begin
	flow_clean
	flow head settings.clock=1
}

# assert_metrics EXPRESSION: what was printed is OpenMetrics, and the Python expression holds. In it, m is the value of
# each sample by its name and the values of its labels, and f what is said of each family: type, unit
assert_metrics() {
	/usr/bin/python3 -W error -BIc '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
m, f = {}, {}
for family in text_string_to_metric_families(open(sys.argv[1]).read()):
    f[family.name] = (family.type, family.unit)
    assert family.documentation.endswith("."), family
    for sample in family.samples:
        key = " ".join([sample.name[len("splicer_flow_"):], *sample.labels.values()])
        assert key not in m, key
        m[key] = int(sample.value)
if not eval(sys.argv[2]):
    sys.exit(f"values: {m}\nfamilies: {f}")
' "$out" "$1" || fail "$1" 'that it is not'
}

# metrics [OPTION]...
metrics() {
	capture flow_dump --openmetrics "$@"
	assert_status 0
	assert_errors ''
}

noon=1795348800

three_sessions() {
	flow put tcp 10.0.0.1 40000 192.0.2.1 80 history=ShADadFf ended=1 start=${noon}000000000 ifindex="$(ifindex t0)" \
		fwd.packets=5 fwd.bytes=400 fwd.last=${noon}500000000 rev.packets=4 rev.bytes=9000 rev.last=${noon}400000000
	flow put tcp 10.0.0.1 40001 192.0.2.1 80 history=S start=${noon}000000000 ifindex="$(ifindex t0)" \
		fwd.packets=1 fwd.bytes=60 fwd.last=${noon}000000000
	flow put udp 2001:db8::2 50000 2001:db8::53 53 start=${noon}000000000 ifindex="$(ifindex lo)" history=Dd \
		fwd.packets=1 fwd.bytes=90 fwd.last=${noon}000000000 rev.packets=1 rev.bytes=210 rev.last=${noon}600000000
}

@test "nothing: counters are 0, and there is no session" {
	metrics
	assert_metrics 'not [k for k in m if k.startswith("session")]'
	assert_metrics '[m[k + "_total"] for k in ("packets", "bytes", "evicted_sessions", "missed_packets", "malformed_bytes")] == [0] * 5'
	assert_metrics 'm["capacity_sessions"] == 32768 and m["waiting_generations"] == 0'
	assert_metrics "m['generation'] == $(flow generation)"
	assert_metrics 'f["splicer_flow_packets"] == ("counter", "packets") and f["splicer_flow_session_bytes"] == ("gauge", "bytes")'
	[ "$(tail -n 1 "$out")" = '# EOF' ] || fail '# EOF' "$(tail -n 1 "$out")"
}

@test "sessions by interface, protocol, family, state and end; packets and bytes by direction" {
	three_sessions
	metrics
	assert_metrics '{k: v for k, v in m.items() if k.startswith("sessions")} == {
		"sessions t0 tcp 4 SF fin": 1, "sessions t0 tcp 4 S0 open": 1, "sessions lo udp 6 SF open": 1 }'
	assert_metrics '{k: v for k, v in m.items() if k.startswith("session_")} == {
		"session_packets t0 tcp 4 fwd": 6, "session_packets t0 tcp 4 rev": 4, "session_bytes t0 tcp 4 fwd": 460,
		"session_bytes t0 tcp 4 rev": 9000, "session_packets lo udp 6 fwd": 1, "session_packets lo udp 6 rev": 1,
		"session_bytes lo udp 6 fwd": 90, "session_bytes lo udp 6 rev": 210 }'
	assert_metrics 'm["packets_total"] == 12 and m["bytes_total"] == 9760'
}

@test "counters are of all, with what was evicted and missed, whatever is selected" {
	three_sessions
	flow bucket 3 evicted=2 evicted_packets=30 evicted_bytes=4000 missed_packets=5 missed_bytes=500
	flow head not_ip.packets=1 not_ip.bytes=60 malformed.packets=7 malformed.bytes=70
	metrics -p udp
	assert_metrics '[k for k in m if k.startswith("sessions")] == ["sessions lo udp 6 SF open"]'
	assert_metrics 'm["packets_total"] == 12 + 30 + 5 and m["bytes_total"] == 9760 + 4000 + 500'
	assert_metrics '[m[f"{k}_total"] for k in ("evicted_sessions", "evicted_packets", "evicted_bytes", "missed_packets", "missed_bytes",
		"not_ip_packets", "not_ip_bytes", "malformed_packets", "malformed_bytes")] == [2, 30, 4000, 5, 500, 1, 60, 7, 70]'
	metrics 10.0.0.1 --state S0
	assert_metrics '[k for k in m if k.startswith("sessions")] == ["sessions t0 tcp 4 S0 open"] and m["packets_total"] == 47'
	metrics -i t1
	assert_metrics 'not [k for k in m if k.startswith("session")] and m["packets_total"] == 47'
}

@test "many protocol numbers and interfaces that have gone are few series" {
	local number
	for number in 2 47 132 253; do
		flow put "$number" 10.0.0.1 0 10.0.0.2 0 fwd.packets=1 fwd.bytes=20 fwd.last=1 start=1 ifindex=$((9000 + number))
	done
	flow put icmp 10.0.0.1 7 10.0.0.2 0 icmp_type=8 fwd.packets=1 fwd.bytes=84 fwd.last=1 start=1
	flow put icmpv6 fe80::1 7 fe80::2 0 icmp_type=128 fwd.packets=1 fwd.bytes=84 fwd.last=1 start=1
	metrics
	assert_metrics '{k: v for k, v in m.items() if k.startswith("sessions")} == {
		"sessions  other 4 OTH open": 4, "sessions lo icmp 4 OTH open": 1, "sessions lo icmpv6 6 OTH open": 1 }'
	assert_metrics 'm["session_packets  other 4 fwd"] == 4 and m["session_bytes  other 4 rev"] == 0'
}

@test "counters begin anew when they are handed out, and say when they began; the generation tells too" {
	local before
	before=$(flow generation)
	flow put tcp 10.0.0.1 40000 192.0.2.1 80 history=S start=1000 fwd.packets=3 fwd.bytes=180 fwd.last=1000
	flow_dump --reset -q >/dev/null
	metrics
	assert_metrics "m['packets_total'] == 0 and m['generation'] == $before + 1"
	assert_metrics "abs(m['packets_created'] - $(date +%s)) < 3600 and m['packets_created'] == m['malformed_bytes_created']"
	# one that was not handed out counts on
	flow head settings.clock=1
	flow put tcp 10.0.0.1 40000 192.0.2.1 80 history=S start=1000 fwd.packets=4 fwd.bytes=240 fwd.last=1000
	capture bash -c 'flow_dump --reset >/dev/full'
	flow put tcp 10.0.0.1 40000 192.0.2.1 80 history=SS flags=2 start=1000 fwd.packets=5 fwd.bytes=300 fwd.last=2000
	metrics
	assert_metrics "m['packets_total'] == 9 and m['bytes_total'] == 540 and m['waiting_generations'] == 1"
	# as one session
	assert_metrics '[v for k, v in m.items() if k.startswith("sessions")] == [1] and m["session_packets lo tcp 4 fwd"] == 9'
}

@test "an interface with a name that is no text" {
	# escapes are tested in test/unit/test_metrics.c; here two names that would be the same
	ip link add $'n\xff' type veth peer name $'n\xfe'
	flow put udp 10.0.0.1 1 10.0.0.2 2 fwd.packets=1 start=1 fwd.last=1 ifindex="$(ifindex $'n\xff')"
	flow put udp 10.0.0.1 3 10.0.0.2 2 fwd.packets=1 start=1 fwd.last=1 ifindex="$(ifindex $'n\xfe')"
	metrics
	assert_metrics 'len([k for k in m if k.startswith("sessions #")]) == 2'
	ip link del $'n\xff'
}

@test "what does not go with it is refused" {
	local option
	for option in --csv -j --json-lines '--columns src' '--sort bytes' '--top 3' --packets --summary '--watch 1' --reset; do
		# shellcheck disable=SC2086  # an option and its value
		capture flow_dump --openmetrics $option
		assert_status 2
	done
}
