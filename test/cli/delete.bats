#!/usr/bin/env bats
# Which rule map_delete means, and what it answers when there is none, or more than one.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

none() {
	capture "$@"
	assert_status 1 && assert_output '' && assert_one_line && assert_errors_have 'no such rule'
}

# ---- none ----

@test "no rule matches: exit 1" {
	map_update 10.0.0.0 8 80 90 0 tcp -S tag
	none map_delete 10.0.0.0 8 81 tcp
	none map_delete 10.0.0.0 8 90 tcp
	none map_delete 10.0.0.0 8 80 udp
	none map_delete 10.0.0.0 9 80 tcp
	none map_delete 10.0.0.0 8 80 any
	none map_delete 10.0.0.0 8 80 tcp -S other
	none map_delete 10.0.0.0 8 80 tcp -S ta
	none map_delete 10.0.0.0 8 80 tcp -i t0
	none map_delete 10.0.0.0 8 80 tcp -P 1
	none map_delete 10.0.0.0 8 80 tcp -a drop
	none map_delete 10.0.0.0 8 80 tcp -s 10.0.0.0/8
	none map_delete :: 8 80 tcp
	assert_rules '10.0.0.0 8 80 90 0 tcp -S tag'
}

@test "no rule matches --all, --dead, --service or a line of a file: exit 0" {
	assert_done map_delete --all
	assert_done map_delete --dead
	assert_done map_delete --service tag
	assert_done map_delete --all 10.0.0.0 8 80 tcp
	assert_done map_delete --all -S tag -i t0
	assert_done map_delete -f - <<<'10.0.0.0 8 80 tcp'
	assert_done map_delete -f /dev/null
}

# ---- one ----

@test "one rule matches: each selector may be left out" {
	local selectors

	for selectors in '10.0.0.0 8 80 tcp' '10.0.0.0 8 80 6' '10.0.0.0 8 80' '10.0.0.0 8' '10.0.0.0 8 -S tag' \
		'10.0.0.0 8 -i t0' '10.0.0.0 8 --high 90' '10.0.0.0 8 -P -7' '10.0.0.0 8 -a pass' '10.0.0.0 8 -s 192.0.2.0/24' '-S tag' \
		'--all -i t0' '--all -a pass' '-S tag -i t0 -P -7 -a pass -s 192.0.2.0/24 10.0.0.0 8 80 tcp'; do
		map_update 10.0.0.0 8 80 90 0 tcp -S tag -i t0 -P -7 -s 192.0.2.0/24
		# shellcheck disable=SC2086  # words
		assert_done map_delete $selectors
		assert_rules ''
	done
}

@test "DST LEN is that prefix, not what it contains or what contains it" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 16 80 80 0 tcp
	map_update 0.0.0.0 0 80 80 0 tcp
	assert_done map_delete 10.0.0.0 8 80 tcp
	assert_rules $'10.0.0.0 16 80 80 0 tcp\n0.0.0.0 0 80 80 0 tcp'
}

@test "the protocol of a selector is that of the rule: any is not all" {
	map_update 10.0.0.0 8 any any 0 any
	map_update 10.0.0.0 8 any any 0 tcp
	assert_done map_delete 10.0.0.0 8 any any
	assert_rules '10.0.0.0 8 0 65535 0 tcp'
}

@test "an ICMP rule is named by its type" {
	map_update 10.0.0.0 8 8 0 0 icmp
	map_update 10.0.0.0 8 3 any 0 icmp
	map_update 10.0.0.0 8 any any 0 icmp
	assert_done map_delete 10.0.0.0 8 3 icmp
	assert_rules $'10.0.0.0 8 8 0 0 icmp\n10.0.0.0 8 any any 0 icmp'
	assert_done map_delete 10.0.0.0 8 any icmp
	assert_done map_delete 10.0.0.0 8 8 icmp
	assert_rules ''
}

@test "an IPv6 rule" {
	map_update 2001:db8:: 32 80 80 0 tcp
	assert_done map_delete 2001:0db8:0::0 32 80 tcp
	assert_rules ''
}

@test "a range is deleted by the operands that made it" {
	map_update 10.0.0.1-10.0.0.6 32 80 80 0 tcp
	assert_done map_delete 10.0.0.1-10.0.0.6 32 80 tcp
	assert_rules ''
}

@test "a source range is deleted by the option that made it" {
	map_update 10.0.0.0 8 80 80 0 tcp -s 192.0.2.1-192.0.2.6
	assert_done map_delete 10.0.0.0 8 80 tcp -s 192.0.2.1-192.0.2.6
	assert_rules ''
}

@test "an interface that is gone is named by its number" {
	local index

	ip link add t2 type veth peer name t3
	index=$(cat /sys/class/net/t2/ifindex 2>/dev/null) || index=$(ip -o link show t2 | cut -d : -f 1)
	map_update 10.0.0.0 8 80 80 0 tcp -i t2
	map_update 10.0.0.0 8 80 80 0 tcp -i t0
	ip link del t2
	assert_rules "10.0.0.0 8 80 80 0 tcp -i \"#$index\""$'\n10.0.0.0 8 80 80 0 tcp -i t0'
	assert_state t2 map_delete 10.0.0.0 8 80 tcp -i t2
	assert_done map_delete 10.0.0.0 8 80 tcp -i "#$index"
	assert_rules '10.0.0.0 8 80 80 0 tcp -i t0'
}

# ---- several ----

@test "several match: exit 1, they are listed on stderr, nothing is deleted" {
	local before

	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 80 90 0 tcp -S 'a tag'
	map_update 10.0.0.0 8 443 443 0 tcp
	before=$(rules)
	capture map_delete 10.0.0.0 8 80 tcp
	assert_status 1
	assert_output ''
	grep -v '^map_delete: ' "$err" >"$tmp/listed"
	assert_text candidates "$tmp/listed" $'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 80 90 0 tcp -S "a tag"'
	[ "$(grep -c '^map_delete: .*2 rules match' "$err")" = 1 ] || fail 'one line of map_delete' "$(cat "$err")"
	assert_rules "$before"
}

@test "several match in a file: exit 1, nothing of the file is done" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 80 90 0 tcp
	map_update 10.0.0.0 8 443 443 0 tcp
	capture map_delete -f - <<<$'10.0.0.0 8 443 tcp\n10.0.0.0 8 80 tcp'
	assert_status 1
	assert_output ''
	assert_errors_have '10.0.0.0 8 80 90 0 tcp'
	assert_rules $'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 80 90 0 tcp\n10.0.0.0 8 443 443 0 tcp'
}

@test "several match in a file: the message says which line" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 80 90 0 tcp
	capture map_delete -f - <<<$'# first\n10.0.0.0 8 80 tcp'
	assert_status 1
	assert_errors_have 'stdin:2:'
}

@test "two rules that differ in HIGH only: --all takes both, a selector one" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 80 90 0 tcp -S tag
	assert_done map_delete 10.0.0.0 8 80 tcp -S tag
	assert_rules '10.0.0.0 8 80 80 0 tcp'
	map_update 10.0.0.0 8 80 90 0 tcp
	assert_done map_delete --all 10.0.0.0 8 80 tcp
	assert_rules ''
}

@test "two rules that differ in HIGH only are named by --high" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 80 90 0 tcp
	none map_delete 10.0.0.0 8 80 tcp --high 85
	assert_done map_delete 10.0.0.0 8 80 tcp --high 90
	assert_rules '10.0.0.0 8 80 80 0 tcp'
}

@test "ICMP: one code and all codes of a type are named by --high" {
	map_update 10.0.0.0 8 3 4 0 icmp
	map_update 10.0.0.0 8 3 any 0 icmp
	assert_done map_delete 10.0.0.0 8 3 icmp --high 4
	assert_rules '10.0.0.0 8 3 any 0 icmp'
	map_update 10.0.0.0 8 3 4 0 icmp
	assert_done map_delete 10.0.0.0 8 3 icmp --high any
	assert_rules '10.0.0.0 8 3 4 0 icmp'
}

@test "--service takes all rules of the tag and no other" {
	map_update 10.0.0.0 8 80 80 0 tcp -S tag
	map_update 10.0.0.0 8 80 80 0 udp -S tag
	map_update 10.0.0.0 8 80 80 0 udp -S tag2
	map_update 10.0.0.0 8 80 80 0 udp
	assert_done map_delete --service tag
	assert_rules $'10.0.0.0 8 80 80 0 udp -S tag2\n10.0.0.0 8 80 80 0 udp'
}

# ---- dead ----

@test "of several the only one without a listener is meant: tcp" {
	serve tcp-serve 127.0.0.1 5001
	map_update 10.0.0.0 8 80 80 5001 tcp -S live
	map_update 10.0.0.0 8 80 80 5002 tcp -S dead
	assert_done map_delete 10.0.0.0 8 80 tcp
	assert_rules '10.0.0.0 8 80 80 5001 tcp -S live'
}

@test "of several the only one without a listener is meant: udp" {
	serve udp-serve 127.0.0.1 5001
	map_update 10.0.0.0 8 80 80 5002 udp -S dead
	map_update 10.0.0.0 8 80 80 5001 udp -S live
	assert_done map_delete 10.0.0.0 8 80 udp
	assert_rules '10.0.0.0 8 80 80 5001 udp -S live'
}

@test "of several the only one without a listener is meant: IPv6, where 127.0.0.1 does not count" {
	serve tcp-serve ::1 5001
	serve tcp-serve 127.0.0.1 5002
	map_update 2001:db8:: 32 80 80 5001 tcp -S live
	map_update 2001:db8:: 32 80 80 5002 tcp -S dead
	assert_done map_delete 2001:db8:: 32 80 tcp
	assert_rules '2001:db8:: 32 80 80 5001 tcp -S live'
}

@test "two dead ones, or none: exit 1" {
	serve tcp-serve 127.0.0.1 5001
	map_update 10.0.0.0 8 80 80 5001 tcp -S live
	map_update 10.0.0.0 8 80 90 5001 tcp -S live
	capture map_delete 10.0.0.0 8 80 tcp
	assert_status 1
	assert_errors_have '2 rules match'
	map_update 10.0.0.0 8 80 80 5002 tcp -S dead
	map_update 10.0.0.0 8 80 90 5002 tcp -S dead
	capture map_delete 10.0.0.0 8 80 tcp
	assert_status 1
	assert_errors_have '4 rules match'
	[ "$(rules | wc -l)" = 4 ]
}

@test "a rule that splices nothing is never dead" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 81 81 0 tcp -a drop
	map_update 10.0.0.0 8 80 80 5001 tcp -S dead
	assert_done map_delete 10.0.0.0 8 80 tcp
	assert_done map_delete --dead
	assert_rules $'10.0.0.0 8 80 80 0 tcp\n10.0.0.0 8 81 81 0 tcp -a drop'
}

@test "--dead takes the rules nobody listens for, and those only" {
	serve tcp-serve 127.0.0.1 5001
	serve udp-serve 127.0.0.1 5002
	map_update -f - <<-'X'
		10.0.0.0 8 80 80 5001 tcp
		10.0.0.0 8 80 80 5001 udp
		10.0.0.0 8 81 81 5002 tcp
		10.0.0.0 8 81 81 5002 udp
		2001:db8:: 32 80 80 5001 tcp
		10.0.0.0 8 82 82 5003 tcp -S tag
	X
	capture rule_list --dead --save
	assert_output - <<-'X'
		10.0.0.0 8 80 80 5001 udp
		10.0.0.0 8 81 81 5002 tcp
		2001:db8:: 32 80 80 5001 tcp
		10.0.0.0 8 82 82 5003 tcp -S tag
	X
	assert_done map_delete --dead -S tag
	assert_done map_delete --dead 10.0.0.0 8 80
	assert_rules '10.0.0.0 8 80 80 5001 tcp
10.0.0.0 8 81 81 5002 tcp
10.0.0.0 8 81 81 5002 udp
2001:db8:: 32 80 80 5001 tcp'
	assert_done map_delete --dead
	assert_rules $'10.0.0.0 8 80 80 5001 tcp\n10.0.0.0 8 81 81 5002 udp'
}

@test "a listener on every address counts, one on another address does not" {
	serve tcp-serve 0.0.0.0 5001
	start python3 -ISuc '
import signal, socket
s = socket.socket(socket.AF_INET6)  # of both families, as is the default
s.bind(("::", 5002))
s.listen()
print("ready")
signal.pause()'
	ip addr add 192.0.2.1/32 dev lo
	serve tcp-serve 192.0.2.1 5003
	map_update 10.0.0.0 8 80 80 5001 tcp
	map_update 10.0.0.0 8 81 81 5002 tcp
	map_update 10.0.0.0 8 82 82 5003 tcp
	map_update 2001:db8:: 32 80 80 5001 tcp
	map_update 2001:db8:: 32 81 81 5002 tcp
	capture rule_list --dead --save
	assert_output $'10.0.0.0 8 82 82 5003 tcp\n2001:db8:: 32 80 80 5001 tcp'
	ip addr del 192.0.2.1/32 dev lo
}

@test "a connection is not a listener" {
	serve tcp-serve 127.0.0.1 5001
	exec {connection}<>/dev/tcp/127.0.0.1/5001
	kill "${servers[0]}"
	wait "${servers[0]}" || true
	servers=()
	map_update 10.0.0.0 8 80 80 5001 tcp
	assert_done map_delete --dead
	exec {connection}<&-
	assert_rules ''
}

# ---- files ----

@test "a line takes exactly what its own command would" {
	map_update -f - <<-'X'
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 81 81 0 tcp -S "a tag"
		10.0.0.0 8 82 82 0 tcp -S two
		10.0.0.0 8 82 83 0 tcp -S two
		10.0.0.0 8 84 84 0 tcp
	X
	assert_done map_delete -f - <<-'X'
		# comment
		10.0.0.0 8 80 tcp   # not this: 10.0.0.0 8 84 tcp

		-S "a tag"
		--service two
		10.9.0.0 16 80 tcp
		10.0.0.0 8 80 tcp
	X
	assert_rules '10.0.0.0 8 84 84 0 tcp'
}

@test "--all in a file with selectors" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 80 90 0 tcp
	map_update 10.0.0.0 8 81 90 0 tcp
	assert_done map_delete -f - <<<'--all 10.0.0.0 8 80 tcp'
	assert_rules '10.0.0.0 8 81 90 0 tcp'
}

# ---- repair ----

# What a writer leaves that is killed in its work: rules_header.changes is odd, see abi/rules.h.
leave_dirty() {
	bpfmap poke "$pins/splicer1_rules" 56 1
}

@test "what a killed writer left is repaired, which -v says on stderr" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 443 443 0 tcp
	leave_dirty
	capture map_delete -v 10.0.0.0 8 80 tcp
	assert_status 0
	assert_output 'D 10.0.0.0 8 80 80 0 tcp'
	assert_errors 'map_delete: repaired what a killed writer had left'
	capture map_delete -v 10.0.0.0 8 443 tcp
	assert_status 0
	assert_errors ''
	map_update 10.0.0.0 8 80 80 0 tcp
	leave_dirty
	assert_done map_delete 10.0.0.0 8 80 tcp
	assert_rules ''
}

@test "it is repaired before rules are looked for, so also when there is no such rule" {
	map_update 10.0.0.0 8 80 80 0 tcp
	leave_dirty
	capture map_delete -v 10.0.0.0 8 81 tcp
	assert_status 1
	assert_errors_have 'repaired what a killed writer had left'
	assert_errors_have 'no such rule'
	leave_dirty
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 80
	assert_rules ''
}
