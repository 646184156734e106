#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, pid and the like are set in helpers.bash
# Changes under traffic: filters that come while connections run, packets that take several ways, and rules that change
# under a flow.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/stateful.bash
. "$BATS_TEST_DIRNAME/stateful.bash"

setup_file() {
	router_hosts
	second_links
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 udp ::1 58997 udp 0.0.0.0 5060 udp :: 5060 tcp 0.0.0.0 9090 tcp :: 9090
	serve_on client tcp 0.0.0.0 8080 tcp :: 8080
	serve_on inside tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080
}

teardown_file() {
	stop_started
}

setup() {
	all_detached
	rm -rf "${PINS:?}"/*
}

teardown() {
	stop_started
	one_way
}

all_detached() {
	local dev
	for dev in wan0 lan0 wan1 lan1; do
		detach "$dev" 2>/dev/null || true
	done
}

# ---- several ways ----

# second_links: wan1 to client and lan1 to inside; eth1 there
second_links() {
	second_link client wan1 192.0.3.1/24 192.0.3.2/24 2001:db8:3::1/64 2001:db8:3::2/64
	second_link inside lan1 198.51.101.1/24 198.51.101.2/24 2001:db8:4::1/64 2001:db8:4::2/64
}

# second_link HOST DEV OURS4 THEIRS4 OURS6 THEIRS6
second_link() {
	local host=$1 dev=$2
	ip link add "$dev" type veth peer name eth1 netns "$host"
	ip link set "$dev" up
	lab_on "$host" ip link set eth1 up
	ip addr add "$3" dev "$dev"
	ip addr add "$5" dev "$dev" nodad
	lab_on "$host" ip addr add "$4" dev eth1
	lab_on "$host" ip addr add "$6" dev eth1 nodad
	# known beforehand, as lab_host has it: to resolve them takes a second while the link is new
	local number
	for number in 4 6; do
		ip neigh replace "${!number%/*}" lladdr "$(lab_mac eth1 lab_on "$host")" dev "$dev" nud permanent
	done
	lab_on "$host" ip neigh replace "${3%/*}" lladdr "$(lab_mac "$dev")" dev eth1 nud permanent
	lab_on "$host" ip neigh replace "${5%/*}" lladdr "$(lab_mac "$dev")" dev eth1 nud permanent
	sysctl -qw "net.ipv4.conf.$dev.rp_filter=0"
	lab_on "$host" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0
}

# What goes to client leaves by wan1, and what inside sends comes in by lan1.
other_ways_back() {
	ip route replace 192.0.2.2/32 via 192.0.3.2
	ip route replace 2001:db8::2/128 via 2001:db8:3::2
	lab_on inside ip route replace 192.0.2.0/24 via 198.51.101.1
	lab_on inside ip route replace 2001:db8::/64 via 2001:db8:4::1
}

one_way() {
	ip route del 192.0.2.2/32 via 192.0.3.2 2>/dev/null || true
	ip route del 2001:db8::2/128 via 2001:db8:3::2 2>/dev/null || true
	lab_on inside ip route del 192.0.2.0/24 2>/dev/null || true
	lab_on inside ip route del 2001:db8::/64 2>/dev/null || true
}

# device_packets DEV DIRECTION: its own count
device_packets() {
	awk -v dev="$1:" -v field="$([ "$2" = rx ] && echo 3 || echo 11)" '$1 == dev { print $field }' /proc/net/dev
}

@test "an asymmetric route: in by one interface, answers in by another and out by a third" {
	fresh_both wan0 lan0 wan1 lan1
	map_update -i wan0 198.51.100.0 24 8080 8080 0 tcp
	map_update -i wan0 2001:db8:1:: 64 8080 8080 0 tcp
	map_update -i wan0 198.51.100.0 24 8080 8080 0 udp
	map_update -i wan0 2001:db8:1:: 64 8080 8080 0 udp
	map_update -i wan0 192.0.2.0 24 9090 9090 0 tcp
	map_update -i wan0 2001:db8:: 64 9090 9090 0 tcp
	other_ways_back
	local came left
	came=$(device_packets lan1 rx) left=$(device_packets wan1 tx)
	hold four client tcp 198.51.100.2 8080
	hold six client tcp 2001:db8:1::2 8080
	hold local4 client tcp 192.0.2.1 9090
	hold local6 client tcp 2001:db8::1 9090
	assert_traffic client <<-END
		answer udp 198.51.100.2 8080
		answer udp 2001:db8:1::2 8080
	END
	assert_goes_on four six local4 local6
	[ "$(device_packets lan1 rx)" -gt $((came + 4)) ] || fail 'the answers did not come in by lan1'
	[ "$(device_packets wan1 tx)" -gt $((left + 8)) ] || fail 'the answers did not leave by wan1'
	assert_equal "$(conn_list -p tcp --table confirmed --state established --dir in -i wan0 --dport 8080 --count)" 2 connections
	# by lan1 nothing begins
	assert_traffic inside <<-END
		timeout tcp 192.0.2.2 8080
		timeout tcp 2001:db8::2 8080
	END
}

# ---- filters that come later ----

# Conversations of both families, forwarded from either side, and of the box itself, to be told apart by their names.
conversations_open() {
	hold in4 client tcp 198.51.100.2 8080
	hold in6 client tcp 2001:db8:1::2 8080
	hold out4 inside tcp 192.0.2.2 8080
	hold out6 inside tcp 2001:db8::2 8080
	hold to4 client tcp 192.0.2.1 9090
	hold to6 client tcp 2001:db8::1 9090
	hold from4 box tcp 192.0.2.2 8080
	hold from6 box tcp 2001:db8::2 8080
}

# rules_for_the_world: what may be opened from client, by wan0, and from inside, by lan0
rules_for_the_world() {
	map_update -i wan0 198.51.100.0 24 8080 8080 0 tcp
	map_update -i wan0 2001:db8:1:: 64 8080 8080 0 tcp
	map_update -i lan0 192.0.2.0 24 8080 8080 0 tcp
	map_update -i lan0 2001:db8:: 64 8080 8080 0 tcp
}

# Pins with rules in them before the first interface that matters is attached.
rules_first() {
	fresh_pins wan1
	rules_for_the_world
	tc qdisc add dev wan0 clsact
	tc qdisc add dev lan0 clsact
}

@test "attached under connections that are idle: none is cut" {
	conversations_open
	rules_first
	attach_live wan0
	attach_live lan0
	assert_goes_on in4 in6 out4 out6 to4 to6 from4 from6
	assert_goes_on in4 in6 out4 out6 to4 to6 from4 from6
}

@test "attached under connections that are busy, in either order: none is cut" {
	local first second
	for first in wan0 lan0; do
		second=$([ "$first" = wan0 ] && echo lan0 || echo wan0)
		all_detached
		stream_start in4 client 198.51.100.2 8080
		stream_start in6 client 2001:db8:1::2 8080
		stream_start out4 inside 192.0.2.2 8080
		stream_start out6 inside 2001:db8::2 8080
		stream_start to4 client 192.0.2.1 9090
		rules_first
		attach_live "$first"
		attach_live "$second"
		assert_streams_go_on in4 in6 out4 out6 to4
	done
}

@test "attached under downloads: the opener's rule is found although its far end speaks first" {
	local before address
	fresh_pins wan1
	map_update -i wan0 198.51.100.0 24 5201 5201 0 tcp
	map_update -i wan0 2001:db8:1:: 64 5201 5201 0 tcp
	for address in 198.51.100.2 2001:db8:1::2; do
		started "$BATS_TEST_TMPDIR/server" nsenter --net=/run/netns/inside -- iperf3 -s -1 --forceflush
		eventually grep -q listening "$BATS_TEST_TMPDIR/server"
		# bounded: a test that fails leaves no stream behind
		started "$BATS_TEST_TMPDIR/$address" nsenter --net=/run/netns/client -- iperf3 -c "$address" -R -t 30 -b 100M --forceflush
		eventually grep -q connected "$BATS_TEST_TMPDIR/$address"
		tc qdisc add dev wan0 clsact
		tc qdisc add dev lan0 clsact
		attach_live wan0
		attach_live lan0
		before=$(device_packets wan0 tx)
		eventually sent_more wan0 $((before + 100))
		assert_match "$(conns dir -d "$address" --dport 5201 --state established)" '^in' || return
		stop_started
		detach wan0
		detach lan0
	done
}

sent_more() {
	[ "$(device_packets "$1" tx)" -ge "$2" ]
}

@test "on_state=drop: a connection whose beginning was not seen is dropped, a new one is not" {
	hold in4 client tcp 198.51.100.2 8080
	hold in6 client tcp 2001:db8:1::2 8080
	hold to4 client tcp 192.0.2.1 9090
	rules_first
	iface_set any on_state=drop
	attach_live wan0
	attach_live lan0
	tell in4 lost
	tell in6 lost
	eventually counted_at_least state 2
	assert_goes_on to4
	! heard in4 lost || fail 'IPv4 was let in'
	! heard in6 lost || fail 'IPv6 was let in'
	assert_traffic client <<-END
		answer tcp 198.51.100.2 8080
		answer tcp 2001:db8:1::2 8080
	END
	# its packets are tried again and again: none was taken for a beginning
	iface_set any on_state=pass
	eventually heard in4 lost
	eventually heard in6 lost
}

# ---- rules that change under a flow ----

# sip ACTION [OPTION]...: the rules of both families, one of which decides the flow
sip() {
	local action=$1
	shift
	local port=0
	[ "$action" != splice ] || port=58997
	map_update "$@" -a "$action" 172.16.240.0 24 5060 5060 "$port" udp
	map_update "$@" -a "$action" fd00:240:: 64 5060 5060 "$port" udp
}

# assert_served NAME TEXT BY: the next datagram of the conversation is answered by this server
assert_served() {
	tell "$1" "$2"
	eventually heard "$1" "$2" || fail "$1: $(<"$BATS_TEST_TMPDIR/$1")" || return
	assert_match "$(grep ": $2\$" "$BATS_TEST_TMPDIR/$1")" "^served by $3"
}

# rule_decides FAMILY NUMBER: so many packets in all, for eventually
rule_decides() {
	[ "$(rule_list -j | fields dst packets | grep "$1" | cut -d ' ' -f 2)" = "$2" ]
}

# assert_dropped NAME TEXT PREFIX NUMBER: the rule of PREFIX takes it, its packet of this number
assert_dropped() {
	tell "$1" "$2"
	eventually rule_decides "$3" "$4" || fail "$(rule_list)" || return
	! heard "$1" "$2" || fail "$1: $2 was answered"
}

@test "a rule that changes under a flow holds for its next packet, and counts each once" {
	local name prefix any loopback round
	fresh_both wan0
	sip splice
	hold four client udp 172.16.240.9 5060 5062
	hold six client udp fd00:240::9 5060 5062
	while read -r name prefix any loopback; do
		for round in 1 2 3; do
			assert_served "$name" "splice $round" "$loopback 58997"
		done
		eventually rule_decides "$prefix" 3
		sip pass
		for round in 1 2 3; do
			assert_served "$name" "pass $round" "$any 5060"
		done
		sip drop
		assert_dropped "$name" 'drop 1' "$prefix" 7
		assert_dropped "$name" 'drop 2' "$prefix" 8
		sip splice
		assert_served "$name" again "$loopback 58997"
		eventually rule_decides "$prefix" 9
	done <<-END
		four 172.16.240.0/24 0.0.0.0 127.0.0.1
		six fd00:240::/64 :: ::1
	END
	assert_equal "$(conns packets_fwd -p udp --dport 5060 | xargs)" '7 7' 'packets that passed'
}

@test "a rule's end and its deletion hold for the next packet of a flow" {
	fresh_both wan0
	sip pass
	sip splice -P 10 --ttl 1
	hold four client udp 172.16.240.9 5060
	hold six client udp fd00:240::9 5060
	# until the rule ends; then the other one holds
	eventually served_by four 0.0.0.0
	eventually served_by six ::
	assert_served four 'after' '0.0.0.0 5060'
	assert_served six 'after' ':: 5060'
	map_delete --all
	tell four deleted
	tell six deleted
	eventually counted_at_least no-rule 2
	! heard four deleted || fail 'IPv4 was answered'
	! heard six deleted || fail 'IPv6 was answered'
	sip splice
	assert_served four back '127.0.0.1 58997'
	assert_served six back '::1 58997'
}

# served_by NAME ADDRESS: asks, and looks who has answered last
served_by() {
	tell "$1" "asked $2"
	[[ $(tail -n 1 "$BATS_TEST_TMPDIR/$1") == "served by $2 "* ]]
}

@test "a rule that changes under a forwarded flow" {
	fresh_both wan0 lan0
	map_update -i wan0 198.51.100.0 24 8080 8080 0 udp
	map_update -i wan0 2001:db8:1:: 64 8080 8080 0 udp
	hold four client udp 198.51.100.2 8080
	hold six client udp 2001:db8:1::2 8080
	assert_goes_on four six four six
	map_update -a drop -i wan0 198.51.100.0 24 8080 8080 0 udp
	map_update -a drop -i wan0 2001:db8:1:: 64 8080 8080 0 udp
	assert_dropped four one 198.51.100.0/24 3
	assert_dropped six one 2001:db8:1::/64 3
	map_update -i wan0 198.51.100.0 24 8080 8080 0 udp
	map_update -i wan0 2001:db8:1:: 64 8080 8080 0 udp
	assert_goes_on four six
	assert_equal "$(rule_values packets | xargs)" '4 4' 'packets decided'
	# and as it leaves
	map_update --direction out -a drop -i lan0 198.51.100.0 24 8080 8080 0 udp
	tell four leaves
	eventually counted_at_least rule-drop 3
	! heard four leaves || fail 'it left'
	assert_goes_on six
}
