# shellcheck shell=bash
# shellcheck disable=SC2154  # tmp and pins are set in helpers.bash
# What the files about xdp_rule share: xdp_filter.o on t0, with new pins for each test, and its rules.

setup_file() {
	if [ "$(readlink /proc/self/ns/net)" = "$(readlink /proc/1/ns/net)" ]; then
		echo 'not in a box of its own: run scripts/lab bats FILE' >&2
		return 1
	fi
	ip link add t0 type veth peer name t1
	ip link set t0 up
	ip link set t1 up
}

setup() {
	box_begin
	unset SSH_CONNECTION
	ip link set dev t0 xdp off
	rm -rf "${pins:?}"/*
	ip link set dev t0 xdp obj "${LAB_OBJECTS:?}/xdp_filter.o" sec xdp
}

rules() {
	xdp_rule list --save </dev/null
}

# How many sources the table has room for that rates are kept in.
sources() {
	bpfmap room "$pins/xdp1_sources"
}

# eventually CONDITION: a line of shell that comes true within 20 seconds.
eventually() {
	local until=$((SECONDS + 20))

	until eval "$1"; do
		((SECONDS < until)) || fail "$1" 'never' || return
		sleep 0.1
	done
}
