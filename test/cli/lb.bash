# shellcheck shell=bash
# shellcheck disable=SC2154  # pins: set in helpers.bash
# What the tests of lb_backend share. To be loaded after helpers.

# lb.o on t0, in a box that has a way to 10.0.0.0/8 and fd00::/8.
lb_links() {
	ip link add t0 type veth peer name t1
	ip link set t0 up
	ip link set t1 up
	ip addr add 10.0.0.254/8 dev t0
	ip addr add fd00::254/8 dev t0 nodad
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	tc qdisc add dev t0 clsact
	tc filter add dev t0 ingress prio 50000 handle 1 bpf da obj "${LAB_OBJECTS:?}/lb.o" sec action
}

lb() {
	python3 -IS "$BATS_TEST_DIRNAME/../lb.py" "$@"
}

rules() {
	lb_backend list --save </dev/null
}

# What the maps have is whole, and the indexes are what the services ask for.
assert_whole() {
	lb check "$@" >"$tmp/wrong" || fail 'whole services and right indexes' "$(head -n 20 "$tmp/wrong")"
}

# listed SERVICE BACKEND KEY: a value of one row
listed() {
	lb_backend list -j -q "$1" | python3 -ISc '
import json, sys
for d in json.load(sys.stdin):
    if d["backend"] == sys.argv[1]:
        print(d[sys.argv[2]])' "$2" "$3"
}

assert_listed() {
	local got
	got=$(listed "$1" "$2" "$3")
	[ "$got" = "$4" ] || fail "$3 of $2: $4" "$got"
}
