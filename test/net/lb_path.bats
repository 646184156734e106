#!/usr/bin/env bats
# shellcheck shell=bats
# The load balancer as a router: what is too large for the way, fragments, ICMP errors about flows, checksums, VLAN tags.
#
#   client --- wan0 box lan1 --- s1, by a link of 1400 bytes
#                       lan2 --- s2 --- far, by one of 1400
#                       lan3 --- s3

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/lb.bash
. "$BATS_TEST_DIRNAME/lb.bash"

LESS=1400

setup_file() {
	local host
	lb_hosts 3
	narrow_link
	far_host
	for host in s1 s3; do
		vip_on "$host"
	done
	for host in s1 s3 far; do
		serve_as "$host" "$host" tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080 \
			tcp 0.0.0.0 80 tcp :: 80 udp 0.0.0.0 80 udp :: 80
	done
	fresh_lb wan0 lan1 lan2 lan3
}

teardown_file() {
	stop_started
}

setup() {
	local host
	lb_backend apply --all -f /dev/null
	# a path's MTU that was learnt before
	for host in client s1 s2 s3 far; do
		lab_on $host bash -c "ip route flush cache; ip -6 route flush cache"
	done
	lab_on client offload on eth0
}

teardown() {
	stop_started
	ip link set wan0 mtu 1500
	lab_on client tc qdisc del dev eth0 clsact 2>/dev/null || true
}

# It offers large segments all the same, or TCP would know the MTU from it.
narrow_link() {
	lab_on s1 ip route replace default via 10.1.1.1 advmss 1460
	lab_on s1 ip -6 route replace default via fd01:1::1 advmss 1440
	lab_on s1 ip link set eth0 mtu $LESS
	ip link set lan1 mtu $LESS
}

far_host() {
	ip netns add far
	lab_on far ip link set lo up
	lb_link s2 eth1 far eth0 10.6.0.1/24 fd06::1/64
	lab_on s2 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	lab_on far ip route add default via 10.6.0.1 advmss 1460
	lab_on far ip -6 route add default via fd06::1 advmss 1440
	lab_on s2 ip link set eth1 mtu $LESS
	lab_on far ip link set eth0 mtu $LESS
	ip route add 10.6.0.0/24 via 10.1.2.2
	ip -6 route add fd06::/64 via fd01:2::2
}

# far_services [SETTING...]: VIP:80 goes to port 8080 of the host behind the router
far_services() {
	local proto
	for proto in tcp udp; do
		lb_backend add "$(service 4 $proto)" 10.6.0.2:8080
		lb_backend add "$(service 6 $proto)" '[fd06::2]:8080'
		[ $# = 0 ] || lb_backend set "$(service 4 $proto)" "$@"
		[ $# = 0 ] || lb_backend set "$(service 6 $proto)" "$@"
	done
}

# ---- too large ----

# assert_mtu VERSION MTU: that the client is told, in an error about a packet to the VIP; a smaller packet goes through
# at once
assert_mtu() {
	local vip
	vip=$(lb_vip "$1")
	assert_equal "$(lab_on client errors mtu "$vip" 80 connected)" "$2" "MTU to $vip" || return
	assert_asked "1 $3" udp "$vip" 80
}

@test "the way to the backend takes less: the client is told how much, mode by mode" {
	services 1
	assert_mtu 4 $LESS s1
	assert_mtu 6 $LESS s1
	lab_on client bash -c "ip route flush cache; ip -6 route flush cache"
	services 1 -- mode=masquerade
	assert_mtu 4 $LESS s1
	assert_mtu 6 $LESS s1
	lab_on client bash -c "ip route flush cache; ip -6 route flush cache"
	services 1 -- mode=dsr
	assert_mtu 4 $((LESS - 20)) s1
	assert_mtu 6 $((LESS - 40)) s1
	assert_no_bad_sums client s1
}

@test "what is too large takes nothing from its flow: packets beside it go their way" {
	local mode version
	for mode in nat masquerade dsr; do
		services 1 -- mode=$mode
		for version in 4 6; do
			assert_equal "$(lab_on client errors beside "$(lb_vip $version)" 80)" 0 "IPv$version, $mode: lost"
		done
	done
}

@test "a router behind the box tells it: the error gets to the client, with the VIP in what it quotes" {
	far_services
	assert_mtu 4 $LESS far
	assert_mtu 6 $LESS far
	lab_on client bash -c "ip route flush cache; ip -6 route flush cache"
	lb_backend apply --all -f /dev/null
	far_services mode=masquerade
	assert_mtu 4 $LESS far
	assert_mtu 6 $LESS far
	assert_no_bad_sums client far s2
}

@test "a megabyte by TCP through a way that takes less than its ends, with segmentation offload and without" {
	local mode how
	for mode in nat masquerade dsr; do
		services 1 -- mode=$mode
		for how in on off; do
			lab_on client offload $how eth0
			lab_on client bash -c "ip route flush cache; ip -6 route flush cache"
			assert_equal "$(lab_on client balanced bulk tcp $VIP4 80 1048576)" 's1 the same' "IPv4 $mode, offloads $how"
			assert_equal "$(lab_on client balanced bulk tcp $VIP6 80 1048576)" 's1 the same' "IPv6 $mode, offloads $how"
		done
	done
	assert_no_bad_sums client s1
}

@test "the same behind a router" {
	local mode how
	for mode in nat masquerade; do
		lb_backend apply --all -f /dev/null
		far_services mode=$mode
		for how in on off; do
			lab_on client offload $how eth0
			lab_on client bash -c "ip route flush cache; ip -6 route flush cache"
			assert_equal "$(lab_on client balanced bulk tcp $VIP4 80 1048576)" 'far the same' "IPv4 $mode, offloads $how"
			assert_equal "$(lab_on client balanced bulk tcp $VIP6 80 1048576)" 'far the same' "IPv6 $mode, offloads $how"
		done
	done
	assert_no_bad_sums client far
}

@test "the way to the client takes less: the backend is told" {
	local version
	ip link set wan0 mtu $LESS
	for version in 4 6; do
		lb_backend add "$(service $version udp)" "$(backend $version 3 9000)"
		lab_on s3 ip route flush cache
		started "$BATS_TEST_TMPDIR/told$version" nsenter --net=/run/netns/s3 -- errors answer "$(lb_server $version 3)" 9000
		eventually grep -q ready "$BATS_TEST_TMPDIR/told$version"
		lab_on client timeout 5 bash -c "exec 3<>/dev/udp/$(lb_vip $version)/80; echo x >&3; sleep 2" 3>&- || true
		assert_ends "$pid" 0
		assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/told$version")" $LESS "IPv$version"
	done
}

# Told late, the client is told with what it sends next.
carries_large() {
	lab_on client balanced bulk udp "$(lb_vip "$2")" 80 60000 3000 >"$BATS_TEST_TMPDIR/large"
	[ "$(<"$BATS_TEST_TMPDIR/large")" = "$1 the same" ]
}

# assert_large NAME MODE...: datagrams of 3,000 bytes. Where a tunnel makes them larger, or the way takes less, the client
# is told with the first one; what it sends then goes through.
assert_large() {
	local name=$1 mode version
	for mode in "${@:2}"; do
		services "${name#s}" -- "mode=$mode"
		for version in 4 6; do
			[ "$name$mode" = s3nat ] || [ "$name$mode" = s3masquerade ] ||
				BALANCED_PATIENCE=1 lab_on client balanced bulk udp "$(lb_vip $version)" 80 24000 3000 >"$BATS_TEST_TMPDIR/first"
			eventually carries_large "$name" $version || fail "$name the same, IPv$version, $mode" "$(<"$BATS_TEST_TMPDIR/large")" ||
				return
		done
	done
	assert_no_bad_sums client "$name"
}

@test "datagrams in fragments, both ways" {
	assert_large s3 nat masquerade dsr
}

@test "datagrams in fragments through a way that takes less" {
	assert_large s1 nat masquerade dsr
}

@test "nat: a datagram that may be fragmented is, and not even the first is lost" {
	services 1
	assert_equal "$(lab_on client balanced bulk udp $VIP4 80 60000 3000)" 's1 the same'
}

# ---- errors ----

@test "nobody listens on the port: the client is told" {
	services 1
	for version in 4 6; do
		lb_backend delete "$(service $version udp)" "$(backend $version 1)"
		lb_backend add "$(service $version udp)" "$(backend $version 1 9)"
		lb_backend delete "$(service $version tcp)" "$(backend $version 1)"
		lb_backend add "$(service $version tcp)" "$(backend $version 1 9)"
		for mode in nat masquerade; do
			lb_backend set "$(service $version udp)" mode=$mode
			lb_backend set "$(service $version tcp)" mode=$mode
			assert_asked '1 refused' udp "$(lb_vip $version)" 80
			assert_asked '1 refused' tcp "$(lb_vip $version)" 80
		done
	done
	assert_no_bad_sums client
}

@test "the hop limit is used up: the client hears of it from the VIP, whoever it was" {
	local vip
	far_services
	for vip in $VIP4 $VIP6; do
		assert_equal "$(lab_on client errors hop "$vip" 80 1)" "$vip" 'at the box'
		assert_equal "$(lab_on client errors hop "$vip" 80 2)" "$vip" 'behind it'
	done
	assert_no_bad_sums client
}

# ---- checksums ----

# sums_start HOST: of what comes to it
sums_start() {
	started "$BATS_TEST_TMPDIR/sums-$1" nsenter --net="/run/netns/$1" -- sums check eth0
	declare -g "sums_$1=$pid"
	eventually grep -q ready "$BATS_TEST_TMPDIR/sums-$1"
}

# assert_sums HOST: all are right, and there were many
assert_sums() {
	local process=sums_$1 file=$BATS_TEST_TMPDIR/sums-$1
	kill "${!process}"
	assert_ends "${!process}" 0 || return
	assert_equal "$(grep wrong "$file")" '0 wrong' "$1: $(head -n 5 "$file")" || return
	[ "$(awk '/right/ { print $1 }' "$file")" -ge 100 ] || fail "$(<"$file")"
}

@test "checksums are right on the wire where nobody's device makes them" {
	local mode host
	for host in client s3; do
		lab_on $host offload off eth0
	done
	offload off wan0 lan3
	for mode in nat masquerade; do
		services 3 -- mode=$mode
		sums_start client
		sums_start s3
		assert_bulk s3
		assert_equal "$(lab_on client balanced bulk udp $VIP4 80 30000 3000)" 's3 the same'
		assert_equal "$(lab_on client balanced bulk udp $VIP6 80 30000 3000)" 's3 the same'
		assert_sums client
		assert_sums s3
	done
	services 3 -- mode=dsr
	assert_bulk s3
	for host in client s3; do
		lab_on $host offload on eth0
	done
	offload on wan0 lan3
	assert_no_bad_sums client s3
}

# ---- VLAN tags ----

@test "a tag beside the frame, as network cards leave it, does not go on to the backend" {
	services 3
	lab_on client tc qdisc add dev eth0 clsact
	lab_on client tc filter add dev eth0 egress bpf da obj "$LAB_OBJECTS/test/tag.o" sec action
	assert_asked '5 s3' udp $VIP4 80 5
	assert_asked '5 s3' udp $VIP6 80 5
}

# ---- events ----

# shown HOST: what goes by its device, to a file
shown() {
	started "$BATS_TEST_TMPDIR/shown-$1" nsenter --net="/run/netns/$1" -- sums show eth0
	eventually grep -q ready "$BATS_TEST_TMPDIR/shown-$1"
}

# assert_shown HOST LINE: the packet went by there, just so
assert_shown() {
	local file=$BATS_TEST_TMPDIR/shown-$1
	eventually grep -qF -- "$2" "$file" || fail "expected at $1: $2" "$(<"$file")"
}

# assert_events COUNT: so many flows, or directions of them, as the packets were on the wire before and after
assert_events() {
	local events=$BATS_TEST_TMPDIR/events sender receiver reason proto ends
	eventually has_lines "$events" "$1" || return
	assert_equal "$(wc -l <"$events")" "$1" events || return
	while read -r reason proto ends; do
		read -r -a ends <<<"$ends"
		sender=client receiver=s3
		[ "$reason" = balanced ] || sender=s3 receiver=client
		assert_shown $sender "> $proto ${ends[*]:0:4} ${ends[*]:8:2}" || return
		assert_shown $receiver "< $proto ${ends[*]:4:4} ${ends[*]:10:2} ${ends[12]}" || return
	done < <(fields reason proto src sport dst dport new_src new_sport new_dst new_dport ip_check_before l4_check_before \
		ip_check_after l4_check_after next_hop <"$events")
}

@test "events of a new flow: both tuples, next hop and checksums, each direction, are those on the wire" {
	local mode version proto host
	for host in client s3; do
		lab_on $host offload off eth0
	done
	for mode in nat masquerade dsr; do
		services 3 -- mode=$mode
		shown client
		shown s3
		tail_start events -j --object lb
		for version in 4 6; do
			for proto in tcp udp; do
				assert_asked '1 s3' $proto "$(lb_vip $version)" 80
			done
		done
		case $mode in
		dsr) assert_events 4 ;;
		*) assert_events 8 ;;
		esac
		stop_started
	done
	for host in client s3; do
		lab_on $host offload on eth0
	done
}
