#!/usr/bin/env bats
# xdp_rule list and default: rules of xdp_filter.o, defaults, and what they counted.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load watching
load xdp

setup_file() {
	xdp_links
}

setup() {
	box_begin
	unset SSH_CONNECTION
	xdp_attach_anew
}

# One of each kind, and frames that meet some of them; t1 has a default of its own.
sample() {
	xdp_rule add 192.0.2.0/24 drop
	xdp_rule add 192.0.2.0/24 pass -p udp --dport 80-90 -i t0 -S web -P 7
	xdp_rule add 198.51.100.7 monitor -p icmp --icmp 8
	xdp_rule add 2001:db8::/32 drop --rate 1000:50
	xdp_rule add 203.0.113.9 never-drop
	xdp_rule default drop -i t1
	xdp_rule default pass
	send 3 udp 192.0.2.9 10.0.0.1 81
	send 2 udp 192.0.2.9 10.0.0.1 79
	send 4 udp 203.0.113.9 10.0.0.1 79
	send 5 udp 203.0.113.8 10.0.0.1 79
	send 6 udp 2001:db9::9 fd00::1 79
	send 7 lldp
}

# The ages of last hits are not the same every time.
ageless() {
	sed -E 's/ +[0-9.]+(s|m)\b/ AGE/' "$out" >"$tmp/ageless"
}

@test "no rules: an empty table, an empty array, no lines" {
	local verb

	for verb in list default; do
		capture xdp_rule "$verb"
		assert_status 0
		assert_output ''
		assert_errors ''
		capture xdp_rule "$verb" -j
		assert_output '[]'
	done
	capture xdp_rule list --save
	assert_status 0
	assert_output ''
}

@test "golden: rules oldest first, then a row for each default with the sums of its parts" {
	sample
	capture xdp_rule list
	assert_status 0
	assert_errors ''
	ageless
	assert_text table "$tmp/ageless" - <<-'END'
		ACTION      PROTO  SOURCE           DESTINATION  PORTS  IFACE  PRIO  SERVICE  RATE     PACKETS  BYTES  LAST
		drop        any    192.0.2.0/24     0.0.0.0/0    any    any    0     -        -              2     98 AGE
		pass        udp    192.0.2.0/24     0.0.0.0/0    80-90  t0     7     web      -              3    147 AGE
		monitor     icmp   198.51.100.7/32  0.0.0.0/0    8      any    0     -        -              0      0     -
		drop        any    2001:db8::/32    ::/0         any    any    0     -        1000:50        0      0     -
		never-drop  any    203.0.113.9/32   0.0.0.0/0    any    any    -     -        -              4    196 AGE
		pass        any    any              any          any    any    -     -        -             18   1079 AGE
		drop        any    any              any          any    t1     -     -        -              0      0     -
	END
	capture xdp_rule default
	ageless
	assert_text table "$tmp/ageless" - <<-'END'
		ACTION  IFACE  PACKETS  BYTES  LAST
		pass    any         18   1079 AGE
		drop    t1           0      0     -
	END
}

@test "JSON: the same, with every key in each" {
	sample
	xdp_rule add 192.0.2.1 drop --ttl 1000
	capture xdp_rule list -j
	assert_status 0
	assert_json 'all(list(r) == "action proto src dst low high iface prio service rate burst rate_bits packets bytes last expires rule kind".split() for r in d)'
	assert_json '[r["kind"] for r in d] == ["rule"] * 4 + ["never-drop", "rule"] + ["default"] * 2'
	assert_json '[r["action"] for r in d] == "drop pass monitor drop never-drop drop pass drop".split()'
	assert_json '[r["packets"] for r in d] == [2, 3, 0, 0, 4, 0, 18, 0]'
	assert_json '[d[1][key] for key in ("proto", "src", "dst")] == ["udp", "192.0.2.0/24", "0.0.0.0/0"]'
	assert_json '[d[1][key] for key in ("low", "high", "iface", "prio", "service")] == [80, 90, "t0", 7, "web"]'
	assert_json '[(r["rate"], r["burst"]) for r in d if r["rate"]] == [(1000, 50)]'
	assert_json '[r["expires"] is not None for r in d] == [False] * 5 + [True] + [False] * 2'
	assert_json '[r["rule"] for r in d[:5]] == sorted(r["rule"] for r in d[:5]) and d[6]["rule"] is None'
	capture xdp_rule default -j
	assert_json '[(r["iface"], r["action"], r["packets"], r["kind"]) for r in d] == [(None, "pass", 18, "default"), ("t1", "drop", 0, "default")]'
}

@test "what --save prints makes the same rules, and prints the same again" {
	sample
	capture xdp_rule list --save
	assert_status 0
	cp "$out" "$tmp/saved"
	assert_text lines "$tmp/saved" - <<-'END'
		add 192.0.2.0/24 drop
		add 192.0.2.0/24 pass -p udp --dport 80-90 -i t0 -P 7 -S web
		add 198.51.100.7/32 monitor -p icmp --icmp 8
		add 2001:db8::/32 drop --rate 1000:50
		add 203.0.113.9/32 never-drop
		default pass
		default drop -i t1
	END
	xdp_rule flush --all
	capture xdp_rule list --save
	assert_output ''
	assert_done xdp_rule -f "$tmp/saved"
	capture xdp_rule list --save
	assert_output - <"$tmp/saved"
}

# selects EXPECTED [SELECTOR]...: numbers of the lines of the sample, as --save has them
selects() {
	local expected=$1

	shift
	xdp_rule list --save >"$tmp/all"
	capture xdp_rule list --save "$@"
	assert_status 0 && assert_errors '' || return
	grep -nxFf "$out" "$tmp/all" | awk -F : '{ line = line sep $1; sep = " " } END { if (NR) print line }' >"$tmp/selected"
	assert_text "lines selected by $*" "$tmp/selected" "$expected"
}

@test "selectors, one by one and together" {
	sample
	selects '1 2 3 4 5 6 7'
	selects '1 2' 192.0.2.0/24
	selects '1 2' --source 192.0.2.0/24
	selects '5' 203.0.113.9-203.0.113.9
	selects '4' -s 2001:db8::/32
	selects '6 7' any
	selects '1 2 3 4 5 6 7' -d any
	selects '' -d 10.0.0.1
	selects '2' -p udp
	selects '2' --dport 80-90
	selects '' --dport 80
	selects '3' -p icmp --icmp 8
	selects '' -p icmp --icmp 8/0
	selects '2' -i t0
	selects '7' -i t1
	selects '1 3 4 5 6' -i any
	selects '2' -P 7
	selects '2' -S web
	selects '1 3 4 5 6 7' -S ''
	selects '1 4 7' drop
	selects '2 6' pass
	selects '3' monitor
	selects '5' never-drop
	selects '2' 192.0.2.0/24 pass -i t0
	SSH_CONNECTION='203.0.113.9 900 10.0.0.1 22' selects '5' session
	capture xdp_rule default -i t1 -j
	assert_json '[r["iface"] for r in d] == ["t1"]'
}

@test "selectors that are malformed: exit 2, one line" {
	local words

	for words in 192.0.2.1/24 '-i t0 -i t1' '--icmp 8' '-p nope' 'maybe' '--dport 9-8' '-S x -P y' '--watch 0' '--save -j'; do
		# shellcheck disable=SC2086  # several words
		capture xdp_rule list $words
		assert_status 2
		assert_output ''
		assert_one_line
	done
	capture xdp_rule list session
	assert_status 1
	assert_errors 'xdp_rule: session: no SSH session found'
}

@test "again and again: rates of rules and defaults, busiest first" {
	sample
	watch xdp_rule list -j
	eventually has 8 '^\{'
	send 2 udp 192.0.2.9 10.0.0.1 79
	eventually has 1 '"pps":[1-9]'
	assert_stops INT
	assert_lines 'all(list(r)[:3] == ["time", "pps", "bps"] for r in d)'
	assert_lines '[r["kind"] for r in d[:7]].count("default") == 2'
	assert_lines 'all(r["src"] == "192.0.2.0/24" and r["action"] == "drop" and r["packets"] == 4 for r in d if r["pps"])'
	watch xdp_rule list
	eventually has 2 ' 7 rules'
	assert_stops TERM
}
