#!/usr/bin/env bats
# Which rules are one rule. What differs in anything of the identity stacks, and deleting one never disturbs the other.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

base='10.0.0.0 8 80 80 5000 tcp -s 192.0.2.0/24 -i t0 -P 5 -S tag'

# Two rules that differ in one thing; each is deleted in turn, and the other stays as it was.
assert_stacks() {
	local other=$1 first second words

	for first in "$base" "$other"; do
		second=$other
		[ "$first" = "$base" ] || second=$base
		map_delete --all
		# shellcheck disable=SC2086  # words
		{
			map_update $base
			map_update $other
		}
		assert_rules "$base"$'\n'"$other"
		read -r -a words <<<"$first"
		assert_done map_delete "${words[@]:0:3}" "${words[@]:5}"
		assert_rules "$second"
	done
}

@test "destination" { assert_stacks '10.1.0.0 16 80 80 5000 tcp -s 192.0.2.0/24 -i t0 -P 5 -S tag'; }
@test "destination length" { assert_stacks '10.0.0.0 9 80 80 5000 tcp -s 192.0.2.0/24 -i t0 -P 5 -S tag'; }
@test "low port" { assert_stacks '10.0.0.0 8 79 80 5000 tcp -s 192.0.2.0/24 -i t0 -P 5 -S tag'; }
@test "protocol" { assert_stacks '10.0.0.0 8 80 80 5000 udp -s 192.0.2.0/24 -i t0 -P 5 -S tag'; }
@test "source" { assert_stacks '10.0.0.0 8 80 80 5000 tcp -s 192.0.3.0/24 -i t0 -P 5 -S tag'; }
@test "source length" { assert_stacks '10.0.0.0 8 80 80 5000 tcp -s 192.0.2.0/25 -i t0 -P 5 -S tag'; }
@test "interface" { assert_stacks '10.0.0.0 8 80 80 5000 tcp -s 192.0.2.0/24 -i t1 -P 5 -S tag'; }
@test "priority" { assert_stacks '10.0.0.0 8 80 80 5000 tcp -s 192.0.2.0/24 -i t0 -P -5 -S tag'; }
@test "service" { assert_stacks '10.0.0.0 8 80 80 5000 tcp -s 192.0.2.0/24 -i t0 -P 5 -S tag2'; }

# What a rule has and the other has not: a selector left out matches both, so the bare one cannot be named alone.
@test "a rule with and one without source, interface, priority or tag" {
	local option

	for option in '-s 192.0.2.0/24' '-i t0' '-P 5' '-S tag'; do
		map_delete --all
		map_update 10.0.0.0 8 80 80 0 tcp
		# shellcheck disable=SC2086  # words
		map_update 10.0.0.0 8 80 80 0 tcp $option
		assert_rules $'10.0.0.0 8 80 80 0 tcp\n'"10.0.0.0 8 80 80 0 tcp $option"
		# shellcheck disable=SC2086  # words
		assert_done map_delete 10.0.0.0 8 80 tcp $option
		assert_rules '10.0.0.0 8 80 80 0 tcp'
	done
}

@test "the bare one of two can be named: -s 0.0.0.0/0, -i any, -P 0, an empty -S" {
	local pair option

	for pair in '-s 192.0.2.0/24 0.0.0.0/0' '-i t0 any' '-P 5 0' '-S tag'; do
		read -r -a option <<<"$pair"
		map_delete --all
		map_update 10.0.0.0 8 80 80 0 tcp
		map_update 10.0.0.0 8 80 80 0 tcp "${option[@]:0:2}"
		assert_done map_delete 10.0.0.0 8 80 tcp "${option[0]}" "${option[2]-}"
		assert_rules "10.0.0.0 8 80 80 0 tcp ${option[*]:0:2}"
	done
}

@test "high port: they stack, and LOW alone says that both match" {
	map_update 10.0.0.0 8 80 90 0 tcp
	map_update 10.0.0.0 8 80 95 0 tcp
	assert_rules $'10.0.0.0 8 80 90 0 tcp\n10.0.0.0 8 80 95 0 tcp'
	capture map_delete 10.0.0.0 8 80 tcp
	assert_status 1
	assert_errors_have '2 rules match'
	assert_rules $'10.0.0.0 8 80 90 0 tcp\n10.0.0.0 8 80 95 0 tcp'
}

@test "high port: by LOW alone the rule without a listener is deleted" {
	serve tcp-serve 127.0.0.1 5001
	map_update 10.0.0.0 8 80 90 5001 tcp
	map_update 10.0.0.0 8 80 95 5002 tcp
	assert_done map_delete 10.0.0.0 8 80 tcp
	assert_rules '10.0.0.0 8 80 90 5001 tcp'
}

@test "family: 0.0.0.0/0 and ::/0 are two" {
	map_update 0.0.0.0 0 80 80 0 tcp
	map_update :: 0 80 80 0 tcp
	assert_done map_delete :: 0 80 tcp
	assert_rules '0.0.0.0 0 80 80 0 tcp'
}

@test "an address of IPv6 that embeds one of IPv4 is another" {
	map_update ::ffff:10.0.0.0 128 80 80 0 tcp
	map_update 10.0.0.0 32 80 80 0 tcp
	[ "$(rules | wc -l)" = 2 ]
	assert_done map_delete 10.0.0.0 32 80 tcp
	assert_rules '::ffff:10.0.0.0 128 80 80 0 tcp'
}

@test "port and action are no part of it: the rule changes in place, once" {
	map_update 10.0.0.0 8 80 80 5000 tcp -S tag
	capture map_update -v 10.0.0.0 8 80 80 5001 tcp -S tag
	assert_output 'C 10.0.0.0 8 80 80 5001 tcp -S tag'
	capture map_update -v 10.0.0.0 8 80 80 0 tcp -S tag
	assert_output 'C 10.0.0.0 8 80 80 0 tcp -S tag'
	capture map_update -v 10.0.0.0 8 80 80 0 tcp -S tag -a drop
	assert_output 'C 10.0.0.0 8 80 80 0 tcp -a drop -S tag'
	capture rule_list -j
	assert_json 'len(d) == 1 and d[0]["packets"] == 0 and d[0]["bytes"] == 0'
	assert_json 'type(d[0]["packets"]) is int and (d[0]["action"], d[0]["port"]) == ("drop", 0)'
}

@test "the same rule by other words is the same" {
	local words

	map_update 2001:db8:: 32 80 80 0 6 -s fd00::/8
	for words in '2001:DB8:0::0 32 80 80 0 tcp -s fd00:0::/8' '2001:db8:: 32 80 80 0 tcp --source=fd00::/8 -P 0 -a pass'; do
		# shellcheck disable=SC2086  # words
		capture map_update -v $words
		assert_output '= 2001:db8:: 32 80 80 0 tcp -s fd00::/8'
	done
	map_delete --all
	map_update 10.0.0.0 8 any any 0 any
	capture map_update -v 10.0.0.0-10.255.255.255 32 0 65535 0 any -s 0.0.0.0/0
	assert_output '= 10.0.0.0 8 0 65535 0 any'
}

@test "ICMP: type and code, all codes of a type, and all types are three" {
	map_update 10.0.0.0 8 3 4 0 icmp
	map_update 10.0.0.0 8 3 any 0 icmp
	map_update 10.0.0.0 8 any any 0 icmp
	map_update 10.0.0.0 8 0 0 0 icmp
	map_update 10.0.0.0 8 255 255 0 icmp
	assert_rules '10.0.0.0 8 3 4 0 icmp
10.0.0.0 8 3 any 0 icmp
10.0.0.0 8 any any 0 icmp
10.0.0.0 8 0 0 0 icmp
10.0.0.0 8 255 255 0 icmp'
	capture map_delete 10.0.0.0 8 3 icmp
	assert_status 1
	assert_errors_have '2 rules match'
	capture rule_list -j
	assert_json '[(r["low"], r["high"]) for r in d] == [(3, 4), (3, None), (None, None), (0, 0), (255, 255)]'
	assert_done map_delete 10.0.0.0 8 255 icmp
	assert_done map_delete 10.0.0.0 8 any icmp
	assert_done map_delete 10.0.0.0 8 0 icmp
	assert_rules $'10.0.0.0 8 3 4 0 icmp\n10.0.0.0 8 3 any 0 icmp'
}

@test "ICMP: 0 65535 is every type too" {
	map_update 10.0.0.0 8 any any 0 icmp
	capture map_update -v 10.0.0.0 8 0 65535 0 icmp
	assert_output '= 10.0.0.0 8 any any 0 icmp'
}

@test "many rules of one prefix: 300 ranges, each deleted alone" {
	seq 10 10 3000 | awk '{ print "10.0.0.0 8", $1, $1 + 15, 0, "tcp" }' | map_update -f -
	[ "$(rules | wc -l)" = 300 ]
	seq 10 10 2990 | awk '{ print "10.0.0.0 8", $1, "tcp" }' | map_delete -f -
	assert_rules '10.0.0.0 8 3000 3015 0 tcp'
}
