#!/usr/bin/env bats
# shellcheck shell=bats
# Flows through lb.o while their tables are exchanged for others of other sizes.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/stateful.bash
. "$BATS_TEST_DIRNAME/stateful.bash"

VIP=203.0.113.1
VIP6=2001:db8:77::1

setup_file() {
	router_hosts
	serve_on inside tcp 198.51.100.2 80 tcp 2001:db8:1::2 80
	# who gets a flow that is not known any more: nobody listens there
	lab_on inside ip addr add 198.51.100.3/24 dev eth0
	lab_on inside ip addr add 2001:db8:1::3/64 dev eth0 nodad
	ip neigh replace 198.51.100.3 lladdr "$(lab_mac eth0 lab_on inside)" dev lan0 nud permanent
	ip neigh replace 2001:db8:1::3 lladdr "$(lab_mac eth0 lab_on inside)" dev lan0 nud permanent
	lab_attach_lb wan0
	lab_attach_lb lan0
}

teardown_file() {
	stop_started
}

setup() {
	python3 -IS "$BATS_TEST_DIRNAME/../lb.py" forget
	lb_backend apply --all -f /dev/null
	lb_backend flows {max,unconfirmed}=default
}

teardown() {
	stop_started
}

# streams MODE: one for each family through its VIP, to a backend that gets no new ones; fills $outputs and $pids
streams() {
	local vip dir
	dir=$(scratch)
	lb_backend add "$VIP:80/tcp" 198.51.100.2
	lb_backend add "[$VIP6]:80/tcp" 2001:db8:1::2
	lb_backend set "$VIP:80/tcp" mode="$1"
	lb_backend set "[$VIP6]:80/tcp" mode="$1"
	outputs=() pids=()
	for vip in "$VIP" "$VIP6"; do
		outputs+=("$dir/stream.$vip")
		started "${outputs[-1]}" nsenter --net=/run/netns/client -- peer tcp-stream "$vip" 80
		pids+=("$pid")
		eventually grep -q . "${outputs[-1]}"
	done
	lb_backend drain "$VIP:80/tcp" 198.51.100.2
	lb_backend drain "[$VIP6]:80/tcp" 2001:db8:1::2
	lb_backend add "$VIP:80/tcp" 198.51.100.3
	lb_backend add "[$VIP6]:80/tcp" 2001:db8:1::3
}

assert_streams_end() {
	local i
	for i in 0 1; do
		kill "${pids[i]}" || return
		assert_ends "${pids[i]}" 0 || return
		assert_equal "$(tail -n 1 "${outputs[i]}")" 'the same' || return
	done
}

# of both tables: flows there are
used() {
	lb_backend flows -j | fields name used
}

# tcp_goes_on MODE
tcp_goes_on() {
	local i
	streams "$1"
	for i in {1..10}; do
		assert_quiet lb_backend flows max=$((100000 + i)) unconfirmed=$((500 + i)) || return
		assert_quiet lb_backend flows max=$((400 + i)) unconfirmed=$((400 + i)) || return
	done
	assert_equal "$(used | head -n 1)" 'max 2' || return
	assert_streams_end
}

@test "TCP goes on while tables grow and shrink, again and again" {
	tcp_goes_on nat
}

@test "... with the source changed too" {
	tcp_goes_on masquerade
}

# Again and again until the test ends.
exchange_tables() {
	while lb_backend flows max=50000 unconfirmed=20000 && lb_backend flows max=40000 unconfirmed=30000; do :; done
}

@test "new flows while tables are exchanged, again and again: each has its answer" {
	local i vip
	lb_backend add "$VIP:80/tcp" 198.51.100.2
	lb_backend add "[$VIP6]:80/tcp" 2001:db8:1::2
	started "$(scratch)/exchange" exchange_tables
	for i in {1..30}; do
		for vip in "$VIP" "$VIP6"; do
			assert_match "$(lab_on client peer tcp-ask "$vip" 80 "text $i")" "text $i"
		done
	done
	is_child "$pid" || fail "the exchanges ended: $(<"$(scratch)/exchange")"
}
