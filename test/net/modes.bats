#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, pid and the like are set in helpers.bash
# The modes: detect tells and counts what prevent does, and drops nothing.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/stateful.bash
. "$BATS_TEST_DIRNAME/stateful.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	# sources that nobody answers for: see mix
	ip neigh replace 192.0.2.99 lladdr "$(lab_mac eth0 lab_on client)" dev wan0 nud permanent
	ip neigh replace 2001:db8::99 lladdr "$(lab_mac eth0 lab_on client)" dev wan0 nud permanent
	lab_on client sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 udp ::1 58997 udp 0.0.0.0 7002 udp :: 7002 udp 0.0.0.0 7003 udp :: 7003
}

teardown_file() {
	stop_started
}

teardown() {
	stop_started
}

# rules [OPTION]...: of the mix
rules() {
	local address len proto
	while read -r address len; do
		for proto in udp tcp; do
			map_update "$@" "$address" "$len" 7001 7001 0 "$proto"
			map_update "$@" -a drop "$address" "$len" 7002 7002 0 "$proto"
		done
	done <<-END
		192.0.2.1 32
		2001:db8::1 128
	END
	while read -r address len; do
		map_update "$@" "$address" "$len" 5060 5060 58997 udp
		map_update "$@" "$address" "$len" 5061 5061 58999 udp
		map_update "$@" "$address" "$len" 5061 5061 58999 tcp
	done <<-END
		172.16.240.0 24
		fd00:240:: 64
	END
}

# mix_run NAME: what is told and counted of the mix, in files of this name
mix_run() {
	local name=$1
	tail_start "$name" -j
	lab_on client mix eth0 "$(lab_mac wan0)"
	# the last frame of it
	eventually grep -q '"reason":"ethertype"' "$BATS_TEST_TMPDIR/$name"
	fields reason verdict iface proto src sport dst dport length <"$BATS_TEST_TMPDIR/$name" >"$BATS_TEST_TMPDIR/$name.events"
	# what the client's own stack sends comes when it likes
	verdict_stat -j | fields reason packets bytes | grep -v ^neighbour |
		awk '{ packets[$1] += $2; bytes[$1] += $3 } END { for (reason in packets) print reason, packets[reason], bytes[reason] }' |
		sort >"$BATS_TEST_TMPDIR/$name.counts"
	rule_list -j | fields dst low proto packets bytes >"$BATS_TEST_TMPDIR/$name.rules"
}

# fresh: the same beginning for each mode
fresh() {
	fresh_pins wan0
	rules "$@"
	iface_set wan0 on_state=drop icmp_echo=drop
}

# assert_same_but_verdict NAME NAME: what is BLOCKED in the first is DETECTED in the second
assert_same_but_verdict() {
	assert_same_lines "$BATS_TEST_TMPDIR/$1.counts" <"$BATS_TEST_TMPDIR/$2.counts" || return
	assert_same_lines "$BATS_TEST_TMPDIR/$1.rules" <"$BATS_TEST_TMPDIR/$2.rules" || return
	awk '$2 == "BLOCKED" { $2 = "DETECTED" } { print }' \
		"$BATS_TEST_TMPDIR/$1.events" >"$BATS_TEST_TMPDIR/expected"
	assert_same_lines "$BATS_TEST_TMPDIR/expected" <"$BATS_TEST_TMPDIR/$2.events"
}

# assert_reasons_met NAME: the mix has them all
assert_reasons_met() {
	local reason
	for reason in truncated bad-header ethertype fragment no-rule rule-drop no-listener state rule-pass rule-splice; do
		grep -q "^$reason [1-9]" "$BATS_TEST_TMPDIR/$1.counts" || fail "$reason: $(<"$BATS_TEST_TMPDIR/$1.counts")" || return
		grep -q "^$reason " "$BATS_TEST_TMPDIR/$1.events" || fail "no event: $reason" || return
	done
}

@test "mode=detect, of all interfaces and of one: the same events and counters, but nothing is dropped" {
	fresh
	mix_run prevent
	assert_reasons_met prevent
	assert_match "$(<"$BATS_TEST_TMPDIR/prevent.events")" ' BLOCKED '
	fresh
	iface_set any mode=detect
	mix_run global
	assert_same_but_verdict prevent global
	# the interface's own word goes first
	fresh
	iface_set any mode=prevent
	iface_set wan0 mode=detect
	mix_run own
	assert_same_but_verdict prevent own
	fresh
	iface_set any mode=detect
	iface_set wan0 mode=prevent
	mix_run again
	assert_same_lines "$BATS_TEST_TMPDIR/prevent.events" <"$BATS_TEST_TMPDIR/again.events"
	assert_same_lines "$BATS_TEST_TMPDIR/prevent.counts" <"$BATS_TEST_TMPDIR/again.counts"
}

# assert_detected_where CONDITION NAME: of the drops of "prevent" these, and no others, are detect there
assert_detected_where() {
	awk "\$2 == \"BLOCKED\" && ($1) { \$2 = \"DETECTED\" } { print }" \
		"$BATS_TEST_TMPDIR/prevent.events" >"$BATS_TEST_TMPDIR/expected"
	assert_same_lines "$BATS_TEST_TMPDIR/expected" <"$BATS_TEST_TMPDIR/$2.events"
}

# Of the later fragments those to 7002 belong to a drop rule, and every other one, to 7003, to none.
@test "a rule's mode goes before the interface's" {
	fresh
	mix_run prevent
	fresh --mode detect
	mix_run detect
	assert_same_lines "$BATS_TEST_TMPDIR/prevent.counts" <"$BATS_TEST_TMPDIR/detect.counts"
	assert_same_lines "$BATS_TEST_TMPDIR/prevent.rules" <"$BATS_TEST_TMPDIR/detect.rules"
	# shellcheck disable=SC2016  # of awk
	assert_detected_where '$1 ~ /^(rule-drop|no-listener|state)$/ || ($1 == "fragment" && ++fragments % 2 == 1)' detect
	# and a rule that prevents, where the interface only detects
	fresh --mode prevent
	iface_set wan0 mode=detect
	mix_run rules
	# shellcheck disable=SC2016
	assert_detected_where '$1 !~ /^(rule-drop|no-listener|state|fragment)$/ || ($1 == "fragment" && ++fragments % 2 == 0)' rules
}

@test "what mode=detect would drop arrives" {
	fresh
	assert_traffic client <<-END
		timeout udp 192.0.2.1 7002
		timeout udp 2001:db8::1 7002
		timeout udp 192.0.2.1 7003
		timeout udp 2001:db8::1 7003
		timeout ping 192.0.2.1 0
		timeout ping 2001:db8::1 0
	END
	iface_set wan0 mode=detect
	assert_traffic client <<-END
		answer udp 192.0.2.1 7002
		answer udp 2001:db8::1 7002
		answer udp 192.0.2.1 7003
		answer udp 2001:db8::1 7003
		answer ping 192.0.2.1 0
		answer ping 2001:db8::1 0
	END
	# out rules too
	lab_attach_egress wan0
	iface_set wan0 out=drop
	serve_on client udp 0.0.0.0 53 udp :: 53
	assert_traffic box <<-END
		answer udp 192.0.2.2 53
		answer udp 2001:db8::2 53
	END
	iface_set wan0 mode=prevent
	assert_traffic box <<-END
		unsent udp 192.0.2.2 53
		unsent udp 2001:db8::2 53
	END
}
