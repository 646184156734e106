#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, pid and the like are set in helpers.bash
# Limits: floods, new flows of a source, and how long a connection may last.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/stateful.bash
. "$BATS_TEST_DIRNAME/stateful.bash"

FLOOD=1000000

setup_file() {
	router_hosts
	# a second source, and a destination that nobody answers for
	lab_on client ip addr add 192.0.2.66/24 dev eth0
	lab_on client ip addr add 2001:db8:66::1/64 dev eth0 nodad
	ip neigh replace 192.0.2.66 lladdr "$(lab_mac eth0 lab_on client)" dev wan0 nud permanent
	ip route add 2001:db8:66::/64 via 2001:db8::2
	ip neigh replace 198.51.100.77 lladdr "$(lab_mac eth0 lab_on inside)" dev lan0 nud permanent
	ip neigh replace 2001:db8:1::77 lladdr "$(lab_mac eth0 lab_on inside)" dev lan0 nud permanent
	lab_on inside sysctl -qw net.ipv4.ip_forward=0
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 udp ::1 58997 tcp 127.0.0.1 58997 tcp ::1 58997
	serve_on inside tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080
}

teardown_file() {
	stop_started
}

setup() {
	fresh_both wan0 lan0
	map_update -i wan0 198.51.100.0 24 8080 8080 0 tcp
	map_update -i wan0 2001:db8:1:: 64 8080 8080 0 tcp
	map_update -i wan0 198.51.100.0 24 8080 8080 0 udp
	map_update -i wan0 2001:db8:1:: 64 8080 8080 0 udp
	map_update 172.16.240.0 24 5060 5060 58997 udp
	map_update fd00:240:: 64 5060 5060 58997 udp
	map_update 172.16.240.0 24 443 443 58997 tcp
	map_update fd00:240:: 64 443 443 58997 tcp
}

teardown() {
	stop_started
}

# ---- floods ----

# flood KIND DESTINATION PORT FIRST COUNT: from client
flood() {
	lab_on client "${LAB_OBJECTS:-build}/test/flood" eth0 "$(lab_mac wan0)" "$@"
}

# flows_stay KIND DESTINATION PORT REASON: through a flood of this kind, decided so, of which nothing was dropped before
flows_stay() {
	local kind=$1 destination=$2 port=$3 reason=$4 step before
	before=$(counted "$reason")
	for ((step = 0; step < 10; step++)); do
		flood "$kind" "$destination" "$port" $((step * FLOOD / 10)) $((FLOOD / 10)) || return
		# once for each 100,000 new flows
		assert_goes_on "${flows[@]}" || return
	done
	[ "$(counted "$reason")" -ge $((before + FLOOD)) ] || fail "of $FLOOD $reason had $(($(counted "$reason") - before))"
}

@test "floods of a million sources: neither do established flows go nor does memory grow" {
	local memory
	flows=(tcp4 tcp6 udp4 udp6 splice4 splice6)
	hold tcp4 client tcp 198.51.100.2 8080
	hold tcp6 client tcp 2001:db8:1::2 8080
	hold udp4 client udp 198.51.100.2 8080
	hold udp6 client udp 2001:db8:1::2 8080
	hold splice4 client tcp 172.16.240.9 443
	hold splice6 client tcp fd00:240::9 443
	assert_goes_on "${flows[@]}"
	assert_goes_on "${flows[@]}"
	map_update -i wan0 198.51.100.77 32 9 9 0 tcp
	memory=$(pins memory)
	[ "$memory" -gt 1000000 ] || fail "memory: $memory"
	flows_stay tcp 198.51.100.77 9 rule-pass
	flows_stay udp 172.16.240.9 5060 rule-splice
	FLOOD=300000 flows_stay tcp 172.16.240.9 443 rule-splice
	FLOOD=300000 flows_stay udp fd00:240::9 5060 rule-splice
	assert_equal "$(pins memory)" "$memory" 'bytes of all maps'
	assert_equal "$(conn_list -p udp -d 198.51.100.2 --table confirmed --count)" 1 'it was never begun anew'
	[ "$(conns packets_fwd -p udp -d 198.51.100.2)" -ge 42 ] || fail "$(conns packets_fwd -p udp -d 198.51.100.2)"
}

# ---- new flows of a source ----

# many_flows ADDRESS NUMBER: one datagram from each of so many ports
many_flows() {
	lab_on client peer udp-ports "$1" 8080 "$2"
}

@test "new_flows: a source that opens too many is limited, its tracked flows and other sources are not" {
	local address passed dropped
	hold tcp4 client tcp 198.51.100.2 8080
	hold udp4 client udp 198.51.100.2 8080
	hold splice4 client tcp 172.16.240.9 443
	hold tcp6 client tcp 2001:db8:1::2 8080
	hold udp6 client udp 2001:db8:1::2 8080
	assert_goes_on tcp4 udp4 splice4 tcp6 udp6
	iface_set wan0 new_flows=1/10
	for address in 198.51.100.2 2001:db8:1::2; do
		passed=$(counted rule-pass) dropped=$(counted flood)
		many_flows "$address" 200 || return
		passed=$(($(counted rule-pass) - passed)) dropped=$(($(counted flood) - dropped))
		assert_equal "$((passed + dropped))" 200 "passed $passed, dropped $dropped" || return
		# ten at once, and one more each second that passes here
		[ "$passed" -ge 10 ] && [ "$dropped" -ge 100 ] || fail "passed $passed, dropped $dropped" || return
	done
	assert_goes_on tcp4 udp4 splice4 tcp6 udp6
	# from another address, and from another prefix
	hold other4 client udp 198.51.100.2 8080 0 192.0.2.66
	hold other6 client udp 2001:db8:1::2 8080 0 2001:db8:66::1
	assert_goes_on other4 other6
	iface_set wan0 new_flows=off
	assert_traffic client <<-END
		answer udp 198.51.100.2 8080
		answer udp 2001:db8:1::2 8080
		answer tcp 198.51.100.2 8080
		answer tcp 2001:db8:1::2 8080
	END
}

# ---- how long ----

# server_start: on inside; what it says of resets is in $BATS_TEST_TMPDIR/server
server_start() {
	started "$BATS_TEST_TMPDIR/server" nsenter --net=/run/netns/inside -- peer serve tcp 0.0.0.0 8081 tcp :: 8081
	eventually grep -q ready "$BATS_TEST_TMPDIR/server"
}

# becomes_reset NAME: asks again and again, for nothing happens to a connection that is silent
becomes_reset() {
	grep -q '^reset$' "$BATS_TEST_TMPDIR/$1" && return
	tell "$1" again
	return 1
}

# resets_are FILE NUMBER
resets_are() {
	[ "$(grep -c '^reset$' "$BATS_TEST_TMPDIR/$1")" = "$2" ]
}

# cut_events: how many
cut_events() {
	grep -c max-duration "$BATS_TEST_TMPDIR/events" || true
}

cut_events_are() {
	[ "$(cut_events)" = "$1" ]
}

@test "max-duration cuts forwarded TCP: both ends are reset, with one event, and may begin anew at once" {
	server_start
	map_update --max-duration 5 -i wan0 198.51.100.0 24 8081 8081 0 tcp
	map_update --max-duration 5 -i wan0 2001:db8:1:: 64 8081 8081 0 tcp
	tail_start events
	hold four client tcp 198.51.100.2 8081 40001
	hold six client tcp 2001:db8:1::2 8081 40001
	assert_goes_on four six
	eventually becomes_reset four
	eventually becomes_reset six
	eventually resets_are server 2
	eventually cut_events_are 2
	hold again4 client tcp 198.51.100.2 8081 40001
	hold again6 client tcp 2001:db8:1::2 8081 40001
	assert_goes_on again4 again6
	assert_equal "$(cut_events)" 2 "$(<"$BATS_TEST_TMPDIR/events")"
}

@test "max-duration cuts spliced TCP: both ends are reset, with one event, and may begin anew at once" {
	started "$BATS_TEST_TMPDIR/server" peer serve tcp 127.0.0.1 58998 tcp ::1 58998
	eventually grep -q ready "$BATS_TEST_TMPDIR/server"
	map_update --max-duration 5 172.16.240.0 24 444 444 58998 tcp
	map_update --max-duration 5 fd00:240:: 64 444 444 58998 tcp
	tail_start events
	hold four client tcp 172.16.240.9 444 40001
	hold six client tcp fd00:240::9 444 40001
	hold unlimited client tcp 172.16.240.9 443
	assert_goes_on four six unlimited
	eventually becomes_reset four
	eventually becomes_reset six
	eventually resets_are server 2
	eventually cut_events_are 2
	assert_goes_on unlimited
	hold again4 client tcp 172.16.240.9 444 40001
	hold again6 client tcp fd00:240::9 444 40001
	assert_goes_on again4 again6
	assert_equal "$(cut_events)" 2 "$(<"$BATS_TEST_TMPDIR/events")"
}

@test "max-duration cuts UDP flows, both ways, until they have timed out" {
	pins timeout 3 2 # TIMEOUT_TCP_CLOSED
	map_update --max-duration 5 -i wan0 198.51.100.0 24 8080 8080 0 udp
	map_update --max-duration 5 -i wan0 2001:db8:1:: 64 8080 8080 0 udp
	tail_start events
	hold four client udp 198.51.100.2 8080
	hold six client udp 2001:db8:1::2 8080
	assert_goes_on four six
	eventually was_cut four 1
	eventually was_cut six 2
	cut_events_are 2 || fail "$(<"$BATS_TEST_TMPDIR/events")"
	# another flow of the same source meets no limit of theirs
	assert_traffic client <<-END
		answer udp 198.51.100.2 8080
		answer udp 2001:db8:1::2 8080
	END
	eventually goes_on_again four
	eventually goes_on_again six
}

# was_cut NAME NUMBER: asks; the table says that so many were cut
was_cut() {
	tell "$1" again
	[ "$(conns cut | grep -c true)" = "$2" ]
}

goes_on_again() {
	tell "$1" anew
	heard "$1" anew
}
