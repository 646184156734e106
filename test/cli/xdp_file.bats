#!/usr/bin/env bats
# xdp_rule -f FILE, and --replace: lists as they are published, and many rules at once.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load xdp

setup_file() {
	xdp_links
}

setup() {
	box_begin
	unset SSH_CONNECTION
	xdp_attach_anew
}

# ---- lines ----

@test "a list as it is published: comments, ranges, CRLF, tabs, blank lines, both families" {
	printf '; Spamhaus DROP List 2026/11/21\r\n; Last-Modified: never\r\n\r\n' >"$tmp/list"
	printf '1.10.16.0/20 ; SBL256894\r\n1.19.0.0/16;SBL434604\r\n' >>"$tmp/list"
	printf '\t5.8.37.0/24\t# tabs\n192.0.2.1-192.0.2.3\n\n2001:db8::/32#v6\n   \n198.51.100.7' >>"$tmp/list"
	assert_done xdp_rule -f "$tmp/list"
	assert_rules 'add 1.10.16.0/20 drop
add 1.19.0.0/16 drop
add 5.8.37.0/24 drop
add 192.0.2.1/32 drop
add 192.0.2.2/31 drop
add 2001:db8::/32 drop
add 198.51.100.7/32 drop'
}

@test "a line has an action and options of its own, or is a default" {
	assert_done xdp_rule add -f - <<-'END'
		add 10.0.0.0/8 pass -p tcp --dport 443 -S "a;b #c" # why
		10.0.0.1 monitor --rate 5:6
		add drop -d 192.0.2.1 -p udp
		-s 10.0.0.2 0
		default monitor
		default pass -i t0
	END
	assert_rules 'add 10.0.0.0/8 pass -p tcp --dport 443 -S "a;b #c"
add 10.0.0.1/32 monitor --rate 5:6
add 0.0.0.0/0 drop -d 192.0.2.1/32 -p udp
add 10.0.0.2/32 drop
default monitor
default pass -i t0'
}

@test "what a line does not say is as the command line says" {
	assert_done xdp_rule add -i t0 -S list -P 3 --ttl 1000 --mask -f - <<-'END'
		10.0.0.7/8 monitor
		10.1.0.0/16 pass -i t1 -S own -P 4 --expires 4000000000
		default drop
	END
	capture xdp_rule list -j
	assert_json '[d[0][k] for k in ("src", "action", "iface", "service", "prio")] == ["10.0.0.0/8", "monitor", "t0", "list", 3]'
	assert_json '[d[1][k] for k in ("src", "action", "iface", "service", "prio")] == ["10.1.0.0/16", "pass", "t1", "own", 4]'
	assert_json 'd[0]["expires"] < 3999990000 < d[1]["expires"] and (d[2]["kind"], d[2]["iface"]) == ("default", "t0")'
}

@test "an action of the command line is that of all lines: a list cannot open what it is to close" {
	xdp_rule add 10.0.0.1
	assert_refused stdin:2:10 xdp_rule add drop -f - <<<$'10.0.0.2\n10.0.0.3 pass'
	assert_errors_have 'pass: the command line says drop for all lines'
	assert_refused stdin:1:10 xdp_rule add drop -f - <<<'10.0.0.2 never-drop'
	assert_refused stdin:1:1 xdp_rule add drop -f - <<<'default pass'
	assert_rules 'add 10.0.0.1/32 drop'
	assert_done xdp_rule add monitor -f - <<<$'10.0.0.2\n10.0.0.3 monitor'
	assert_rules $'add 10.0.0.1/32 drop\nadd 10.0.0.2/32 monitor\nadd 10.0.0.3/32 monitor'
}

@test "a bad line: file, line and column, and nothing is changed" {
	xdp_rule add 10.0.0.1
	printf '%s\n' 10.0.0.2 '# x' '10.0.0.3     deny' >"$tmp/list"
	assert_refused "$tmp/list:3:14" xdp_rule -f "$tmp/list"
	assert_refused stdin:2:1 xdp_rule -f - <<<$'10.0.0.2\n10.0.0.0/33'
	assert_refused stdin:1:10 xdp_rule -f - <<<'10.0.0.2 --replace'
	assert_refused stdin:1:1 xdp_rule -f - <<<'drop'
	assert_refused stdin:2:9 xdp_rule -f - <<<$'10.0.0.2\ndefault deny'
	assert_refused stdin:1:9 xdp_rule -f - <<<'default unset'
	assert_errors_have 'not a default (drop, pass, monitor; '
	assert_refused stdin:1:1 xdp_rule -f - <<<'default drop -d 10.0.0.1'
	assert_refused stdin:1:5 xdp_rule -f - -i t0 <<<'add drop'
	assert_refused stdin:1:1 xdp_rule -f - <<<'10.0.0.1 "'
}

@test "in a file a rule may have expired; a file of nothing is nothing" {
	assert_done xdp_rule -f - <<<$'10.0.0.1 --expires 1000\n10.0.0.2'
	assert_done xdp_rule -f /dev/null
	assert_done xdp_rule -f - <<<$'# nothing\n;\n'
	assert_rules 'add 10.0.0.2/32 drop'
}

@test "delete -f: the lines that added; what is not there is no error" {
	printf '10.0.0.1-10.0.0.6\n10.1.0.0/16 pass --ttl 99 # x\nadd any monitor -p udp --dport 53\n' >"$tmp/list"
	xdp_rule -f "$tmp/list"
	xdp_rule add 10.2.0.0/16
	xdp_rule add 10.0.0.1 never-drop
	echo 10.9.9.9 >>"$tmp/list"
	capture xdp_rule delete -v -f "$tmp/list"
	assert_status 0
	[ "$(grep -c '^D ' "$out")" = 7 ] || fail '7 rules deleted' "$(cat "$out")"
	assert_rules $'add 10.2.0.0/16 drop\nadd 10.0.0.1/32 never-drop'
	xdp_rule add 10.2.0.0/16 pass -i t0
	capture xdp_rule delete -f - <<<$'10.0.0.1 never-drop\n10.2.0.0/16'
	assert_status 1
	assert_errors - <<-'END'
		add 10.2.0.0/16 drop
		add 10.2.0.0/16 pass -i t0
		xdp_rule: stdin:2:1: 10.2.0.0/16: 2 rules match, nothing was deleted; say which (see --help)
	END
	assert_done xdp_rule delete --all -f - <<<$'10.0.0.1 never-drop\n10.2.0.0/16'
	assert_rules ''
}

# ---- --replace ----

# sequence PREFIX: the number of its rule
sequence() {
	xdp_rule list -j "$1" | python3 -ISc 'import json, sys; print(json.load(sys.stdin)[0]["rule"])'
}

@test "--replace: rules of the file alone; defaults and never-drop rules stay" {
	local number

	xdp_rule -f - --force <<<$'10.0.0.1\n10.0.0.2 -S tag\n10.0.0.3 never-drop\ndefault drop\n10.0.0.4'
	number=$(sequence 10.0.0.4)
	capture xdp_rule -v --replace -f - <<<$'10.0.0.4\n10.0.0.5'
	assert_status 0
	sort "$out" >"$tmp/sorted"
	assert_text changes "$tmp/sorted" $'= add 10.0.0.4/32 drop\nA add 10.0.0.5/32 drop\nD add 10.0.0.1/32 drop\nD add 10.0.0.2/32 drop -S tag'
	assert_rules $'add 10.0.0.3/32 never-drop\nadd 10.0.0.4/32 drop\nadd 10.0.0.5/32 drop\ndefault drop'
	[ "$(sequence 10.0.0.4)" = "$number" ] || fail "the same rule, $number" "$(sequence 10.0.0.4)"
	assert_done xdp_rule --replace -f - --force <<<$'default pass\n10.0.0.3 never-drop'
	assert_rules $'add 10.0.0.3/32 never-drop\ndefault pass'
}

@test "--replace --all: the file is all there is" {
	xdp_rule -f - --force <<<$'10.0.0.1\n10.0.0.3 never-drop\ndefault drop\ndefault pass -i t0'
	assert_done xdp_rule --replace --all -f - <<<$'10.0.0.1\ndefault monitor'
	assert_rules $'add 10.0.0.1/32 drop\ndefault monitor'
}

@test "--replace --service: several lists side by side" {
	xdp_rule add 10.0.0.1
	assert_done xdp_rule -S one --replace -f - <<<$'10.0.1.0/24\n10.0.2.0/24'
	assert_done xdp_rule -S two --replace -f - <<<$'10.0.2.0/24\n10.0.3.0/24'
	assert_done xdp_rule -S one --replace -f - <<<'10.0.4.0/24'
	assert_rules 'add 10.0.0.1/32 drop
add 10.0.2.0/24 drop -S two
add 10.0.3.0/24 drop -S two
add 10.0.4.0/24 drop -S one'
	assert_done xdp_rule -S two flush
	assert_done xdp_rule -S one flush --all
	assert_rules 'add 10.0.0.1/32 drop'
}

@test "--replace by a list that is empty, as after a download that failed, leaves the rules" {
	printf '# nothing\n;\n\n' >"$tmp/nothing"
	assert_done xdp_rule --replace --all -f /dev/null
	xdp_rule -f - <<<$'10.0.0.1\n10.0.0.2 -S tag\n10.0.0.3 never-drop'
	assert_state /dev/null xdp_rule --replace -f /dev/null
	assert_errors_have "no rule in it, and 2 would go: nothing was changed; 'xdp_rule flush' deletes them"
	assert_state stdin xdp_rule --replace -S tag -f - </dev/null
	assert_errors_have 'and 1 would go'
	assert_state "$tmp/nothing" xdp_rule -n --replace --all -f "$tmp/nothing"
	assert_errors_have 'and 3 would go'
	assert_done xdp_rule --replace -S other -f /dev/null
	assert_done xdp_rule --replace -f - <<<'10.0.0.1 --expires 1000'
	assert_rules 'add 10.0.0.3/32 never-drop'
	assert_done xdp_rule --replace -f /dev/null
}

@test "list --save, --replace --all -f: just the same, and nothing to do" {
	xdp_rule -f - --force <<-'END'
		10.0.0.0/8 pass -d 192.0.2.1 -p tcp --dport 1-5 -i t0 -P -9 -S "x \" #;y" --rate 3:4
		any drop -p icmpv6 --icmp 128
		2001:db8::/32 monitor --ttl 5000 -i t1
		any pass -p nonip
		10.0.0.1 never-drop
		default drop
		default monitor -i t0
	END
	rules >"$tmp/saved"
	capture xdp_rule -v --replace --all --force -f "$tmp/saved"
	assert_status 0
	if grep -v '^= ' "$out"; then
		fail 'nothing to do' 'the above'
	fi
	xdp_rule flush --all --force
	assert_rules ''
	assert_done xdp_rule -f "$tmp/saved" --force
	rules | sed 's/ --expires .*//' >"$tmp/again"
	sed 's/ --expires .*//' "$tmp/saved" | diff -u - "$tmp/again" || fail 'the same rules' 'others'
}

@test "-n --replace tells what would be done" {
	xdp_rule add 10.0.0.1
	capture xdp_rule -n --replace -f - <<<'10.0.0.2'
	assert_output $'A add 10.0.0.2/32 drop\nD add 10.0.0.1/32 drop'
	assert_rules 'add 10.0.0.1/32 drop'
	capture xdp_rule -j --replace -f - <<<'10.0.0.2'
	assert_json '[(x["change"], x["src"]) for x in d] == [("A", "10.0.0.2/32"), ("D", "10.0.0.1/32")]'
}

# ---- many ----

# hosts COUNT NET: so many addresses of NET.0.0.0/8
hosts() {
	awk -v count="$1" -v net="$2" 'BEGIN {
		for (i = 0; i < count; i++)
			printf "%d.%d.%d.%d\n", net, i / 65536 % 256, i / 256 % 256, i % 256
	}'
}

@test "writers side by side lose nothing" {
	local i jobs=()

	for i in {1..8}; do
		for j in {1..10}; do
			xdp_rule add "10.$i.0.$j" 3>&-
		done &
		jobs+=($!)
		hosts 2000 "$((20 + i))" | xdp_rule -f - 3>&- &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i"
	done
	[ "$(rules | wc -l)" = 16080 ] || fail '16080 rules' "$(rules | wc -l)"
}

# Killed later and later, until it once was done before.
@test "a writer of 100,000 rules that is killed leaves the old set or the new one" {
	local i seen=''

	hosts 100000 10 >"$tmp/old"
	hosts 100000 11 >"$tmp/new"
	sed 's,^,add ,; s,$,/32 drop,' "$tmp/old" | md5sum >"$tmp/old.sum"
	sed 's,^,add ,; s,$,/32 drop,' "$tmp/new" | md5sum >"$tmp/new.sum"
	xdp_rule -f "$tmp/old"
	for ((i = 0; i < 400; i++)); do
		xdp_rule --replace -f "$tmp/new" 3>&- &
		sleep "$((i / 25)).$(printf %03d $((i % 25 * 40)))"
		kill -KILL $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		rules | md5sum >"$tmp/sum"
		cmp -s "$tmp/sum" "$tmp/old.sum" || break
		seen+=o
		assert_done xdp_rule add 12.0.0.1
		assert_done xdp_rule delete 12.0.0.1
	done
	cmp "$tmp/sum" "$tmp/new.sum" || fail 'the old set or the new one' 'another'
	[ "$seen" ] || fail 'killed before the end' 'never'
	assert_done xdp_rule --replace -f "$tmp/old"
	rules | md5sum | cmp - "$tmp/old.sum" || fail 'the old set' 'another'
}
