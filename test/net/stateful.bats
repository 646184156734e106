#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, pid and the like are set in helpers.bash
# Connections that no local socket knows: questions and their answers, what the box forwards, pings. "timeout" is dropped,
# "refused" would be a packet that nothing stopped.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/stateful.bash
. "$BATS_TEST_DIRNAME/stateful.bash"

setup_file() {
	router_hosts
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 udp ::1 58997 tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080
	serve_on client udp 0.0.0.0 53 udp :: 53 tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080 \
		udp 0.0.0.0 67 udp :: 547
	serve_on inside udp 0.0.0.0 53 udp :: 53 tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080
}

teardown_file() {
	stop_started
}

setup() {
	detach lan0 2>/dev/null || true
	fresh_pins wan0
}

teardown() {
	stop_started
}

# pass_in IFACE PROTO ADDRESS LEN PORT
pass_in() {
	map_update -i "$1" "$3" "$4" "$5" "$5" 0 "$2"
}

# ---- questions ----

@test "answers to an unconnected UDP socket come in by the egress hook's record, and nothing else does" {
	assert_traffic box <<-END
		timeout udp 192.0.2.2 53
		timeout udp 2001:db8::2 53
	END
	lab_attach_egress wan0
	assert_traffic box <<-END
		answer udp 192.0.2.2 53
		answer udp 2001:db8::2 53
	END
	# the same answerer, and a port that asks: not what was asked from
	assert_traffic client <<-END
		timeout udp 192.0.2.1 8080
		timeout udp 2001:db8::1 8080
	END
	assert_conns $'192.0.2.2 53 out established confirmed\n2001:db8::2 53 out established confirmed' \
		dst,dport,dir,state,table -p udp --table confirmed
}

@test "the questions of a host behind the box, with one interface attached and with both" {
	# in by lan0 without a filter, out and answered by wan0
	assert_traffic inside <<-END
		timeout udp 192.0.2.2 53
		timeout udp 2001:db8::2 53
	END
	lab_attach_egress wan0
	assert_traffic inside <<-END
		answer udp 192.0.2.2 53
		answer udp 2001:db8::2 53
	END
	fresh_both wan0 lan0
	assert_traffic inside <<-END
		timeout udp 192.0.2.2 53
		timeout udp 2001:db8::2 53
	END
	pass_in lan0 udp 192.0.2.0 24 53
	pass_in lan0 udp 2001:db8:: 64 53
	assert_traffic inside <<-END
		answer udp 192.0.2.2 53
		answer udp 2001:db8::2 53
	END
	assert_traffic client <<-END
		timeout udp 198.51.100.2 53
		timeout udp 2001:db8:1::2 53
	END
	assert_conns $'198.51.100.2 192.0.2.2 in lan0 1 1\n2001:db8:1::2 2001:db8::2 in lan0 1 1' \
		src,dst,dir,iface,packets_fwd,packets_rev -p udp --state established
}

# ---- forwarded TCP ----

@test "forwarded TCP: only the rule's direction opens, from either side" {
	fresh_both wan0 lan0
	pass_in wan0 tcp 198.51.100.0 24 8080
	pass_in wan0 tcp 2001:db8:1:: 64 8080
	assert_traffic client <<-END
		answer tcp 198.51.100.2 8080
		answer tcp 2001:db8:1::2 8080
	END
	assert_traffic inside <<-END
		timeout tcp 192.0.2.2 8080
		timeout tcp 2001:db8::2 8080
	END
	map_delete --all
	pass_in lan0 tcp 192.0.2.0 24 8080
	pass_in lan0 tcp 2001:db8:: 64 8080
	assert_traffic inside <<-END
		answer tcp 192.0.2.2 8080
		answer tcp 2001:db8::2 8080
	END
	assert_traffic client <<-END
		timeout tcp 198.51.100.2 8080
		timeout tcp 2001:db8:1::2 8080
	END
}

# life_of_a_connection NAME ADDRESS: the life of one forwarded connection
life_of_a_connection() {
	local name=$1 address=$2
	hold "$name" client tcp "$address" 8080
	assert_goes_on "$name"
	assert_conns 'established confirmed in wan0' state,table,dir,iface -d "$address" || return
	# its end closes: the other's answer makes it closing, both ways
	kill "$pid"
	eventually conns_become closing state -d "$address" || fail "$(conns state -d "$address")"
}

@test "the table tells the states of a forwarded connection, closed by FIN and by reset" {
	fresh_both wan0 lan0
	pass_in wan0 tcp 198.51.100.0 24 8080
	pass_in wan0 tcp 2001:db8:1:: 64 8080
	life_of_a_connection four 198.51.100.2
	life_of_a_connection six 2001:db8:1::2
	# nobody listens: the answer is a reset
	pass_in wan0 tcp 198.51.100.0 24 8081
	pass_in wan0 tcp 2001:db8:1:: 64 8081
	assert_traffic client <<-END
		refused tcp 198.51.100.2 8081
		refused tcp 2001:db8:1::2 8081
	END
	assert_conns $'198.51.100.2 closed\n2001:db8:1::2 closed' dst,state --dport 8081
}

@test "two connections with the same ports in opposite directions" {
	fresh_both wan0 lan0
	pass_in wan0 tcp 198.51.100.0 24 8080
	pass_in wan0 tcp 2001:db8:1:: 64 8080
	pass_in lan0 tcp 192.0.2.0 24 8080
	pass_in lan0 tcp 2001:db8:: 64 8080
	hold a4 client tcp 198.51.100.2 8080 40000
	hold b4 inside tcp 192.0.2.2 8080 40000
	hold a6 client tcp 2001:db8:1::2 8080 40000
	hold b6 inside tcp 2001:db8::2 8080 40000
	assert_goes_on a4 b4 a6 b6
	assert_equal "$(conn_list --table confirmed --sport 40000 --dport 8080 --count)" 4 connections
	assert_equal "$(conn_list --table confirmed --sport 8080 --count)" 0 'connections the wrong way round'
}

@test "thousands of flows at once, each has its answer and is told from the others" {
	fresh_both wan0 lan0
	pass_in wan0 udp 198.51.100.0 24 8081
	pass_in wan0 udp 2001:db8:1:: 64 8081
	started "$BATS_TEST_TMPDIR/echo4" nsenter --net=/run/netns/inside -- peer udp-echo 198.51.100.2 8081
	started "$BATS_TEST_TMPDIR/echo6" nsenter --net=/run/netns/inside -- peer udp-echo 2001:db8:1::2 8081
	eventually grep -q ready "$BATS_TEST_TMPDIR/echo4"
	eventually grep -q ready "$BATS_TEST_TMPDIR/echo6"
	assert_exit 0 lab_on client peer udp-many 198.51.100.2 8081 5000 2
	assert_equal "$out" 10000 answers
	assert_exit 0 lab_on client peer udp-many 2001:db8:1::2 8081 1000 2
	assert_equal "$out" 2000 answers
	assert_equal "$(conn_list --table confirmed -p udp -d 198.51.100.2 --count)" 5000 'confirmed flows'
	assert_equal "$(conn_list --table confirmed -p udp -d 2001:db8:1::2 --count)" 1000 'confirmed flows'
	assert_equal "$(conns packets_fwd,packets_rev -p udp | uniq -c | xargs)" '6000 2 2' 'packets of all'
}

# ---- much of it ----

# assert_bulk CLIENT SERVER [OPTION]: iperf3 sends 100 MiB. When the last is sent it stops receiving too.
assert_bulk() {
	local from=$1 to=$2
	shift 2
	assert_exit 0 on "$from" iperf3 -c "$to" -n 100M -J "$@" || return
	assert_match "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["end"]["sum_received"]["bytes"] >> 20)' <<<"$out")" '^([6-9].|1..)$'
}

# iperf_servers HOST...
iperf_servers() {
	local host
	for host; do
		if [ "$host" = box ]; then
			started "$BATS_TEST_TMPDIR/iperf-$host" iperf3 -s --forceflush
		else
			started "$BATS_TEST_TMPDIR/iperf-$host" nsenter --net="/run/netns/$host" -- iperf3 -s --forceflush
		fi
		eventually grep -q listening "$BATS_TEST_TMPDIR/iperf-$host"
	done
}

@test "iperf3 through the box, both ways, with segmentation offload: the table counts each byte once" {
	local address sane
	fresh_both wan0 lan0
	iperf_servers inside
	pass_in wan0 tcp 198.51.100.0 24 5201
	pass_in wan0 tcp 2001:db8:1:: 64 5201
	for address in 198.51.100.2 2001:db8:1::2; do
		assert_bulk client "$address"
		assert_bulk client "$address" -R
		# two streams, and two connections by which iperf talks about them
		conns bytes_fwd,bytes_rev,packets_fwd,packets_rev -d "$address" >"$BATS_TEST_TMPDIR/conns"
		sane=$(awk -v bulk=$((100 << 20)) '
			$1 > bulk * 0.6 && $1 < bulk * 1.2 && $2 < bulk / 10 && $3 > 100 && $4 > 10 { up++ }
			$2 > bulk * 0.6 && $2 < bulk * 1.2 && $1 < bulk / 10 && $4 > 100 && $3 > 10 { down++ }
			END { print NR, up + 0, down + 0 }' "$BATS_TEST_TMPDIR/conns")
		assert_equal "$sane" '4 1 1' "$address: $(<"$BATS_TEST_TMPDIR/conns")"
	done
}

@test "iperf3 to the box itself and from it, both ways" {
	local address
	lab_attach_egress wan0
	iperf_servers box client
	pass_in wan0 tcp 192.0.2.0 24 5201
	pass_in wan0 tcp 2001:db8:: 64 5201
	for address in 192.0.2.1 2001:db8::1; do
		assert_bulk client "$address"
		assert_bulk client "$address" -R
	done
	map_delete --all
	for address in 192.0.2.2 2001:db8::2; do
		assert_bulk box "$address"
		assert_bulk box "$address" -R
	done
}

# ---- what leaves ----

@test "out rules decide what leaves, local and forwarded" {
	fresh_both wan0
	map_update --direction out -a drop 192.0.2.0 24 8080 8080 0 udp
	map_update --direction out -a drop 2001:db8:: 64 8080 8080 0 udp
	assert_traffic box <<-END
		unsent udp 192.0.2.2 8080
		unsent udp 2001:db8::2 8080
		answer udp 192.0.2.2 53
		answer udp 2001:db8::2 53
	END
	assert_traffic inside <<-END
		timeout udp 192.0.2.2 8080
		timeout udp 2001:db8::2 8080
		answer udp 192.0.2.2 53
		answer udp 2001:db8::2 53
	END
	map_update --direction out 192.0.2.0 24 8080 8080 0 udp
	map_update --direction out 2001:db8:: 64 8080 8080 0 udp
	assert_traffic box <<-END
		answer udp 192.0.2.2 8080
		answer udp 2001:db8::2 8080
	END
}

@test "out=drop: replies leave, established TCP goes on, out rules let the rest out" {
	fresh_both wan0
	pass_in wan0 tcp 192.0.2.0 24 8080
	pass_in wan0 tcp 2001:db8:: 64 8080
	pass_in wan0 udp 192.0.2.0 24 8080
	pass_in wan0 udp 2001:db8:: 64 8080
	hold four box tcp 192.0.2.2 8080
	hold six box tcp 2001:db8::2 8080
	hold question box udp 192.0.2.2 53
	assert_goes_on four six question
	iface_set wan0 out=drop
	assert_goes_on four six
	# that no rule was asked for it, and now one is: a UDP socket is no connection that the stack keeps
	tell question late
	eventually counted_at_least out-drop 1
	! heard question late || fail 'it left'
	assert_traffic client <<-END
		answer tcp 192.0.2.1 8080
		answer tcp 2001:db8::1 8080
		answer udp 192.0.2.1 8080
		answer udp 2001:db8::1 8080
	END
	assert_traffic box <<-END
		unsent udp 192.0.2.2 53
		unsent udp 2001:db8::2 53
		timeout tcp 192.0.2.2 8080
		timeout tcp 2001:db8::2 8080
	END
	assert_traffic inside <<-END
		timeout udp 192.0.2.2 53
		timeout udp 2001:db8::2 53
	END
	map_update --direction out 192.0.2.0 24 53 53 0 udp
	map_update --direction out 2001:db8:: 64 53 53 0 udp
	assert_traffic box <<-END
		answer udp 192.0.2.2 53
		answer udp 2001:db8::2 53
	END
	assert_goes_on four six
}

@test "out=drop: address resolution, neighbour discovery and DHCP go on" {
	fresh_both wan0
	iface_set wan0 out=drop
	map_update --direction out 192.0.2.0 24 53 53 0 udp
	map_update --direction out 2001:db8:: 64 53 53 0 udp
	ip neigh del 192.0.2.2 dev wan0
	ip neigh del 2001:db8::2 dev wan0
	assert_traffic box <<-END
		answer udp 192.0.2.2 53
		answer udp 2001:db8::2 53
	END
	assert_exit 0 peer udp-ask 192.0.2.2 67 discover 68
	assert_match "$out" discover
	assert_exit 0 peer udp-ask 2001:db8::2 547 solicit 546
	assert_match "$out" solicit
}

# ---- pings ----

@test "pings from the box and through it have their answers; icmp_echo=pass lets others in, on one interface" {
	fresh_both wan0 lan0
	assert_traffic box <<-END
		answer ping 192.0.2.2 0
		answer ping 2001:db8::2 0
		answer ping 198.51.100.2 0
		answer ping 2001:db8:1::2 0
	END
	assert_traffic client <<-END
		timeout ping 192.0.2.1 0
		timeout ping 2001:db8::1 0
		timeout ping 198.51.100.2 0
		timeout ping 2001:db8:1::2 0
	END
	iface_set wan0 icmp_echo=pass
	assert_traffic client <<-END
		answer ping 192.0.2.1 0
		answer ping 2001:db8::1 0
		answer ping 198.51.100.2 0
		answer ping 2001:db8:1::2 0
	END
	assert_traffic inside <<-END
		timeout ping 198.51.100.1 0
		timeout ping 192.0.2.2 0
		timeout ping 2001:db8::2 0
	END
	assert_equal "$(conn_list -p icmp --state established --count)" 4 'pings tracked, IPv4'
	assert_equal "$(conn_list -p icmpv6 --state established --count)" 4 'pings tracked, IPv6'
}
