#!/usr/bin/env bats
# shellcheck shell=bats
# iface_set on real traffic: what each setting lets in, and own addresses that follow by themselves.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	serve tcp 0.0.0.0 22 tcp :: 22 tcp 0.0.0.0 8080 tcp :: 8080
}

teardown_file() {
	stop_started
}

# Nothing was ever said, and no rule inserted.
setup() {
	fresh_pins wan0 lan0
}

teardown() {
	stop_started
	ip addr flush dev wan0 to 192.0.2.64/26
	ip addr flush dev wan0 to 2001:db8::40/122
}

insert_first() {
	map_update 203.0.113.0 24 1 1 0 tcp
}

# assert_ssh HOST OWN OTHER: outcomes of SSH to the addresses of the interface at the host, and to those of the other
assert_ssh() {
	local own=(192.0.2.1 2001:db8::1) other=(198.51.100.1 2001:db8:1::1)
	[ "$1" = client ] || { own=("${other[@]}") && other=(192.0.2.1 2001:db8::1); }
	assert_traffic "$1" <<-END
		$2 tcp ${own[0]} 22
		$2 tcp ${own[1]} 22
		$3 tcp ${other[0]} 22
		$3 tcp ${other[1]} 22
		timeout tcp ${own[0]} 8080
		timeout tcp ${own[1]} 8080
	END
}

# ---- ssh ----

@test "ssh=off: no SSH gets in, without a rule and with one; the other interface keeps its own" {
	assert_ssh client answer answer
	assert_quiet iface_set wan0 ssh=off
	assert_ssh client timeout timeout
	assert_ssh guest answer answer
	insert_first
	assert_ssh client timeout timeout
	assert_ssh guest answer timeout
}

@test "ssh=off: rules decide" {
	iface_set wan0 ssh=off
	map_update 192.0.2.1 32 22 22 0 tcp
	map_update 2001:db8:1::1 128 22 22 0 tcp
	assert_traffic client <<-END
		answer tcp 192.0.2.1 22
		timeout tcp 2001:db8::1 22
		timeout tcp 198.51.100.1 22
		answer tcp 2001:db8:1::1 22
	END
}

@test "ssh=any: to every address, also after a rule" {
	iface_set wan0 ssh=any
	insert_first
	assert_ssh client answer answer
	assert_ssh guest answer timeout
	assert_quiet iface_set wan0 ssh=default
	assert_ssh client answer timeout
}

@test "ssh=own: to own addresses, also before any rule" {
	assert_quiet iface_set wan0 ssh=own
	assert_ssh client answer timeout
	assert_ssh guest answer answer
	insert_first
	assert_ssh client answer timeout
}

@test "any speaks for all but those that have a word of their own" {
	iface_set any ssh=off
	iface_set lan0 ssh=own
	assert_ssh client timeout timeout
	assert_ssh guest answer timeout
	iface_set any ssh=default
	assert_ssh client answer answer
	assert_ssh guest answer timeout
}

# ---- nonip ----

@test "nonip=pass lets LLDP through to the stack; drop does not; the other interface is as before" {
	local before
	started "$BATS_TEST_TMPDIR/frames" frames wan0 lan0
	eventually grep -q ready "$BATS_TEST_TMPDIR/frames"
	lab_on client frame eth0 lldp
	assert_equal "$(counted ethertype)" 1
	assert_quiet iface_set wan0 nonip=pass
	lab_on guest frame eth0 lldp
	assert_equal "$(counted ethertype)" 2
	lab_on client frame eth0 lldp
	assert_equal "$(counted ethertype) $(counted nonip)" '2 1'
	iface_set wan0 nonip=drop
	lab_on client frame eth0 lldp
	assert_equal "$(counted ethertype) $(counted nonip)" '3 1'
	iface_set any nonip=pass
	lab_on client frame eth0 lldp
	lab_on guest frame eth0 lldp
	assert_equal "$(counted ethertype) $(counted nonip)" '4 2'
	# frames come in order, so these are all there are
	eventually has_lines "$BATS_TEST_TMPDIR/frames" 3
	assert_equal "$(<"$BATS_TEST_TMPDIR/frames")" $'ready\nwan0 0x88cc\nlan0 0x88cc'
}

# ---- watch ----

# watch_start [OPTION]...: fills $pid
watch_start() {
	started "$BATS_TEST_TMPDIR/watch" iface_set --watch "$@"
}

own_count() {
	iface_set -j "$1" | fields addresses
}

own_count_is() {
	[ "$(own_count "$1")" = "$2" ]
}

@test "--watch: the first look, then every change, and SSH to a new address with no other tool" {
	local count
	assert_equal "$(own_count wan0)" 0
	watch_start
	eventually own_count_is lan0 "$(ip -o addr show dev lan0 | wc -l)"
	count=$(own_count wan0)
	insert_first
	ip addr add 192.0.2.77/24 dev wan0
	ip addr add 2001:db8::77/64 dev wan0 nodad
	eventually own_count_is wan0 $((count + 2))
	assert_traffic client <<-END
		answer tcp 192.0.2.77 22
		answer tcp 2001:db8::77 22
		timeout tcp 192.0.2.77 8080
		timeout tcp 198.51.100.1 22
	END
	ip addr del 192.0.2.77/24 dev wan0
	ip addr add 192.0.2.77/24 dev lan0
	eventually own_count_is wan0 $((count + 1))
	lab_on client ip route replace 192.0.2.77 via 192.0.2.1
	assert_traffic client <<-END
		timeout tcp 192.0.2.77 22
		answer tcp 2001:db8::77 22
	END
	ip addr del 192.0.2.77/24 dev lan0
	lab_on client ip route del 192.0.2.77
	kill "$pid"
	assert_ends "$pid" 0
	assert_equal "$(<"$BATS_TEST_TMPDIR/watch")" '' 'what --watch prints'
}

@test "--watch: addresses of a device that is stacked on the interface later" {
	watch_start
	eventually own_count_is lan0 "$(ip -o addr show dev lan0 | wc -l)"
	insert_first
	ip link add br0 type bridge
	ip link set br0 up
	ip addr add 10.9.0.1/24 dev br0
	eventually own_count_is br0 "$(ip -o addr show dev br0 | wc -l)"
	local before
	before=$(own_count lan0)
	ip link set lan0 master br0
	eventually own_count_is lan0 $((before + $(own_count br0)))
	ip link del br0
	eventually own_count_is lan0 "$before"
}

# ended_by SIGNAL [OPTION]...
ended_by() {
	local signal=$1
	shift
	watch_start "$@"
	eventually own_count_is lan0 "$(ip -o addr show dev lan0 | wc -l)"
	kill -s "$signal" "$pid"
	assert_ends "$pid" 0
}

@test "--watch: -v and -j tell of each change, signals end it" {
	ended_by TERM -v
	grep -qx 'A wan0 192.0.2.1' "$BATS_TEST_TMPDIR/watch" || fail "$(<"$BATS_TEST_TMPDIR/watch")"
	grep -qx 'A lo ::1' "$BATS_TEST_TMPDIR/watch" || fail "$(<"$BATS_TEST_TMPDIR/watch")"
	# all is known already
	fresh_pins wan0 lan0
	iface_set -f /dev/null
	watch_start -v
	ip addr add 192.0.2.70/24 dev wan0
	eventually grep -q . "$BATS_TEST_TMPDIR/watch"
	ip addr del 192.0.2.70/24 dev wan0
	eventually has_lines "$BATS_TEST_TMPDIR/watch" 2
	assert_equal "$(<"$BATS_TEST_TMPDIR/watch")" $'A wan0 192.0.2.70\nD wan0 192.0.2.70'
	kill -s INT "$pid"
	# what bash starts in the background ignores SIGINT at first
	assert_ends "$pid" 0
	watch_start -j
	ip addr add 2001:db8::70/64 dev wan0 nodad
	eventually grep -q . "$BATS_TEST_TMPDIR/watch"
	assert_equal "$(fields change iface address <"$BATS_TEST_TMPDIR/watch")" 'A wan0 2001:db8::70'
}

@test "--watch: forgets what was said of an interface that goes" {
	ip link add x0 type veth peer name x1
	iface_set x0 ssh=off
	watch_start
	eventually own_count_is lan0 "$(ip -o addr show dev lan0 | wc -l)"
	ip link del x0
	eventually nobody_is_gone
}

nobody_is_gone() {
	[ "$(iface_set -j | fields gone | sort -u)" = false ]
}

@test "--watch: ends with exit 1 when the maps are removed, or made anew" {
	watch_start
	eventually own_count_is lan0 "$(ip -o addr show dev lan0 | wc -l)"
	rm "$PINS"/*
	assert_ends "$pid" 1
	assert_match "$(<"$BATS_TEST_TMPDIR/watch")" '^iface_set: /[^ ]*: [^'$'\n'']+$'
	fresh_pins wan0 lan0
	watch_start
	eventually own_count_is lan0 "$(ip -o addr show dev lan0 | wc -l)"
	fresh_pins wan0 lan0
	assert_ends "$pid" 1
}

@test "--watch: a failure for once is told, and it goes on" {
	watch_start
	eventually own_count_is lan0 "$(ip -o addr show dev lan0 | wc -l)"
	mv "$PINS/splicer1_addrs" "$PINS/aside"
	eventually grep -q '^iface_set: .*splicer1_addrs' "$BATS_TEST_TMPDIR/watch"
	ip addr add 192.0.2.71/24 dev wan0
	mv "$PINS/aside" "$PINS/splicer1_addrs"
	eventually own_count_is wan0 "$(ip -o addr show dev wan0 | wc -l)"
	if has_ended "$pid"; then
		fail "$(<"$BATS_TEST_TMPDIR/watch")"
	fi
}

@test "--watch: many changes at once, more than a socket buffer holds" {
	local number
	watch_start
	eventually own_count_is lan0 "$(ip -o addr show dev lan0 | wc -l)"
	ip link add x0 type veth peer name x1
	kill -s STOP "$pid"
	for ((number = 0; number < 3000; number++)); do
		echo "addr add 10.$((number / 250)).$((number % 250)).1/32 dev x0"
	done | ip -batch -
	kill -s CONT "$pid"
	eventually own_count_is x0 3000
	ip link del x0
}

# ---- the list ----

# listed IFACE: "INGRESS|NOTE"
listed() {
	iface_set | awk -F '  +' -v iface="$1" '$1 == iface { print $2 "|" $6 }'
}

state_of() {
	iface_set -j "$1" | fields attached prio stacked stale
}

@test "the list: attached, not attached, twice, stale" {
	assert_equal "$(listed wan0)" 'prio 49152|-'
	assert_equal "$(state_of wan0)" 'true 49152 false false'
	assert_equal "$(listed lo)" '-|-'
	assert_equal "$(state_of lo)" 'false - false false'
	tc filter add dev wan0 ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	assert_equal "$(listed wan0)" 'prio 49151,49152|stacked'
	assert_equal "$(state_of wan0)" 'true 49151 true false'
	# a program of someone else is none of ours, nor is one that decides nothing
	detach lan0
	tc qdisc add dev lan0 clsact
	tc filter add dev lan0 ingress prio 5 bpf bytecode '1,6 0 0 0,' flowid 1:1
	tc filter add dev lan0 ingress prio 6 bpf obj "$LAB_OBJECTS/splicer.o" sec action
	assert_equal "$(listed lan0)" '-|-'
	detach lan0
	# any prio, and a qdisc of the older kind
	tc qdisc add dev lan0 ingress
	tc filter add dev lan0 ingress prio 7 handle 9 bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	assert_equal "$(listed lan0)" 'prio 7|-'
	# the maps of wan0's programs are removed, lan0's are made anew
	rm "$PINS"/*
	tc qdisc del dev lan0 ingress
	lab_attach lan0
	assert_equal "$(listed wan0)" 'stale|stale'
	assert_equal "$(state_of wan0)" 'false - false true'
	assert_equal "$(listed lan0)" 'prio 49152|-'
	tc filter add dev wan0 ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	assert_equal "$(listed wan0)" 'prio 49150|stale'
	assert_equal "$(state_of wan0)" 'true 49150 false true'
}
