#!/usr/bin/env bats
# shellcheck shell=bats
# The packet path of splicer(7), row by row, on devices of several kinds.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host inside lan0 198.51.100.1/24 2001:db8:1::1/64
	local_routes 172.16.240.0/24 fd00:240::/64
	lab_attach wan0
	serve tcp 0.0.0.0 22 tcp :: 22 tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080 \
		udp 127.0.0.1 58997 tcp 127.0.0.1 58997 udp ::1 58997 tcp ::1 58997
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
}

teardown() {
	detach lo 2>/dev/null || true
	stop_started
}

# Any rule: what matters is that one was inserted.
insert_first() {
	map_update 203.0.113.0 24 1 1 0 tcp
}

splice_sip() {
	map_update "$@" 172.16.240.0 24 5060 5060 58997 udp
	map_update "$@" fd00:240:: 64 5060 5060 58997 udp
}

# ---- SSH ----

@test "SSH: until the first rule to any address, afterwards only to those of the receiving interface" {
	fresh_pins wan0
	assert_traffic client <<-END
		answer tcp 192.0.2.1 22
		answer tcp 198.51.100.1 22
		answer tcp 2001:db8::1 22
		answer tcp 2001:db8:1::1 22
		timeout tcp 192.0.2.1 8080
		timeout tcp 2001:db8::1 8080
	END
	insert_first
	assert_traffic client <<-END
		answer tcp 192.0.2.1 22
		timeout tcp 198.51.100.1 22
		answer tcp 2001:db8::1 22
		timeout tcp 2001:db8:1::1 22
	END
	map_delete --all
	assert_traffic client <<-END
		answer tcp 192.0.2.1 22
		timeout tcp 198.51.100.1 22
		answer tcp 2001:db8::1 22
		timeout tcp 2001:db8:1::1 22
	END
}

@test "SSH: every address of an interface counts, and no longer once it is gone" {
	local number
	for number in 11 12 13; do
		ip addr add "192.0.2.$number/24" dev wan0
		ip addr add "2001:db8::$number/64" dev wan0 nodad
	done
	insert_first
	assert_traffic client <<-END
		answer tcp 192.0.2.1 22
		answer tcp 192.0.2.11 22
		answer tcp 192.0.2.12 22
		answer tcp 192.0.2.13 22
		answer tcp 2001:db8::1 22
		answer tcp 2001:db8::11 22
		answer tcp 2001:db8::12 22
		answer tcp 2001:db8::13 22
	END
	ip addr del 192.0.2.12/24 dev wan0
	ip addr add 192.0.2.12/24 dev lan0
	lab_on client ip route replace 192.0.2.12 via 192.0.2.1
	insert_first
	assert_traffic client <<-END
		answer tcp 192.0.2.11 22
		timeout tcp 192.0.2.12 22
		answer tcp 192.0.2.13 22
	END
	ip addr del 192.0.2.12/24 dev lan0
	lab_on client ip route del 192.0.2.12
	for number in 11 13; do
		ip addr del "192.0.2.$number/24" dev wan0
	done
}

@test "SSH: the addresses of a macvlan on the device count" {
	ip link add link wan0 name mac0 type macvlan mode bridge
	ip link set mac0 up
	ip addr add 192.0.2.77/32 dev mac0
	ip addr add 2001:db8::77/128 dev mac0 nodad
	splice_sip
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		answer tcp 192.0.2.77 22
		answer tcp 2001:db8::77 22
		timeout tcp 192.0.2.77 8080
		timeout tcp 2001:db8::77 8080
	END
	ip link del mac0
}

@test "SSH: on the port of a bridge the addresses of the bridge count; splices are for the bridge itself" {
	lab_host bridged port0
	ip link add br0 type bridge
	ip link set br0 up
	ip link set port0 master br0
	ip addr add 192.0.3.1/24 dev br0
	ip addr add 2001:db8:3::1/64 dev br0 nodad
	lab_on bridged ip addr add 192.0.3.2/24 dev eth0
	lab_on bridged ip addr add 2001:db8:3::2/64 dev eth0 nodad
	lab_attach port0
	splice_sip
	lab_on bridged ip route add default via 192.0.3.1
	lab_on bridged ip -6 route add default via 2001:db8:3::1
	assert_traffic bridged <<-END
		answer tcp 192.0.3.1 22
		answer tcp 2001:db8:3::1 22
		timeout tcp 192.0.3.1 8080
		timeout tcp 2001:db8:3::1 8080
		timeout tcp 198.51.100.1 22
		timeout tcp 2001:db8:1::1 22
	END
	# the kernel forgets on the way from port to bridge which socket a packet was given to
	lab_attach br0
	assert_traffic bridged <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		answer tcp 192.0.3.1 22
		timeout tcp 192.0.3.1 8080
	END
	ip link del br0
}

# ---- devices ----

@test "an interface whose index is far above 50" {
	ip netns add far
	lab_on far ip link set lo up
	ip link add index 4242 name far0 type veth peer name eth0 netns far
	ip link set far0 up
	lab_on far ip link set eth0 up
	lab_address far far0 192.0.4.1/24
	lab_address far far0 2001:db8:4::1/64
	lab_attach far0
	splice_sip -i far0
	assert_traffic far <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		answer tcp 192.0.4.1 22
		answer tcp 2001:db8:4::1 22
		timeout tcp 192.0.4.1 8080
		timeout tcp 2001:db8:4::1 8080
		timeout tcp 192.0.2.1 22
		timeout tcp 2001:db8::1 22
	END
	assert_equal "$(rule_values iface)" $'far0\nfar0'
}

@test "an interface named like loopback is not taken for it" {
	lab_host lover lovely0 192.0.5.1/24 2001:db8:5::1/64
	lab_attach lovely0
	insert_first
	assert_traffic lover <<-END
		timeout tcp 192.0.5.1 8080
		timeout tcp 2001:db8:5::1 8080
		answer tcp 192.0.5.1 22
		answer tcp 2001:db8:5::1 22
		timeout tcp 192.0.2.1 22
		timeout tcp 2001:db8::1 22
	END
}

# assert_tun: like assert_traffic, from behind tun0
assert_tun() {
	assert_outcomes tun tun0 10.8.0.2 fd08::2
}

@test "a tun device: packets without an Ethernet header are spliced, dropped and passed as any other" {
	ip tuntap add dev tun0 mode tun
	ip link set tun0 up
	ip addr add 10.8.0.1/24 dev tun0
	ip addr add fd08::1/64 dev tun0 nodad
	# the tests below would also see time-outs if nothing came through tun0 at all
	assert_tun <<-END
		answer udp 10.8.0.1 8080
		answer udp fd08::1 8080
		answer ping 10.8.0.1 0
		answer ping fd08::1 0
	END
	lab_attach tun0
	splice_sip
	assert_tun <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		timeout udp 10.8.0.1 8080
		timeout udp fd08::1 8080
		timeout ping 10.8.0.1 0
		timeout ping fd08::1 0
	END
	map_update -i tun0 10.8.0.1 32 8 0 0 icmp
	map_update -i tun0 fd08::1 128 128 0 0 icmpv6
	map_update -i tun0 10.8.0.1 32 8080 8080 0 udp
	map_update -i tun0 fd08::1 128 8080 8080 0 udp
	assert_tun <<-END
		answer udp 10.8.0.1 8080
		answer udp fd08::1 8080
		answer ping 10.8.0.1 0
		answer ping fd08::1 0
	END
	ip link del tun0
}

@test "loopback: local traffic keeps working, and a splice rule takes effect" {
	lab_attach lo
	assert_traffic box <<-END
		answer udp 127.0.0.1 58997
		answer tcp 127.0.0.1 58997
		answer udp ::1 58997
		answer tcp ::1 58997
		answer udp 192.0.2.1 8080
		answer tcp 192.0.2.1 8080
		answer tcp 2001:db8::1 8080
		answer ping 127.0.0.1 0
		answer ping ::1 0
		refused tcp 127.0.0.1 9
		refused tcp 172.16.240.9 5060
	END
	assert_exit 0 peer tcp-bulk 127.0.0.1 58997 10
	splice_sip -i lo
	map_update -i lo 172.16.240.0 24 5060 5060 58997 tcp
	map_update -i lo fd00:240:: 64 5060 5060 58997 tcp
	# only splice rules have a say there
	map_update -a drop 127.0.0.1 32 58997 58997 0 udp
	map_update -a drop ::1 128 58997 58997 0 udp
	assert_traffic box <<-END
		answer udp 172.16.240.9 5060 by 58997
		answer tcp 172.16.240.9 5060
		answer udp fd00:240::9 5060 by 58997
		answer tcp fd00:240::9 5060
		answer udp 127.0.0.1 58997
		answer udp ::1 58997
	END
}

# ---- neighbours, ping, DHCP ----

@test "ARP and neighbour discovery work while everything else is dropped" {
	lab_host stranger wild0 192.0.6.1/24 2001:db8:6::1/64
	lab_attach wild0
	splice_sip -i wild0
	ip neigh flush dev wild0 nud permanent
	lab_on stranger ip neigh flush dev eth0 nud permanent
	assert_equal "$(ip neigh show dev wild0 nud all | grep -E '192.0.6.2|2001:db8:6::2' || true)" '' 'neighbours'
	assert_traffic stranger <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		timeout udp 192.0.6.1 8080
		timeout udp 2001:db8:6::1 8080
	END
	assert_match "$(ip neigh show 192.0.6.2 dev wild0)" 'lladdr'
	assert_match "$(ip neigh show 2001:db8:6::2 dev wild0)" 'lladdr'
}

@test "ping is dropped unless a rule allows type 8 code 0 (IPv6: 128 0)" {
	assert_traffic client <<-END
		timeout ping 192.0.2.1 0
		timeout ping 2001:db8::1 0
	END
	assert_quiet map_update 192.0.2.1 32 8 0 0 icmp
	assert_quiet map_update 2001:db8::1 128 128 0 0 icmpv6
	assert_traffic client <<-END
		answer ping 192.0.2.1 0
		answer ping 2001:db8::1 0
		timeout ping 198.51.100.1 0
		timeout ping 2001:db8:1::1 0
	END
	assert_quiet map_delete 192.0.2.1 32 8 icmp
	assert_quiet map_delete 2001:db8::1 128 128 icmpv6
	assert_quiet map_update 192.0.2.1 32 13 0 0 icmp
	assert_traffic client <<-END
		timeout ping 192.0.2.1 0
		timeout ping 2001:db8::1 0
	END
}

@test "answers of DHCP servers pass" {
	serve udp 0.0.0.0 68 udp 0.0.0.0 69 udp :: 546 udp :: 545
	assert_traffic client <<-END
		answer udp 192.0.2.1 68 from 67
		answer udp 2001:db8::1 546 from 547
	END
	assert_traffic client <<-END
		timeout udp 192.0.2.1 69 from 67
		timeout udp 192.0.2.1 68 from 66
		timeout udp 2001:db8::1 545 from 547
		timeout udp 2001:db8::1 546 from 548
	END
}

# ---- established ----

@test "an outgoing TCP connection keeps working without a rule" {
	serve_on client tcp 192.0.2.2 9000 tcp 2001:db8::2 9000
	insert_first
	assert_exit 0 peer tcp-bulk 192.0.2.2 9000 10
	assert_equal "$out" $'sent to 192.0.2.2 9000\n10485760 bytes, the same'
	assert_exit 0 peer tcp-bulk 2001:db8::2 9000 10
	assert_equal "$out" $'sent to 2001:db8::2 9000\n10485760 bytes, the same'
}

@test "a connected UDP socket gets its answer without a rule" {
	serve_on client udp 192.0.2.2 9000 udp 2001:db8::2 9000
	insert_first
	assert_traffic box <<-END
		answer udp-connected 192.0.2.2 9000
		answer udp-connected 2001:db8::2 9000
	END
}

# assert_says WORD
assert_says() {
	echo "$1" >&9
	eventually grep -qx "$1" "$BATS_TEST_TMPDIR/echoes"
}

# assert_survives ADDRESS LENGTH PREFIX: an open connection outlives its rule, new ones do not
assert_survives() {
	map_update "$2" "$3" 5060 5060 58997 tcp
	mkfifo "$BATS_TEST_TMPDIR/words"
	exec 9<>"$BATS_TEST_TMPDIR/words"
	started "$BATS_TEST_TMPDIR/echoes" nsenter --net=/run/netns/client -- peer tcp-hold "$1" 5060 <&9
	eventually grep -q '^sent to' "$BATS_TEST_TMPDIR/echoes"
	assert_says before
	assert_quiet map_delete "$2" "$3" 5060 tcp
	assert_traffic client <<<"timeout tcp $1 5060"
	assert_says after
	exec 9>&-
}

@test "a spliced TCP connection keeps working after its rule is deleted" {
	assert_survives 172.16.240.9 172.16.240.0 24
}

@test "a spliced TCP connection keeps working after its rule is deleted, IPv6" {
	assert_survives fd00:240::9 fd00:240:: 64
}

# ---- frames out of the ordinary ----

@test "frames that are neither IP nor ARP are dropped, and the reader is told their ethertype" {
	tail_start lldp -j -c 1
	lab_on client frame eth0 lldp
	assert_ends "$pid" 0
	assert_equal "$(fields iface action reason ethertype proto src <"$BATS_TEST_TMPDIR/lldp")" \
		"wan0 dropped ethertype $((0x88cc)) - -"
}

@test "VLAN tags: the decision is about what they carry" {
	local mac
	mac=$(lab_mac wan0)
	splice_sip
	tail_start tagged -j -c 5
	lab_on client frame eth0 vlan 7 "$mac" 192.0.2.2 1111 192.0.2.1 8080
	lab_on client frame eth0 vlan 7 "$mac" 192.0.2.2 1111 172.16.240.9 5060
	lab_on client frame eth0 vlan 4094 "$mac" 2001:db8::2 1111 2001:db8::1 8080
	lab_on client frame eth0 vlan 7,8 "$mac" 192.0.2.2 1111 192.0.2.1 8080
	lab_on client frame eth0 vlan 7,8 "$mac" 2001:db8::2 1111 fd00:240::9 5060
	assert_ends "$pid" 0
	assert_equal "$(fields action vlan ethertype src sport dst dport <"$BATS_TEST_TMPDIR/tagged")" "$(
		cat <<-END
			dropped 7 2048 192.0.2.2 1111 192.0.2.1 8080
			spliced 7 2048 192.0.2.2 1111 172.16.240.9 5060
			dropped 4094 34525 2001:db8::2 1111 2001:db8::1 8080
			dropped 7 2048 192.0.2.2 1111 192.0.2.1 8080
			spliced 7 34525 2001:db8::2 1111 fd00:240::9 5060
		END
	)"
}

@test "IPv4 options and an IPv6 destination options header are stepped over" {
	splice_sip
	assert_traffic client <<-END
		answer udp-options 172.16.240.9 5060
		answer udp-options fd00:240::9 5060
		timeout udp-options 192.0.2.1 8080
		timeout udp-options 2001:db8::1 8080
	END
}
