#!/usr/bin/env bats
# shellcheck shell=bats
# The commands that ebpf-tproxy-splicer taught its users, word for word, and what they do to traffic.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_attach wan0
	local_routes 172.16.240.0/24 fd00:240::/64
	ip addr add 10.1.1.1/32 dev lo
	ip addr add fd00:1::1/128 dev lo
	serve udp 127.0.0.1 58997 tcp 127.0.0.1 58997 udp ::1 58997 tcp ::1 58997 \
		tcp 10.1.1.1 443 tcp fd00:1::1 443 tcp 192.0.2.1 8080 tcp 2001:db8::1 8080
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
}

teardown() {
	stop_started
}

insert_sip() {
	map_update 172.16.240.0 24 5060 5060 58997 17
	map_update fd00:240:: 64 5060 5060 58997 17
}

# assert_sip OUTCOME: what becomes of SIP from the client
assert_sip() {
	assert_traffic client <<-END
		$1 udp 172.16.240.9 5060
		$1 udp fd00:240::9 5060
	END
}

@test "SIP to a spliced prefix reaches the socket on 127.0.0.1, which sees and answers from the original address" {
	assert_quiet map_update 172.16.240.0 24 5060 5060 58997 17
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 5060 INVITE
	assert_equal "$out" \
		'served by 127.0.0.1 58997, sent to 172.16.240.9 5060: INVITE (from 172.16.240.9 5060)'
}

@test "the same with IPv6 and the socket on ::1" {
	assert_quiet map_update fd00:240:: 64 5060 5060 58997 17
	assert_exit 0 lab_on client peer udp-ask fd00:240::9 5060 INVITE
	assert_equal "$out" 'served by ::1 58997, sent to fd00:240::9 5060: INVITE (from fd00:240::9 5060)'
}

@test "before the rule, and with it to other ports, protocols and prefixes, nothing gets through" {
	assert_sip timeout
	insert_sip
	assert_traffic client <<-END
		answer udp 172.16.240.0 5060
		answer udp 172.16.240.255 5060
		answer udp fd00:240::ffff:ffff:ffff:ffff 5060
		timeout udp 172.16.240.9 5059
		timeout udp 172.16.240.9 5061
		timeout udp 172.16.240.9 58997
		timeout tcp 172.16.240.9 5060
		timeout udp 172.16.241.9 5060
		timeout udp fd00:240::9 5061
		timeout udp fd00:240:0:1::9 5060
		timeout tcp 192.0.2.1 8080
		timeout tcp 2001:db8::1 8080
	END
}

@test "a spliced TCP connection carries 100 MB unharmed" {
	assert_quiet map_update 172.16.240.0 24 5060 5060 58997 6
	assert_exit 0 lab_on client peer tcp-bulk 172.16.240.9 5060 100
	assert_equal "$out" $'sent to 172.16.240.9 5060\n104857600 bytes, the same'
}

@test "a spliced TCP connection carries 100 MB unharmed, IPv6" {
	assert_quiet map_update fd00:240:: 64 5060 5060 58997 6
	assert_exit 0 lab_on client peer tcp-bulk fd00:240::9 5060 100
	assert_equal "$out" $'sent to fd00:240::9 5060\n104857600 bytes, the same'
}

@test "map_delete by address, length, low port and protocol closes the port again, though the listener listens" {
	insert_sip
	assert_sip answer
	assert_quiet map_delete 172.16.240.0 24 5060 17
	assert_quiet map_delete fd00:240:: 64 5060 17
	assert_sip timeout
	assert_traffic box <<-END
		answer udp 127.0.0.1 58997
		answer udp ::1 58997
	END
}

@test "map_delete_elem is map_delete" {
	ln -s "$(command -v map_delete)" "$BATS_TEST_TMPDIR/map_delete_elem"
	insert_sip
	assert_quiet "$BATS_TEST_TMPDIR/map_delete_elem" 172.16.240.0 24 5060 17
	assert_quiet "$BATS_TEST_TMPDIR/map_delete_elem" fd00:240:: 64 5060 17
	assert_sip timeout
	assert_error "$BATS_TEST_TMPDIR/map_delete_elem" 172.16.240.0 24 5060 17
}

@test "listener port 0 passes to a listener on a local address" {
	assert_traffic client <<-END
		timeout tcp 10.1.1.1 443
		timeout tcp fd00:1::1 443
	END
	assert_quiet map_update 10.1.1.1 32 443 443 0 6
	assert_quiet map_update fd00:1::1 128 443 443 0 6
	assert_traffic client <<-END
		answer tcp 10.1.1.1 443
		answer tcp fd00:1::1 443
	END
}

@test "a protocol may be given by name" {
	assert_quiet map_update 172.16.240.0 24 5060 5060 58997 udp
	assert_quiet map_update fd00:240:: 64 5060 5060 58997 udp
	assert_sip answer
	assert_quiet map_delete 172.16.240.0 24 5060 udp
	assert_quiet map_delete fd00:240:: 64 5060 udp
	assert_sip timeout
}

@test "inserting a rule again succeeds, prints nothing and leaves one rule" {
	assert_quiet map_update 172.16.240.0 24 5060 5060 58997 17
	assert_quiet map_update 172.16.240.0 24 5060 5060 58997 17
	assert_equal "$(rule_list --save)" '172.16.240.0 24 5060 5060 58997 udp'
}

@test "inserting a rule with another listener port moves it there" {
	serve udp 127.0.0.1 58998
	map_update 172.16.240.0 24 5060 5060 58997 17
	assert_quiet map_update 172.16.240.0 24 5060 5060 58998 17
	assert_traffic client <<<'answer udp 172.16.240.9 5060 by 58998'
	assert_equal "$(rule_count)" 1
}

@test "deleting a rule that is not there fails with one line" {
	assert_error map_delete 172.16.240.0 24 5060 17
	assert_match "$err" 'no such rule$'
}

@test "detaching opens the traffic again; attaching again finds the rules in force" {
	insert_sip
	assert_traffic client <<-END
		timeout tcp 192.0.2.1 8080
		timeout tcp 2001:db8::1 8080
	END
	tc qdisc del dev wan0 clsact
	assert_traffic client <<-END
		answer tcp 192.0.2.1 8080
		answer tcp 2001:db8::1 8080
		refused udp-connected 172.16.240.9 5060
		refused udp-connected fd00:240::9 5060
	END
	lab_attach wan0
	assert_sip answer
	assert_traffic client <<-END
		timeout tcp 192.0.2.1 8080
		timeout tcp 2001:db8::1 8080
	END
}
