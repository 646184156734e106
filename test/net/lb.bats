#!/usr/bin/env bats
# shellcheck shell=bats
# The load balancer between real stacks: its modes, where backends are, which packets are of a service.
#
#   client, guest --- wan0, wan1 box lan1 --- s1, which is a router too --- far
#                                lan2 --- s2, which has another link to the client
#                                lan3 --- s3, which has no route to the client
#                                arm0 --- near, s4 on one segment

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/lb.bash
. "$BATS_TEST_DIRNAME/lb.bash"

setup_file() {
	local number
	lb_hosts 3
	lab_host guest wan1 192.0.3.1/24 2001:db8:3::1/64
	far_host
	segment
	dsr_server 2
	lab_on s3 ip route del default
	lab_on s3 ip -6 route del default
	for number in 1 2 3 4; do
		serve_as "s$number" "s$number" tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080
	done
	serve_as s2 s2 tcp 0.0.0.0 80 tcp :: 80 udp 0.0.0.0 80 udp :: 80
	serve_as far far tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080
	fresh_lb wan0 wan1 lan1 lan2 lan3 arm0
}

teardown_file() {
	stop_started
}

setup() {
	lb_sysctls
	lb_backend apply --all -f /dev/null
}

teardown() {
	stop_started
}

# ---- who is where ----

far_host() {
	ip netns add far
	lab_on far ip link set lo up
	lb_link s1 eth1 far eth0 10.6.0.1/24 fd06::1/64
	lab_on s1 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	lab_on far ip route add default via 10.6.0.1
	lab_on far ip -6 route add default via fd06::1
	ip route add 10.6.0.0/24 via 10.1.1.2
	ip -6 route add fd06::/64 via fd01:1::2
}

# Clients and servers on one segment with the box
segment() {
	local number=11 host
	ip netns add switch
	lab_on switch ip link add segment type bridge mcast_snooping 0
	lab_on switch ip link set segment up
	segment_port arm0 box
	ip addr add 10.5.0.1/24 dev arm0
	ip addr add fd05::1/64 dev arm0 nodad
	for host in near s4; do
		ip netns add "$host"
		lab_on "$host" ip link set lo up
		segment_port eth0 "$host"
		lab_on "$host" ip addr add 10.5.0.$number/24 dev eth0
		lab_on "$host" ip addr add fd05::$number/64 dev eth0 nodad
		lab_on "$host" ip route add default via 10.5.0.1
		lab_on "$host" ip -6 route add default via fd05::1
		number=$((number + 1))
	done
	eventually segment_works
}

# A port of the bridge works a moment after it came up.
segment_works() {
	printf '%s\n' 'ping 10.5.0.12 0' 'ping fd05::12 0' | lab_on near peer sweep | grep -c answer | grep -q 2
}

segment_port() {
	lab_on switch ip link add "to-$2" type veth peer name peer
	if [ "$2" = box ]; then
		lab_on switch ip link set peer netns $$
		ip link set peer name "$1" up
	else
		lab_on switch ip link set peer netns "/run/netns/$2"
		lab_on "$2" ip link set peer name "$1" up
	fi
	lab_on switch ip link set "to-$2" master segment up
}

# services_to IPV4 IPV6 [SETTING...]: VIP:80 goes to port 8080 of these
services_to() {
	local proto
	for proto in tcp udp; do
		printf '%s\n' "add $(service 4 $proto) $1:8080" "add $(service 6 $proto) [$2]:8080"
		[ -z "${*:3}" ] || printf '%s\n' "set $(service 4 $proto) ${*:3}" "set $(service 6 $proto) ${*:3}"
	done | sort | lb_backend apply -f -
}

# assert_all_asked EXPECTED HOST: both families and protocols
assert_all_asked() {
	local version proto
	for version in 4 6; do
		for proto in tcp udp; do
			assert_asked_from "${2:-client}" "$1" $proto "$(lb_vip $version)" 80 || return
		done
	done
}

# ---- modes ----

@test "nat: a megabyte there and back, TCP and UDP" {
	services 1
	assert_bulk s1
	assert_no_bad_sums client s1
	assert_equal "$(counted no-route)$(counted table-full)$(counted internal)" 000
}

@test "masquerade: the server needs no route to the client" {
	services 3
	assert_all_asked '1 timeout'
	services 3 -- mode=masquerade
	assert_bulk s3
	assert_no_bad_sums client s3
}

@test "masquerade: two clients of one port are two to the server" {
	local version host
	services 3 -- mode=masquerade
	for version in 4 6; do
		for host in client guest; do
			stream_from "$host" $host$version "$(lb_vip $version)" 80 5 41000
		done
	done
	for host in client4 client6 guest4 guest6; do
		assert_stream $host 5 s3
	done
}

@test "dsr: packets go in a tunnel, answers do not come by the box" {
	local back
	back=$(counted balanced-back)
	services 2 -- mode=dsr
	assert_bulk s2
	assert_no_bad_sums client s2
	assert_equal "$(counted balanced-back)" "$back" 'packets from backends'
	assert_equal "$(sum_of packets_rev)" 0
	[ "$(sum_of bytes_fwd)" -gt 4194304 ] || fail "$(lb_backend list)"
}

@test "dsr: a tunnel of the other family" {
	lb_backend apply -f - <<-END
		add $(service 4 tcp) fd01:2::2
		add $(service 4 udp) fd01:2::2
		add $(service 6 tcp) 10.1.2.2
		add $(service 6 udp) 10.1.2.2
		set $(service 4 tcp) mode=dsr
		set $(service 4 udp) mode=dsr
		set $(service 6 tcp) mode=dsr
		set $(service 6 udp) mode=dsr
	END
	assert_bulk s2
	assert_no_bad_sums client s2
}

# ---- where backends are ----

@test "a backend behind a router" {
	local mode
	for mode in nat masquerade; do
		services_to 10.6.0.2 fd06::2 mode=$mode
		assert_bulk far
	done
	assert_no_bad_sums client far
}

@test "client and backend on the same interface: masquerade" {
	services_to 10.5.0.12 fd05::12 mode=masquerade
	assert_all_asked '1 s4' near
	assert_bulk s4
	assert_no_bad_sums near client s4
}

@test "client and backend on the same interface: nat, where the backend's way to the client is by the box" {
	services_to 10.5.0.12 fd05::12
	lab_on s4 ip route add 10.5.0.11 via 10.5.0.1
	lab_on s4 ip -6 route add fd05::11 via fd05::1
	assert_all_asked '1 s4' near
	assert_bulk s4
	assert_no_bad_sums near client s4
}

@test "neighbours that are not known: not even the first packet is lost" {
	local retransmitted
	services_to 10.5.0.12 fd05::12
	neighbours_forgotten
	# one datagram, which nobody sends again
	assert_asked '1 s4' udp $VIP4 80
	assert_asked '1 s4' udp $VIP6 80
	neighbours_forgotten
	retransmitted=$(nstat_of client TcpRetransSegs)
	assert_asked '1 s4' tcp $VIP4 80
	assert_asked '1 s4' tcp $VIP6 80
	assert_equal "$(nstat_of client TcpRetransSegs)" "$retransmitted" 'segments of the client that were sent again'
	lab_neighbours
}

neighbours_forgotten() {
	local dev
	for dev in arm0 wan0; do
		ip neigh flush dev $dev nud all
		assert_equal "$(ip neigh show dev $dev)" ''
	done
}

# as lab_host had them
lab_neighbours() {
	local address
	for address in 192.0.2.2 2001:db8::2; do
		ip neigh replace $address lladdr "$(lab_mac eth0 lab_on client)" dev wan0 nud permanent
	done
}

# ---- which packets ----

@test "clients on two interfaces, and each flow is its own" {
	services 1 2
	lb_backend drain "$(service 4 tcp)" "$(backend 4 1)"
	lb_backend drain "$(service 6 udp)" "$(backend 6 2)"
	assert_asked_from guest '3 s2' tcp $VIP4 80 3
	assert_asked '3 s2' tcp $VIP4 80 3
	assert_asked_from guest '3 s1' udp $VIP6 80 3
	assert_asked '3 s1' udp $VIP6 80 3
	assert_equal "$(row "$(service 4 tcp)" "$(backend 4 2)" flows)" 6
	assert_equal "$(row "$(service 4 tcp)" "$(backend 4 1)" flows)" 0
}

@test "a range of ports, any port, and one port of them; backends with a port and without" {
	serve_as kept s1 tcp 0.0.0.0 7001 tcp :: 7001 udp 0.0.0.0 7001 udp :: 7001
	lb_backend add -f - <<-END
		$(service 4 tcp any) 10.1.1.2
		$(service 6 udp any) fd01:1::2
		$(service 4 tcp 6000-6999) 10.1.2.2:8080
		$(service 6 udp 6000-6999) [fd01:2::2]:8080
		$(service 4 tcp 6500) 10.1.1.2:8080
		$(service 6 udp 6500) [fd01:1::2]:8080
	END
	assert_asked '1 kept' tcp $VIP4 7001
	assert_asked '1 kept' udp $VIP6 7001
	assert_asked '1 s2' tcp $VIP4 6000
	assert_asked '1 s2' udp $VIP6 6999
	assert_asked '1 s1' tcp $VIP4 6500
	assert_asked '1 s1' udp $VIP6 6500
	# to the server, where nobody listens
	assert_asked '1 refused' tcp $VIP4 7000
	assert_asked '1 refused' udp $VIP6 7000
	# of the other protocol there is none
	assert_asked '1 unreachable' udp $VIP4 7001
	assert_asked '1 unreachable' tcp $VIP6 7001
}

@test "a service that was deleted is nobody's address; its connections go on" {
	services 1
	stream_start kept $VIP4 80 3
	lb_backend delete "$(service 4 tcp)"
	lb_backend delete "$(service 6 udp)"
	assert_asked '1 unreachable' tcp $VIP4 80
	assert_asked '1 unreachable' udp $VIP6 80
	assert_asked '1 s1' udp $VIP4 80
	assert_stream kept 3 s1
}

@test "forwarding off: nothing passes, and it is said why" {
	local was
	services 1
	sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
	was=$(counted no-route)
	assert_asked '1 timeout' udp $VIP4 80
	assert_equal "$(counted no-route)" $((was + 1))
	assert_asked '1 timeout' udp $VIP6 80
	assert_equal "$(counted no-route)" $((was + 2))
	assert_asked '1 timeout' tcp $VIP4 80
	assert_exit 0 lb_backend list
	assert_match "$err" 'IPv4 forwarding is off'
	assert_match "$err" 'IPv6 forwarding is off'
	lb_sysctls
	assert_bulk s1
}

@test "a client that speaks to a backend by its own address is left alone, with a service there and without" {
	services 1
	assert_asked '2 s1' tcp 10.1.1.2 8080 2
	assert_asked '2 s1' udp 10.1.1.2 8080 2
	assert_asked '2 s1' tcp fd01:1::2 8080 2
	assert_asked '2 s1' udp fd01:1::2 8080 2
	assert_equal "$(sum_of flows)" 0
	assert_bulk s1
}

@test "a backend that itself asks the client is left alone" {
	services 1
	serve_as client client tcp 0.0.0.0 8080 udp 0.0.0.0 8080 tcp :: 8080 udp :: 8080
	assert_asked_from s1 '1 client' tcp 192.0.2.2 8080
	assert_asked_from s1 '1 client' udp 192.0.2.2 8080
	assert_asked_from s1 '1 client' tcp 2001:db8::2 8080
	assert_asked_from s1 '1 client' udp 2001:db8::2 8080
}
