#!/usr/bin/env bats
# shellcheck shell=bats
# ICMP errors: those about what left the box or went through it reach whom they concern, no others do. The path:
# inside - box - hop - far, with an MTU of 1280 between the last two. See test/net/errors.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host hop wan0 192.0.2.1/24 2001:db8::1/64
	lab_host inside lan0 198.51.100.1/24 2001:db8:1::1/64
	far_host
	local_routes 172.16.240.0/24 fd00:240::/64
	forwarding
	lab_on hop bash -c "$(declare -f forwarding); forwarding"
	lab_attach wan0
	serve_on far tcp 203.0.113.2 9000 tcp 2001:db8:2::2 9000 udp 203.0.113.2 9000 udp 2001:db8:2::2 9000
	serve_on hop udp 192.0.2.2 9000 udp 2001:db8::2 9000
}

teardown_file() {
	stop_started
}

forwarding() {
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
}

# It offers large segments all the same, or TCP would know the MTU from it.
far_host() {
	ip netns add far
	ip -n hop link add eth1 mtu 1280 type veth peer name eth0 mtu 1280 netns far
	lab_on far ip link set lo up
	lab_on far ip link set eth0 up
	lab_on far ip addr add 203.0.113.2/24 dev eth0
	lab_on far ip addr add 2001:db8:2::2/64 dev eth0 nodad
	lab_on hop ip link set eth1 up
	lab_on hop ip addr add 203.0.113.1/24 dev eth1
	lab_on hop ip addr add 2001:db8:2::1/64 dev eth1 nodad
	# known beforehand, as lab_host has it: to resolve them takes a second while the link is new
	local address
	for address in 203.0.113.2 2001:db8:2::2; do
		lab_on hop ip neigh replace "$address" lladdr "$(lab_mac eth0 lab_on far)" dev eth1 nud permanent
	done
	for address in 203.0.113.1 2001:db8:2::1; do
		lab_on far ip neigh replace "$address" lladdr "$(lab_mac eth1 lab_on hop)" dev eth0 nud permanent
	done
	lab_on far ip route add default via 203.0.113.1 advmss 1460
	lab_on far ip -6 route add default via 2001:db8:2::1 advmss 1440
	ip route add 203.0.113.0/24 via 192.0.2.2
	ip -6 route add 2001:db8:2::/64 via 2001:db8::2
}

setup() {
	map_delete --all
	# a path's MTU that was learnt before
	forget
	lab_on inside bash -c "$(declare -f forget); forget"
}

forget() {
	ip route flush cache
	ip -6 route flush cache
}

teardown() {
	stop_started
	fresh_pins wan0
	detach lan0 2>/dev/null || true
}

# prints LINE COMMAND [ARG]...
prints() {
	local line=$1
	shift
	assert_exit 0 "$@" || return
	assert_equal "$out" "$line" "$*"
}

# assert_bulk HOST ADDRESS PORT: 1 MiB by TCP each way; see lab_on for HOST
assert_bulk() {
	local as=(lab_on "$1")
	[ "$1" != box ] || as=()
	assert_exit 0 "${as[@]}" peer tcp-bulk "$2" "$3" 1 || return
	assert_equal "$out" "sent to $2 $3"$'\n''1048576 bytes, the same'
}

# assert_learnt ADDRESS [HOST]: the path there is known to be narrow
assert_learnt() {
	local as=()
	[ $# = 1 ] || as=(lab_on "$2")
	assert_match "$("${as[@]}" ip route get "$1")" 'mtu 1280'
}

# assert_path HOPS ADDRESS [COMMAND]...
assert_path() {
	local hops=$1 address=$2
	shift 2
	assert_exit 0 "$@" tracepath -n -m 6 "$address" || return
	assert_match "$out" "pmtu 1280 hops $hops "
}

# both_legs: with state on the way in and out
both_legs() {
	fresh_pins wan0 lan0
	lab_attach_egress wan0
	lab_attach_egress lan0
}

@test "path MTU discovery of the box itself, with ingress only" {
	assert_path 2 203.0.113.2
	assert_path 2 2001:db8:2::2
	forget
	prints 1280 errors mtu 203.0.113.2 9000
	prints 1280 errors mtu 2001:db8:2::2 9000
	forget
	prints 1280 errors mtu 203.0.113.2 9000 connected
	prints 1280 errors mtu 2001:db8:2::2 9000 connected
	forget
	assert_bulk box 203.0.113.2 9000
	assert_bulk box 2001:db8:2::2 9000
	assert_learnt 203.0.113.2
	assert_learnt 2001:db8:2::2
}

# icmp_lost PRIO PROTOCOL OFFSET NUMBER: a filter before the firewall drops all that has NUMBER at OFFSET of the frame
icmp_lost() {
	local program="4,48 0 0 $3,21 0 1 $4,6 0 0 2,6 0 0 4294967295" # load the byte, compare, shot, unspec: linux/filter.h
	tc filter add dev wan0 ingress prio "$1" protocol "$2" bpf da bytecode "$program"
}

@test "without these errors nobody would know, and what is large would not arrive" {
	icmp_lost 1 ip 23 1
	icmp_lost 2 ipv6 20 58
	prints 'not told' errors mtu 203.0.113.2 9000
	prints 'not told' errors mtu 2001:db8:2::2 9000
}

@test "path MTU discovery of spliced TCP and UDP" {
	map_update 172.16.240.0 24 5060 5060 58997 tcp
	map_update fd00:240:: 64 5060 5060 58997 tcp
	map_update 172.16.240.0 24 5060 5060 58998 udp
	map_update fd00:240:: 64 5060 5060 58998 udp
	serve tcp 127.0.0.1 58997 tcp ::1 58997
	assert_bulk far 172.16.240.9 5060
	assert_bulk far fd00:240::9 5060
	assert_learnt 203.0.113.2
	assert_learnt 2001:db8:2::2
	forget
	assert_answers_narrow 127.0.0.1 172.16.240.9
	assert_answers_narrow ::1 fd00:240::9
}

# assert_answers_narrow LISTENER ADDRESS: who answers a datagram to there learns the MTU
assert_answers_narrow() {
	local file=$BATS_TEST_TMPDIR/answer
	started "$file" errors answer "$1" 58998
	eventually grep -q ready "$file" || return
	lab_on far bash -c "echo >/dev/udp/$2/5060"
	eventually has_lines "$file" 2 || return
	assert_equal "$(tail -n 1 "$file")" 1280
}

@test "path MTU discovery through the box, also where only what is known may leave" {
	both_legs
	iface_set lan0 out=drop
	map_update -i lan0 203.0.113.0 24 0 65535 0 tcp
	map_update -i lan0 203.0.113.0 24 0 65535 0 udp
	map_update -i lan0 2001:db8:2:: 64 0 65535 0 tcp
	map_update -i lan0 2001:db8:2:: 64 0 65535 0 udp
	assert_path 3 203.0.113.2 lab_on inside
	assert_path 3 2001:db8:2::2 lab_on inside
	lab_on inside bash -c "$(declare -f forget); forget"
	assert_bulk inside 203.0.113.2 9000
	assert_bulk inside 2001:db8:2::2 9000
	assert_learnt 203.0.113.2 inside
	assert_learnt 2001:db8:2::2 inside
}

@test "the box itself reports a narrow link to whom it forwards for" {
	both_legs
	iface_set lan0 out=drop
	map_update -i lan0 192.0.2.0 24 9000 9000 0 udp
	map_update -i lan0 2001:db8:: 64 9000 9000 0 udp
	prints answered lab_on inside errors mtu 192.0.2.2 9000
	prints answered lab_on inside errors mtu 2001:db8::2 9000
	ip link set wan0 mtu 1280
	prints 1280 lab_on inside errors mtu 192.0.2.2 9000
	prints 1280 lab_on inside errors mtu 2001:db8::2 9000
	ip link set wan0 mtu 1500
}

@test "port unreachable and time exceeded reach local sockets, with ingress only" {
	assert_traffic box <<-END
		refused udp-connected 203.0.113.2 9
		refused udp-connected 2001:db8:2::2 9
		refused udp 203.0.113.2 9
		refused udp 2001:db8:2::2 9
		answer udp-connected 203.0.113.2 9000
		answer udp-connected 2001:db8:2::2 9000
	END
	prints 192.0.2.2 errors hop 203.0.113.2 9000 1
	prints 2001:db8::2 errors hop 2001:db8:2::2 9000 1
}

# forge: from the hop to the box
forge() {
	lab_on hop errors forge eth0 "$(lab_mac wan0)"
}

@test "errors about nothing that left, and those of other kinds, are dropped" {
	local dropped known victims=$BATS_TEST_TMPDIR/victim
	started "$victims.4" errors victim 192.0.2.1 7000 192.0.2.2 9000
	started "$victims.6" errors victim 2001:db8::1 7000 2001:db8::2 9000
	eventually grep -q ready "$victims.4"
	eventually grep -q ready "$victims.6"
	dropped=$(counted no-rule) known=$(counted icmp-error)
	# ports, addresses, another protocol, quoted for somebody else, a later fragment, too short; then other types
	forge <<-END
		3/3 192.0.2.2 192.0.2.1 udp 192.0.2.1 7001 192.0.2.2 9000
		3/3 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.2 9001
		3/3 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.9 9000
		3/3 192.0.2.2 192.0.2.1 udp 192.0.2.9 7000 192.0.2.2 9000
		3/3 192.0.2.2 198.51.100.1 udp 192.0.2.1 7000 192.0.2.2 9000
		3/3 192.0.2.2 192.0.2.1 tcp 192.0.2.1 7000 192.0.2.2 9000
		3/3 192.0.2.2 192.0.2.1 gre 192.0.2.1 7000 192.0.2.2 9000
		3/3 192.0.2.2 192.0.2.1 icmp 192.0.2.1 7000 192.0.2.2 0
		3/3 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.2 9000 later
		3/3 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.2 9000 quote=4
		3/4 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.2 9001
		11/0 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.2 9001
		5/1 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.2 9000
		4/0 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.2 9000
		12/0 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.2 9000
		1/4 2001:db8::2 2001:db8::1 udp 2001:db8::1 7001 2001:db8::2 9000
		1/4 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::2 9001
		1/4 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::9 9000
		1/4 2001:db8::2 2001:db8::1 udp 2001:db8::9 7000 2001:db8::2 9000
		1/4 2001:db8::2 2001:db8:1::1 udp 2001:db8::1 7000 2001:db8::2 9000
		1/4 2001:db8::2 2001:db8::1 tcp 2001:db8::1 7000 2001:db8::2 9000
		1/4 2001:db8::2 2001:db8::1 gre 2001:db8::1 7000 2001:db8::2 9000
		1/4 2001:db8::2 2001:db8::1 icmpv6 2001:db8::1 7000 2001:db8::2 0
		1/4 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::2 9000 later
		1/4 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::2 9000 quote=4
		2/0 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::2 9001
		3/0 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::2 9001
		137/0 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::2 9000
		137/0 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::2 9000 hops=255
		4/1 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::2 9000
	END
	assert_equal "$(counted no-rule)" $((dropped + 30)) 'dropped'
	assert_equal "$(counted icmp-error)" "$known" 'passed'
	assert_equal "$(cat "$victims".?)" $'ready\nready' 'what the victims were told'
	# the same, but as they should be
	forge <<-END
		3/3 192.0.2.2 192.0.2.1 udp 192.0.2.1 7000 192.0.2.2 9000
		1/4 2001:db8::2 2001:db8::1 udp 2001:db8::1 7000 2001:db8::2 9000
	END
	eventually has_lines "$victims.4" 2
	eventually has_lines "$victims.6" 2
	assert_equal "$(tail -qn 1 "$victims".?)" $'Connection refused\nConnection refused'
	assert_equal "$(counted icmp-error)" $((known + 2)) 'passed'
}
