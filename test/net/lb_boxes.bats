#!/usr/bin/env bats
# shellcheck shell=bats
# Two boxes that balance, each with a bpffs of its own, between two routers that spread flows over both (ECMP), each by
# itself: what goes to a server by one box may come back by the other.
#
#   client --- wan0 (front) f1 --- box1 --- b1 rear r1 --- s1
#                           f2 --- box2 --- b2      r2 --- s2
#                                                   r3 --- s3

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/lb.bash
. "$BATS_TEST_DIRNAME/lb.bash"

setup_file() {
	local number
	lb_sysctls
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lb_loose client
	namespaces rear box1 box2 s1 s2 s3
	for number in 1 2; do
		box_make $number
	done
	for number in 1 2 3; do
		server_make $number
	done
	sysctl -qw net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1
	lab_on rear sysctl -qw net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1
}

teardown_file() {
	stop_started
}

setup() {
	boxes_begin 1 2
	ways 1 2
}

teardown() {
	stop_started
}

# ---- who is where ----

namespaces() {
	local host
	for host; do
		ip netns add "$host"
		lab_on "$host" ip link set lo up
		lab_on "$host" bash -c "$(declare -f lb_sysctls); lb_sysctls"
	done
}

box_make() {
	lb_link box "f$1" "box$1" front "10.11.$1.1/24" "fd11:$1::1/64"
	lb_link "box$1" back rear "b$1" "10.12.$1.1/24" "fd12:$1::1/64"
	lab_on "box$1" ip route add default via "10.11.$1.1"
	lab_on "box$1" ip -6 route add default via "fd11:$1::1"
	lab_on "box$1" ip route add 10.1.0.0/16 via "10.12.$1.2"
	lab_on "box$1" ip -6 route add fd01::/16 via "fd12:$1::2"
}

server_make() {
	lb_link rear "r$1" "s$1" eth0 "10.1.$1.1/24" "fd01:$1::1/64"
	lab_on "s$1" ip route add default via "10.1.$1.1"
	lab_on "s$1" ip -6 route add default via "fd01:$1::1"
	vip_on "s$1"
	serve_as "s$1" "s$1" tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080 \
		tcp 0.0.0.0 80 tcp :: 80 udp 0.0.0.0 80 udp :: 80
}

# in_box NUMBER COMMAND [ARG]...: there, with its own pins
in_box() {
	local process=box_$1
	nsenter --target "${!process}" --mount --net -- "${@:2}"
}

boxes_begin() {
	local number
	for number; do
		box_begin "$number"
	done
}

# box_begin NUMBER: as if it had just been switched on
box_begin() {
	local dev
	started "$BATS_TEST_TMPDIR/box$1" nsenter --net="/run/netns/box$1" -- unshare --mount --propagation private sleep infinity
	declare -g "box_$1=$pid"
	eventually has_own_mounts "$pid"
	in_box "$1" mount -t bpf bpf /sys/fs/bpf
	for dev in front back; do
		lab_on "box$1" tc qdisc del dev $dev clsact 2>/dev/null || true
		in_box "$1" bash -c "$(declare -f lab_attach_lb lab_clsact); lab_attach_lb $dev"
	done
}

has_own_mounts() {
	[ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] && [ "$(<"/proc/$1/comm")" = sleep ]
}

# hops ADDRESS_BEFORE ADDRESS_AFTER BOX...: next hops by these boxes
hops() {
	local before=$1 after=$2 number
	shift 2
	for number; do
		echo "nexthop via $before$number$after"
	done
}

# ways BOX...: the routers use these
ways() {
	# shellcheck disable=SC2046  # words
	{
		ip route replace $VIP4/32 $(hops 10.11. .2 "$@")
		ip -6 route replace $VIP6/128 $(hops fd11: ::2 "$@")
		lab_on rear ip route replace 192.0.2.0/24 $(hops 10.12. .1 "$@")
		lab_on rear ip -6 route replace 2001:db8::/64 $(hops fd12: ::1 "$@")
	}
}

# The same, but for the order in which it came about.
configure_both() {
	services_text "$1" 1 2 3 | in_box 1 lb_backend add -f -
	services_text "$1" 3 1 | in_box 2 lb_backend add -f -
	services_text "$1" 2 | in_box 2 lb_backend add -f -
	settings_text "$1" | in_box 2 lb_backend set -f -
	settings_text "$1" | in_box 1 lb_backend set -f -
}

# services_text MODE NUMBER...
services_text() {
	local version proto number
	for proto in udp tcp; do
		for version in 4 6; do
			for number in "${@:2}"; do
				case $1 in
				dsr) echo "add $(service $version $proto) $(lb_server $version "$number") -w $number" ;;
				*) echo "add $(service $version $proto) $(backend $version "$number") -w $number" ;;
				esac
			done
		done
	done
}

settings_text() {
	local version proto
	for version in 4 6; do
		for proto in tcp udp; do
			echo "set $(service $version $proto) mode=$1"
		done
	done
}

# box_counted NUMBER REASON
box_counted() {
	in_box "$1" verdict_stat -j | fields reason packets | awk -v reason="$2" '$1 == reason { n += $2 } END { print n + 0 }'
}

# ---- tests ----

@test "boxes of one configuration choose alike, in whatever order it came about" {
	local version number
	configure_both nat
	for version in 4 6; do
		for number in 1 2; do
			ways $number
			lab_on client balanced ports udp "$(lb_vip $version)" 80 1000 20000 >"$BATS_TEST_TMPDIR/$number"
			[ "$(box_counted $number balanced)" -ge 1000 ] || fail "$(in_box $number verdict_stat)"
		done
		assert_equal "$(awk '{ print $2 }' "$BATS_TEST_TMPDIR/1" | sort -u | tr '\n' ' ')" 's1 s2 s3 '
		assert_same_lines "$BATS_TEST_TMPDIR/1" <"$BATS_TEST_TMPDIR/2"
	done
}

# assert_survives MODE: a box goes, comes again without what it knew, and the other goes
assert_survives() {
	local number
	configure_both "$1"
	stream_start four $VIP4 80 40
	stream_start six $VIP6 80 40
	for number in 1 2; do
		[ "$(box_counted $number balanced)" -gt 0 ] || fail "no flow by box $number" || return
	done
	in_box 2 lb_backend list --save >"$BATS_TEST_TMPDIR/saved"
	ways 2
	lab_on box1 ip link set front down
	assert_fresh_packets 2 || return
	lab_on box1 ip link set front up
	box_restore
	box_begin 1
	in_box 1 lb_backend apply -f "$BATS_TEST_TMPDIR/saved"
	ways 1
	assert_fresh_packets 1 || return
	ways 1 2
	assert_fresh_packets 2 || return
	assert_stream four 40 || return
	assert_stream six 40
}

# A link that was down has lost its routes and IPv6 addresses.
box_restore() {
	local address
	lab_on box1 ip -6 addr replace fd11:1::2/64 dev front nodad
	lab_on box1 ip route replace default via 10.11.1.1
	lab_on box1 ip -6 route replace default via fd11:1::1
	for address in 10.11.1.1 fd11:1::1; do
		lab_on box1 ip neigh replace $address lladdr "$(lab_mac f1)" dev front nud permanent
	done
	for address in 10.11.1.2 fd11:1::2; do
		ip neigh replace $address lladdr "$(lab_mac front lab_on box1)" dev f1 nud permanent
	done
}

# assert_fresh_packets BOX: all conversations that are there have packets by it
assert_fresh_packets() {
	eventually box_counted_at_least "$1" balanced $(($(box_counted "$1" balanced) + 800))
}

box_counted_at_least() {
	[ "$(box_counted "$1" "$2")" -ge "$3" ]
}

@test "nat: connections survive the loss of a box, and that of the other" {
	assert_survives nat
	assert_equal "$(box_counted 1 internal)$(box_counted 2 internal)" 00
}

@test "nat: what goes by one box comes back by the other, which never saw the flow" {
	configure_both nat
	ip route replace $VIP4/32 via 10.11.1.2
	ip -6 route replace $VIP6/128 via fd11:1::2
	lab_on rear ip route replace 192.0.2.0/24 via 10.12.2.1
	lab_on rear ip -6 route replace 2001:db8::/64 via fd12:2::1
	assert_equal "$(lab_on client balanced ask tcp $VIP4 80 20 | awk '$2 ~ /^s[123]$/ { n += $1 } END { print n }')" 20
	assert_equal "$(lab_on client balanced ask tcp $VIP6 80 20 | awk '$2 ~ /^s[123]$/ { n += $1 } END { print n }')" 20
	assert_match "$(lab_on client balanced bulk udp $VIP6 80 1048576)" 'the same'
	assert_match "$(lab_on client balanced bulk tcp $VIP4 80 1048576)" 'the same'
	assert_equal "$(box_counted 1 balanced-back) $(box_counted 2 balanced)" '0 0'
	assert_no_bad_sums client s1 s2 s3
}

@test "dsr: connections survive the loss of a box, and that of the other" {
	assert_survives dsr
	assert_equal "$(box_counted 1 internal)$(box_counted 2 internal)" 00
}
