# shellcheck shell=bash
# What the tests of flow_dump and flow_set share. To be loaded after helpers.

# flow.o on t0, whose other end is t1. Neither is up: no packet comes but those of the test.
flow_links() {
	ip link add t0 type veth peer name t1
	tc qdisc add dev t0 clsact
	tc filter add dev t0 ingress prio 10 handle 1 bpf da obj "${LAB_OBJECTS:?}/flow.o" sec action
}

flow() {
	python3 -IS "$BATS_TEST_DIRNAME/../flow.py" "$@"
}

# ifindex DEV
ifindex() {
	ip -o link show dev "$1" | cut -d : -f 1
}

# A new generation in force without sessions, and none that waits.
flow_clean() {
	flow_dump --reset -q >/dev/null
	flow forget
}
