# shellcheck shell=bash
# shellcheck disable=SC2154  # pins, tmp: set in helpers.bash
# What the tests of xdp_filter.o share. To be loaded after helpers.

# Nothing comes in on t0 but what is sent on t1.
xdp_links() {
	ip link add t0 type veth peer name t1
	sysctl -qw net.ipv6.conf.t0.disable_ipv6=1 net.ipv6.conf.t1.disable_ipv6=1
	ip link set t0 up
	ip link set t1 up
}

# xdp_filter.o on t0 with new pins, and nothing else.
xdp_attach_anew() {
	tc qdisc del dev t0 clsact 2>/dev/null || true
	ip link set dev t0 xdp off
	rm -rf "${pins:?}"/*
	ip link set dev t0 xdp obj "${LAB_OBJECTS:?}/xdp_filter.o" sec xdp
}

# send COUNT KIND...: what tally makes, received on t0
send() {
	echo "$@" | tally t1 02:00:00:00:00:01 >"$tmp/tally"
}
