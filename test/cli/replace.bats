#!/usr/bin/env bats
# map_update --replace -f FILE: the file is the whole set.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

# numbers: "RULE-NUMBER LOW PACKETS" of each rule, oldest first
numbers() {
	rule_list -j | python3 -ISc '
import json, sys
for rule in json.load(sys.stdin):
    print(rule["rule"], rule["low"], rule["packets"])
'
}

# ---- what it does ----

@test "the rules of the file are all there are, in the order of its lines" {
	map_update -f - <<-'X'
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 81 81 0 tcp
		2001:db8:: 32 443 443 5000 tcp -S old -P 3
	X
	assert_done map_update --replace -f - <<-'X'
		# comments and empty lines are no rules

		10.0.0.0 8 82 82 0 tcp -s 192.0.2.0/24 -i t0
		2001:db8:: 32 443 443 5001 tcp -S old -P 3
		10.0.0.0 8 81 81 0 tcp
		10.0.0.0-10.0.0.2 32 53 53 0 udp
	X
	assert_rules '10.0.0.0 8 82 82 0 tcp -s 192.0.2.0/24 -i t0
2001:db8:: 32 443 443 5001 tcp -P 3 -S old
10.0.0.0 8 81 81 0 tcp
10.0.0.0 31 53 53 0 udp
10.0.0.2 32 53 53 0 udp'
}

@test "an empty file, also one with comments only: no rules; and again, when there are none" {
	map_update -f - <<<$'10.0.0.0 8 80 80 0 tcp\n:: 0 80 80 0 tcp'
	assert_done map_update --replace -f /dev/null
	assert_rules ''
	map_update 10.0.0.0 8 80 80 0 tcp
	assert_done map_update --replace -f - <<<$'# nothing\n\n'
	assert_rules ''
	assert_done map_update --replace --file=/dev/null
	capture map_update -j --replace -f /dev/null
	assert_status 0
	assert_output '[]'
	assert_rules ''
}

@test "into an empty set, and by a set that has nothing in common" {
	assert_done map_update --replace -f - <<<$'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 81 81 0 tcp'
	assert_rules $'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 81 81 0 tcp'
	assert_done map_update --replace -f - <<<'2001:db8:: 32 80 80 0 udp'
	assert_rules '2001:db8:: 32 80 80 0 udp'
}

@test "a rule that stands in the file twice: the last line counts" {
	capture map_update -v --replace -f - <<-'X'
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 81 81 0 tcp
		10.0.0.0 8 80 80 0 tcp -a drop
	X
	assert_status 0
	assert_output - <<-'X'
		A 10.0.0.0 8 80 80 0 tcp
		A 10.0.0.0 8 81 81 0 tcp
		C 10.0.0.0 8 80 80 0 tcp -a drop
	X
	assert_rules $'10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 80 80 0 tcp -a drop'
}

@test "rules that differ only in tag, priority, source, interface or ports are not each other" {
	local rules='10.0.0.0 8 80 80 0 tcp
10.0.0.0 8 80 80 0 tcp -S a
10.0.0.0 8 80 80 0 tcp -P 1
10.0.0.0 8 80 80 0 tcp -s 10.0.0.0/8
10.0.0.0 8 80 80 0 tcp -i t0
10.0.0.0 8 80 81 0 tcp
10.0.0.0 8 80 80 0 udp
10.0.0.0 9 80 80 0 tcp'

	map_update -f - <<<"$rules"
	capture map_update -v --replace -f - < <(grep -v 'S a' <<<"$rules")
	assert_status 0
	assert_output "$(grep -v 'S a' <<<"$rules" | sed 's/^/= /')"$'\nD 10.0.0.0 8 80 80 0 tcp -S a'
	assert_rules "$(grep -v 'S a' <<<"$rules")"
}

# ---- saved and restored ----

@test "rule_list --save | map_update --replace -f - changes nothing: numbers and order included" {
	local before

	map_update -f - <<-'X'
		10.0.0.0 8 80 80 5000 tcp -s 192.0.2.0/24 -i t0 -P -3 -S "a \"b\" #c"
		10.0.0.0 8 80 95 0 tcp -a drop
		10.0.0.0 8 8 any 0 icmp
		2001:db8:: 32 any any 0 icmpv6
		0.0.0.0 0 any any 0 any
		10.0.0.0 8 80 80 0 tcp -i "#4242" -i t1
		10.1.0.0 16 80 80 5000 udp --route
		10.2.0.0 16 80 80 0 udp --ttl 5000
	X
	# gaps in the numbers, and an order that is not that of the first insertions
	map_update 10.0.0.0 8 80 95 0 tcp -a drop
	map_delete 2001:db8:: 32
	rules >"$tmp/saved"
	before=$(numbers)
	capture bash -o pipefail -c 'rule_list --save | map_update --replace -f -'
	assert_status 0
	assert_output ''
	assert_errors ''
	[ "$(numbers)" = "$before" ] || fail "$before" "$(numbers)"
	capture map_update -v -q --replace -f "$tmp/saved"
	assert_output "$(sed 's/^/= /' "$tmp/saved")"
	[ "$(numbers)" = "$before" ] || fail "$before" "$(numbers)"
	# what it makes out of nothing is the same, but for the numbers
	map_delete --all
	assert_done map_update --replace -f "$tmp/saved"
	assert_rules "$(<"$tmp/saved")"
}

@test "rules that stay keep their numbers as long as their order is the same; of the others numbers are new" {
	local first second third

	map_update -f - <<<$'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 82 82 0 tcp'
	read -r first second third < <(numbers | cut -d ' ' -f 1 | xargs)
	map_update --replace -f - <<<$'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 82 82 0 tcp'
	[ "$(numbers)" = "$first 80 0"$'\n'"$third 82 0" ] || fail "$first 80, $third 82" "$(numbers)"
	map_update --replace -f - <<<$'10.0.0.0 8 82 82 0 tcp\n10.0.0.0 8 80 80 0 tcp'
	assert_rules $'10.0.0.0 8 82 82 0 tcp\n10.0.0.0 8 80 80 0 tcp'
	map_update --replace -f - <<<$'10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 82 82 0 tcp'
	assert_rules $'10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 82 82 0 tcp'
	numbers | awk -v old="$second" '$2 == 81 && $1 == old { exit 1 }' || fail 'a number of its own' "$second again"
}

@test "a number that was given out is not given again: of 50 replacements" {
	local i

	for i in {1..50}; do
		map_update --replace -f - <<<"10.0.0.0 8 $i $i 0 tcp"
		map_update --replace -f - <<<"10.0.0.0 8 99 99 0 tcp"
		rule_list -j >>"$tmp/all"
	done
	grep -oE '"rule":[0-9]+' "$tmp/all" | sort | uniq -c >"$tmp/numbers"
	[ "$(wc -l <"$tmp/numbers")" = 50 ] || fail '50 numbers' "$(grep -v ' 1 ' "$tmp/numbers")"
}

# ---- -v, -n, -j, -q ----

replacement() {
	map_update -f - <<-'X'
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 81 81 0 tcp
		10.0.0.0 8 82 82 0 tcp
		10.0.0.0 8 83 83 0 tcp -S gone
	X
	cat >"$tmp/file" <<-'X'
		10.0.0.0 8 84 84 0 tcp
		10.0.0.0 8 81 81 0 tcp -a drop
		10.0.0.0 8 80 80 0 tcp
	X
}

# The lines of the file in their order, then what it does not have, of which the order is not said.
assert_letters() {
	head -n 3 "$out" >"$tmp/first"
	assert_text 'first letters' "$tmp/first" - <<-'X' || return
		A 10.0.0.0 8 84 84 0 tcp
		C 10.0.0.0 8 81 81 0 tcp -a drop
		= 10.0.0.0 8 80 80 0 tcp
	X
	tail -n +4 "$out" | sort >"$tmp/last"
	assert_text 'last letters' "$tmp/last" $'D 10.0.0.0 8 82 82 0 tcp\nD 10.0.0.0 8 83 83 0 tcp -S gone'
}

@test "-n and -v: a letter for each line, and D for each rule that the file does not have" {
	local before

	replacement
	before=$(rules)
	capture map_update -n --replace -f "$tmp/file"
	assert_status 0
	assert_errors ''
	assert_letters
	assert_rules "$before"
	capture map_update -v --replace -f "$tmp/file"
	assert_status 0
	assert_errors ''
	assert_letters
	assert_rules "$(<"$tmp/file")"
	capture map_update --replace -v -f "$tmp/file"
	assert_output "$(sed 's/^/= /' "$tmp/file")"
	capture map_update -n --replace -f /dev/null
	assert_status 0
	sort -o "$out" "$out"
	assert_output "$(sort "$tmp/file" | sed 's/^/D /')"
	assert_rules "$(<"$tmp/file")"
}

@test "-j: the same as objects, with the keys of rule_list" {
	local keys='["change"] + "dir proto dst src low high action port iface prio service mode max_duration packets bytes last expires rule dead routed".split()'

	replacement
	capture map_update -j --replace -f "$tmp/file"
	assert_status 0
	assert_errors ''
	assert_json "[list(r) for r in d] == [$keys] * 5"
	assert_json '[(r["change"], r["low"]) for r in d][:3] == [("A", 84), ("C", 81), ("=", 80)]'
	assert_json 'sorted((r["change"], r["low"], r["service"]) for r in d[3:]) == [("D", 82, None), ("D", 83, "gone")]'
	capture map_update -j --replace -f "$tmp/file"
	cp "$out" "$tmp/changes"
	capture rule_list -j
	python3 -ISc '
import json, sys
changes, rules = (json.load(open(path)) for path in sys.argv[1:])
assert [c.pop("change") for c in changes] == ["="] * 3, changes
assert [c["rule"] for c in changes] == [r["rule"] for r in rules], (changes, rules)
' "$tmp/changes" "$out" || fail 'the numbers of rule_list' 'others'
}

@test "-q: nothing at all" {
	replacement
	assert_done map_update -q --replace -f "$tmp/file"
	assert_rules "$(<"$tmp/file")"
}

# ---- what it refuses ----

@test "--replace without -f, with operands or rule options beside it, given a value, in a file" {
	replacement
	assert_refused --replace map_update --replace
	assert_refused --replace map_update --replace 10.0.0.0 8 80 80 0 tcp
	assert_refused --replace map_update --replace -n -v
	assert_refused "$tmp/file" map_update --replace -f "$tmp/file" 10.0.0.0 8 80 80 0 tcp
	assert_refused "$tmp/file" map_update --replace -f "$tmp/file" -S tag
	assert_refused --replace=yes map_update --replace=yes -f "$tmp/file"
	assert_refused --repl map_update --repl -f "$tmp/file"
	assert_refused 'stdin:2:1: --replace' map_update -f - <<<$'10.0.0.0 8 99 99 0 tcp\n--replace 10.0.0.0 8 98 98 0 tcp'
	assert_refused 'stdin:1:24: --replace' map_update --replace -f - <<<'10.0.0.0 8 80 80 0 tcp --replace'
	capture map_delete --replace -f "$tmp/file"
	assert_status 2
	capture rule_list --replace
	assert_status 2
}

@test "a malformed file: the first or the last line, of one line or of 10,000; nothing changes" {
	replacement
	assert_refused 'stdin:1:1: 10' map_update --replace -f - <<<$'10 8 80 80 0 tcp\n10.0.0.0 8 80 80 0 tcp'
	assert_refused 'stdin:2:10: 33' map_update --replace -f - <<<$'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 33 80 80 0 tcp'
	assert_refused 'stdin:1:1: line' map_update --replace -f - <<<'10.0.0.0 8 80 80 0 "tcp'
	{
		awk 'BEGIN { for (i = 0; i < 10000; i++) printf "10.%d.%d.0 24 80 80 0 tcp\n", i / 256, i % 256 }'
		echo '10.0.0.5 24 80 80 0 tcp'
	} >"$tmp/many"
	assert_refused 'stdin:10001:1: 10.0.0.5/24' map_update --replace -f - <"$tmp/many"
	assert_refused 'stdin:10001:1: 10.0.0.5/24' map_update --replace -n -f - <"$tmp/many"
}

@test "a file that is not there, or names an interface that is not: exit 1, nothing changes" {
	replacement
	assert_state /nonexistent map_update --replace -f /nonexistent
	assert_state "$tmp" map_update --replace -f "$tmp"
	assert_state 'stdin:1:27: nosuch' map_update --replace -f - <<<'10.0.0.0 8 80 80 0 tcp -i nosuch'
}

@test "a set that cannot be, with more combinations of prefix lengths than there may be: nothing changes" {
	replacement
	awk 'BEGIN { for (d = 0; d <= 32; d++) for (s = 0; s <= 16; s++) printf "0.0.0.0 %d 80 80 0 tcp -s 0.0.0.0/%d\n", d, s }' >"$tmp/many"
	assert_state rules map_update --replace -f "$tmp/many"
	# as many as there may be
	head -n 512 "$tmp/many" >"$tmp/most"
	assert_done map_update --replace -f "$tmp/most"
	[ "$(rules | wc -l)" = 512 ] || fail '512 rules' "$(rules | wc -l)"
	# those of the old set do not count
	tail -n 512 "$tmp/many" >"$tmp/others"
	assert_done map_update --replace -f "$tmp/others"
	[ "$(rules | wc -l)" = 512 ] || fail '512 rules' "$(rules | wc -l)"
}

@test "--help names it" {
	capture map_update --help
	assert_status 0
	assert_output_has '--replace'
	assert_output_has '--ttl SECONDS'
	assert_output_has '--expires TIME'
}

# ---- large, and at once ----

@test "100,000 rules by 100,000 others, and back to one" {
	awk 'BEGIN { for (i = 0; i < 100000; i++) printf "10.%d.%d.0 24 %d %d 0 tcp\n", i / 256 % 256, i % 256, 1 + i / 65536, 9 + i / 65536 }' >"$tmp/one"
	sed 's/^10/11/; n' "$tmp/one" >"$tmp/two"
	assert_done map_update --replace -f "$tmp/one"
	assert_done map_update --replace -f "$tmp/two"
	rules >"$tmp/saved"
	cmp "$tmp/two" "$tmp/saved" || fail 'what was inserted' 'something else'
	capture map_update -n --replace -f "$tmp/one"
	[ "$(cut -c 1 "$out" | sort | uniq -c | xargs)" = '50000 = 50000 A 50000 D' ] || fail letters "$(cut -c 1 "$out" | sort | uniq -c)"
	assert_done map_update --replace -f - <<<'10.0.0.0 8 80 80 0 tcp'
	assert_rules '10.0.0.0 8 80 80 0 tcp'
}

@test "40 replacements at once: one of them is the set, whole" {
	local i pids=()

	for i in {1..40}; do
		seq 1 50 | sed "s/.*/10.$i.&.0 24 80 80 0 tcp -S set$i/" >"$tmp/set$i"
		map_update --replace -f "$tmp/set$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || fail 'exit 0' "exit $?"
	done
	rules >"$tmp/saved"
	i=$(head -n 1 "$tmp/saved" | sed 's/.* -S set//')
	cmp "$tmp/set$i" "$tmp/saved" || fail "set $i" "$(<"$tmp/saved")"
}
