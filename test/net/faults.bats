#!/usr/bin/env bats
# shellcheck shell=bats
# What is broken on purpose, under real traffic of both families: what was open stays open, and nothing else opens.
# doc/faults.md has the whole table; what other files show already is not here.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

ATTACH=$BATS_TEST_DIRNAME/../../scripts/attach

setup_file() {
	serve udp 0.0.0.0 7 udp :: 7 udp 0.0.0.0 9 udp :: 9 tcp 0.0.0.0 7 tcp :: 7 tcp 0.0.0.0 9 tcp :: 9
	# a version to come
	"$BATS_TEST_DIRNAME/other_abi" 2 "$BATS_FILE_TMPDIR/next" build/splicer.o build/map_update build/map_delete \
		build/rule_list build/iface_set build/verdict_stat build/lookup_link build/trace_tail build/conn_list 3>&-
	clang -O2 -g -target bpf -I"/usr/include/$(gcc -print-multiarch)" -x c -c - -o "$BATS_FILE_TMPDIR/tap.o" <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		SEC("action") int tap(struct __sk_buff *skb)
		{
			return -1;
		}
		char _license[] SEC("license") = "GPL";
	END
}

teardown_file() {
	stop_started
}

setup() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	attach wan0
	map_update -f - <<-END
		192.0.2.1 32 7 7 0 udp
		192.0.2.1 32 7 7 0 tcp
		2001:db8::1 128 7 7 0 udp
		2001:db8::1 128 7 7 0 tcp
	END
}

# Also where a test has left the box in pieces.
teardown() {
	local one
	stop_started
	mountpoint -q /sys/fs/bpf || mount -t bpf -o mode=700 bpf /sys/fs/bpf
	mount -o remount,rw,bind /sys/fs/bpf
	for one in wan0 wan9 lan0; do
		ip link del "$one" 2>/dev/null || true
	done
	ip netns del elsewhere 2>/dev/null || true
	rm -rf "${PINS:?}"
}

attach() { "$ATTACH" --object "$LAB_OBJECTS/splicer.o" "$@"; }
next() { "$BATS_FILE_TMPDIR/next/build/$1" "${@:2}"; }
next_attach() { "$BATS_FILE_TMPDIR/next/scripts/attach" "$@"; }

# What the rules say is open, and the port beside it, at which somebody listens too.
assert_guarded() {
	assert_traffic client <<-END
		answer udp 192.0.2.1 7
		answer tcp 192.0.2.1 7
		answer udp 2001:db8::1 7
		answer tcp 2001:db8::1 7
		timeout udp 192.0.2.1 9
		timeout tcp 192.0.2.1 9
		timeout udp 2001:db8::1 9
		timeout tcp 2001:db8::1 9
	END
}

assert_closed() {
	assert_traffic client <<-END
		timeout udp 192.0.2.1 7
		timeout tcp 192.0.2.1 7
		timeout udp 2001:db8::1 7
		timeout tcp 2001:db8::1 7
		timeout udp 192.0.2.1 9
		timeout tcp 2001:db8::1 9
	END
}

# The filter is off: that the test notices, and that it is not silent.
assert_open() {
	assert_traffic client <<-END
		answer udp 192.0.2.1 9
		answer tcp 192.0.2.1 9
		answer udp 2001:db8::1 9
		answer tcp 2001:db8::1 9
	END
}

# row IFACE [TOOL]...: of iface_set, without blanks that align
row() {
	"${@:2}" iface_set | awk -v iface="$1" '$1 == iface { $1 = $1; print }'
}

# What the kernel forgets of an interface that was down or elsewhere.
addresses_again() {
	local dev=$1
	ip link set "$dev" up
	ip addr replace 192.0.2.1/24 dev "$dev"
	ip -6 addr replace 2001:db8::1/64 dev "$dev" nodad
	ip neigh replace 192.0.2.2 lladdr "$(lab_mac eth0 lab_on client)" dev "$dev" nud permanent
	ip neigh replace 2001:db8::2 lladdr "$(lab_mac eth0 lab_on client)" dev "$dev" nud permanent
}

# ---- the bpf file system ----

@test "a bpf file system that was remounted read-only: packets and rules as before, changes too; what would pin says why it cannot" {
	mount -o remount,ro,bind /sys/fs/bpf
	assert_guarded
	# maps are written, and not the file system
	assert_quiet map_update 192.0.2.1 32 9 9 0 udp
	assert_traffic client <<<'answer udp 192.0.2.1 9'
	assert_quiet map_delete 192.0.2.1 32 9 udp
	tail_start events -c 1 -p udp --dport 9 -s 192.0.2.2
	assert_traffic client <<<'timeout udp 192.0.2.1 9'
	assert_ends "$pid" 0
	assert_match "$(<"$BATS_TEST_TMPDIR/events")" 'BLOCKED dropped no-rule'
	# the pins are there: loaded anew over them
	assert_quiet attach wan0
	assert_guarded
	assert_exit 1 "$ATTACH" --lb --object "$LAB_OBJECTS/lb.o" wan0
	assert_match "$err" '^attach: wan0: .*Read-only file system; no filter of lb.o is in force$'
	assert_guarded
	mount -o remount,rw,bind /sys/fs/bpf
	rm "$PINS/splicer1_rules"
	mount -o remount,ro,bind /sys/fs/bpf
	assert_exit 1 attach wan0
	assert_match "$err" '^attach: wan0: .*Read-only file system; the previous filter stays in force$'
	assert_guarded
}

@test "a bpf file system that is gone: packets as before, tools say so; attached again there are no rules, and nothing is open" {
	local tool
	umount -l /sys/fs/bpf
	assert_guarded
	for tool in 'map_update 192.0.2.1 32 9 9 0 udp' 'map_delete --all' rule_list verdict_stat 'trace_tail -c 1' iface_set conn_list; do
		# shellcheck disable=SC2086  # words
		assert_error $tool
		assert_match "$err" "^[a-z_]+: $PINS: no such directory; is "
	done
	assert_guarded
	assert_quiet attach wan0
	assert_equal "$(stat -c %a /sys/fs/bpf)" 1700 'mode of what it mounted'
	assert_equal "$(rule_list --save)" ''
	assert_closed
}

@test "pins removed under tools that run: each ends with exit 1 and says so, or waits; packets as before" {
	local tool n=0 pids=()
	"$ATTACH" --lb --object "$LAB_OBJECTS/lb.o" wan0 2>/dev/null
	"$ATTACH" --flow --object "$LAB_OBJECTS/flow.o" wan0
	"$ATTACH" --xdp --object "$LAB_OBJECTS/xdp_filter.o" wan0 2>/dev/null
	lb_backend add -q 192.0.2.9:80/tcp 192.0.2.2:80
	for tool in 'rule_list --watch 1' 'lb_backend list --watch 1' 'xdp_rule list --watch 1' 'flow_dump --watch 1' \
		'verdict_stat --watch 1' 'flow_watch -v --interval 1'; do
		n=$((n + 1))
		# shellcheck disable=SC2086  # words
		started "$BATS_TEST_TMPDIR/$n" $tool
		pids+=("$pid")
	done
	tail_start events
	for n in 1 2 3 4 5 6; do
		eventually has_lines "$BATS_TEST_TMPDIR/$n" 1
	done
	rm "$PINS"/{splicer,xdp,lb,flow,event}1_*
	for n in 1 2 3 4 5 6; do
		assert_ends "${pids[n - 1]}" 1
		assert_match "$(tail -n 1 "$BATS_TEST_TMPDIR/$n")" "^[a-z_]+: $PINS/[a-z0-9_]+: not pinned; is "
	done
	eventually grep -q "^trace_tail: $PINS: the pins are gone, waiting for new ones$" "$BATS_TEST_TMPDIR/events"
	# programs hold their maps
	assert_guarded
	assert_quiet attach wan0
	assert_closed
	eventually grep -q 'subscribed again' "$BATS_TEST_TMPDIR/events"
}

# ---- interfaces ----

@test "an interface that is renamed: filter, rules and settings go with it" {
	map_update 192.0.2.1 32 9 9 0 udp -i wan0
	iface_set wan0 ssh=off
	ip link set wan0 down
	ip link set wan0 name wan9
	addresses_again wan9
	assert_traffic client <<<'answer udp 192.0.2.1 9'
	assert_quiet map_delete 192.0.2.1 32 9 udp -i wan9
	assert_guarded
	assert_equal "$(row wan9)" 'wan9 prio 49152 prio 20 linked 3 - ssh=off'
	assert_exit 0 attach -v wan9
	assert_match "$out" 'C wan9 ingress'
	assert_guarded
	assert_exit 1 attach wan0
	assert_equal "$err" 'attach: wan0: no such interface'
}

@test "an interface that goes to another network namespace and comes back: the kernel takes its filters, and the list says so" {
	map_update 192.0.2.1 32 9 9 0 udp -i wan0
	ip netns add elsewhere
	ip link set wan0 netns elsewhere
	assert_match "$(iface_set | grep -c wan0)" '^0$'
	assert_equal "$(lab_on elsewhere tc qdisc show dev wan0 clsact)" ''
	assert_equal "$(rule_list --save | grep -c '^192.0.2.1 32 9 9 0 udp -i "#[0-9]*"$')" 1
	# tools and attach refuse there
	assert_exit 1 lab_on elsewhere "$ATTACH" --object "$LAB_OBJECTS/splicer.o" wan0
	assert_match "$err" 'belong to another network namespace.*; no filter of splicer is in force, the interface is open$'
	assert_exit 1 lab_on elsewhere map_update 192.0.2.1 32 9 9 0 tcp
	lab_on elsewhere ip link set wan0 netns $$
	addresses_again wan0
	assert_match "$(row wan0)" '^wan0 - - - '
	assert_open
	assert_quiet attach wan0
	assert_quiet map_delete 192.0.2.1 32 9 udp -i wan0
	assert_guarded
}

@test "an interface that is removed and made anew under its name: no rule or setting of the old one is its" {
	map_update -f - <<-END
		192.0.2.1 32 9 9 0 udp -i wan0
		2001:db8::1 128 9 9 0 udp -i wan0
	END
	iface_set wan0 ssh=off mode=detect
	ip link del wan0
	assert_match "$(iface_set | grep detect)" '^#[0-9]+ .* gone '
	# which is forgotten with the next setting
	iface_set any mode=prevent
	assert_equal "$(iface_set | grep -c detect)" 0
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	assert_match "$(row wan0)" '^wan0 - - - '
	assert_quiet attach wan0
	assert_guarded
	assert_equal "$(row wan0)" 'wan0 prio 49152 prio 20 linked 3 - (mode=prevent)'
	assert_equal "$(rule_list --save | grep -c -- ' -i "#[0-9]*"$')" 2
	assert_exit 0 map_delete --all -i "$(rule_list --save | sed -nE 's/.* -i "(#[0-9]+)"$/\1/p' | head -n 1)"
	assert_equal "$(rule_count)" 4
}


# ---- the place ----

@test "a filter that somebody removed, or replaced by another, and a clsact that is gone: the list shows it, attach mends it" {
	tc filter del dev wan0 ingress
	assert_equal "$(row wan0)" 'wan0 - prio 20 - 3 no-ingress -'
	assert_open
	assert_exit 0 attach -v wan0
	assert_equal "$out" $'C wan0 egress prio 20 handle 0x1\n= splicer1_lookup\nA wan0 ingress prio 49152 handle 0x1'
	assert_guarded
	tc filter replace dev wan0 ingress protocol all prio 49152 handle 1 bpf da obj "$BATS_FILE_TMPDIR/tap.o" sec action
	assert_equal "$(row wan0)" 'wan0 - prio 20 - 3 no-ingress -'
	assert_exit 1 attach wan0
	assert_match "$err" 'prio 49152 is held by another filter .*program tap\).*the interface is open$'
	assert_quiet attach --prio 49151 wan0
	assert_guarded
	tc qdisc del dev wan0 clsact
	assert_equal "$(row wan0)" 'wan0 - - - 3 - -'
	assert_error rule_list --match 'udp 192.0.2.2 192.0.2.1:7'
	assert_equal "$err" 'rule_list: splicer.o: not attached to any interface'
	assert_open
	assert_quiet attach wan0
	assert_guarded
}

# ---- two versions ----

@test "maps of an older ABI: every tool of the newer names both, and changes nothing; and the other way round" {
	local tool before
	before=$(rule_list --save)
	for tool in 'map_update 192.0.2.1 32 9 9 0 udp' 'map_delete --all' rule_list verdict_stat iface_set lookup_link 'lookup_link make' \
		'trace_tail -c 1' conn_list; do
		# shellcheck disable=SC2086  # words
		assert_exit 1 next $tool
		assert_equal "$err" "${tool%% *}: $PINS: the maps there are of ABI 1, this tool speaks ABI 2"
	done
	assert_equal "$(rule_list --save)" "$before"
	assert_guarded
	assert_quiet next_attach wan0
	rm "$PINS"/{splicer,event}1_*
	for tool in 'map_update 192.0.2.1 32 9 9 0 udp' 'map_delete --all' rule_list verdict_stat iface_set lookup_link 'trace_tail -c 1'; do
		# shellcheck disable=SC2086
		assert_error $tool
		assert_equal "$err" "${tool%% *}: $PINS: the maps there are of ABI 2, this tool speaks ABI 1"
	done
	assert_closed
}

@test "two versions at once, each on an interface of its own: each has its rules, and its tools see the other as stale" {
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	assert_quiet next_attach lan0
	next map_update -f - <<-END
		198.51.100.1 32 9 9 0 udp
		2001:db8:1::1 128 9 9 0 udp
	END
	assert_guarded
	assert_traffic guest <<-END
		answer udp 198.51.100.1 9
		answer udp 2001:db8:1::1 9
		timeout udp 198.51.100.1 7
		timeout udp 2001:db8:1::1 7
	END
	assert_match "$(row lan0)" '^lan0 stale stale - '
	assert_match "$(row wan0)" '^wan0 prio 49152 prio 20 linked '
	assert_match "$(row wan0 next)" '^wan0 stale stale - '
	assert_match "$(row lan0 next)" '^lan0 prio 49152 prio 20 linked '
	assert_equal "$(rule_count)" 4
	assert_equal "$(next rule_list --save | wc -l)" 2
	# over the old one, as an upgrade would: its filters take the place, its rules decide, which are none here
	assert_exit 0 next_attach -v wan0
	assert_equal "$out" $'C wan0 egress prio 20 handle 0x1\n= splicer2_lookup\nC wan0 ingress prio 49152 handle 0x1'
	assert_closed
	# and back: the old rules wait
	assert_quiet attach wan0
	assert_guarded
}
