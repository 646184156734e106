# shellcheck shell=bash
# xdp_filter.o on the interfaces of the box, attached as the README says.

# filter_on DEV [xdp|xdpgeneric]: native unless told otherwise
filter_on() {
	ip link set dev "$1" "${2:-xdp}" obj "$LAB_OBJECTS/xdp_filter.o" sec xdp
}

# filter_off DEV...: in whichever mode it is
filter_off() {
	local dev
	for dev; do
		ip link set dev "$dev" xdp off
		ip link set dev "$dev" xdpgeneric off
	done
}

# fresh_filter: no interface has it, there are no pins
fresh_filter() {
	local dev
	for dev; do
		filter_off "$dev"
		detach "$dev" 2>/dev/null || true
	done
	rm -rf "${PINS:?}"/*
}

# xdp_values KEYS [SELECTOR]...: of each rule, as JSON has them
xdp_values() {
	local keys=$1
	shift
	# shellcheck disable=SC2086  # several keys
	xdp_rule list -j "$@" | fields $keys
}

# The rules that are no defaults
xdp_count() {
	xdp_rule list --save | grep -c '^add'
}

# ---- what gets past the driver ----

# tap_start DEV: see assert_seen
tap_start() {
	tap=$BATS_TEST_TMPDIR/tap$1
	started "$tap" taps "$1"
	eventually grep -q ready "$tap"
}

# assert_seen HOST DEV SOURCE DESTINATION PORT: packet sockets got the lines of standard input in any order, and no
# others; then one more from this host, which the filter must pass and which tells that all have come
assert_seen() {
	local host=$1 dev=$2 wanted=$BATS_TEST_TMPDIR/wanted
	shift 2
	sort >"$wanted"
	lab_on "$host" frame eth0 udp "$(lab_mac "$dev")" "$1" 9 "$2" "$3"
	eventually grep -q "^- $1 9 $2 $3$" "$tap" || return
	grep -vx -e ready -e "- $1 9 $2 $3" "$tap" | sort | assert_same_lines "$wanted"
}

# ---- the segment ----

# A and C are hosts on one segment with B, which is the box: device lan0. The guest is on another, wan0.
A4=172.20.0.11 A6=2001:db8:20::11
B4=172.20.0.12 B6=2001:db8:20::12
C4=172.20.0.13 C6=2001:db8:20::13

# segment_neighbours HOST IPV4 IPV6: it knows B, and B knows it
segment_neighbours() {
	local address
	for address in $B4 $B6; do
		lab_on "$1" ip neigh replace "$address" lladdr "$(lab_mac lan0)" dev eth0 nud permanent
	done
	for address in "$2" "$3"; do
		ip neigh replace "$address" lladdr "$(lab_mac eth0 lab_on "$1")" dev lan0 nud permanent
	done
}

# segment_host NAME IPV4 IPV6
segment_host() {
	ip netns add "$1"
	ip link add eth0 netns "$1" type veth peer name "to-$1" netns switch
	lab_on switch ip link set "to-$1" master segment up
	lab_on "$1" ip link set lo up
	lab_on "$1" ip link set eth0 up
	lab_on "$1" ip addr add "$2/24" dev eth0
	lab_on "$1" ip addr add "$3/64" dev eth0 nodad
	segment_neighbours "$@"
	eventually segment_has "$1"
}

# A port of the bridge works a moment after it came up.
segment_has() {
	printf '%s\n' "ping $B4 0" "ping $B6 0" | lab_on "$1" peer sweep | grep -c answer | grep -q 2
}

segment() {
	ip netns add switch
	lab_on switch ip link add segment type bridge mcast_snooping 0
	lab_on switch ip link set segment up
	ip link add lan0 type veth peer name to-box netns switch
	lab_on switch ip link set to-box master segment up
	ip link set lan0 up
	ip addr add $B4/24 dev lan0
	ip addr add $B6/64 dev lan0 nodad
	segment_host a $A4 $A6
	segment_host c $C4 $C6
}

segment_hosts() {
	segment
	lab_host guest wan0 198.51.100.1/24 2001:db8:1::1/64
	serve tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080 udp 0.0.0.0 8081 udp :: 8081
}

# all OUTCOME: of everything that B answers, lines for assert_traffic
all() {
	local address
	for address in $B4 $B6; do
		printf '%s\n' "$1 tcp $address 8080" "$1 udp $address 8080" "$1 ping $address 0"
	done
}

# assert_all HOST OUTCOME
assert_all() {
	all "$2" | assert_traffic "$1"
}

# allow_c: on lan0 nothing but TCP and UDP of C to one port
allow_c() {
	xdp_rule -f - <<-END
		default drop -i lan0
		$C4 pass -p tcp --dport 8080
		$C6 pass -p tcp --dport 8080
		$C4 pass -p udp --dport 8080
		$C6 pass -p udp --dport 8080
	END
}

assert_only_c() {
	assert_all a timeout || return
	sed '/ping/s/answer/timeout/' <(all answer) | assert_traffic c
}
