#!/usr/bin/env bats
# lb_backend flows: how many flows the tables of lb.o hold. It is done as conn_set does it, which conns.bats tests.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load lb

setup_file() {
	lb_links
}

setup() {
	box_begin
	lb forget
	lb_backend flows {max,unconfirmed}=default
	lb_backend apply --all -f /dev/null
	lb_backend add "$web" 10.0.0.1:8080
	lb_backend add "$web6" fd00::2
}

web=192.0.2.1:80/tcp
web6='[2001:db8::1]:443/tcp'

sizes() {
	lb_backend flows -j | python3 -ISc 'import json, sys; print(*(row["value"] for row in json.load(sys.stdin)))'
}

assert_sizes() {
	[ "$(sizes)" = "$1" ] || fail "$1" "$(sizes)"
}

# What changes nothing.
assert_flows_refused() {
	local expected=$1 operand=$2 before

	shift 2
	before=$(lb_backend flows)
	capture "$@"
	program=lb_backend
	assert_status "$expected"
	assert_output ''
	assert_complaint "$operand"
	[ "$(lb_backend flows)" = "$before" ] || fail "$before" "$(lb_backend flows)"
}

# assert_flows TABLE FILE: it has what is in the file
assert_flows() {
	lb flows "$1" | diff -u "$2" - || fail 'the same flows' 'others'
}

@test "what is in force: defaults in parentheses, and of the room what is in use and what is overdue" {
	lb fill confirmed "$web" 10.0.0.1:8080 3
	lb flow confirmed "$web" 10.0.0.1:8080 1 4 60
	capture lb_backend flows
	assert_status 0
	assert_errors ''
	assert_output - <<-'END'
		NAME         VALUE    UNIT   USED  OVERDUE
		max          (65536)  flows     3        1
		unconfirmed  (16384)  flows     0        0
	END
	# with one entry it takes half the room
	lb flow unconfirmed "$web" 10.0.0.1:8080 1 2 1
	assert_done lb_backend flows max=1000
	capture lb_backend flows -j
	assert_json 'd == [{"name": "max", "value": 1000, "default": False, "unit": "flows", "used": 3, "overdue": 0},
		{"name": "unconfirmed", "value": 16384, "default": True, "unit": "flows", "used": 1, "overdue": 0}]'
}

@test "-v, -n and -j: a letter and what was said; a save of services has none of it" {
	local before

	before=$(rules)
	capture lb_backend flows -v max=100000 unconfirmed=default
	assert_status 0
	assert_output $'C max=100000\n= unconfirmed=default'
	capture lb_backend flows -n max=default unconfirmed=7
	assert_output $'C max=default\nC unconfirmed=7'
	assert_sizes '100000 16384'
	capture lb_backend flows -j -n unconfirmed=9
	assert_json '[(e["change"], e["name"], e["value"], e["default"]) for e in d] == [("C", "unconfirmed", 9, False)]'
	capture lb_backend flows -j max=default
	assert_json '[(e["change"], e["name"], e["value"], e["default"]) for e in d] == [("C", "max", 65536, True)]'
	assert_sizes '65536 16384'
	assert_done lb_backend flows unconfirmed=9
	assert_rules "$before"
	lb_backend apply -f - <<<"$before"
	assert_sizes '65536 9'
}

@test "--save prints what is not the default, as the command line takes it" {
	capture lb_backend flows --save
	assert_status 0
	assert_output ''
	assert_done lb_backend flows unconfirmed=9
	capture lb_backend flows --save
	assert_status 0
	assert_output 'unconfirmed=9'
}

@test "what is malformed is refused, and nothing of it is set" {
	assert_flows_refused 2 maximum=5 lb_backend flows max=7 maximum=5
	assert_errors_have 'expected NAME=VALUE, where NAME is max or unconfirmed'
	assert_flows_refused 2 confirmed=5 lb_backend flows confirmed=5
	assert_flows_refused 2 udp=5 lb_backend flows udp=5
	assert_flows_refused 2 max=0 lb_backend flows unconfirmed=5 max=0
	assert_errors_have 'max is a number of flows, 1-16777216, or default'
	assert_flows_refused 2 max=16777217 lb_backend flows max=16777217
	assert_flows_refused 2 max=6 lb_backend flows max=5 max=6
	assert_flows_refused 2 "$web" lb_backend flows "$web"
	assert_flows_refused 2 -n lb_backend flows -n
	assert_flows_refused 2 -f lb_backend flows -f /dev/null
	assert_flows_refused 2 --save lb_backend flows max=5 --save
	assert_flows_refused 2 --save lb_backend flows -j --save
	assert_flows_refused 2 --watch lb_backend flows --watch 1
	assert_flows_refused 2 --weight lb_backend flows max=5 -w 1
}

@test "tables of another size keep both directions of their flows, IPv4 and IPv6; both tables at once" {
	lb fill confirmed "$web" 10.0.0.1:8080 300
	lb fill confirmed "$web6" fd00::2 300
	lb fill unconfirmed "$web" 10.0.0.1:8080 3 5000
	lb flows confirmed >"$tmp/confirmed"
	lb flows unconfirmed >"$tmp/unconfirmed"
	[ "$(wc -l <"$tmp/confirmed")" = 1200 ] || fail '1200 entries' "$(wc -l <"$tmp/confirmed")"
	assert_done lb_backend flows max=1000000 unconfirmed=5
	assert_sizes '1000000 5'
	assert_flows confirmed "$tmp/confirmed"
	assert_flows unconfirmed "$tmp/unconfirmed"
	assert_listed "$web" 10.0.0.1 active 303
	assert_done lb_backend flows max=default
	assert_sizes '65536 5'
	assert_flows confirmed "$tmp/confirmed"
	assert_listed "$web6" fd00::2 active 300
}

@test "a table too small keeps the flows used last, both directions of each, and -v says how many it does not" {
	lb fill confirmed "$web" 10.0.0.1:8080 100
	lb flows confirmed | grep -E '10\.200\.0\.1:11(1[4-9]|2)' >"$tmp/last"
	capture lb_backend flows -v max=10
	assert_status 0
	assert_output 'C max=10'
	assert_errors 'lb_backend: 90 flows dropped, the longest unused ones: the table is too small for them'
	[ "$(wc -l <"$tmp/last")" = 20 ] || fail '20 entries' "$(cat "$tmp/last")"
	assert_flows confirmed "$tmp/last"
	capture lb_backend flows -v max=11
	assert_errors ''
	assert_flows confirmed "$tmp/last"
}

@test "sizes stay when the object is attached again, and go with the maps" {
	assert_done lb_backend flows max=100 unconfirmed=10
	tc filter replace dev t0 ingress prio 50000 handle 1 bpf da obj "$LAB_OBJECTS/lb.o" sec action
	assert_sizes '100 10'
	tc filter del dev t0 ingress prio 50000
	tc filter add dev t0 ingress prio 50000 handle 1 bpf da obj "$LAB_OBJECTS/lb.o" sec action
	assert_sizes '100 10'
	tc filter del dev t0 ingress prio 50000
	rm "$pins"/*
	tc filter add dev t0 ingress prio 50000 handle 1 bpf da obj "$LAB_OBJECTS/lb.o" sec action
	assert_sizes '65536 16384'
}

@test "no memory: an error, and nothing is changed" {
	assert_flows_refused 1 lb1_flows "$BATS_TEST_DIRNAME/no_memory" lb_backend flows unconfirmed=5 max=1000
	assert_errors_have 'no memory for a table of 1000 flows'
}

@test "killed at any moment, it leaves the old table or the new one, and all flows whole" {
	local i delay got

	lb fill confirmed "$web" 10.0.0.1:8080 2000
	lb flows confirmed >"$tmp/before"
	for i in {1..20}; do
		delay=$(printf '0.%03d' $((i * 2)))
		timeout -s KILL "$delay" lb_backend flows "max=$((20000 + i % 2))" unconfirmed=$((100 + i)) 2>/dev/null || true
		got=$(listed "$web" 10.0.0.1 active)
		[ "$got" = 2000 ] || fail 2000 "$got after $delay s"
	done
	assert_flows confirmed "$tmp/before"
	assert_done lb_backend flows max=4000
}

@test "tables of another shape in the map of maps are refused" {
	local other=/sys/fs/bpf/other maps

	rm -rf "$other"
	mkdir "$other"
	mapfile -t maps < <(find "$pins" -type f ! -name lb1_flows)
	bpfmap link "${maps[@]}" "$other"
	assert_state "$other/lb1_flows" lb_backend flows --pin-dir "$other"
	python3 -IS "$BATS_TEST_DIRNAME/../conns.py" holds 40 136 "$other/lb1_flows"
	assert_state lb1_flows lb_backend flows --pin-dir "$other"
	assert_errors_have 'holds a map of another kind: type 9 key 40 value 136, expected type 9 key 40 value 112'
	assert_state lb1_flows lb_backend flows max=7 --pin-dir "$other"
	assert_state lb1_flows lb_backend list --pin-dir "$other"
}
