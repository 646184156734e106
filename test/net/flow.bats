#!/usr/bin/env bats
# shellcheck shell=bats
# flow.o on traffic, as tc attaches it: what it counts is what the wire had, and it changes nothing.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/flow.bash
. "$BATS_TEST_DIRNAME/flow.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	sysctl -qw net/ipv4/icmp_ratelimit=0 net/ipv6/icmp/ratelimit=0
	serve udp 192.0.2.1 7000 udp 2001:db8::1 7000 tcp 192.0.2.1 7001 tcp 2001:db8::1 7001 udp 127.0.0.1 58997
}

teardown_file() {
	stop_started
}

setup() {
	fresh_flow wan0
}

teardown() {
	stop_started
}

# ---- what was on the wire ----

@test "TCP, UDP, ICMP of both families, fragments both ways: each session as the wire had it" {
	wire_start
	assert_traffic client <<-END
		answer tcp 192.0.2.1 7001
		answer tcp 2001:db8::1 7001
		refused tcp 192.0.2.1 7009
		refused tcp 2001:db8::1 7009
		answer udp 192.0.2.1 7000
		answer udp 2001:db8::1 7000
		answer udp-options 192.0.2.1 7000
		answer udp-options 2001:db8::1 7000
		answer udp-large 192.0.2.1 7000
		answer udp-large 2001:db8::1 7000
		answer ping 192.0.2.1 0
		answer ping 2001:db8::1 0
	END
	assert_same_as_wire 12
	assert_equal "$(flow_dump -j | fields fragments_fwd fragments_rev family | grep -v '^0 0' | sort -k 3)" \
		$'6 6 4\n6 6 6'
}

@test "a megabyte each way by TCP, with segmentation offload and without: the same bytes, in packets of the wire" {
	local how
	for how in on off; do
		lab_on client offload $how eth0
		offload $how wan0
		fresh_flow wan0
		wire_start
		assert_match "$(lab_on client peer tcp-bulk 192.0.2.1 7001 1)" 'the same'
		assert_match "$(lab_on client peer tcp-bulk 2001:db8::1 7001 1)" 'the same'
		assert_same_as_wire 2
		assert_equal "$(flow_dump -j | fields payload_fwd length_max_fwd | sort -u)" '1048576 1500' "offloads $how"
		stop_started
	done
}
