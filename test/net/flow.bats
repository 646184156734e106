#!/usr/bin/env bats
# shellcheck shell=bats
# flow.o on traffic, as tc attaches it: what it counts is what the wire had, and it changes nothing.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/flow.bash
. "$BATS_TEST_DIRNAME/flow.bash"
# shellcheck source=test/net/lb.bash
. "$BATS_TEST_DIRNAME/lb.bash"

setup_file() {
	local address
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	sysctl -qw net/ipv4/icmp_ratelimit=0 net/ipv6/icmp/ratelimit=0
	# to whom the box answers, though nobody has the address
	for address in 192.0.2.98 192.0.2.99 2001:db8::98 2001:db8::99; do
		ip neigh replace $address lladdr "$(lab_mac eth0 lab_on client)" dev wan0 nud permanent
	done
	serve udp 192.0.2.1 7000 udp 2001:db8::1 7000 tcp 192.0.2.1 7011 tcp 2001:db8::1 7011 udp 127.0.0.1 58997
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
		answer tcp 192.0.2.1 7011
		answer tcp 2001:db8::1 7011
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

@test "a megabyte each way by TCP, with segmentation offload and without: packets of the wire" {
	local how
	for how in on off; do
		lab_on client offload "$how" eth0
		offload "$how" wan0
		fresh_flow wan0
		wire_start
		assert_match "$(lab_on client peer tcp-bulk 192.0.2.1 7011 1)" 'the same'
		assert_match "$(lab_on client peer tcp-bulk 2001:db8::1 7011 1)" 'the same'
		assert_same_as_wire 2
		# what is sent again is payload too
		assert_equal "$(flow_dump -j -p tcp | fields length_max_fwd length_max_rev payload_fwd | awk '{ print $1, $2, ($3 >= 1048576) }')" \
			$'1500 1500 1\n1500 1500 1' "offloads $how"
		assert_equal "$(fields frames_fwd packets_fwd <"$BATS_TEST_TMPDIR/wire.json" |
			awk '$2 > 100 { print ($1 < $2) ? "on" : "off" }' | sort -u)" "$how" 'super-packets'
		stop_started
	done
	lab_on client offload on eth0
	offload on wan0
}

@test "VLAN tags: the outermost one tells sessions apart" {
	local mac version source to
	mac=$(lab_mac wan0)
	wire_start
	for version in 4 6; do
		[ $version = 4 ] && source=192.0.2.99 to=192.0.2.1 || source=2001:db8::99 to=2001:db8::1
		lab_on client frame eth0 udp "$mac" "$source" 4000 "$to" 7009
		lab_on client frame eth0 vlan 7 "$mac" "$source" 4000 "$to" 7009
		lab_on client frame eth0 vlan 7 "$mac" "$source" 4000 "$to" 7009
		lab_on client frame eth0 vlan 8,7 "$mac" "$source" 4000 "$to" 7009
	done
	# and two in which the box says that nobody is there, of those without one
	assert_same_as_wire 8
	assert_equal "$(flow_dump -j -p udp --dport 7009 | fields family vlan packets_fwd | sort)" \
		$'4 - 1\n4 7 2\n4 8 1\n6 - 1\n6 7 2\n6 8 1'
}

@test "headers that the kernel keeps apart from each other" {
	local mac
	mac=$(lab_mac wan0)
	ip link set wan0 mtu 9000
	lab_on client ip link set eth0 mtu 9000
	lab_on client frame eth0 large "$mac" 192.0.2.99 4000 192.0.2.1 7009
	lab_on client frame eth0 large "$mac" 2001:db8::99 4000 2001:db8::1 7009
	ip link set wan0 mtu 1500
	lab_on client ip link set eth0 mtu 1500
	assert_equal "$(flow_dump -j -p udp --dport 7009 | fields family length_max_fwd payload_fwd | sort)" \
		$'4 8028 8000\n6 8048 8000'
}

# ---- times ----

@test "the round trip of a handshake, in its two halves: no longer than the client waited, no shorter than it took" {
	local version source to there back
	for version in 4 6; do
		[ $version = 4 ] && source=192.0.2.98 to=192.0.2.1 || source=2001:db8::98 to=2001:db8::1
		read -r there back < <(lab_on client handshake eth0 "$(lab_mac wan0)" "$source" 4000 "$to" 7011 0.3)
		eventually has_ended_by rst "$source"
		assert_equal "$(flow_dump -j -s "$source" | fields rtt_responder rtt_originator rtt duration state end |
			awk -v there="$there" -v back="$back" '{ print ($1 > 0 && $1 <= there), ($2 >= back), ($3 >= back), ($4 >= $3), $5, $6 }')" \
			'1 1 1 1 RSTO rst' "IPv$version: $there $back"
	done
}

# has_ended_by HOW SOURCE: the session from there
has_ended_by() {
	[ "$(flow_dump -j -s "$2" | fields end)" = "$1" ]
}

# ---- interfaces, namespaces ----

@test "a second interface: what was counted stays, and what is forwarded is seen on both" {
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	serve_on guest tcp 198.51.100.2 7011 tcp 2001:db8:1::2 7011
	assert_traffic client <<<'answer tcp 192.0.2.1 7011'
	flow_attach lan0
	assert_equal "$(flow_dump -j -p tcp | fields iface dst)" 'wan0 192.0.2.1'
	sysctl -qw net/ipv4/ip_forward=1 net/ipv6/conf/all/forwarding=1
	assert_traffic client <<-END
		answer tcp 198.51.100.2 7011
		answer tcp 2001:db8:1::2 7011
	END
	sysctl -qw net/ipv4/ip_forward=0 net/ipv6/conf/all/forwarding=0
	eventually both_have_ended
	assert_equal "$(flow_dump -j -p tcp | fields iface dst hops_max_fwd hops_max_rev state | sort)" "$(
		cat <<-END
			lan0 198.51.100.2 63 64 SF
			lan0 2001:db8:1::2 63 64 SF
			wan0 192.0.2.1 64 64 SF
			wan0 198.51.100.2 64 63 SF
			wan0 2001:db8:1::2 64 63 SF
		END
	)"
	assert_equal "$(flow_dump -j -i wan0 -d 198.51.100.0/24 | fields packets_fwd packets_rev bytes_fwd bytes_rev history)" \
		"$(flow_dump -j -i lan0 -d 198.51.100.0/24 | fields packets_fwd packets_rev bytes_fwd bytes_rev history)"
	ip link del lan0
	assert_equal "$(flow_dump -j -d 198.51.100.0/24 | fields iface | sed 's/[0-9]*$//' | sort)" $'#\nwan'
}

# What came last on the wire was seen by all.
both_have_ended() {
	[ "$(flow_dump -j -p tcp | fields state | grep -c SF)" = 5 ]
}

@test "the loopback: each packet once" {
	flow_attach lo
	serve udp 127.0.0.2 7000 tcp ::1 7011
	assert_traffic box <<-END
		answer udp 127.0.0.2 7000
		answer tcp ::1 7011
	END
	assert_equal "$(flow_dump -j -i lo -p udp | fields packets_fwd packets_rev)" '1 1'
	eventually has_ended_by fin ::1
	assert_equal "$(flow_dump -j -i lo -p tcp | fields syn_fwd syn_rev fin_fwd fin_rev)" '1 1 1 1'
	detach lo
}

@test "another network namespace: the tools refuse" {
	local tool
	flow_set --session-packets 1
	for tool in 'flow_dump' 'flow_dump --reset' 'flow_set' 'flow_set --session-packets 2' 'flow_replay -i eth0 /dev/null'; do
		# shellcheck disable=SC2086
		assert_exit 1 lab_on client $tool
		assert_match "$err" "^${tool%% *}: /sys/fs/bpf/tc/globals: these maps belong to another network namespace"
	done
	assert_match "$(flow_set)" 'session-packets'
}

@test "pins that were removed: tools say so, packets pass, and an attachment begins anew" {
	assert_traffic client <<<'answer udp 192.0.2.1 7000'
	rm "$PINS"/flow1_*
	assert_error flow_dump
	assert_match "$err" 'flow1_sessions: not pinned; is flow.o attached to an interface'
	assert_traffic client <<<'answer udp 192.0.2.1 7000'
	flow_attach_anew wan0
	assert_equal "$(flow_dump --summary -j | fields sessions)" '0'
	assert_traffic client <<<'answer udp 192.0.2.1 7000'
	assert_equal "$(flow_dump -j -p udp | fields packets_fwd packets_rev)" '1 1'
}

flow_attach_anew() {
	detach "$1"
	flow_attach "$1"
}

# ---- beside the others ----

firewall_rules() {
	map_update -f - <<-END
		192.0.2.1 32 7001 7001 0 17
		192.0.2.1 32 7001 7001 0 6
		-a drop 192.0.2.1 32 7002 7002 0 17
		-a drop 192.0.2.1 32 7002 7002 0 6
		172.16.240.0 24 5060 5060 58997 17
		172.16.240.0 24 5061 5061 58999 17
		2001:db8::1 128 7001 7001 0 17
		2001:db8::1 128 7001 7001 0 6
		-a drop 2001:db8::1 128 7002 7002 0 17
		fd00:240:: 64 5060 5060 58997 17
		fd00:240:: 64 5061 5061 58999 17
	END
}

# verdicts: what became of a fixed mix of frames at wan0, by splicer.o alone or with flow.o around it
verdicts() {
	fresh_pins wan0
	lab_attach_egress wan0
	[ "$1" = alone ] || flow_attach wan0
	firewall_rules
	lab_on client mix eth0 "$(lab_mac wan0)"
	eventually counted_once ethertype || return
	verdict_stat -j | fields object iface hook verdict reason packets bytes | grep -v neighbour | sort
}

# The last frame of the mix has come.
counted_once() {
	[ "$(counted "$1")" = 1 ]
}

@test "around the firewall: the same verdicts of every kind of packet, and those that it drops are seen" {
	local alone
	local_routes 172.16.240.0/24 fd00:240::/64
	alone=$(verdicts alone)
	assert_equal "$(wc -l <<<"$alone" | awk '{ print ($1 > 10) }')" 1 'reasons'
	assert_equal "$(verdicts beside)" "$alone"
	# each frame that came in is of a session, not IP, or malformed
	assert_equal "$(flow_dump -j --summary | fields not_ip_packets malformed_packets)" '1 4'
	assert_equal "$(sent_by 192.0.2.99) $(sent_by 2001:db8::99)" '25 25'
}

# Packets of the address, as the originator or the responder: errors of both about the same are of one session.
sent_by() {
	echo $(($(flow_dump -qj -s "$1" | sums packets_fwd) + $(flow_dump -qj -d "$1" | sums packets_rev)))
}

# conversations COUNT: with the service, from known ports: who answered each
conversations() {
	lab_on client balanced ports tcp "$VIP4" 80 "$1" 20000
	lab_on client balanced ports tcp "$VIP6" 80 "$1" 20000
	lab_on client balanced ports udp "$VIP4" 80 "$1" 20000
	lab_on client balanced ports udp "$VIP6" 80 "$1" 20000
}

@test "around the load balancer: the same backends, and each conversation as it was on both sides" {
	local dev number before
	for number in 1 2; do
		lab_host "s$number" "lan$number" "10.1.$number.1/24" "fd01:$number::1/64"
		started "$BATS_TEST_TMPDIR/s$number" nsenter --net="/run/netns/s$number" -- balanced serve "s$number" \
			tcp "10.1.$number.2" 8080 tcp "fd01:$number::2" 8080 udp "10.1.$number.2" 8080 udp "fd01:$number::2" 8080
		eventually grep -q ready "$BATS_TEST_TMPDIR/s$number"
	done
	lb_sysctls
	fresh_lb wan0 lan1 lan2
	services 1 2
	before=$(conversations 8)
	assert_equal "$(awk '{ print $2 }' <<<"$before" | sort -u)" $'s1\ns2'
	fresh_lb wan0 lan1 lan2
	for dev in wan0 lan1 lan2; do
		flow_attach "$dev"
	done
	services 1 2
	assert_equal "$(conversations 8)" "$before"
	eventually all_conversations_over
	# to the service on one side, to a backend on the other
	assert_equal "$(sides_of wan0 -d "$VIP4")" "$(sides_of lan -d 10.1.0.0/16)"
	assert_equal "$(sides_of wan0 -d "$VIP6")" "$(sides_of lan -d fd01::/16)"
	assert_equal "$(sides_of wan0 -d "$VIP4" | wc -l) $(sides_of wan0 -d "$VIP6" | wc -l)" '16 16'
	for number in 1 2; do
		ip link del "lan$number"
	done
}

all_conversations_over() {
	[ "$(flow_dump -j -p tcp | fields state | grep -c SF)" = 32 ]
}

# sides_of IFACE... SELECTOR...: what was counted of each session there, by the client's port
sides_of() {
	local iface=$1
	shift
	flow_dump -j "$@" | fields iface proto sport packets_fwd packets_rev bytes_fwd bytes_rev history |
		sed -n "s/^${iface}[12]* //p" | sort
}

# ---- processors ----

@test "the same sessions from two processors at once: no packet is lost or counted twice" {
	local mac version to cpu processors
	mac=$(lab_mac wan0)
	mapfile -t processors < <(two_processors)
	for version in 4 6; do
		[ $version = 4 ] && to=203.0.113.9 || to=2001:db8:ffff::9
		for cpu in "${processors[@]}"; do
			started /dev/null nsenter --net=/run/netns/client -- taskset -c "$cpu" \
				"$LAB_OBJECTS/test/flood" eth0 "$mac" udp "$to" 9 0 4 100000
		done
	done
	wait_started
	assert_equal "$(flow_dump -j --summary | fields evicted_packets missed_packets malformed_packets)" '0 0 0'
	assert_equal "$(flow_dump -j -p udp | fields family packets_fwd packets_rev bytes_fwd | sort | uniq -c | awk '{ print $1, $2, $3, $4, $5 }')" \
		$'4 4 200000 0 5600000\n4 6 200000 0 9600000'
}
