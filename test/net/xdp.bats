#!/usr/bin/env bats
# shellcheck shell=bats
# xdp_filter.o on real traffic, native and generic: what gets in, by deny-lists and allow-lists.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/xdp.bash
. "$BATS_TEST_DIRNAME/xdp.bash"

setup_file() {
	segment_hosts
}

teardown_file() {
	stop_started
}

setup() {
	fresh_filter lan0 wan0
}

teardown() {
	stop_started
}

# ---- one source is dropped ----

# example MODE: the rule by IPv4 and IPv6 source
example() {
	local mode=$1
	assert_all a answer
	filter_on lan0 "$mode"
	assert_match "$(ip link show dev lan0)" " $mode .*prog/xdp id [0-9]+ "
	assert_all a answer
	assert_quiet xdp_rule add $A4 drop
	assert_quiet xdp_rule add $A6
	# the listener is there, as C finds; and where none is, A is not refused
	assert_traffic a < <(all timeout && printf '%s\n' "timeout tcp $B4 8090" "timeout tcp $B6 8090")
	assert_traffic c < <(all answer && printf '%s\n' "refused tcp $B4 8090" "refused tcp $B6 8090")
	assert_quiet xdp_rule delete $A4
	assert_quiet xdp_rule delete $A6
	assert_all a answer
	assert_quiet xdp_rule add $A4 0
	assert_quiet xdp_rule add $A6/128 drop -i lan0
	assert_all a timeout
	ip link set dev lan0 "$mode" off
	assert_match "$(ip link show dev lan0)" '^[^/]*link/ether[^/]*$'
	assert_all a answer
}

@test "A is dropped by a rule, C gets through; without the rule, and without the filter, A does: native" {
	example xdp
}

@test "A is dropped by a rule, C gets through; without the rule, and without the filter, A does: generic" {
	example xdpgeneric
}

@test "protocol, port range, ICMP type, destination and interface decide, and the longer prefix wins" {
	filter_on lan0
	filter_on wan0
	assert_quiet xdp_rule -f - <<-END
		$A4 drop -p udp --dport 8081-8085
		$A6 drop -p udp --dport 8081-8085
		$C4 -p icmp --icmp 8
		$C6 -p icmpv6 --icmp 128/0
		172.20.0.0/24 drop -p tcp --destination $B4
		2001:db8:20::/64 drop -p tcp --destination $B6
		$C4 pass -p tcp --destination $B4 --dport 8080
		$C6 pass -p tcp --destination $B6 --dport 8080
		any drop -p udp -i wan0
	END
	assert_traffic a <<-END
		answer udp $B4 8080
		answer udp $B6 8080
		timeout udp $B4 8081
		timeout udp $B6 8081
		answer ping $B4 0
		answer ping $B6 0
		timeout tcp $B4 8080
		timeout tcp $B6 8080
	END
	assert_traffic c <<-END
		answer udp $B4 8081
		answer udp $B6 8081
		timeout ping $B4 0
		timeout ping $B6 0
		answer tcp $B4 8080
		answer tcp $B6 8080
		timeout tcp $B4 8090
		timeout tcp $B6 8090
	END
	assert_traffic guest <<-END
		timeout udp 198.51.100.1 8080
		timeout udp 2001:db8:1::1 8080
		answer tcp 198.51.100.1 8080
		answer tcp 2001:db8:1::1 8080
	END
}

# ---- allow-lists ----

# allow_list MODE: and another interface stays open
allow_list() {
	filter_on lan0 "$1"
	filter_on wan0 "$1"
	assert_quiet allow_c
	assert_only_c
	assert_traffic guest <<-END
		answer tcp 198.51.100.1 8080
		answer udp 2001:db8:1::1 8081
		answer ping 198.51.100.1 0
	END
	# the default of lan0 beats that of all
	assert_quiet xdp_rule default drop
	assert_quiet xdp_rule default pass -i lan0
	assert_all a answer
	assert_traffic guest <<-END
		timeout tcp 198.51.100.1 8080
		timeout udp 2001:db8:1::1 8081
		timeout ping 198.51.100.1 0
	END
	assert_quiet xdp_rule default unset -i lan0
	assert_only_c
	assert_quiet xdp_rule default unset
	assert_all a answer
	assert_all c answer
}

@test "an allow-list by the default of one interface; another stays open: native" {
	allow_list xdp
}

@test "an allow-list by the default of one interface; another stays open: generic" {
	allow_list xdpgeneric
}

# neighbour_known ADDRESS [COMMAND]...: it was resolved
neighbour_known() {
	local address=$1
	shift
	"$@" ip neigh show "$address" | grep -q 'lladdr .*\(REACHABLE\|DELAY\|STALE\|PROBE\)'
}

@test "where the default is drop, neighbours are found all the same, in both directions" {
	local address
	filter_on lan0
	xdp_rule default drop
	xdp_rule add $A4 pass
	xdp_rule add $A6 pass
	lab_on a ip neigh flush dev eth0 nud permanent
	ip neigh flush dev lan0 nud permanent
	assert_all a answer
	for address in $B4 $B6; do
		assert_equal "$(neighbour_known "$address" lab_on a && echo yes)" yes "$address" || return
	done
	for address in $A4 $A6; do
		assert_equal "$(neighbour_known "$address" && echo yes)" yes "$address" || return
	done
	segment_neighbours a $A4 $A6
	segment_neighbours c $C4 $C6
	# it was the filter that let them pass
	[ "$(counted arp)" -ge 1 ] && [ "$(counted neighbour)" -ge 1 ] || fail "$(verdict_stat)"
}

# dhcp: an answer each as a server sends it, and what only looks like one
dhcp() {
	local mac
	mac=$(lab_mac lan0)
	lab_on a frame eth0 udp "$mac" $A4 67 $B4 68
	lab_on a frame eth0 udp "$mac" $A6 547 $B6 546
	lab_on a frame eth0 udp "$mac" $A4 68 $B4 67
	lab_on a frame eth0 udp "$mac" $A4 67 $B4 69
	lab_on a frame eth0 udp "$mac" $A6 546 $B6 547
}

@test "where the default is drop, an answer of DHCP passes, but not where a rule drops it" {
	filter_on lan0
	xdp_rule default drop
	xdp_rule add $C4 pass
	tap_start lan0
	dhcp
	assert_seen c lan0 $C4 $B4 8080 <<-END
		- $A4 67 $B4 68
		- $A6 547 $B6 546
	END
	assert_equal "$(counted dhcp)" 2
	xdp_rule add $A4 drop
	xdp_rule add $A6 drop
	dhcp
	assert_seen c lan0 $C4 $B4 8081 <<-END
		- $A4 67 $B4 68
		- $A6 547 $B6 546
		- $C4 9 $B4 8080
	END
}

@test "never-drop outlives a default, a blocklist that has the address, flush and --replace" {
	filter_on lan0
	xdp_rule add $C4 never-drop
	xdp_rule add $C6 never-drop
	xdp_rule default drop
	xdp_rule add 172.20.0.0/24 drop -P 1000000
	xdp_rule -f - <<<"$C4"$'\n'"$C6 # in the list by mistake"
	assert_all a timeout
	assert_all c answer
	xdp_rule flush
	assert_all a timeout
	assert_all c answer
	assert_quiet xdp_rule --replace -f - <<-END
		$C4 drop
		$C6 drop
		$A4 pass
	END
	assert_traffic a <<-END
		answer tcp $B4 8080
		timeout tcp $B6 8080
	END
	assert_all c answer
	assert_quiet xdp_rule flush --all
	assert_equal "$(xdp_rule list --save)" ''
	assert_all a answer
}

# ---- what frames carry ----

# tags_on HOST, tags_off HOST: what UDP it sends has the tag 7 beside the frame
tags_on() {
	lab_on "$1" tc qdisc add dev eth0 clsact
	lab_on "$1" tc filter add dev eth0 egress bpf da obj "$LAB_OBJECTS/test/tag.o" sec action
}

tags_off() {
	lab_on "$1" tc qdisc del dev eth0 clsact
}

# tagged_from HOST IPV4 IPV6: a datagram under each kind of tags, from another port each
tagged_from() {
	local mac
	mac=$(lab_mac lan0)
	lab_on "$1" frame eth0 vlan 7 "$mac" "$2" 1 $B4 7000
	lab_on "$1" frame eth0 vlan 7 "$mac" "$3" 1 $B6 7000
	lab_on "$1" frame eth0 vlan 7,8 "$mac" "$2" 2 $B4 7000
	lab_on "$1" frame eth0 vlan 7,8 "$mac" "$3" 2 $B6 7000
	tags_on "$1"
	lab_on "$1" frame eth0 udp "$mac" "$2" 3 $B4 7000
	lab_on "$1" frame eth0 udp "$mac" "$3" 3 $B6 7000
	tags_off "$1"
}

# tagged MODE: A is dropped under any tags
tagged() {
	filter_on lan0 "$1"
	xdp_rule add $A4
	xdp_rule add $A6
	tap_start lan0
	tagged_from a $A4 $A6
	tagged_from c $C4 $C6
	assert_seen c lan0 $C4 $B4 8080 < <(for port in 1 2 3; do
		echo "7 $C4 $port $B4 7000"
		echo "7 $C6 $port $B6 7000"
	done)
	assert_equal "$(xdp_values packets)" $'3\n3'
}

@test "what is under VLAN tags decides, in the frame and beside it: native" {
	tagged xdp
}

@test "what is under VLAN tags decides, in the frame and beside it: generic" {
	tagged xdpgeneric
}

# fragmented MODE: datagrams of 8 KB, of which only the first piece has a port
fragmented() {
	filter_on lan0 "$1"
	allow_c
	assert_traffic c <<-END
		answer udp-large $B4 8080
		answer udp-large $B6 8080
		timeout udp-large $B4 8081
		timeout udp-large $B6 8081
	END
	assert_traffic a <<-END
		timeout udp-large $B4 8080
		timeout udp-large $B6 8080
	END
	[ "$(counted fragment-pass)" -ge 10 ] || fail "$(verdict_stat)"
	# by a deny-list the pieces of what is dropped are dropped too
	xdp_rule flush --all
	xdp_rule add 172.20.0.0/24 -p udp --dport 8081
	xdp_rule add 2001:db8:20::/64 -p udp --dport 8081
	fresh=$(counted fragment)
	assert_traffic a <<-END
		answer udp-large $B4 8080
		answer udp-large $B6 8080
		timeout udp-large $B4 8081
		timeout udp-large $B6 8081
	END
	assert_equal $(($(counted fragment) - fresh)) 10 'later fragments dropped'
}

@test "fragments go where a rule with a port sent their first: native" {
	fragmented xdp
}

@test "fragments go where a rule with a port sent their first: generic" {
	fragmented xdpgeneric
}
