#!/usr/bin/env bats
# shellcheck shell=bats
# lb.o behind splicer.o on the same interfaces: rules name the VIP, and what is balanced is a connection to the firewall.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/stateful.bash
. "$BATS_TEST_DIRNAME/stateful.bash"
# shellcheck source=test/net/lb.bash
. "$BATS_TEST_DIRNAME/lb.bash"

setup_file() {
	lb_hosts 2
	servers 2
	dsr_server 2
	serve_as s2 s2 tcp 0.0.0.0 80 tcp :: 80 udp 0.0.0.0 80 udp :: 80
}

teardown_file() {
	stop_started
}

setup() {
	local dev
	fresh_lb wan0 lan1 lan2
	for dev in wan0 lan1 lan2; do
		lab_attach_egress $dev
		tc filter add dev $dev ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	done
}

teardown() {
	stop_started
}

# allow PROTO: the VIP's port on the side of the client
allow() {
	map_update --iface wan0 $VIP4 32 80 80 0 "$1"
	map_update --iface wan0 $VIP6 128 80 80 0 "$1"
}

# assert_all_asked EXPECTED
assert_all_asked() {
	local version proto
	for version in 4 6; do
		for proto in tcp udp; do
			assert_asked "$1" $proto "$(lb_vip $version)" 80 || return
		done
	done
}

@test "without a rule for the VIP nothing passes; with one it does, both ways, in every mode" {
	services 1
	assert_all_asked '1 timeout'
	assert_equal "$(sum_of flows)" 0
	allow tcp
	assert_asked '1 s1' tcp $VIP4 80
	assert_asked '1 s1' tcp $VIP6 80
	assert_asked '1 timeout' udp $VIP4 80
	assert_asked '1 timeout' udp $VIP6 80
	allow udp
	assert_bulk s1
	services 1 -- mode=masquerade
	assert_bulk s1
	services 2 -- mode=dsr
	assert_bulk s2
}

@test "a rule for the backend is none for the VIP" {
	services 1
	map_update --iface wan0 10.1.1.2 32 8080 8080 0 tcp
	map_update --iface wan0 fd01:1::2 128 8080 8080 0 tcp
	assert_asked '1 timeout' tcp $VIP4 80
	assert_asked '1 timeout' tcp $VIP6 80
}

@test "conn_list shows the connection as the client has it, established" {
	services 1
	allow tcp
	stream_start four $VIP4 80 1 41000
	stream_start six $VIP6 80 1 41000
	eventually conns_have "192.0.2.2 41000 $VIP4 80 established"
	eventually conns_have "2001:db8::2 41000 $VIP6 80 established"
	assert_stream four 1 s1
	assert_stream six 1 s1
}

# conns_have "SRC SPORT DST DPORT STATE"
conns_have() {
	conn_list -j | fields src sport dst dport state | grep -qxF "$1"
}

@test "out=drop: answers leave to the client; to the backend what rules say that name it" {
	local proto
	services 1
	allow tcp
	allow udp
	iface_set wan0 out=drop
	assert_bulk s1
	iface_set lan1 out=drop
	assert_all_asked '1 timeout'
	for proto in tcp udp; do
		map_update --direction out --iface lan1 10.1.1.2 32 8080 8080 0 $proto
		map_update --direction out --iface lan1 fd01:1::2 128 8080 8080 0 $proto
	done
	assert_bulk s1
	# what the backend begins itself does not come out
	serve_as client client tcp 0.0.0.0 8080 tcp :: 8080
	assert_asked_from s1 '1 timeout' tcp 192.0.2.2 8080
	assert_asked_from s1 '1 timeout' tcp 2001:db8::2 8080
}
