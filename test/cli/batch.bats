#!/usr/bin/env bats
# -f, -v, -n, -q and -j, and the historic operands.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

# ---- the historic commands (ebpf-tproxy-splicer, OpenZiti edge v0.26.10) ----

@test "the router's own words, and silence" {
	assert_done map_update 172.16.240.0 24 5060 5060 58997 17
	assert_done map_update 10.1.1.1 32 443 443 0 6
	assert_rules $'172.16.240.0 24 5060 5060 58997 udp\n10.1.1.1 32 443 443 0 tcp'
	assert_done map_delete 172.16.240.0 24 5060 17
	assert_done map_delete 10.1.1.1 32 443 6
	assert_rules ''
}

@test "every port as callers write it, and the widest operands" {
	assert_done map_update 0.0.0.0 0 0 65535 0 6
	assert_done map_update 0.0.0.0 0 1 65535 65535 17
	assert_done map_update 255.255.255.255 32 65535 65535 1 6
	assert_done map_update 10.0.0.0 8 0 0 0 17
	assert_rules '0.0.0.0 0 0 65535 0 tcp
0.0.0.0 0 1 65535 65535 udp
255.255.255.255 32 65535 65535 1 tcp
10.0.0.0 8 0 0 0 udp'
}

@test "protocol: names and numbers are one" {
	local pair

	for pair in 6:tcp 17:udp 1:icmp 47:gre 50:esp 132:sctp; do
		assert_done map_update 10.0.0.0 8 any any 0 "${pair%:*}"
		capture map_update -v 10.0.0.0 8 any any 0 "${pair#*:}"
		assert_output_has '= 10.0.0.0 8'
	done
	assert_done map_update :: 0 any any 0 58
	capture map_update -v :: 0 any any 0 icmpv6
	assert_output_has '= :: 0'
	assert_done map_update 10.0.0.0 8 0 65535 0 0
	assert_done map_update 10.0.0.0 8 0 65535 0 255
}

@test "options before, between and behind operands, long and short, after --" {
	assert_done map_update -S tag 10.0.0.0 8 80 80 0 tcp
	assert_done map_update 10.0.0.0 8 --service=tag 80 80 0 tcp
	assert_done map_update 10.0.0.0 8 80 80 0 tcp -Stag
	assert_done map_update --service tag -- 10.0.0.0 8 80 80 0 tcp
	assert_rules '10.0.0.0 8 80 80 0 tcp -S tag'
}

@test "-i twice makes two rules" {
	assert_done map_update 10.0.0.0 8 80 80 0 tcp -i t0 -i t1
	assert_rules $'10.0.0.0 8 80 80 0 tcp -i t0\n10.0.0.0 8 80 80 0 tcp -i t1'
	assert_done map_delete 10.0.0.0 8 80 tcp -i t0
	assert_rules '10.0.0.0 8 80 80 0 tcp -i t1'
}

@test "ranges are their least number of prefixes, as destination and as source" {
	map_update 10.0.0.1-10.0.0.6 32 80 80 0 tcp
	assert_rules '10.0.0.1 32 80 80 0 tcp
10.0.0.2 31 80 80 0 tcp
10.0.0.4 31 80 80 0 tcp
10.0.0.6 32 80 80 0 tcp'
	map_delete --all
	map_update 10.0.0.0 8 80 80 0 tcp -s 192.0.2.254-192.0.3.1
	assert_rules $'10.0.0.0 8 80 80 0 tcp -s 192.0.2.254/31\n10.0.0.0 8 80 80 0 tcp -s 192.0.3.0/31'
	map_delete --all
	map_update 2001:db8::-2001:db8::2 128 80 80 0 tcp -s fd00::1-fd00::1
	assert_rules $'2001:db8:: 127 80 80 0 tcp -s fd00::1/128\n2001:db8::2 128 80 80 0 tcp -s fd00::1/128'
	map_delete --all
	map_update 0.0.0.0-255.255.255.255 32 80 80 0 tcp
	assert_rules '0.0.0.0 0 80 80 0 tcp'
	map_delete --all
	map_update 0.0.0.1-255.255.255.254 32 80 80 0 tcp
	[ "$(rules | wc -l)" = 62 ] || fail '62 rules' "$(rules | wc -l)"
	map_delete --all
	map_update 10.0.0.0-10.0.0.2 32 80 80 0 tcp -s 10.1.0.0-10.1.0.2 -i t0 -i t1
	[ "$(rules | wc -l)" = 8 ] || fail '8 rules' "$(rules)"
}

# ---- -v ----

@test "-v: A added, = as it was, C changed, D deleted" {
	capture map_update -v 10.0.0.0 8 80 80 0 tcp
	assert_status 0
	assert_output 'A 10.0.0.0 8 80 80 0 tcp'
	assert_errors ''
	capture map_update -v 10.0.0.0 8 80 80 0 tcp
	assert_status 0
	assert_output '= 10.0.0.0 8 80 80 0 tcp'
	capture map_update -v 10.0.0.0 8 80 80 0 tcp -a drop
	assert_status 0
	assert_output 'C 10.0.0.0 8 80 80 0 tcp -a drop'
	capture map_delete -v 10.0.0.0 8 80 tcp
	assert_status 0
	assert_output 'D 10.0.0.0 8 80 80 0 tcp -a drop'
	assert_errors ''
	capture map_delete -v --all
	assert_status 0
	assert_output ''
}

@test "-v: the letters of a file are those of its lines in their order" {
	map_update 10.0.0.0 8 80 80 0 tcp
	capture map_update -v -f - <<-'X'
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 81 81 0 tcp
		10.0.0.0 8 81 81 0 tcp -a drop
		10.0.0.0 8 80 80 0 tcp -a drop
		10.0.0.0 8 81 81 0 tcp -a drop
	X
	assert_status 0
	assert_output - <<-'X'
		= 10.0.0.0 8 80 80 0 tcp
		A 10.0.0.0 8 81 81 0 tcp
		C 10.0.0.0 8 81 81 0 tcp -a drop
		C 10.0.0.0 8 80 80 0 tcp -a drop
		= 10.0.0.0 8 81 81 0 tcp -a drop
	X
	assert_rules $'10.0.0.0 8 80 80 0 tcp -a drop\n10.0.0.0 8 81 81 0 tcp -a drop'
	capture map_delete -v -f - <<<$'10.0.0.0 8 81 tcp\n10.0.0.0 8 82 tcp\n--all'
	assert_status 0
	grep -q '^D 10.0.0.0 8 81 81 0 tcp -a drop$' "$out" || fail 'D of 81' "$(cat "$out")"
	grep -q '^D 10.0.0.0 8 80 80 0 tcp -a drop$' "$out" || fail 'D of 80' "$(cat "$out")"
	[ "$(grep -c ^D "$out")" = 2 ] || fail 'two D' "$(cat "$out")"
	assert_rules ''
}

@test "-v: the line of a letter is itself a line for map_update" {
	# shellcheck disable=SC1003  # a backslash
	map_update -v 10.0.0.0 8 80 80 5000 tcp -S 'a "b\' -s 192.0.2.0/24 -i t0 -P 3 >"$tmp/letters" 2>/dev/null
	map_delete --all
	assert_done map_update -f - < <(cut -c 3- "$tmp/letters")
	assert_rules '10.0.0.0 8 80 80 5000 tcp -s 192.0.2.0/24 -i t0 -P 3 -S "a \"b\\"'
}

@test "-v: a splice without its local route is noted on stderr, -q leaves that out" {
	capture map_update -v 10.0.0.0 8 80 80 5000 tcp
	assert_status 0
	assert_output 'A 10.0.0.0 8 80 80 5000 tcp'
	assert_one_line
	assert_errors_have '10.0.0.0/8: no local route'
	capture map_update -v -q 10.0.0.0 8 80 80 5000 tcp
	assert_status 0
	assert_output '= 10.0.0.0 8 80 80 5000 tcp'
	assert_errors ''
}

# ---- -n ----

@test "-n says what would be done and does nothing" {
	local before

	map_update 10.0.0.0 8 80 80 5000 tcp
	before=$(rules)
	capture map_update -n 10.0.0.0 8 80 80 5001 tcp
	assert_status 0
	assert_output 'C 10.0.0.0 8 80 80 5001 tcp'
	assert_rules "$before"
	capture map_update -n 10.0.0.0 8 81 81 0 tcp
	assert_output 'A 10.0.0.0 8 81 81 0 tcp'
	assert_rules "$before"
	capture map_update -n -f - <<<$'10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 81 81 0 tcp'
	assert_status 0
	assert_output $'A 10.0.0.0 8 81 81 0 tcp\n= 10.0.0.0 8 81 81 0 tcp'
	assert_rules "$before"
	capture map_delete -n 10.0.0.0 8 80 tcp
	assert_status 0
	assert_output 'D 10.0.0.0 8 80 80 5000 tcp'
	assert_rules "$before"
	capture map_delete -n --all
	assert_output 'D 10.0.0.0 8 80 80 5000 tcp'
	assert_rules "$before"
	capture map_delete -n 10.0.0.0 8 81 tcp
	assert_status 1
	capture map_update -n --route 10.7.0.0 16 80 80 5000 tcp
	assert_status 0
	if ip route show table local 10.7.0.0/16 | grep .; then
		fail 'no route' 'one'
	fi
}

@test "-n does not end the time before the first rule, in which SSH passes to any address" {
	# pins of its own: the flag stays as long as they do
	# shellcheck disable=SC2016  # for the inner shell
	capture unshare --mount bash -euc '
		config=/sys/fs/bpf/tc/globals/splicer1_config
		seen() { python3 "$0" dump $config | cut -c 17-24; }
		mount -t bpf bpf /sys/fs/bpf
		tc qdisc add dev t1 clsact
		tc filter add dev t1 ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
		seen
		map_update -n 10.0.0.0 8 80 80 0 tcp
		map_update -n -f - <<<"10.0.0.0 8 80 80 0 tcp"
		map_update -f /dev/null
		map_delete --all
		seen
		map_update 10.0.0.0 8 80 80 0 tcp
		seen
		map_delete --all
		seen
		tc qdisc del dev t1 clsact' "$BATS_TEST_DIRNAME/bpfmap"
	assert_status 0
	assert_output - <<-'X'
		00000000
		A 10.0.0.0 8 80 80 0 tcp
		A 10.0.0.0 8 80 80 0 tcp
		00000000
		01000000
		01000000
	X
}

# ---- -j ----

@test "-j of map_update and map_delete: an array with the letter in change and the keys of rule_list" {
	local keys='["change"] + "dir proto dst src low high action port iface prio service mode max_duration packets bytes last expires rule dead routed".split()'

	capture map_update -j 10.0.0.0 8 80 80 5000 tcp
	assert_status 0
	assert_errors ''
	assert_json "[list(r) for r in d] == [$keys]"
	assert_json '[r["change"] for r in d] == ["A"] and d[0]["dst"] == "10.0.0.0/8" and d[0]["port"] == 5000'
	capture map_update -j -v -f - <<<$'10.0.0.0 8 80 80 5000 tcp\n10.0.0.0 8 80 80 5001 tcp\n10.0.0.0 8 81 81 0 tcp'
	assert_json '[r["change"] for r in d] == ["=", "C", "A"]'
	capture map_update -jn 10.0.0.0 8 82 82 0 tcp
	assert_json '[r["change"] for r in d] == ["A"]'
	capture map_delete -j 10.0.0.0 8 80 tcp
	assert_json "[list(r) for r in d] == [$keys]"
	assert_json '[r["change"] for r in d] == ["D"] and d[0]["port"] == 5001'
	capture map_delete -j --service none
	assert_status 0
	assert_output '[]'
	assert_rules '10.0.0.0 8 81 81 0 tcp'
}

@test "-j: a rule that was added or changed has the number by which rule_list and events know it" {
	local number

	capture map_update -j 10.0.0.0 8 80 80 5000 tcp
	number=$(rule_list -j | grep -oE '"rule":[0-9]+')
	grep -qF "$number," "$out" || fail "$number" "$(grep -oE '"rule":[0-9]+' "$out")"
	capture map_update -j 10.0.0.0 8 80 80 5001 tcp
	number=$(rule_list -j | grep -oE '"rule":[0-9]+')
	grep -qF "$number," "$out" || fail "$number" "$(grep -oE '"rule":[0-9]+' "$out")"
}

# ---- -q ----

@test "-q: nothing on success, errors all the same" {
	assert_done map_update -q 10.0.0.0 8 80 80 5000 tcp
	assert_refused 10 map_update -q 10 8 80 80 5000 tcp
	assert_done map_delete -q 10.0.0.0 8 80 tcp
	capture map_delete -q 10.0.0.0 8 80 tcp
	assert_status 1
	assert_errors_have 'no such rule'
}

# ---- -f ----

@test "a file: comments, blank lines, quotes, tabs, line ends of DOS, no end of the last line" {
	printf '# a comment\n\n   \t\n10.0.0.0 8 80 80 0 tcp # behind\n\t10.0.0.0\t8 "81" 81 0 tcp -S "a \\"#\\" b"\r\n10.0.0.0 8 82 82 0 tcp -S a#b\n#10.0.0.0 8 83 83 0 tcp\n10.0.0.0 8 84 84 0 tcp -S ""x' >"$tmp/file"
	assert_done map_update -f "$tmp/file"
	assert_rules '10.0.0.0 8 80 80 0 tcp
10.0.0.0 8 81 81 0 tcp -S "a \"#\" b"
10.0.0.0 8 82 82 0 tcp -S a#b
10.0.0.0 8 84 84 0 tcp -S x'
}

@test "a file: its name, -, /dev/stdin, an empty one" {
	echo '10.0.0.0 8 80 80 0 tcp' >"$tmp/file"
	assert_done map_update --file="$tmp/file"
	assert_done map_update -f - <"$tmp/file"
	assert_done map_update -f /dev/stdin < <(cat "$tmp/file")
	assert_done map_update -f /dev/null
	assert_done map_update -f - </dev/null
	assert_rules '10.0.0.0 8 80 80 0 tcp'
}

@test "a file that cannot be read: exit 1" {
	assert_state /nonexistent map_update -f /nonexistent
	assert_state /nonexistent map_delete -f /nonexistent
	assert_state "$tmp" map_update -f "$tmp"
	assert_state "''" map_update -f ''
	assert_state - map_update -f - <&-
}

# at COLUMN OPERAND LINE: the second line of a file is wrong there; the good ones around it are not inserted.
at() {
	local column=$1 operand=$2 before

	cd "$tmp" || return
	printf '10.9.0.0 16 80 80 0 tcp\n%s\n10.8.0.0 16 80 80 0 tcp\n' "$3" >file
	before=$(rules)
	capture map_update -f file
	assert_status 2 && assert_output '' && assert_complaint "file:2:$column: $operand" && assert_rules "$before" || return
	capture map_update -f - <file
	assert_status 2 && assert_output '' && assert_complaint "stdin:2:$column: $operand" && assert_rules "$before"
}

@test "an error in a file is said with file, line and column, and nothing is inserted" {
	map_update 10.0.0.0 8 80 80 0 tcp
	at 1 10 '10 8 80 80 0 tcp'
	at 5 10 $'    10 8 80 80 0 tcp'
	at 2 10 $'\t10 8 80 80 0 tcp'
	at 10 33 '10.0.0.0 33 80 80 0 tcp'
	at 12 65536 '10.0.0.0 8 65536 80 0 tcp'
	at 17 70 '10.0.0.0   8 80 70 0 tcp'
	at 20 tcpx '10.0.0.0 8 80 80 0 tcpx'
	at 20 tcpx '10.0.0.0 8 80 80 0 "tcpx" # comment'
	at 20 4294967302 '10.0.0.0 8 80 80 0 4294967302'
	at 1 10.0.0.5/24 '10.0.0.5 24 80 80 0 tcp'
	at 27 fd00::/8 '10.0.0.0 8 80 80 0 tcp -s fd00::/8'
	at 24 --unknown '10.0.0.0 8 80 80 0 tcp --unknown'
	at 24 -x '10.0.0.0 8 80 80 0 tcp -x'
	at 24 -S '10.0.0.0 8 80 80 0 tcp -S'
	at 1 10 '10 8 80 80 0 tcp -S "a b"'
	at 34 x '10.0.0.0 8 80 80 0 tcp -S "a" -P x'
}

@test "the last line of a file is wrong: nothing is inserted" {
	map_update 10.0.0.0 8 80 80 0 tcp
	cd "$tmp" || return
	{
		seq 200 | awk '{ print "10." $1 ".0.0 16 80 80 0 tcp" }'
		printf '10.0.0.0 8 80 80 0 tcp -i'
	} >file
	assert_refused 'file:201:24: -i' map_update -f file
	assert_rules '10.0.0.0 8 80 80 0 tcp'
	assert_refused 'file:1:21: tcp' map_delete -f file
}

@test "a line with an open quote, too many words, a NUL, or operands that are too few or too many" {
	map_update 10.0.0.0 8 80 80 0 tcp
	cd "$tmp" || return
	assert_refused 'stdin:1:1: line' map_update -f - <<<'"10.0.0.0 8 80 80 0 tcp'
	assert_refused 'stdin:1:1: line' map_update -f - < <(printf 'x %.0s' {1..2000})
	assert_refused 'stdin:1:1: line' map_update -f - < <(printf '10.0.0.0 8 80 80 0 tcp\0\n')
	assert_refused 'stdin:1:18: 0' map_update -f - <<<'10.0.0.0 8 80 80 0'
	assert_refused 'stdin:1:24: more' map_update -f - <<<'10.0.0.0 8 80 80 0 tcp more'
}

@test "a line that is only an operand of another tool, or has options of the command itself" {
	map_update 10.0.0.0 8 80 80 0 tcp
	assert_refused 'stdin:1:24: -v' map_update -f - <<<'10.0.0.0 8 80 80 0 tcp -v'
	assert_refused 'stdin:1:24: -n' map_update -f - <<<'10.0.0.0 8 80 80 0 tcp -n'
	assert_refused 'stdin:1:1: -f' map_update -f - <<<'-f file'
	assert_refused 'stdin:1:1: --pin-dir' map_update -f - <<<'--pin-dir /x 10.0.0.0 8 80 80 0 tcp'
	assert_refused 'stdin:1:1: --help' map_update -f - <<<'--help'
	assert_refused 'stdin:1:1: --all' map_update -f - <<<'--all'
	assert_refused 'stdin:1:1: --route' map_delete -f - <<<'--route'
}

@test "the column of a wrong word is its own where another word is the same" {
	cd "$tmp" || return
	assert_refused 'stdin:1:13: 5' map_update -f - <<<'8.0.0.0 5 9 5 0 tcp'
	assert_refused 'stdin:1:27: 10.0.0.0/4' map_update -f - <<<'10.0.0.0 8 80 80 0 tcp -s 10.0.0.0/4'
}

@test "the column of an empty word is its own" {
	assert_refused "stdin:1:10: ''" map_update -f - <<<'10.0.0.0 "" 80 80 0 tcp'
}

@test "a long file name does not hide the line, the column or the reason" {
	local name

	name=$tmp/$(printf 'd%.0s' {1..90})/file
	mkdir "$(dirname "$name")"
	echo '10 8 80 80 0 tcp' >"$name"
	capture map_update -f "$name"
	assert_status 2
	assert_one_line
	assert_errors_have "/file:1:1: 10: not an IPv4 or IPv6 address"
}

@test "100,000 lines: inserted, listed, saved, loaded, deleted" {
	awk 'BEGIN { for (i = 0; i < 100000; i++) printf "10.%d.%d.0 24 %d %d 5000 tcp -S s%d\n", i / 256 % 256, i % 256, 1 + i / 65536, 9 + i / 65536, i }' >"$tmp/many"
	assert_done map_update -f "$tmp/many"
	rules >"$tmp/saved"
	[ "$(wc -l <"$tmp/saved")" = 100000 ] || fail '100000 rules' "$(wc -l <"$tmp/saved")"
	cmp "$tmp/many" "$tmp/saved" || fail 'what was inserted' 'something else'
	capture rule_list -j
	assert_json 'len(d) == 100000 and d[99999]["service"] == "s99999"'
	# one more and one less, in place
	assert_done map_update 10.0.0.0 8 80 80 0 tcp
	assert_done map_delete 10.0.0.0 8 80 tcp
	assert_done map_delete -S s99999
	[ "$(rules | wc -l)" = 99999 ]
	assert_done map_delete --all
	assert_rules ''
}

@test "a batch of 100,000 whose last line is wrong inserts nothing" {
	{
		awk 'BEGIN { for (i = 0; i < 100000; i++) printf "10.%d.%d.0 24 80 80 0 tcp -S s%d\n", i / 256 % 256, i % 256, i }'
		echo '10.0.0.5 24 80 80 0 tcp'
	} >"$tmp/many"
	assert_refused 'stdin:100001:1: 10.0.0.5/24' map_update -f - <"$tmp/many"
}

@test "40 commands at once: none is lost" {
	local i pids=()

	for i in {1..40}; do
		map_update "10.0.$i.0" 24 80 80 0 tcp 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(rules | wc -l)" = 40 ] || fail '40 rules' "$(rules)"
	pids=()
	for i in {1..40}; do
		map_delete "10.0.$i.0" 24 80 tcp 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	assert_rules ''
}

@test "save into load and replace each other in one pipe: listing takes no lock" {
	map_update -f - <<<$'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 81 81 0 tcp'
	capture bash -o pipefail -c 'rule_list --save | map_update -v -f -'
	assert_status 0
	assert_output $'= 10.0.0.0 8 80 80 0 tcp\n= 10.0.0.0 8 81 81 0 tcp'
}
