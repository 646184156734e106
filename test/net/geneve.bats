#!/usr/bin/env bats
# shellcheck shell=bats
# GENEVE from a gateway load balancer: taken off packets of allowed sources only. The client sends what is for the
# prefixes of services through a tunnel, see test/net/geneve; answers go back to it without one.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	local_routes 172.16.240.0/24 fd00:240::/64
	lab_attach wan0
	lab_attach_egress wan0
	lookup_link make --object "$LAB_OBJECTS/splicer.o"
	lab_on client ip addr add 192.0.2.66/24 dev eth0
	lab_on client ip addr add 2001:db8::66/64 dev eth0 nodad
	ip neigh replace 192.0.2.66 lladdr "$(lab_mac eth0 lab_on client)" dev wan0
	ip neigh replace 2001:db8::66 lladdr "$(lab_mac eth0 lab_on client)" dev wan0
	lab_on client ip tuntap add dev tun0 mode tun
	# or it would discover routers and groups meanwhile
	lab_on client ip link set tun0 addrgenmode none
	lab_on client ip link set tun0 up mtu 1400
	# answers come by another way than requests leave
	lab_on client sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
	lab_on client ip route add 172.16.240.0/24 dev tun0 src 192.0.2.2
	lab_on client ip -6 route add fd00:240::/64 dev tun0 src 2001:db8::2
	tunnel_start
	serve tcp 127.0.0.1 58997 udp 127.0.0.1 58997 tcp ::1 58997 udp ::1 58997 \
		tcp 172.16.240.1 8080 udp 0.0.0.0 8080 tcp :: 8080 udp :: 8080 udp 0.0.0.0 6081 udp :: 6081
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
	iface_set wan0 geneve=default
	iface_set any geneve=default
	local proto
	for proto in tcp udp; do
		map_update 172.16.240.0 24 5060 5060 58997 "$proto"
		map_update fd00:240:: 64 5060 5060 58997 "$proto"
		map_update 172.16.240.1 32 8080 8080 0 "$proto"
		map_update fd00:240:: 64 8080 8080 0 "$proto"
	done
}

tunnel_start() {
	mkfifo "$BATS_FILE_TMPDIR/lines"
	# for both, so that it does not end with the first line
	started "$BATS_FILE_TMPDIR/tunnel" nsenter --net=/run/netns/client -- geneve tun0 <>"$BATS_FILE_TMPDIR/lines"
	eventually grep -q ready "$BATS_FILE_TMPDIR/tunnel"
	eventually running
}

# The kernel sends nothing to a device whose carrier it has not noticed yet.
running() {
	lab_on client ip link show tun0 | grep -q LOWER_UP
}

# tunnel TARGET [WORD]...: from now on, see geneve
tunnel() {
	local lines
	lines=$(wc -l <"$BATS_FILE_TMPDIR/tunnel")
	echo "$*" >"$BATS_FILE_TMPDIR/lines"
	eventually has_lines "$BATS_FILE_TMPDIR/tunnel" $((lines + 1))
}

# What becomes of one family in the other: before 6.4 it cannot be taken out
across() {
	if kernel_has 6.4; then echo answer; else echo timeout; fi
}

# assert_tunnelled OUTCOME4 [OUTCOME6]: of what is spliced
assert_tunnelled() {
	assert_traffic client <<-END
		$1 udp 172.16.240.9 5060
		$1 tcp 172.16.240.9 5060
		${2-$1} udp fd00:240::9 5060
		${2-$1} tcp fd00:240::9 5060
	END
}

@test "off by default, whatever rules say of the outer packet; from an allowed source what is within is spliced, passed and dropped as any other" {
	tunnel 192.0.2.1
	map_update 192.0.2.1 32 6081 6081 0 udp
	assert_tunnelled timeout
	iface_set wan0 geneve=192.0.2.2
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer tcp 172.16.240.9 5060
		answer udp-connected 172.16.240.9 5060
		answer udp-large 172.16.240.9 5060
		answer udp 172.16.240.1 8080
		answer tcp 172.16.240.1 8080
		timeout udp 172.16.240.9 5061
		timeout tcp 172.16.240.9 5061
	END
	assert_exit 0 lab_on client peer tcp-bulk 172.16.240.9 5060 2
	assert_equal "$out" $'sent to 172.16.240.9 5060\n2097152 bytes, the same'
}

@test "IPv6 in IPv6" {
	tunnel 2001:db8::1 from=2001:db8::2
	assert_tunnelled timeout
	iface_set wan0 geneve=2001:db8::2
	assert_traffic client <<-END
		answer udp fd00:240::9 5060
		answer tcp fd00:240::9 5060
		answer udp-large fd00:240::9 5060
		answer udp fd00:240::9 8080
		timeout tcp fd00:240::9 5061
	END
	assert_exit 0 lab_on client peer tcp-bulk fd00:240::9 5060 2
}

@test "one family in the other" {
	tunnel 192.0.2.1
	iface_set wan0 geneve=192.0.2.2,2001:db8::2
	assert_tunnelled answer "$(across)"
	tunnel 2001:db8::1 from=2001:db8::2
	assert_tunnelled "$(across)" answer
}

@test "Ethernet within, other numbers of options, and a network identifier" {
	local words
	iface_set any geneve=192.0.2.0/24
	for words in 'ethernet' 'ethernet options=0' 'options=0' 'options=31 vni=16777215'; do
		# shellcheck disable=SC2086 # words
		tunnel 192.0.2.1 $words
		assert_tunnelled answer "$(across)"
	done
}

@test "sources that are not allowed, and on interfaces where they are not" {
	iface_set wan0 geneve=192.0.2.66,2001:db8::66
	tunnel 192.0.2.1
	assert_tunnelled timeout
	tunnel 2001:db8::1 from=2001:db8::2
	assert_tunnelled timeout
	tunnel 192.0.2.1 from=192.0.2.66
	assert_tunnelled answer "$(across)"
	iface_set wan0 geneve=default
	iface_set lo geneve=192.0.2.66
	assert_tunnelled timeout
	iface_set lo geneve=default
}

@test "what cannot be opened is dropped, with its reason" {
	local words before
	iface_set wan0 geneve=192.0.2.2
	map_update 0.0.0.0 0 0 65535 0 udp
	for words in oam version=1 short; do
		tunnel 192.0.2.1 "$words"
		before=$(counted geneve)
		assert_traffic client <<-END
			timeout udp 172.16.240.9 5060
		END
		assert_equal "$(counted geneve)" $((before + 1)) "$words"
	done
}
