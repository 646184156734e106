#!/usr/bin/env bats
# --direction, --mode and --max-duration: what they are to each tool that names, lists or changes rules.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

# attributes_of: direction, mode and duration of each rule, the oldest first
assert_attributes() {
	capture rule_list -j
	assert_json "[(r['dir'], r['mode'], r['max_duration']) for r in d] == $1"
}

# ---- what is printed ----

fixed_set() {
	map_update -f - <<-'X'
		10.0.0.0 8 80 80 0 tcp --direction out
		10.0.0.0 8 80 80 0 tcp -S "in and out" --mode detect
		10.0.0.0 8 81 81 5000 tcp --mode prevent --max-duration 31536000
		:: 0 0 65535 0 any -i t0 -a drop --direction out --mode detect
	X
}

@test "golden: table" {
	fixed_set
	capture rule_list
	assert_status 0
	assert_errors ''
	assert_output - <<-'X'
		DIR  PROTO  DST         SRC        LOW   HIGH  ACTION  PORT  IFACE  PRIO  SERVICE     MODE     MAX_DURATION  PACKETS  BYTES  LAST  NOTE
		out  tcp    10.0.0.0/8  0.0.0.0/0   80     80  pass       0  -         0  -           -                   -        0      0     -  -
		in   tcp    10.0.0.0/8  0.0.0.0/0   80     80  pass       0  -         0  in and out  detect              -        0      0     -  -
		in   tcp    10.0.0.0/8  0.0.0.0/0   81     81  splice  5000  -         0  -           prevent      31536000        0      0     -  dead,no-route
		out  any    ::/0        ::/0         0  65535  drop       0  t0        0  -           detect              -        0      0     -  -
	X
}

@test "golden: a table has only the columns that some rule of it needs" {
	fixed_set
	capture rule_list --direction out -p tcp
	assert_output - <<-'X'
		DIR  PROTO  DST         SRC        LOW  HIGH  ACTION  PORT  IFACE  PRIO  SERVICE  PACKETS  BYTES  LAST  NOTE
		out  tcp    10.0.0.0/8  0.0.0.0/0   80    80  pass       0  -         0  -              0      0     -  -
	X
	capture rule_list --direction in -S 'in and out'
	assert_output - <<-'X'
		PROTO  DST         SRC        LOW  HIGH  ACTION  PORT  IFACE  PRIO  SERVICE     MODE    PACKETS  BYTES  LAST  NOTE
		tcp    10.0.0.0/8  0.0.0.0/0   80    80  pass       0  -         0  in and out  detect        0      0     -  -
	X
}

@test "save and load: all of them, and --direction in is not said" {
	local saved

	fixed_set
	map_update --direction in 10.9.0.0 16 1 1 0 tcp
	capture rule_list --save
	assert_output - <<-'X'
		10.0.0.0 8 80 80 0 tcp --direction out
		10.0.0.0 8 80 80 0 tcp -S "in and out" --mode detect
		10.0.0.0 8 81 81 5000 tcp --mode prevent --max-duration 31536000
		:: 0 0 65535 0 any -i t0 -a drop --direction out --mode detect
		10.9.0.0 16 1 1 0 tcp
	X
	saved=$(<"$out")
	map_delete --all
	map_update -f - <<<"$saved"
	assert_rules "$saved"
	assert_done map_update --replace -f - <<<"$saved"
	assert_rules "$saved"
}

@test "JSON: numbers and words, null where nothing was said" {
	fixed_set
	assert_attributes "[('out', None, None), ('in', 'detect', None), ('in', 'prevent', 31536000), ('out', 'detect', None)]"
}

@test "map_update -v and -j tell them" {
	capture map_update -v --direction out --mode prevent --max-duration 5 10.0.0.0 8 80 80 0 tcp
	assert_status 0
	assert_output 'A 10.0.0.0 8 80 80 0 tcp --direction out --mode prevent --max-duration 5'
	capture map_update -j --direction out --mode detect 10.0.0.0 8 80 80 0 tcp
	assert_json '[(r["change"], r["dir"], r["mode"], r["max_duration"]) for r in d] == [("C", "out", "detect", None)]'
}

@test "--watch has them" {
	fixed_set
	limit=2
	capture rule_list --watch 9
	grep -q '^PPS  BPS  DIR  PROTO .* MODE  *MAX_DURATION ' "$out" || fail 'the columns' "$(cat "$out")"
}

# ---- direction ----

@test "direction is part of identity: in and out stand side by side, and each is changed alone" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update --direction out 10.0.0.0 8 80 80 0 tcp
	assert_rules $'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 80 80 0 tcp --direction out'
	capture map_update -v --direction out -a drop 10.0.0.0 8 80 80 0 tcp
	assert_output 'C 10.0.0.0 8 80 80 0 tcp -a drop --direction out'
	assert_rules $'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 80 80 0 tcp -a drop --direction out'
	capture map_update -v 10.0.0.0 8 80 80 0 tcp
	assert_output '= 10.0.0.0 8 80 80 0 tcp'
}

@test "an absent --direction is any to map_delete and rule_list" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update --direction out 10.0.0.0 8 80 80 0 tcp
	capture map_delete 10.0.0.0 8 80 tcp
	assert_status 1
	assert_errors_have '2 rules match, nothing was deleted'
	assert_errors_have '10.0.0.0 8 80 80 0 tcp --direction out'
	assert_done map_delete --direction out 10.0.0.0 8 80 tcp
	assert_rules '10.0.0.0 8 80 80 0 tcp'
	assert_state '10.0.0.0 8 80 tcp' map_delete --direction out 10.0.0.0 8 80 tcp
	map_update --direction out 10.0.0.0 8 81 81 0 tcp
	assert_done map_delete 10.0.0.0 8 81 tcp
	assert_rules '10.0.0.0 8 80 80 0 tcp'
}

@test "map_delete --direction: with --all, in a file, among sources and interfaces; alone it is not enough" {
	map_update -f - <<-'X'
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 80 80 0 tcp -s 192.0.2.0/24 --direction out
		10.0.0.0 8 80 80 0 tcp -i t0 --direction out
		10.0.0.0 8 80 80 0 tcp -i t0
		10.1.0.0 16 80 80 0 tcp --direction out
		10.2.0.0 16 80 80 0 tcp --direction out
	X
	assert_refused operands map_delete --direction out
	map_delete -f - <<-'X'
		--direction out -s 192.0.2.0/24 10.0.0.0 8 80 tcp
		--direction in -i t0 10.0.0.0 8 80 tcp
		--direction in 10.2.0.0 16
	X
	assert_rules "$(printf '%s\n' '10.0.0.0 8 80 80 0 tcp' '10.0.0.0 8 80 80 0 tcp -i t0 --direction out' \
		'10.1.0.0 16 80 80 0 tcp --direction out' '10.2.0.0 16 80 80 0 tcp --direction out')"
	assert_done map_delete --direction in 10.0.0.0 8
	assert_done map_delete --all --direction out
	assert_rules ''
}

@test "of an in rule whose listener is dead and an out rule, the dead one is meant" {
	map_update 10.0.0.0 8 80 80 5000 tcp
	map_update --direction out 10.0.0.0 8 80 80 0 tcp
	assert_done map_delete 10.0.0.0 8 80 tcp
	assert_rules '10.0.0.0 8 80 80 0 tcp --direction out'
	assert_done map_delete --dead
	assert_rules '10.0.0.0 8 80 80 0 tcp --direction out'
}

@test "rule_list selects by --direction" {
	fixed_set
	capture rule_list --save --direction out
	assert_output $'10.0.0.0 8 80 80 0 tcp --direction out\n:: 0 0 65535 0 any -i t0 -a drop --direction out --mode detect'
	capture rule_list --save --direction in 10.0.0.0 8 80
	assert_output '10.0.0.0 8 80 80 0 tcp -S "in and out" --mode detect'
	assert_refused both rule_list --direction both
	assert_refused both map_delete --direction both --all
	assert_refused --stats rule_list --stats --direction out
}

@test "an out rule cannot splice, and has no route" {
	assert_refused 5000 map_update --direction out 10.0.0.0 8 80 80 5000 tcp
	assert_errors 'map_update: 5000: an out rule passes or drops, it cannot splice'
	assert_refused splice map_update --direction out -a splice 10.0.0.0 8 80 80 5000 tcp
	assert_refused --route map_update --direction out --route 10.0.0.0 8 80 80 0 tcp
	assert_refused both map_update --direction both 10.0.0.0 8 80 80 0 tcp
	assert_refused --dir map_update --dir out 10.0.0.0 8 80 80 0 tcp
}

@test "ziti_divert makes in rules, and -D leaves out rules alone" {
	map_update --direction out 10.1.0.0 16 80 80 0 tcp
	assert_done ziti_divert -I -c 10.1.0.0 -m 16 -p tcp -l 80 -h 80 -t 5000
	assert_rules $'10.1.0.0 16 80 80 0 tcp --direction out\n10.1.0.0 16 80 80 5000 tcp'
	assert_done ziti_divert -D -c 10.1.0.0 -m 16 -p tcp -l 80 -h 80
	assert_rules '10.1.0.0 16 80 80 0 tcp --direction out'
	capture ziti_divert -D -c 10.1.0.0 -m 16 -p tcp -l 80 -h 80
	assert_status 1
	assert_rules '10.1.0.0 16 80 80 0 tcp --direction out'
}

# ---- mode and duration ----

@test "inserting again sets mode and duration anew, or takes them away; '=' only where both are so already" {
	local options letter

	map_update 10.0.0.0 8 80 80 0 tcp
	while read -r letter options; do
		# shellcheck disable=SC2086  # words
		capture map_update -v 10.0.0.0 8 80 80 0 tcp $options
		assert_output "$letter 10.0.0.0 8 80 80 0 tcp${options:+ $options}"
		assert_rules "10.0.0.0 8 80 80 0 tcp${options:+ $options}"
	done <<-'X'
		C --mode detect
		= --mode detect
		C --mode prevent --max-duration 60
		= --mode prevent --max-duration 60
		C --mode prevent --max-duration 61
		C --mode detect --max-duration 61
		C --max-duration 61
		C --mode prevent
		C
		=
		C --max-duration 7
	X
	capture map_update -v -a drop 10.0.0.0 8 80 80 0 tcp
	assert_output 'C 10.0.0.0 8 80 80 0 tcp -a drop'
	assert_attributes "[('in', None, None)]"
}

@test "they are no part of identity: map_delete takes the rule whatever they are" {
	map_update --mode detect --max-duration 60 10.0.0.0 8 80 80 0 tcp
	assert_done map_delete 10.0.0.0 8 80 tcp
	assert_rules ''
}

@test "in a replacement they count: '=' and 'C', and the order of lines stays" {
	map_update -f - <<-'X'
		10.0.0.0 8 80 80 0 tcp --mode detect
		10.0.0.0 8 81 81 0 tcp --max-duration 60
		10.0.0.0 8 82 82 0 tcp --max-duration 60
	X
	capture map_update -v --replace -f - <<-'X'
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 81 81 0 tcp --max-duration 60
		10.0.0.0 8 82 82 0 tcp --max-duration 61
	X
	assert_output - <<-'X'
		C 10.0.0.0 8 80 80 0 tcp
		= 10.0.0.0 8 81 81 0 tcp --max-duration 60
		C 10.0.0.0 8 82 82 0 tcp --max-duration 61
	X
	assert_attributes "[('in', None, None), ('in', None, 60), ('in', None, 61)]"
}

@test "they go with a rule that expires, and stay when it no longer does" {
	map_update --mode detect --max-duration 60 --ttl 3600 10.0.0.0 8 80 80 0 tcp
	assert_attributes "[('in', 'detect', 60)]"
	map_update --mode detect --max-duration 60 10.0.0.0 8 80 80 0 tcp
	assert_attributes "[('in', 'detect', 60)]"
	map_update --mode prevent --max-duration 61 --ttl 3600 10.0.0.0 8 80 80 0 tcp
	assert_attributes "[('in', 'prevent', 61)]"
}

@test "what a mode or a duration cannot be is refused" {
	local seconds

	for seconds in 0 -1 31536001 1.5 1h 060 ''; do
		assert_refused "$seconds" map_update --max-duration "$seconds" 10.0.0.0 8 80 80 0 tcp
	done
	assert_refused --max-duration map_update -a drop --max-duration 60 10.0.0.0 8 80 80 0 tcp
	assert_refused off map_update --mode off 10.0.0.0 8 80 80 0 tcp
	assert_refused Detect map_update --mode Detect 10.0.0.0 8 80 80 0 tcp
	assert_refused '' map_update --mode '' 10.0.0.0 8 80 80 0 tcp
	assert_refused --mode map_update 10.0.0.0 8 80 80 0 tcp --mode
}

@test "the first rule with a duration is noted for the programs, until the pins go; a dry run is not" {
	# pins of its own: the mark stays as long as they do
	# shellcheck disable=SC2016  # for the inner shell
	capture unshare --mount bash -euc '
		seen() { python3 "$0" dump /sys/fs/bpf/tc/globals/splicer1_config | cut -c 17-32; }
		mount -t bpf bpf /sys/fs/bpf
		tc qdisc add dev t1 clsact
		tc filter add dev t1 ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
		map_update -n --max-duration 60 10.0.0.0 8 80 80 0 tcp >/dev/null
		map_update 10.0.0.0 8 80 80 0 tcp
		seen
		# refused: more combinations of prefix lengths than there may be
		{
			echo 10.0.0.0 8 80 80 0 tcp --max-duration 60
			for dst in {8..32}; do
				for src in {8..32}; do echo "10.0.0.0 $dst 80 80 0 tcp -s 10.0.0.0/$src"; done
			done
		} | map_update -f - 2>/dev/null && exit 9
		seen
		map_update --max-duration 60 10.0.0.0 8 80 80 0 tcp
		seen
		map_delete --all
		seen
		tc qdisc del dev t1 clsact' "$BATS_TEST_DIRNAME/bpfmap"
	assert_status 0
	assert_output - <<-'X'
		0100000000000000
		0100000000000000
		0100000001000000
		0100000001000000
	X
}

# ---- questions and events ----

@test "--match --direction: of a packet that leaves only where the program is attached to an egress" {
	assert_state splicer.o rule_list --match 'tcp 192.0.2.9 10.0.0.1:80' --direction out
	assert_errors 'rule_list: splicer.o: not attached to the egress of any interface'
	assert_state splicer.o rule_list --match 'tcp 192.0.2.9 10.0.0.1:80 t0' --direction out
	map_update --direction out 10.0.0.0 8 80 80 0 tcp
	capture rule_list --match 'tcp 192.0.2.9 10.0.0.1:80' --direction in
	assert_status 0
	assert_output 'BLOCKED dropped no-rule: no rule matches'
	assert_refused both rule_list --match 'tcp 192.0.2.9 10.0.0.1:80' --direction both
}

# asked DIRECTION PACKET: verdict, reason and why of each rule
asked() {
	rule_list -j --direction "$1" --match "$2" | python3 -ISc '
import json, sys
d = json.load(sys.stdin)
print(d["verdict"], d["reason"], *("%s:%s" % (r["dir"], r["why"]) for r in d["rules"]))
'
}

@test "--match --direction out asks the program of egress, and shows out rules" {
	tc filter add dev t0 egress bpf da obj "${LAB_OBJECTS:?}/splicer.o" sec action/egress
	capture rule_list --direction out --match 'tcp 192.0.2.9 10.0.0.1:80'
	assert_status 0
	assert_output 'ALLOWED passed out: leaves, and no out rule matches'
	map_update -f - <<-'X'
		10.0.0.0 8 0 65535 0 any -a drop
		10.0.0.0 16 80 80 0 tcp --direction out
		10.0.0.0 24 80 80 0 tcp --direction out -a drop
		10.0.0.0 24 81 81 0 tcp --direction out -a drop --mode detect
	X
	[ "$(asked out 'tcp 192.0.2.9 10.0.0.1:80')" = 'BLOCKED rule-drop out:decides out:destination prefix is shorter' ] ||
		fail 'rule-drop' "$(asked out 'tcp 192.0.2.9 10.0.0.1:80')"
	[ "$(asked out 'tcp 192.0.2.9 10.0.1.1:80 t0')" = 'ALLOWED rule-pass out:decides' ] ||
		fail 'rule-pass' "$(asked out 'tcp 192.0.2.9 10.0.1.1:80 t0')"
	[ "$(asked out 'tcp 192.0.2.9 10.0.0.1:81')" = 'DETECTED rule-drop out:decides' ] ||
		fail 'detect' "$(asked out 'tcp 192.0.2.9 10.0.0.1:81')"
	[ "$(asked in 'tcp 192.0.2.9 10.0.0.1:81')" = 'BLOCKED rule-drop in:decides' ] ||
		fail 'in rules only' "$(asked in 'tcp 192.0.2.9 10.0.0.1:81')"
	capture rule_list --direction out --match 'tcp 192.0.2.9 10.0.0.1:80 t1'
	assert_status 0
	assert_errors 'rule_list: not attached to the egress of t1: this is what it would do'
	tc filter del dev t0 egress
}

@test "trace_tail refuses verdicts and hooks that are none" {
	assert_refused drop trace_tail --verdict drop
	assert_refused '?' trace_tail --verdict '?'
	assert_refused out trace_tail --hook out
	assert_refused '' trace_tail --hook ''
}
