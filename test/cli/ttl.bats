#!/usr/bin/env bats
# --ttl and --expires: rules that end by themselves.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

# In the year 2096. Times are kept on another clock, and the two are read one after the other: half a second is room
# enough for whatever comes in between, so that whole seconds can be compared.
FAR=4000000000
NOON=$FAR.500

# The lines of standard input, without fractions of seconds.
whole() {
	sed -E 's/(--expires [0-9]+)\.[0-9]{3}/\1/'
}

# The assertions of helpers.bash compare to the second.
rules() {
	rule_list --save </dev/null | whole
}

assert_whole_output() {
	whole <"$out" >"$tmp/whole"
	assert_text stdout "$tmp/whole" "$1"
}

# Rules in the arena, those included that have expired and were not swept.
unswept() {
	python3 -IS "$BATS_TEST_DIRNAME/../arena.py" live
}

# expired COMMAND [ARG]...: runs it, which inserts rules of tag "short" for a second, and waits until they are gone
expired() {
	local try

	assert_done "$@" || return
	for ((try = 0; try < 600; try++)); do
		[ -n "$(rule_list --save -S short)" ] || return 0
		sleep 0.05
	done
	fail 'no rules of tag short' "$(rule_list --save -S short)"
}

# ends_in LEAST MOST: seconds from now, of the only rule, as rule_list -j has it
assert_ends_in() {
	capture rule_list -j
	assert_json "len(d) == 1 and $1 <= d[0]['expires'] - __import__('time').time() <= $2"
}

# ---- what is accepted ----

@test "--ttl, --ttl= and --expires, on the command line and in files; the widest of them" {
	assert_done map_update --ttl 3600 10.0.0.0 8 80 80 0 tcp
	assert_ends_in 3500 3600
	assert_done map_update 10.0.0.0 8 80 80 0 tcp --ttl=7200
	assert_ends_in 7100 7200
	assert_done map_update -f - <<<'10.0.0.0 8 80 80 0 tcp --ttl 10800'
	assert_ends_in 10700 10800
	assert_done map_update --expires $FAR 10.0.0.0 8 80 80 0 tcp
	assert_done map_update --expires $FAR.5 10.0.0.0 8 80 80 0 tcp
	assert_rules "10.0.0.0 8 80 80 0 tcp --expires $FAR"
	assert_done map_update --expires $((FAR + 3)).50 10.0.0.0 8 80 80 0 tcp
	assert_rules "10.0.0.0 8 80 80 0 tcp --expires $((FAR + 3))"
	assert_done map_update --expires=$NOON 10.0.0.0 8 80 80 0 tcp
	assert_rules "10.0.0.0 8 80 80 0 tcp --expires $FAR"
	assert_done map_update -f - <<<"--expires $((FAR + 3)).499 10.0.0.0 8 80 80 0 tcp"
	assert_rules "10.0.0.0 8 80 80 0 tcp --expires $((FAR + 3))"
	assert_done map_update --ttl 3162240000 10.0.0.0 8 80 80 0 tcp
	assert_ends_in 3162239900 3162240000
}

@test "--expires far ahead is what it was, saved and listed" {
	local time

	for time in 4102444800 9199999999.5 9200000000; do
		assert_done map_update --expires $time 10.0.0.0 8 80 80 0 tcp
		# the clocks are read one after the other
		capture rule_list -j
		assert_json "abs(d[0]['expires'] - $time) < 1"
		rule_list --save | awk -v time=$time '{ exit !($8 - time < 1 && time - $8 < 1) }' || fail "--expires $time" "$(rules)"
	done
}

@test "no time, one that is no number, or too long" {
	local text

	map_update 10.0.0.0 8 80 80 5000 tcp
	for text in 0 x 1x ' 1' '1 ' +1 -1 0x10 01 1.5 1e3 1s 3162240001 18446744073709551617 ''; do
		assert_refused "$text" map_update --ttl="$text" 10.0.0.0 8 80 80 0 tcp
	done
	for text in 0x10 x "${FAR}x" "$FAR." "$FAR.1234" "$FAR.1x" "$FAR.-1" "$FAR.1.2" " $FAR" "$FAR " "+$FAR" "0$FAR" "-$FAR" \
		4e9 2096-10-02 tomorrow 9200000001 9223372037 18446744074 18446744073709551617 .5 . \
		99999999999999999999999999.5 ''; do
		assert_refused "$text" map_update --expires="$text" 10.0.0.0 8 80 80 0 tcp
	done
	assert_refused --ttl map_update 10.0.0.0 8 80 80 0 tcp --ttl
	assert_refused --expires map_update 10.0.0.0 8 80 80 0 tcp --expires
}

@test "in a file, the column of a wrong time" {
	map_update 10.0.0.0 8 80 80 5000 tcp
	assert_refused 'stdin:1:30: 0' map_update -f - <<<'10.0.0.0 8 80 80 0 tcp --ttl 0'
	assert_refused 'stdin:2:34: x' map_update -f - <<<$'10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 80 80 0 tcp --expires x'
}

@test "both at once" {
	map_update 10.0.0.0 8 80 80 5000 tcp
	assert_refused "$FAR" map_update --ttl 60 --expires $FAR 10.0.0.0 8 80 80 0 tcp
	assert_refused "$FAR" map_update --expires $FAR --ttl 60 10.0.0.0 8 80 80 0 tcp
	assert_refused "stdin:1:43: $FAR" map_update -f - <<<"10.0.0.0 8 80 80 0 tcp --ttl 60 --expires $FAR"
}

@test "--ttl and --expires are of rules: not beside -f, and of no other tool" {
	map_update 10.0.0.0 8 80 80 5000 tcp
	assert_refused /dev/null map_update --ttl 60 -f /dev/null
	assert_refused /dev/null map_update --expires $FAR -f /dev/null
	assert_refused /dev/null map_update --ttl 60 --replace -f /dev/null
	assert_refused --ttl map_delete --ttl 60 10.0.0.0 8 80 tcp
	assert_refused --expires rule_list --expires $FAR
	assert_refused 'stdin:1:19: --ttl' map_delete -f - <<<'10.0.0.0 8 80 tcp --ttl 60'
}

@test "a time that is past: an error on the command line, a line that is left out in a file" {
	local time

	map_update 10.0.0.0 8 80 80 5000 tcp
	for time in 0 1 1.5 1000000000 1000000000.999; do
		assert_refused $time map_update --expires $time 10.0.0.0 8 81 81 0 tcp
		assert_refused $time map_update -n --expires $time 10.0.0.0 8 81 81 0 tcp
	done
	# also where the rule is there
	assert_refused 1000000000 map_update --expires 1000000000 10.0.0.0 8 80 80 5000 tcp
	cat >"$tmp/file" <<-X
		10.0.0.0 8 81 81 0 tcp --expires 1000000000.999
		10.0.0.0 8 82 82 0 tcp --expires $NOON
		10.0.0.0 8 80 80 5000 tcp --expires 1
		10.0.0.0-10.0.0.3 32 83 83 0 tcp --expires 0 -i t0 -i t1
	X
	capture map_update -v -q -f "$tmp/file"
	assert_status 0
	assert_whole_output "A 10.0.0.0 8 82 82 0 tcp --expires $FAR"
	assert_rules "10.0.0.0 8 80 80 5000 tcp
10.0.0.0 8 82 82 0 tcp --expires $FAR"
	capture map_update -v --replace -f "$tmp/file"
	assert_whole_output "= 10.0.0.0 8 82 82 0 tcp --expires $FAR
D 10.0.0.0 8 80 80 5000 tcp"
	assert_rules "10.0.0.0 8 82 82 0 tcp --expires $FAR"
	# a line that is left out must be right all the same
	assert_refused 'stdin:1:10: 33' map_update -f - <<<'10.0.0.0 33 81 81 0 tcp --expires 1'
	assert_done map_update -f - <<<'10.0.0.0 8 80 80 0 tcp --expires 1'
	assert_done map_update --replace -f - <<<'10.0.0.0 8 80 80 0 tcp --expires 1'
	assert_rules ''
}

# ---- how it is shown ----

@test "rule_list: seconds since the epoch as expires in JSON, null where there is no end; what is left in NOTE" {
	map_update -f - <<-X
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 81 81 0 tcp --expires $NOON
		10.0.0.0 8 82 82 0 tcp --ttl 5400
		10.0.0.0 8 83 83 0 tcp --ttl 36000
		10.0.0.0 8 84 84 5000 tcp --ttl 5400
	X
	capture rule_list -j
	assert_json 'd[0]["expires"] is None and all(type(r["expires"]) in (int, float) for r in d[1:])'
	assert_json "abs(d[1]['expires'] - $NOON) < 0.4"
	assert_json '0 <= d[3]["expires"] - d[2]["expires"] - 30600 < 1'
	capture rule_list
	assert_status 0
	awk '{ $1 = $2 = $3 = $6 = $7 = $8 = $9 = $10 = $11 = $12 = $13 = "" } 1' "$out" | xargs -L 1 >"$tmp/notes"
	sed -i -E 's/^(81 81) [0-9]{6}h left/\1 NUMBERh left/' "$tmp/notes"
	assert_text notes "$tmp/notes" - <<-'X'
		LOW HIGH NOTE
		80 80 -
		81 81 NUMBERh left
		82 82 90m left
		83 83 10h left
		84 84 dead,no-route,90m left
	X
}

@test "map_update -v, -n and -j tell when it ends" {
	capture map_update -v --expires $NOON 10.0.0.0 8 80 80 0 tcp
	grep -qE '^A 10.0.0.0 8 80 80 0 tcp --expires [0-9]{10}\.[0-9]{3}$' "$out" || fail 'three digits' "$(<"$out")"
	assert_whole_output "A 10.0.0.0 8 80 80 0 tcp --expires $FAR"
	capture map_update -n --expires $NOON 10.0.0.0 8 81 81 0 tcp
	assert_whole_output "A 10.0.0.0 8 81 81 0 tcp --expires $FAR"
	capture map_update -j --ttl 3600 10.0.0.0 8 82 82 0 tcp
	assert_json 'd[0]["change"] == "A" and 3500 < d[0]["expires"] - __import__("time").time() <= 3600'
	capture map_update -j 10.0.0.0 8 83 83 0 tcp
	assert_json 'd[0]["expires"] is None'
	capture map_delete -v 10.0.0.0 8 80 tcp
	assert_whole_output "D 10.0.0.0 8 80 80 0 tcp --expires $FAR"
}

# The letters that a command prints, without the rules.
assert_letter() {
	local letter=$1

	shift
	capture "$@"
	assert_status 0 && assert_errors '' || return
	cut -c 1 "$out" | paste -sd ' ' >"$tmp/letters"
	assert_text letters "$tmp/letters" "$letter"
}

@test "letters: a time that is set, set anew and taken away is a change; less than a second is none" {
	assert_letter A map_update -v 10.0.0.0 8 80 80 0 tcp
	assert_letter C map_update -v --ttl 3600 10.0.0.0 8 80 80 0 tcp
	assert_letter C map_update -v --ttl 7200 10.0.0.0 8 80 80 0 tcp
	assert_ends_in 7100 7200
	assert_letter C map_update -v --ttl 3600 10.0.0.0 8 80 80 0 tcp
	assert_ends_in 3500 3600
	assert_letter C map_update -v 10.0.0.0 8 80 80 0 tcp
	assert_rules '10.0.0.0 8 80 80 0 tcp'
	assert_letter '=' map_update -v 10.0.0.0 8 80 80 0 tcp
	assert_letter C map_update -v --expires $NOON 10.0.0.0 8 80 80 0 tcp
	assert_letter '=' map_update -v --expires $NOON 10.0.0.0 8 80 80 0 tcp
	assert_letter '=' map_update -v --expires $FAR.900 10.0.0.0 8 80 80 0 tcp
	assert_letter C map_update -v --expires $((FAR + 2)).500 10.0.0.0 8 80 80 0 tcp
	assert_letter C map_update -v --expires $((FAR + 2)).500 10.0.0.0 8 80 80 0 tcp -a drop
	assert_rules "10.0.0.0 8 80 80 0 tcp -a drop --expires $((FAR + 2))"
}

@test "letters of a file and of --replace: to a time, to another, to none" {
	cat >"$tmp/one" <<-X
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 81 81 0 tcp --expires $NOON
		10.0.0.0 8 82 82 0 tcp --expires $NOON
		10.0.0.0 8 83 83 0 tcp --expires $NOON
	X
	cat >"$tmp/two" <<-X
		10.0.0.0 8 80 80 0 tcp --expires $NOON
		10.0.0.0 8 81 81 0 tcp
		10.0.0.0 8 82 82 0 tcp --expires $((FAR + 60)).500
		10.0.0.0 8 83 83 0 tcp --expires $NOON
	X
	assert_letter 'A A A A' map_update -v -f "$tmp/one"
	assert_letter 'C C C =' map_update -v --replace -f "$tmp/two"
	assert_rules "$(whole <"$tmp/two")"
	assert_letter 'C C C =' map_update -v -f "$tmp/one"
	assert_rules "$(whole <"$tmp/one")"
	assert_letter '= = = =' map_update -v --replace -f "$tmp/one"
	# of one rule the last line counts
	assert_letter 'C C' map_update -v -f - <<<$'10.0.0.0 8 80 80 0 tcp --ttl 60\n10.0.0.0 8 80 80 0 tcp'
	assert_letter 'C C' map_update -v -f - <<<$'10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 81 81 0 tcp --ttl 60'
	[ "$(rules | grep -c expires)" = 3 ] || fail '3 that expire' "$(rules)"
}

# ---- saved and restored ----

@test "rule_list --save and back: map_update -f and --replace find nothing to change" {
	map_update -f - <<-X
		10.0.0.0 8 80 80 0 tcp --ttl 3600
		10.0.0.0 8 80 90 0 tcp --expires $NOON -S "a b"
		10.0.0.0 8 81 81 0 tcp -P 3
		2001:db8:: 32 80 80 5000 tcp --ttl 86400 -s 2001:db8::/32 -i t0
	X
	rule_list --save >"$tmp/saved"
	grep -qE '^10.0.0.0 8 80 80 0 tcp --expires [0-9]{10}\.[0-9]{3}$' "$tmp/saved" || fail 'an absolute time' "$(<"$tmp/saved")"
	assert_letter '= = = =' map_update -v -q -f "$tmp/saved"
	assert_letter '= = = =' map_update -v -q --replace -f "$tmp/saved"
	map_delete --all
	assert_done map_update --replace -f "$tmp/saved"
	assert_rules "$(whole <"$tmp/saved")"
}

@test "a rule that is saved and restored 100 times still ends when it did, and is listed the same each time" {
	local i

	map_update --expires $NOON 10.0.0.0 8 80 80 0 tcp
	for ((i = 0; i < 100; i++)); do
		rule_list --save
	done | sort -u >"$tmp/lists"
	assert_text 'all lists' "$tmp/lists" "10.0.0.0 8 80 80 0 tcp --expires $NOON"
	for ((i = 0; i < 100; i++)); do
		rule_list --save >"$tmp/saved"
		map_delete --all
		map_update -f "$tmp/saved"
	done
	capture rule_list -j
	assert_json "abs(d[0]['expires'] - $NOON) < 0.02"
}

# ---- when it is over ----

@test "an expired rule is not listed, saved or deleted, and counts for no selector" {
	map_update 10.0.0.0 8 80 95 5000 tcp -S long
	expired map_update -f - <<<$'10.0.0.0 8 80 90 5000 tcp -S short --ttl 1\n2001:db8:: 32 80 80 0 tcp -S short --ttl 1'
	assert_rules '10.0.0.0 8 80 95 5000 tcp -S long'
	capture rule_list -j
	assert_json '[r["service"] for r in d] == ["long"]'
	capture rule_list
	[ "$(wc -l <"$out")" = 2 ] || fail 'one rule and the heading' "$(<"$out")"
	assert_state '10.0.0.0 8 80 tcp' map_delete -S short 10.0.0.0 8 80 tcp
	assert_state '2001:db8:: 32' map_delete 2001:db8:: 32
	capture map_delete -v -S short
	assert_status 0
	assert_output ''
	capture map_delete -n --all
	assert_output 'D 10.0.0.0 8 80 95 5000 tcp -S long'
	# of the two of this low port only one is left: that is meant
	assert_done map_delete 10.0.0.0 8 80 tcp
	assert_rules ''
}

@test "an expired rule that is inserted again is a new one" {
	expired map_update --ttl 1 10.0.0.0 8 80 80 0 tcp -S short
	assert_letter A map_update -n 10.0.0.0 8 80 80 0 tcp -S short
	assert_letter A map_update -v 10.0.0.0 8 80 80 0 tcp -S short
	assert_rules '10.0.0.0 8 80 80 0 tcp -S short'
	map_delete --all
	expired map_update --ttl 1 10.0.0.0 8 80 80 0 tcp -S short
	assert_letter A map_update -v --ttl 3600 10.0.0.0 8 80 80 0 tcp -S short
	map_delete --all
	expired map_update --ttl 1 10.0.0.0 8 80 80 0 tcp -S short
	assert_letter 'A A' map_update -v -f - <<<$'10.0.0.0 8 80 80 0 tcp -S short\n10.0.0.0 8 81 81 0 tcp -S short'
	map_delete --all
	expired map_update --ttl 1 10.0.0.0 8 80 80 0 tcp -S short
	assert_letter A map_update -v --replace -f - <<<'10.0.0.0 8 80 80 0 tcp -S short'
	map_delete --all
	expired map_update --ttl 1 10.0.0.0 8 80 80 0 tcp -S short
	# it is gone already
	capture map_update -v --replace -f /dev/null
	assert_status 0
	assert_output ''
}

@test "a rule that lives on because its time was set anew, or taken away" {
	map_update 10.0.0.0 8 80 80 0 tcp --ttl 1
	map_update 10.0.0.0 8 80 80 0 tcp --ttl 3600
	map_update -f - <<<$'10.0.0.0 8 81 81 0 tcp --ttl 1\n10.0.0.0 8 82 82 0 tcp --ttl 1'
	map_update -f - <<<$'10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 82 82 0 tcp --ttl 3600'
	expired map_update 10.0.0.0 8 83 83 0 tcp --ttl 1 -S short
	capture rule_list -j
	assert_json '[r["low"] for r in d] == [80, 81, 82] and d[1]["expires"] is None'
}

@test "the next writer sweeps: one change, many, none, a deletion, a replacement; -n and lists do not" {
	local rule='10.0.0.0 8 80 80 0 tcp -S short --ttl 1' sweep

	map_update -f - <<<$'10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 82 82 0 tcp'
	for sweep in '-f /dev/null' '10.0.0.0 8 81 81 0 tcp' "-f $tmp/two" "--replace -f $tmp/two"; do
		printf '10.0.0.0 8 81 81 0 tcp\n10.0.0.0 8 82 82 0 tcp\n' >"$tmp/two"
		expired map_update -f - <<<"$rule"
		rule_list >/dev/null
		map_update -n 10.0.0.0 8 81 81 0 tcp >/dev/null
		[ "$(unswept)" = 3 ] || fail '3 rules in the arena' "$(unswept)"
		# shellcheck disable=SC2086  # words
		assert_done map_update $sweep
		[ "$(unswept)" = 2 ] || fail "2 rules in the arena after map_update $sweep" "$(unswept)"
	done
	expired map_update -f - <<<"$rule"
	assert_done map_delete --service none
	[ "$(unswept)" = 2 ] || fail '2 rules in the arena after map_delete' "$(unswept)"
	assert_rules "$(<"$tmp/two")"
}

@test "1,000 rules of several keys expire at once, in between others that stay" {
	awk 'BEGIN { for (i = 0; i < 1000; i++) {
		printf "10.0.%d.0 24 %d %d 0 tcp -S short --ttl 1\n", i % 50, i, i
		printf "10.0.%d.0 24 %d %d 0 tcp -S long\n", i % 50, i, i + 1 } }' >"$tmp/many"
	expired map_update -f "$tmp/many"
	assert_rules "$(grep long "$tmp/many")"
	[ "$(unswept)" = 2000 ] || fail '2000 rules in the arena' "$(unswept)"
	assert_done map_update 10.0.0.0 8 80 80 0 tcp
	[ "$(unswept)" = 1001 ] || fail '1001 rules in the arena' "$(unswept)"
	assert_rules "$(grep long "$tmp/many")"$'\n10.0.0.0 8 80 80 0 tcp'
}

@test "a range and several interfaces: each of their rules ends" {
	expired map_update 10.0.0.0-10.0.0.2 32 80 80 0 tcp -i t0 -i t1 --ttl 1 -S short
	[ "$(unswept)" = 4 ] || fail '4 rules in the arena' "$(unswept)"
	assert_done map_update -f /dev/null
	[ "$(unswept)" = 0 ] || fail 'none in the arena' "$(unswept)"
}

@test "15 rules that expire may share a port under one prefix; those that have expired, or stay, do not count" {
	local i

	for ((i = 1; i <= 15; i++)); do
		assert_done map_update --ttl 3600 10.0.0.0 8 80 $((80 + i)) 0 tcp
	done
	assert_state rules map_update --ttl 3600 10.0.0.0 8 80 80 0 tcp
	assert_state rules map_update -f - <<<$'10.0.0.0 8 99 99 0 tcp\n10.0.0.0 8 80 80 0 tcp --ttl 3600'
	# without an end, of no port of theirs, of another prefix, or of those that are there
	assert_done map_update 10.0.0.0 8 80 80 0 tcp
	assert_done map_update --ttl 3600 10.0.0.0 8 79 79 0 tcp
	assert_done map_update --ttl 3600 10.0.0.0 9 80 80 0 tcp
	assert_done map_update --ttl 3600 10.0.0.0 8 80 80 0 udp
	assert_done map_update --ttl 7200 10.0.0.0 8 80 95 0 tcp
	# one of them that stays, or goes, makes room
	assert_done map_update 10.0.0.0 8 80 95 0 tcp
	assert_done map_update --ttl 3600 10.0.0.0 8 80 99 0 tcp
	assert_done map_delete --high 99 10.0.0.0 8 80 tcp
	expired map_update --ttl 1 10.0.0.0 8 80 99 0 tcp -S short
	assert_done map_update --ttl 3600 10.0.0.0 8 80 99 0 tcp
}

@test "the route of a rule that has expired goes with it, unless another needs it" {
	map_update --route 10.7.0.0 16 80 80 5000 tcp
	expired map_update -f - <<-X
		10.7.0.0 16 81 81 5000 tcp --route --ttl 1 -S short
		10.8.0.0 16 80 80 5000 tcp --route --ttl 1 -S short
		2001:db8:8:: 48 80 80 5000 tcp --route --ttl 1 -S short
	X
	assert_done map_update 10.0.0.0 8 80 80 0 tcp
	[ -n "$(ip route show table local 10.7.0.0/16)" ] || fail 'a local route of 10.7.0.0/16' none
	[ -z "$(ip route show table local 10.8.0.0/16)" ] || fail 'no local route of 10.8.0.0/16' one
	[ -z "$(ip -6 route show table local 2001:db8:8::/48)" ] || fail 'no local route of 2001:db8:8::/48' one
}
