#!/usr/bin/env bats
# rule_list --stats: its shape, the values that the rules alone decide, and that the others are what they say.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

# What each number is to be is beside the rules.
fixed_set() {
	map_update -f - <<-'X'
		# two rules, one key, three intervals: 80-83, 84-85, 86-89
		10.0.0.0 8 80 89 0 tcp
		10.0.0.0 8 84 85 5000 tcp -S web
		# the same tuple, a key of its own
		11.0.0.0 8 80 80 0 tcp
		# tuples of their own, all of which a TCP packet looks for: longer, with a source, named, any protocol, expiring
		10.0.0.0 24 80 80 0 tcp
		10.0.0.0 8 80 80 0 tcp -s 192.0.2.0/24
		10.0.0.0 8 80 80 0 tcp -i t0
		0.0.0.0 0 0 65535 0 any -a drop
		10.0.0.0 8 80 89 0 tcp -S soon --ttl 3600
		# of other lists
		10.0.0.0 8 53 53 0 udp
		fd00:: 8 53 53 0 udp --ttl 3600
		fd00:: 8 128 any 0 icmpv6
	X
}

# assert_stats VALUE...: of rules, expiring, keys, per-key, combinations, stale; after them, what holds for any set
assert_stats() {
	capture rule_list -j --stats
	assert_status 0 && assert_errors '' || return
	python3 -ISc '
import json, sys
values = {row["name"]: row["value"] for row in json.load(open(sys.argv[1]))}
got = [values[name] for name in ("rules", "expiring", "keys", "per-key", "combinations", "stale")]
expected = [int(word) for word in sys.argv[2:]]
if got != expected:
    sys.exit(f"expected {expected}, got {got}")
memory, rules, free = values["memory"], values["rules"], values["free"]
assert memory % 64 == 0 and free % 64 == 0 and 0 <= free < memory, values
# a record is of 3 cells of 64 bytes, a key of one at least; more than a KiB for each beside 1 MiB is waste
assert rules * 192 + values["keys"] * 64 <= memory - free <= (1 << 20) + rules * 1024, values
assert values["per-rule"] == (memory // rules if rules else 0), values
assert 0 < values["cost"] < 100000, values
' "$out" "$@" || fail "$*" "$(cat "$out")"
}

# stat_of NAME: its value
stat_of() {
	rule_list --stats | awk -v name="$1" '$1 == name { print $2 }'
}

# ---- golden ----

@test "golden: table" {
	fixed_set
	capture rule_list --stats
	assert_status 0
	assert_errors ''
	# four values are of the arena: see the tests below; they make columns wider too
	awk '$1 ~ /^(memory|per-rule|free|cost)$/ { sub($2, "N") } { gsub(/  +/, "  "); print }' "$out" >"$tmp/shape"
	assert_text table "$tmp/shape" - <<-'X'
		NAME  VALUE  UNIT  MEANING
		rules  11  rules  all there are
		expiring  2  rules  of them, with an end
		keys  10  keys  rules that differ in ports, tag or priority only share one
		per-key  3  intervals  in the largest key
		combinations  6  lengths  that a packet looks for, at most of 512
		stale  0  keys  deleted, still in the filter until the next build
		memory  N  bytes  of the arena
		per-rule  N  bytes  of it, for each rule
		free  N  bytes  of it, for rules to come
		cost  N  ns  expected for a new flow that is not in the caches
	X
	python3 -ISc '
import sys
header, *rows = open(sys.argv[1]).read().splitlines()
end, at = header.index("VALUE") + len("VALUE"), header.index("UNIT")
for row in rows:
    assert row[:end].split()[1].isdigit() and row[end:at].isspace() and row[at] != " ", row
' "$out" || fail 'numbers that end, and units that begin, under their headers' "$(cat "$out")"
}

@test "golden: JSON" {
	fixed_set
	capture rule_list --json --stats
	assert_status 0
	assert_errors ''
	sed -E 's/("name":"(memory|per-rule|free|cost)","value":)[1-9][0-9]*,/\1N,/' "$out" >"$tmp/shape"
	assert_text JSON "$tmp/shape" - <<-'X'
		[{"name":"rules","value":11,"unit":"rules","text":"all there are"},
		 {"name":"expiring","value":2,"unit":"rules","text":"of them, with an end"},
		 {"name":"keys","value":10,"unit":"keys","text":"rules that differ in ports, tag or priority only share one"},
		 {"name":"per-key","value":3,"unit":"intervals","text":"in the largest key"},
		 {"name":"combinations","value":6,"unit":"lengths","text":"that a packet looks for, at most of 512"},
		 {"name":"stale","value":0,"unit":"keys","text":"deleted, still in the filter until the next build"},
		 {"name":"memory","value":N,"unit":"bytes","text":"of the arena"},
		 {"name":"per-rule","value":N,"unit":"bytes","text":"of it, for each rule"},
		 {"name":"free","value":N,"unit":"bytes","text":"of it, for rules to come"},
		 {"name":"cost","value":N,"unit":"ns","text":"expected for a new flow that is not in the caches"}]
	X
	assert_json '[r["value"] for r in d][:6] == [11, 2, 10, 3, 6, 0]'
}

# ---- values ----

@test "no rules, before the first one and after the last" {
	rm -r "${pins:?}"/*
	tc filter del dev t0 ingress
	tc filter add dev t0 ingress bpf da obj "${LAB_OBJECTS:?}/splicer.o" sec action
	[ "$(rule_list --save | wc -l)" = 0 ] || fail 'no rules' some
	assert_stats 0 0 0 0 0 0
	fixed_set
	assert_stats 11 2 10 3 6 0
	map_delete --all
	assert_stats 0 0 0 0 0 0
	[ "$(stat_of per-rule)" = 0 ] || fail 'per-rule 0' "$(stat_of per-rule)"
}

@test "one change at a time: what it takes and gives" {
	local free

	fixed_set
	free=$(stat_of free)
	# a key and a tuple
	map_update 10.0.0.0 16 80 80 0 tcp
	assert_stats 12 2 11 3 7 0
	[ "$(stat_of free)" -lt "$free" ] || fail "less than $free bytes free" "$(stat_of free)"
	# two intervals more in the largest key
	map_update 10.0.0.0 8 82 82 5000 tcp -S web
	assert_stats 13 2 11 5 7 0
	# neither key nor tuple
	map_update 11.0.0.0 8 81 81 0 tcp
	assert_stats 14 2 11 5 7 0
	# one that is there already
	map_update 11.0.0.0 8 81 81 5000 tcp
	assert_stats 14 2 11 5 7 0
	# a key that goes is stale, and so is its tuple: both are looked for until the next build
	map_delete 10.0.0.0 16 80 tcp
	assert_stats 13 2 10 5 7 1
	map_delete 11.0.0.0 8 81 tcp
	assert_stats 12 2 10 5 7 1
	# one that begins to expire makes a build
	map_update 11.0.0.0 8 80 80 0 tcp --ttl 3600
	assert_stats 12 3 10 5 6 0
	# and one that stays again
	map_update 11.0.0.0 8 80 80 0 tcp
	assert_stats 12 2 10 5 6 0
}

@test "rules that expire and overlap need combinations of their own, one for each" {
	local i

	for ((i = 1; i <= 15; i++)); do
		echo "10.0.0.0 8 80 $((80 + i)) 0 tcp --ttl 3600"
	done | map_update -f -
	assert_stats 15 15 15 1 15 0
}

@test "10,000 rules: keys and intervals, and what one of them costs" {
	local before

	before=$(stat_of cost)
	awk 'BEGIN {
		for (i = 0; i < 5000; i++) print "10.0.0.0 8", 2 * i, 2 * i, "0 tcp"
		for (i = 0; i < 5000; i++) printf "fd00:%x:: 32 80 80 0 udp\n", i
	}' | map_update -f -
	assert_stats 10000 0 5001 5000 1 0
	[ "$(stat_of cost)" -gt "$before" ] || fail "a cost above $before ns" "$(stat_of cost)"
	[ "$(stat_of per-rule)" -lt 512 ] || fail 'less than 512 bytes a rule' "$(stat_of per-rule)"
	# room for another 1,024 at least, 3 cells of 64 bytes each and one for its key
	[ "$(stat_of free)" -ge $((1024 * 256)) ] || fail "$((1024 * 256)) bytes free" "$(stat_of free)"
}

# ---- misuse ----

@test "neither selectors nor another form beside it" {
	fixed_set
	assert_refused --stats rule_list --stats 10.0.0.0 8
	assert_refused --stats rule_list --stats -p tcp
	assert_refused --stats rule_list --stats -S web
	assert_refused --stats rule_list --stats --dead
	assert_refused --stats rule_list --stats -i any
	assert_refused --stats rule_list --save --stats
	assert_refused --watch rule_list --stats --watch 1
	assert_refused --match rule_list --stats --match 'tcp 10.0.0.1 10.0.0.2:80'
	assert_refused -v rule_list --stats -v
}

@test "no pins: exit 1, not zeros" {
	assert_state "$tmp" rule_list --stats --pin-dir "$tmp"
}
