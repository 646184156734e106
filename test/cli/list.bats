#!/usr/bin/env bats
# What rule_list prints: golden table, JSON and --save, and that --save makes the same rules again.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

# One rule of each kind.
fixed_set() {
	map_update -f - <<-'X'
		172.16.240.0 24 5060 5060 58997 udp
		10.1.1.1 32 443 443 0 tcp
		10.0.0.0 8 80 90 5000 tcp -s 192.0.2.0/24 -i t0 -P 10 -S "web server"
		10.0.0.0 8 80 90 0 tcp -a drop -P -2147483647
		0.0.0.0 0 0 65535 0 any
		10.0.0.0 8 8 0 0 icmp
		10.0.0.0 8 3 any 0 icmp
		10.0.0.0 8 any any 0 icmp
		10.0.0.0 8 any any 0 gre
		10.0.0.0 8 any any 0 200
		2001:db8:: 32 1 1024 65535 tcp -s fd00::/8
		:: 0 any any 0 any -a drop
		2001:db8::1 128 128 0 0 icmpv6
	X
}

# ---- golden ----

@test "golden: table" {
	fixed_set
	capture rule_list
	assert_status 0
	assert_errors ''
	assert_output - <<-'X'
		PROTO   DST              SRC            LOW   HIGH  ACTION   PORT  IFACE         PRIO  SERVICE     PACKETS  BYTES  LAST  NOTE
		udp     172.16.240.0/24  0.0.0.0/0     5060   5060  splice  58997  -                0  -                 0      0     -  dead,no-route
		tcp     10.1.1.1/32      0.0.0.0/0      443    443  pass        0  -                0  -                 0      0     -  -
		tcp     10.0.0.0/8       192.0.2.0/24    80     90  splice   5000  t0              10  web server        0      0     -  dead,no-route
		tcp     10.0.0.0/8       0.0.0.0/0       80     90  drop        0  -      -2147483647  -                 0      0     -  -
		any     0.0.0.0/0        0.0.0.0/0        0  65535  pass        0  -                0  -                 0      0     -  -
		icmp    10.0.0.0/8       0.0.0.0/0        8      0  pass        0  -                0  -                 0      0     -  -
		icmp    10.0.0.0/8       0.0.0.0/0        3    any  pass        0  -                0  -                 0      0     -  -
		icmp    10.0.0.0/8       0.0.0.0/0      any    any  pass        0  -                0  -                 0      0     -  -
		gre     10.0.0.0/8       0.0.0.0/0        0  65535  pass        0  -                0  -                 0      0     -  -
		200     10.0.0.0/8       0.0.0.0/0        0  65535  pass        0  -                0  -                 0      0     -  -
		tcp     2001:db8::/32    fd00::/8         1   1024  splice  65535  -                0  -                 0      0     -  dead,no-route
		any     ::/0             ::/0             0  65535  drop        0  -                0  -                 0      0     -  -
		icmpv6  2001:db8::1/128  ::/0           128      0  pass        0  -                0  -                 0      0     -  -
	X
}

@test "golden: save" {
	fixed_set
	capture rule_list --save
	assert_status 0
	assert_errors ''
	assert_output - <<-'X'
		172.16.240.0 24 5060 5060 58997 udp
		10.1.1.1 32 443 443 0 tcp
		10.0.0.0 8 80 90 5000 tcp -s 192.0.2.0/24 -i t0 -P 10 -S "web server"
		10.0.0.0 8 80 90 0 tcp -a drop -P -2147483647
		0.0.0.0 0 0 65535 0 any
		10.0.0.0 8 8 0 0 icmp
		10.0.0.0 8 3 any 0 icmp
		10.0.0.0 8 any any 0 icmp
		10.0.0.0 8 0 65535 0 gre
		10.0.0.0 8 0 65535 0 200
		2001:db8:: 32 1 1024 65535 tcp -s fd00::/8
		:: 0 0 65535 0 any -a drop
		2001:db8::1 128 128 0 0 icmpv6
	X
}

@test "golden: JSON" {
	map_update -f - <<-'X'
		172.16.240.0 24 5060 5061 58997 udp
		10.0.0.0 8 8 any 0 icmp -s 192.0.2.0/24 -i t0 -P -10 -a drop -S "a\"b\\c é"
		2001:db8:: 32 443 443 0 tcp
	X
	capture rule_list --json
	assert_status 0
	assert_errors ''
	# the number of a rule is never used again in a box
	sed -i -E 's/"rule":[1-9][0-9]*,/"rule":N,/' "$out"
	assert_output - <<-'X'
		[{"dir":"in","proto":"udp","dst":"172.16.240.0/24","src":"0.0.0.0/0","low":5060,"high":5061,"action":"splice","port":58997,"iface":null,"prio":0,"service":null,"mode":null,"max_duration":null,"packets":0,"bytes":0,"last":null,"expires":null,"rule":N,"dead":true,"routed":false},
		 {"dir":"in","proto":"icmp","dst":"10.0.0.0/8","src":"192.0.2.0/24","low":8,"high":null,"action":"drop","port":0,"iface":"t0","prio":-10,"service":"a\"b\\c é","mode":null,"max_duration":null,"packets":0,"bytes":0,"last":null,"expires":null,"rule":N,"dead":false,"routed":null},
		 {"dir":"in","proto":"tcp","dst":"2001:db8::/32","src":"::/0","low":443,"high":443,"action":"pass","port":0,"iface":null,"prio":0,"service":null,"mode":null,"max_duration":null,"packets":0,"bytes":0,"last":null,"expires":null,"rule":N,"dead":false,"routed":null}]
	X
}

@test "no rules: no table, no lines, an empty array" {
	assert_done rule_list
	assert_done rule_list --save
	capture rule_list -j
	assert_status 0
	assert_output '[]'
}

# ---- JSON ----

@test "JSON: exactly these keys, in this order, of these types" {
	fixed_set
	capture rule_list -j
	assert_json 'len(d) == 13'
	assert_json 'all(list(r) == "dir proto dst src low high action port iface prio service mode max_duration packets bytes last expires rule dead routed".split() for r in d)'
	assert_json 'all(type(r[k]) is int for r in d for k in ("port", "prio", "packets", "bytes"))'
	assert_json 'all(type(r[k]) is int or r[k] is None and r["proto"] == "icmp" for r in d for k in ("low", "high"))'
	assert_json 'all(type(r[k]) is str for r in d for k in ("dir", "proto", "dst", "src", "action"))'
	assert_json 'all(type(r["dead"]) is bool and r["routed"] in (None, True, False) for r in d)'
	assert_json 'all(r["packets"] == r["bytes"] == 0 and r["last"] is None for r in d)'
}

@test "JSON: the number of a rule is its own, and grows with age" {
	fixed_set
	map_update 10.1.1.1 32 443 443 0 tcp -a drop
	capture rule_list -j
	assert_json '[r["rule"] for r in d] == sorted({r["rule"] for r in d}) and d[-1]["dst"] == "10.1.1.1/32" and d[0]["rule"] > 0'
}

@test "JSON: a tag comes back as it was given" {
	# shellcheck disable=SC1003  # a backslash
	local tag tags=('a b' '"' '\' 'a\"b' "it's" '-S' '.hidden' '#x' 'a#b' '<&>' '/' '%s%n' $'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80')

	for tag in "${tags[@]}"; do
		map_update 10.0.0.0 8 80 80 0 tcp -S "$tag"
	done
	printf '%s\n' "${tags[@]}" >"$tmp/tags"
	capture rule_list -j
	assert_json "[r['service'] for r in d] == open('$tmp/tags', encoding='utf-8').read().splitlines()"
}

@test "JSON: bytes that are no UTF-8 do not make it invalid" {
	map_update 10.0.0.0 8 80 80 0 tcp -S $'a\xff\xc3(\xe2\xa2\xed\xa0\xf4\xc0z'
	capture rule_list -j
	assert_json 'd[0]["service"][0] == "a" and d[0]["service"][-1] == "z" and "(" in d[0]["service"]'
}

@test "JSON: dead and routed follow listeners and routes" {
	serve tcp-serve 127.0.0.1 5001
	map_update 10.7.0.0 16 80 80 5001 tcp
	capture rule_list -j
	assert_json '(d[0]["dead"], d[0]["routed"]) == (False, False)'
	ip route add local 10.0.0.0/8 dev lo
	capture rule_list -j
	assert_json '(d[0]["dead"], d[0]["routed"]) == (False, True)'
	capture rule_list
	grep -q '  -$' "$out" || fail 'NOTE -' "$(cat "$out")"
	ip route del local 10.0.0.0/8 dev lo
}

# ---- table ----

@test "the table is aligned, also with characters of several bytes" {
	export LC_ALL=C.UTF-8
	map_update 10.0.0.0 8 80 80 0 tcp -S plain
	map_update 10.0.0.0 8 80 80 0 tcp -S $'caf\xc3\xa9 \xe2\x82\xac'
	capture rule_list
	python3 -c '
import sys
header, *rows = open(sys.argv[1], encoding="utf-8").read().splitlines()
sys.exit({len(row) for row in rows} != {header.index("NOTE") + 1})
' "$out" || fail 'every NOTE, which is - here, under its header' 'elsewhere'
}

@test "no colour where there is no terminal" {
	fixed_set
	capture rule_list
	if grep -q $'\e' "$out"; then
		fail 'no escape sequence' 'one'
	fi
}

# ---- save and load ----

# What --save printed makes rules that --save prints the same again, in the same order.
assert_round_trip() {
	rules >"$tmp/saved"
	assert_done map_delete --all
	assert_rules ''
	assert_done map_update -f - <"$tmp/saved"
	rules >"$tmp/again"
	diff -u "$tmp/saved" "$tmp/again" || fail 'the same rules' 'others'
}

@test "save and load: one of each" {
	fixed_set
	assert_round_trip
	[ "$(wc -l <"$tmp/saved")" = 13 ]
}

@test "save and load: any bytes that a tag can have" {
	local tag

	# shellcheck disable=SC1003,SC2016  # backslashes, and what no shell is to expand
	for tag in 'a b' ' a' 'a ' '"' '""' '\' '\\' 'a\' '\"' 'a\"b' "it's" '-' '--' '-S' '--all' '.' '.hidden' '#' '#x' 'a#b' 'a #b' \
		'$HOME' '`x`' '*' '~' ';' $'\xc3\xa9' $'\xff' '%s' "$(printf '%064d' 0)"; do
		map_update 10.0.0.0 8 80 80 0 tcp -S "$tag"
	done
	assert_round_trip
	[ "$(wc -l <"$tmp/saved")" = 30 ] || fail '30 rules' "$(cat "$tmp/saved")"
	# and each line names its own rule
	while read -r line; do
		echo "$line" | map_update -v -f - >"$tmp/letter" 2>/dev/null
		grep -q '^= ' "$tmp/letter" || fail "= $line" "$(cat "$tmp/letter")"
	done <"$tmp/saved"
}

@test "save and load: what is left after insertions and deletions one by one" {
	local i

	for i in {1..40}; do
		map_update "10.0.$i.0" 24 80 80 0 tcp -S "t$i"
		[ $((i % 3)) != 0 ] || map_delete "10.0.$((i / 2)).0" 24 80 tcp || true
	done
	assert_round_trip
	[ "$(wc -l <"$tmp/saved")" = 27 ]
}

@test "save and load: --route is kept and makes its route again" {
	map_update --route 10.7.0.0 16 80 80 5001 tcp
	assert_rules '10.7.0.0 16 80 80 5001 tcp --route'
	ip route show table local 10.7.0.0/16 | grep -q local || fail 'a route' "$(ip route show table local)"
	assert_round_trip
	ip route show table local 10.7.0.0/16 | grep -q local || fail 'a route' "$(ip route show table local)"
	map_delete --all
	if ip route show table local 10.7.0.0/16 | grep .; then
		fail 'no route' 'one'
	fi
}

# Of two rules alike in all but the range the newer wins (splicer.rules(5)), so the order of the lines is part of the rules.
@test "save: lines are in the order of age, by which precedence is decided, also after a change in place" {
	map_update 10.0.0.0 8 80 90 5001 tcp
	map_update 10.0.0.0 8 85 95 5002 tcp
	map_update 10.0.0.0 8 80 90 5003 tcp
	assert_rules $'10.0.0.0 8 85 95 5002 tcp\n10.0.0.0 8 80 90 5003 tcp'
	# a batch builds the set anew
	map_update -f - <<<$'10.1.0.0 16 80 80 0 tcp\n10.2.0.0 16 80 80 0 tcp'
	assert_rules $'10.0.0.0 8 85 95 5002 tcp\n10.0.0.0 8 80 90 5003 tcp\n10.1.0.0 16 80 80 0 tcp\n10.2.0.0 16 80 80 0 tcp'
}

@test "a batch and single commands make the same rules in the same order" {
	local line

	fixed_set
	rules >"$tmp/batch"
	map_delete --all
	while read -r line; do
		echo "$line" | map_update -f -
	done <"$tmp/batch"
	assert_rules "$(cat "$tmp/batch")"
}

# ---- selectors ----

selected() {
	local expected=$1

	shift
	capture rule_list --save "$@"
	assert_status 0 && assert_errors '' && assert_output "$expected"
}

@test "selectors: each, and several together" {
	fixed_set
	selected '10.1.1.1 32 443 443 0 tcp' 10.1.1.1 32
	selected '172.16.240.0 24 5060 5060 58997 udp' -p udp
	selected '172.16.240.0 24 5060 5060 58997 udp' -p 17
	selected $'0.0.0.0 0 0 65535 0 any\n:: 0 0 65535 0 any -a drop' -p any
	selected '10.0.0.0 8 80 90 5000 tcp -s 192.0.2.0/24 -i t0 -P 10 -S "web server"' -i t0
	selected '10.0.0.0 8 80 90 5000 tcp -s 192.0.2.0/24 -i t0 -P 10 -S "web server"' -S 'web server'
	selected '10.0.0.0 8 80 90 5000 tcp -s 192.0.2.0/24 -i t0 -P 10 -S "web server"' -s 192.0.2.0/24
	selected '10.0.0.0 8 80 90 5000 tcp -s 192.0.2.0/24 -i t0 -P 10 -S "web server"' -P 10
	selected $'10.0.0.0 8 80 90 0 tcp -a drop -P -2147483647\n:: 0 0 65535 0 any -a drop' -a drop
	selected $'10.0.0.0 8 80 90 5000 tcp -s 192.0.2.0/24 -i t0 -P 10 -S "web server"\n10.0.0.0 8 80 90 0 tcp -a drop -P -2147483647' 10.0.0.0 8 80 tcp
	selected '10.0.0.0 8 80 90 0 tcp -a drop -P -2147483647' 10.0.0.0 8 80 tcp -P -2147483647 -a drop
	selected '10.0.0.0 8 8 0 0 icmp' 10.0.0.0 8 8 icmp
	selected '2001:db8::1 128 128 0 0 icmpv6' 2001:db8::1 128 128 icmpv6
	selected '' -S none
	selected '' 10.0.0.0 9
}

@test "selectors apply to table and JSON too" {
	fixed_set
	capture rule_list -p udp
	[ "$(wc -l <"$out")" = 2 ] || fail 'a header and one rule' "$(cat "$out")"
	capture rule_list -p udp -j
	assert_json '[r["proto"] for r in d] == ["udp"]'
	capture rule_list -S none
	assert_output ''
	capture rule_list -S none -j
	assert_output '[]'
}
