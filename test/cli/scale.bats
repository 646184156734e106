#!/usr/bin/env bats
# Many rules, and more than there is memory or room for: all of a change or nothing, and an error that says why.
# SPLICER_RULES makes the largest list shorter; SPLICER_SEED repeats the random deletions.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, status and the like are set and used in helpers.bash
load helpers

# many COUNT: rules of both families, in the words of rule_list --save
many() {
	awk -v count="$1" 'BEGIN {
		for (i = 0; i < count; i++) {
			if (i % 2)
				printf "fd00:%x:%x:: 48 %d %d 0 tcp -S tag%d\n", i / 65536, i % 65536, i % 60000, i % 60000 + 5, i % 100
			else
				printf "10.%d.%d.%d 32 %d %d 0 udp -a drop\n", i / 65536 % 256, i / 256 % 256, i % 256, i % 60000, i % 60000 + 5
		}
	}'
}

# Everything that is known of rules, numbers and counters too, but for times: these are computed from two clocks, and
# jitter.
all_of_it() {
	rule_list -j </dev/null | sed -E 's/"(last|expires)":[0-9.]+/"\1":"then"/g'
}

# assert_nothing_changed COMMAND [ARG]...: exit 1, one line that says why, and rules, numbers and counters as before
assert_nothing_changed() {
	all_of_it >"$tmp/before"
	capture "$@"
	assert_status 1 && assert_output '' && assert_one_line || return
	all_of_it | cmp "$tmp/before" - || fail 'rules and counters as before' 'others'
}

# One rule has counted two packets, so that lost counters would be seen.
counted_set() {
	map_update 10.255.0.0 16 5060 5060 0 udp
	frame t1 udp ff:ff:ff:ff:ff:ff 192.0.2.1 1111 10.255.0.1 5060
	frame t1 udp ff:ff:ff:ff:ff:ff 192.0.2.1 1111 10.255.0.2 5060
	all_of_it | grep -q '"packets":2,' || fail 'two packets that were counted' "$(all_of_it)"
}

# ---- no memory ----

# The kernel has none for the map of the new arena.
no_memory=$BATS_TEST_DIRNAME/no_memory

# assert_no_map COUNT COMMAND [ARG]...: it says that there is no memory for so many rules
assert_no_map() {
	local count=$1

	assert_nothing_changed "$no_memory" "${@:2}" || return
	grep -qxE "$2: rules: no memory for $count rules \([0-9]+ MiB\): Cannot allocate memory" "$err" ||
		fail "no memory for $count rules" "$(cat "$err")"
}

@test "no memory for the map: the error says for how many rules, and nothing changes" {
	many 5000 >"$tmp/some"
	many 20000 >"$tmp/many"
	counted_set
	map_update -f "$tmp/some"
	assert_no_map 20001 map_update -f "$tmp/many"
	assert_no_map 20000 map_update --replace -f "$tmp/many"
	awk '{ print $1, $2 }' "$tmp/some" | head -n 100 >"$tmp/gone"
	assert_no_map 4901 map_delete -f "$tmp/gone"
	assert_no_map 2501 map_delete --all -a drop
	# one that begins to expire is not changed in place
	assert_no_map 5001 map_update --ttl 3600 10.255.0.0 16 5060 5060 0 udp
	# what needs no map goes on
	assert_done "$no_memory" map_update 10.0.0.0 32 0 5 0 tcp
	assert_done "$no_memory" map_delete 10.0.0.0 32 0 tcp
	assert_done "$no_memory" map_update -n -q -f /dev/null
	# and with memory, all of it
	assert_done map_update -f "$tmp/many"
	[ "$(rules | wc -l)" = 20001 ] || fail '20001 rules' "$(rules | wc -l)"
}

@test "no memory for the map: local routes are as before" {
	ip route add local 10.200.0.0/16 dev lo
	assert_nothing_changed "$no_memory" map_update -f - <<-'X'
		10.201.0.0 16 80 80 5000 tcp --route
		10.200.0.0 16 80 80 5000 tcp --route
	X
	[ -z "$(ip route show table local 10.201.0.0/16)" ] || fail 'no route of 10.201.0.0/16' one
	[ -n "$(ip route show table local 10.200.0.0/16)" ] || fail 'the route of 10.200.0.0/16' none
	ip route del local 10.200.0.0/16 dev lo
}

# Inserts one by one until it fails; prints the last line that was tried.
until_it_fails() {
	while read -r line; do
		# shellcheck disable=SC2086  # words
		map_update $line 2>>"$1" || break
	done
	echo "$line"
}

@test "no memory for the map: single insertions go on until the arena is full, then nothing changes" {
	local last number

	counted_set
	many 3000 >"$tmp/many"
	map_update -f <(head -n 1 "$tmp/many")
	export -f until_it_fails
	# shellcheck disable=SC2016  # for that shell
	last=$(tail -n +2 "$tmp/many" | "$no_memory" bash -c 'until_it_fails "$1"' - "$tmp/errors")
	number=$(rules | wc -l)
	((number > 1024 && number < 2999)) || fail 'a full arena of more than 1,024 rules' "$number"
	grep -qxE "map_update: rules: no memory for $((number + 1)) rules \([0-9]+ MiB\): Cannot allocate memory" "$tmp/errors" ||
		fail "no memory for $((number + 1)) rules" "$(cat "$tmp/errors")"
	# those before are there, and again it is refused
	rules | tail -n +2 | diff "$tmp/many" - | grep -c '^>' >"$tmp/others" || true
	assert_text 'rules that were not inserted' "$tmp/others" 0
	# shellcheck disable=SC2086  # words
	assert_no_map $((number + 1)) map_update $last
	# other changes are possible, and so is this one with memory
	assert_done "$no_memory" map_delete 10.0.0.0 32 0 udp
	# shellcheck disable=SC2086
	assert_done map_update $last
	rules | tail -n 1 | assert_text 'the last rule' - "$last"
}

# capture_limited KIB COMMAND [ARG]...: as capture, with so much address space. With too little for the program itself
# its loader says so: 127.
capture_limited() {
	# shellcheck disable=SC2016  # for that shell
	capture bash -c 'ulimit -v "$0"; exec "$@"' "$@" || return
	[ "$status" != 127 ] || assert_errors_have 'loading shared libraries'
}

# all_or_nothing COMMAND [ARG]...: with more address space from try to try, until it is enough. Every failure before
# that is an error that says so, and changes nothing.
all_or_nothing() {
	local kib failures=0

	all_of_it >"$tmp/before"
	for ((kib = 3500; kib < 200000; kib += ${step:-1500})); do
		capture_limited "$kib" "$@" || return
		[ "$status" != 0 ] || break
		[ "$status" != 127 ] || continue
		assert_status 1 && assert_output '' && assert_one_line || return
		assert_errors_have 'Cannot allocate memory' || return
		all_of_it | cmp "$tmp/before" - || fail 'rules as before' "others, with $kib KiB" || return
		failures=$((failures + 1))
	done
	assert_status 0 && assert_output '' && assert_errors '' || return
	((failures >= 3)) || fail '3 failures before it succeeds' "$failures"
}

@test "no memory for the tool: a large file is inserted whole or not at all" {
	counted_set
	many 30000 >"$tmp/many"
	all_or_nothing map_update -f "$tmp/many"
	rules | tail -n +2 | cmp "$tmp/many" - || fail 'all of the file' 'others'
}

@test "no memory for the tool: a replacement, a deletion and a listing" {
	local kib failures=0

	counted_set
	many 10000 | map_update -f -
	many 20000 >"$tmp/many"
	all_or_nothing map_update --replace -f "$tmp/many"
	rules | cmp "$tmp/many" - || fail 'all of the file' 'others'
	awk 'NR % 2 { print $1, $2 }' "$tmp/many" >"$tmp/gone"
	all_or_nothing map_delete -f "$tmp/gone"
	rules | cmp <(awk 'NR % 2 == 0' "$tmp/many") - || fail 'every other rule' 'others'
	# what is not there is not left out of a list
	for ((kib = 3500; kib < 50000; kib += 500)); do
		capture_limited "$kib" rule_list --save
		[ "$status" != 0 ] || break
		[ "$status" != 127 ] || continue
		assert_status 1 && assert_output '' && assert_one_line && assert_errors_have 'Cannot allocate memory'
		failures=$((failures + 1))
	done
	assert_status 0
	((failures >= 3)) || fail '3 failures' "$failures"
	cmp "$out" <(awk 'NR % 2 == 0' "$tmp/many")
}

@test "no memory for the tool: a single rule into a large arena" {
	counted_set
	many 20000 | map_update -f -
	step=500 all_or_nothing map_update 192.0.2.0 24 80 80 0 tcp
	step=500 all_or_nothing map_delete 192.0.2.0 24 80 tcp
}

# group_make BYTES: a group of processes with so much memory, below that of this process, in a hierarchy (cgroup v2, or
# v1 where the controller is there) that is mounted in this box; fills $group. Nothing but a group of its own is touched.
group_make() {
	mkdir "$tmp/groups"
	if mount -t cgroup2 cgroup2 "$tmp/groups" && grep -qw memory "$tmp/groups/cgroup.subtree_control"; then
		group_fill "$tmp/groups/splicer-test.$$" memory.max "$1"
		return
	fi
	umount "$tmp/groups"
	mount -t cgroup -o memory cgroup "$tmp/groups" &&
		group_fill "$tmp/groups$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)/splicer-test.$$" memory.limit_in_bytes "$1"
}

group_fill() {
	group=$1
	mkdir "$group" && echo "$3" >"$group/$2"
}

group_remove() {
	[ ! -d "${group:-/none}" ] || rmdir "$group"
	umount "$tmp/groups"
}

@test "no memory in the group of the tool: it fails or is killed, and nothing changes" {
	local group=

	counted_set
	many 5000 | map_update -f -
	many 100000 >"$tmp/many"
	all_of_it >"$tmp/before"
	if ! group_make $((24 << 20)); then
		group_remove
		skip 'no memory controller of cgroups'
	fi
	# 137 when it is killed: then there is no message, but the rules are what they were
	# shellcheck disable=SC2016  # for that shell
	bash -c 'echo $$ >"$1/cgroup.procs" || exit; exec map_update -f "$2"' - "$group" "$tmp/many" 2>"$err" && status=0 || status=$?
	group_remove
	all_of_it | cmp "$tmp/before" - || fail 'rules as before' 'others'
	[[ $status = 137 || ($status = 1 && -s $err) ]] || fail 'exit status 1, or 137' "$status"
	[ "$status" = 137 ] || assert_errors_have 'Cannot allocate memory'
	assert_done map_update -f "$tmp/many"
}

# ---- no room ----

# Of a set of 512 by replacement, and of 15 that expire and overlap: see replace.bats and ttl.bats.
@test "more than 512 combinations of lengths, one by one and in a file: exit 1, nothing changes" {
	awk 'BEGIN { for (d = 0; d <= 32; d++) for (s = 0; s <= 16; s++) printf "0.0.0.0 %d 80 80 0 tcp -s 0.0.0.0/%d\n", d, s }' >"$tmp/pairs"
	counted_set
	map_update -f <(head -n 512 "$tmp/pairs")
	assert_nothing_changed map_update 0.0.0.0 32 80 80 0 tcp -s 0.0.0.0/16
	assert_errors 'map_update: rules: more than 512 combinations of protocol and prefix lengths'
	# some of the file would have room
	assert_nothing_changed map_update -f - <<-'X'
		10.0.0.0 8 53 53 0 udp
		0.0.0.0 32 80 80 0 tcp -s 0.0.0.0/16
		fd00:: 8 80 80 0 tcp
	X
	assert_errors 'map_update: rules: more than 512 combinations of protocol and prefix lengths'
	# any protocol stands in the list of TCP too
	assert_nothing_changed map_update 0.0.0.0 32 0 65535 0 any
	# other lists, and lengths that are there, have room
	assert_done map_update -f - <<-'X'
		0.0.0.0 32 80 80 0 udp -s 0.0.0.0/16
		0.0.0.0 0 81 81 0 tcp
	X
	# one that goes makes room
	assert_done map_delete 0.0.0.0 0 80 tcp -s 0.0.0.0/1
	assert_done map_update 0.0.0.0 32 80 80 0 tcp -s 0.0.0.0/16
}

@test "a 16th rule that expires at a port of one prefix: the error says so, nothing changes" {
	local i

	counted_set
	for ((i = 1; i <= 15; i++)); do
		echo "10.0.0.0 8 80 $((80 + i)) 0 tcp --ttl 36000"
	done | map_update -f -
	assert_nothing_changed map_update --ttl 3600 10.0.0.0 8 70 85 0 tcp
	assert_errors 'map_update: rules: more than 15 rules that expire or have a rate have a port of one prefix in common'
	assert_nothing_changed map_update -f - <<<$'11.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 81 81 0 tcp --ttl 60'
	assert_errors 'map_update: rules: more than 15 rules that expire or have a rate have a port of one prefix in common'
}

# ---- deletions ----

@test "deletions by random selectors do what the model says: one by one, and 20,000 lines against 100,000 rules" {
	local seed=${SPLICER_SEED:-$RANDOM}

	limit=300 capture "$BATS_TEST_DIRNAME/deletions" "$seed" 100000 20000 150
	assert_status 0 || fail "seed $seed" 'above'
	echo "# $(cat "$out")" >&3
}

@test "deletions by random selectors do what the model says: few rules" {
	local seed=${SPLICER_SEED:-$RANDOM} i

	for i in 1 2; do
		limit=100 capture "$BATS_TEST_DIRNAME/deletions" "$seed$i" 3000 600 400
		assert_status 0 || fail "seed $seed$i" 'above'
		map_delete --all
	done
}

# ---- progress ----

# assert_progress TEXT: each line of progress in the place of the last, and in the end none
assert_progress() {
	python3 -ISc '
import re, sys
text = open(sys.argv[1], newline="").read()
assert text.endswith(sys.argv[2]), repr(text[-200:])
text = text.removesuffix(sys.argv[2])
assert re.fullmatch(r"(\r[^\r\n\033]+\033\[K)+\r\033\[K", text), repr(text[-200:])
lines = [line for line in re.split(r"\r|\033\[K", text) if line]
for line in lines:
    assert re.fullmatch(r"[0-9]+ lines read|sorting [0-9]+ rules|[0-9]+ of [0-9]+ rules written", line), line
    assert max(map(int, re.findall("[0-9]+", line))) <= 300001, line
read = [int(line.split()[0]) for line in lines if "read" in line]
assert read and read == sorted(read), read
' "$err" "$1" || fail "progress and at its end: $1" "$(cat -v "$err")"
}

@test "progress on a terminal, which is left clean; none elsewhere, and none with -q" {
	many 300000 >"$tmp/many"
	capture "$BATS_TEST_DIRNAME/on_terminal" map_update -f "$tmp/many"
	assert_status 0
	assert_output ''
	assert_progress ''
	assert_done "$BATS_TEST_DIRNAME/on_terminal" map_update -q -f "$tmp/many"
	assert_done map_update -f "$tmp/many"
	# an error begins a line of its own
	echo 'x' >>"$tmp/many"
	capture "$BATS_TEST_DIRNAME/on_terminal" map_update -f "$tmp/many"
	assert_status 2
	assert_progress "map_update: $tmp/many:300001:1: x: expected DST LEN LOW HIGH TPROXY_PORT PROTO, got 1 operands"$'\r\n'
	[ "$(rules | wc -l)" = 300000 ] || fail '300000 rules' "$(rules | wc -l)"
}

# ---- large lists ----

# assert_listed LINES COMMAND [ARG]...: so many lines, in less than 64 MiB beside the pages of the arena
assert_listed() {
	local lines memory

	capture "$BATS_TEST_DIRNAME/anonymous" "${@:2}"
	assert_status 0 && assert_errors '' || return
	read -r lines memory <"$out"
	[ "$lines" = "$1" ] || fail "$1 lines" "$lines" || return
	((memory > 0 && memory < 64 << 10)) || fail 'memory below 64 MiB' "$memory KiB"
}

@test "1,000,000 rules are listed whole, in little memory" {
	local count=${SPLICER_RULES:-1000000}

	many "$count" >"$tmp/many"
	assert_done map_update -f "$tmp/many"
	assert_listed "$count" rule_list --save
	assert_listed "$count" rule_list -j
	assert_listed $((count + 1)) rule_list
	rule_list --save | cmp "$tmp/many" - || fail 'the lines that were inserted' 'others'
	rm "$tmp/many"
}
