#!/usr/bin/env bats
# shellcheck shell=bats
# Address translation by nftables on the same box: ingress sees a packet before it, egress after it.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/stateful.bash
. "$BATS_TEST_DIRNAME/stateful.bash"

setup_file() {
	router_hosts
	# the outside knows no way to the inside but the box's own address
	lab_on client ip route del default
	lab_on client ip -6 route del default
	serve_on client tcp 192.0.2.2 80 udp 192.0.2.2 53 tcp 2001:db8::2 80 udp 2001:db8::2 53
	serve_on inside tcp 198.51.100.2 80 udp 198.51.100.2 53 tcp 2001:db8:1::2 80 udp 2001:db8:1::2 53
}

teardown_file() {
	stop_started
}

setup() {
	fresh_both wan0 lan0
}

teardown() {
	stop_started
	nft flush ruleset
}

masquerade() {
	nft -f - <<-'END'
		table inet nat {
			chain post {
				type nat hook postrouting priority srcnat
				oifname "wan0" masquerade
			}
		}
	END
}

# what comes to port 8080 of the box goes to a host inside
port_forward() {
	nft -f - <<-'END'
		table inet nat {
			chain pre {
				type nat hook prerouting priority dstnat
				meta nfproto ipv4 tcp dport 8080 dnat ip to 198.51.100.2:80
				meta nfproto ipv6 tcp dport 8080 dnat ip6 to [2001:db8:1::2]:80
			}
		}
	END
}

pass_from_inside() {
	map_update --iface lan0 0.0.0.0 0 1 65535 0 tcp
	map_update --iface lan0 0.0.0.0 0 1 65535 0 udp
	map_update --iface lan0 :: 0 1 65535 0 tcp
	map_update --iface lan0 :: 0 1 65535 0 udp
	iface_set lan0 icmp_echo=pass
}

@test "masquerading: replies to the translated address come in, and by both interfaces" {
	masquerade
	pass_from_inside
	assert_traffic inside <<-END
		answer tcp 192.0.2.2 80
		answer udp 192.0.2.2 53
		answer ping 192.0.2.2 0
		answer tcp 2001:db8::2 80
		answer udp 2001:db8::2 53
		answer ping 2001:db8::2 0
	END
}

@test "a masqueraded connection is established under its translated address too" {
	masquerade
	pass_from_inside
	hold talk inside tcp 192.0.2.2 80 41000
	assert_goes_on talk
	assert_goes_on talk
	assert_conns '192.0.2.1 established out
198.51.100.2 established in' src,state,dir --proto tcp
}

@test "a forwarded port: replies pass under both addresses" {
	port_forward
	map_update 192.0.2.1 32 8080 8080 0 tcp
	map_update 2001:db8::1 128 8080 8080 0 tcp
	hold four client tcp 192.0.2.1 8080
	hold six client tcp 2001:db8::1 8080
	assert_goes_on four six
	assert_goes_on four six
}

@test "what came out of a tunnel that has no program on it is recorded as it goes on" {
	ip link add vxlan0 type vxlan id 7 dstport 4789 local 192.0.2.1 remote 192.0.2.2
	ip addr add 203.0.113.1/24 dev vxlan0
	ip link set vxlan0 up
	lab_on client ip link add vxlan0 type vxlan id 7 dstport 4789 local 192.0.2.2 remote 192.0.2.1
	lab_on client ip addr add 203.0.113.2/24 dev vxlan0
	lab_on client ip link set vxlan0 up
	lab_on client ip route add 198.51.100.0/24 via 203.0.113.1
	lab_on inside ip route replace default via 198.51.100.1
	map_update 192.0.2.1 32 4789 4789 0 udp
	# so that the tunnel is known when the first question comes by it
	assert_traffic client <<<'answer ping 203.0.113.1 0'
	assert_traffic client <<-END
		answer udp 198.51.100.2 53
		answer tcp 198.51.100.2 80
		answer ping 198.51.100.2 0
	END
}

@test "the box's own connections to an address that is translated as they leave" {
	nft -f - <<-'END'
		table inet nat {
			chain out {
				type nat hook output priority -100
				ip daddr 192.0.2.77 dnat ip to 192.0.2.2
				ip6 daddr 2001:db8::77 dnat ip6 to 2001:db8::2
			}
		}
	END
	hold four box tcp 192.0.2.77 80
	hold six box tcp 2001:db8::77 80
	assert_goes_on four six
	assert_goes_on four six
	assert_conns '192.0.2.1 established' src,state --proto tcp 192.0.2.2
	assert_conns '2001:db8::1 established' src,state --proto tcp 2001:db8::2
	iface_set wan0 out=drop
	assert_goes_on four six
	assert_traffic box <<<'timeout tcp 192.0.2.77 80'
}
