#!/usr/bin/env bats
# shellcheck shell=bats
# scripts/attach and scripts/detach: once each, fail closed, and nothing of anybody else's is touched.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

ATTACH=$BATS_TEST_DIRNAME/../../scripts/attach
DETACH=$BATS_TEST_DIRNAME/../../scripts/detach

setup_file() {
	objects_make
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 tcp 127.0.0.1 58997 udp ::1 58997 tcp 0.0.0.0 8080 tcp :: 8080 udp 192.0.2.1 7777
}

teardown_file() {
	stop_started
}

# No qdiscs, no pins, a bpf file system.
setup() {
	local dev
	for dev in wan0 lan0; do
		tc qdisc del dev "$dev" clsact 2>/dev/null || tc qdisc del dev "$dev" ingress 2>/dev/null || true
	done
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	rm -rf "${PINS:?}"/*
}

teardown() {
	stop_started
}

# ---- programs ----

# compile NAME [FLAG]...: C on standard input to $BATS_FILE_TMPDIR/NAME.o
compile() {
	local name=$1
	shift
	clang -O2 -g -target bpf -I"/usr/include/$(gcc -print-multiarch)" "$@" -x c -c - -o "$BATS_FILE_TMPDIR/$name.o"
}

objects_make() {
	local name
	# a filter of somebody else: counts packets in a pinned map, and passes them on
	for name in tap_before tap_after tap_egress splicer1_rules; do
		compile "$name" -DMAP="$name" <<-'END'
			#include <linux/bpf.h>
			#include <bpf/bpf_helpers.h>
			struct {
				__uint(type, BPF_MAP_TYPE_ARRAY);
				__uint(max_entries, 1);
				__type(key, __u32);
				__type(value, __u32);
				__uint(pinning, LIBBPF_PIN_BY_NAME);
			} MAP SEC(".maps");
			SEC("action") int tap(struct __sk_buff *skb)
			{
				__u32 key = 0, *count = bpf_map_lookup_elem(&MAP, &key);
				if (count)
					__sync_fetch_and_add(count, 1);
				return -1;
			}
			char _license[] SEC("license") = "GPL";
		END
	done
	# splicer.o, but one of its programs is refused by the kernel
	for name in action action/egress sk_lookup; do
		python3 -IS "$BATS_TEST_DIRNAME/../break_section" "$LAB_OBJECTS/splicer.o" "$name" \
			"$BATS_FILE_TMPDIR/broken_${name#*/}.o"
	done
	# a good program, but not in the section
	compile elsewhere <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		SEC("classifier") int splicer_ingress(struct __sk_buff *skb)
		{
			return -1;
		}
		SEC("action/egress") int splicer_egress(struct __sk_buff *skb)
		{
			return -1;
		}
		SEC("sk_lookup") int splicer_lookup(struct bpf_sk_lookup *ctx)
		{
			return SK_PASS;
		}
		char _license[] SEC("license") = "GPL";
	END
}

# ---- what is attached ----

attach() { "$ATTACH" --object "$LAB_OBJECTS/splicer.o" "$@"; }
release() { "$DETACH" "$@"; }

# Where both filters belong.
PLACES=$'egress 20 0x1\ningress 49152 0x1'

# ours DEV HOOK EXPRESSION: from every line about splicer's filters at the hook, what the expression keeps
ours() {
	tc filter show dev "$1" "$2" | sed -nE "/ name splicer_$2 tag /s/.* pref ([0-9]+) bpf .* handle ([^ ]+) .* id ([0-9]+) .*/$3/p"
}

# ids DEV: the program ids of splicer's filters there, of egress first
ids() {
	ours "$1" egress '\3'
	ours "$1" ingress '\3'
}

# places DEV: where they are
places() {
	ours "$1" egress 'egress \1 \2'
	ours "$1" ingress 'ingress \1 \2'
}

# foreign DEV: every line about filters of others, with ids of programs, on both hooks, and the qdiscs
foreign() {
	tc qdisc show dev "$1"
	tc filter show dev "$1" ingress | grep -v -e splicer_ingress -e ' pref 49152 bpf chain 0 $'
	if tc qdisc show dev "$1" | grep -q clsact; then
		tc filter show dev "$1" egress | grep -v -e splicer_egress -e ' pref 20 bpf chain 0 $'
	fi
}

# state DEV: all that attach changes but pinned maps; filters with the ids of their programs
state() {
	tc qdisc show dev "$1"
	tc filter show dev "$1" ingress
	tc filter show dev "$1" egress
	[ ! -e "$PINS/splicer1_lookup" ] || lookup_link -j 2>/dev/null || true # or its maps are not what they were
}

link_state() {
	lookup_link | awk 'NR == 2 { print $1 }'
}

tap() {
	tc filter add dev "$1" "$2" prio "$3" handle "${5:-1}" bpf da obj "$BATS_FILE_TMPDIR/$4.o" sec action
}

# tap_dump NAME: what a filter of somebody else has counted, lowest byte first
tap_dump() {
	python3 -IS "$BATS_TEST_DIRNAME/../cli/bpfmap" dump "$PINS/$1"
}

taps() {
	tap_dump tap_before
	tap_dump tap_after
	tap_dump tap_egress
}

number() {
	echo $((16#${1:6:2}${1:4:2}${1:2:2}${1:0:2}))
}

# Sets what is needed to tell whether a filter of splicer decides on wan0.
rules_insert() {
	map_update 172.16.240.0 24 5060 5060 58997 udp
	map_update 172.16.240.0 24 5060 5060 58997 tcp
	map_update fd00:240:: 64 5060 5060 58997 udp
}

# By traffic that is spliced, and by two packets that are counted as dropped: no wait for what does not come.
assert_in_force() {
	local before
	before=$(dropped)
	lab_on client bash -c 'echo x >/dev/udp/192.0.2.1/8080; echo x >/dev/udp/2001:db8::1/8080'
	assert_traffic client <<-END || return
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
	END
	eventually dropped_since "$before" 2
}

# By somebody who listens and is not reached, as well.
assert_closed() {
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		timeout tcp 192.0.2.1 8080
		timeout tcp 2001:db8::1 8080
	END
}

# dropped: packets for which there was no rule
dropped() {
	verdict_stat | awk '$6 == "no-rule" { n += $7 } END { print n + 0 }'
}

# dropped_since BEFORE COUNT
dropped_since() {
	[ "$(dropped)" -ge $(($1 + $2)) ]
}

assert_open() {
	assert_traffic client <<-END
		answer tcp 192.0.2.1 8080
		answer tcp 2001:db8::1 8080
	END
}

# assert_fails DEV REASON STATE [ARG]...: attach fails on DEV, in one line that tells why and what is in force, and changes
# neither filters nor the link
assert_fails() (
	trap - DEBUG # of bats, before every command: it takes longer than the command
	dev=$1 reason=$2 state=$3
	shift 3
	before=$(state "$dev")
	assert_exit 1 attach "$@" "$dev" || return
	assert_equal "$(state "$dev")" "$before" 'qdiscs, filters and the link' || return
	assert_equal "$out" '' 'standard output' || return
	assert_match "$err" "^attach: $dev: [^"$'\n'"]*${reason}[^"$'\n'"]*; $state"'$'
)

PREVIOUS='the previous filter stays in force'
OPEN='no filter of splicer is in force, the interface is open'

# ---- once ----

@test "attached three times there is one filter on each hook, in its place, and each time a new program" {
	local id last=
	for _ in 1 2 3; do
		assert_quiet attach wan0
		assert_equal "$(places wan0)" "$PLACES"
		id=$(ids wan0)
		assert_match "$id" $'^[0-9]+\n[0-9]+$'
		[ "$id" != "$last" ] || fail "expected: another program than $last"
		last=$id
		assert_equal "$(link_state)" linked
	done
	rules_insert
	assert_closed
}

@test "rules, counters and an established connection outlive loading anew" {
	local before
	attach wan0
	rules_insert
	assert_in_force
	mkfifo "$BATS_TEST_TMPDIR/words"
	exec 9<>"$BATS_TEST_TMPDIR/words"
	started "$BATS_TEST_TMPDIR/echoes" nsenter --net=/run/netns/client -- peer tcp-hold 172.16.240.9 5060 <&9
	eventually grep -q '^sent to' "$BATS_TEST_TMPDIR/echoes"
	before=$(rule_list -j | fields proto dst packets)
	assert_quiet attach wan0
	assert_equal "$(rule_list -j | fields proto dst packets)" "$before" 'rules and counters'
	echo after >&9
	eventually grep -qx after "$BATS_TEST_TMPDIR/echoes"
	exec 9>&-
	assert_in_force
}

@test "the historic command before, even twice, ends in one filter; packets are counted once" {
	lab_attach wan0
	tc filter add dev wan0 ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	assert_equal "$(places wan0)" $'ingress 49151 0x1\ningress 49152 0x1'
	assert_exit 0 attach -v wan0
	assert_equal "$out" "$(
		cat <<-END
			A wan0 egress prio 20 handle 0x1
			A splicer1_lookup
			C wan0 ingress prio 49152 handle 0x1
			D wan0 ingress prio 49151 handle 0x1
		END
	)"
	assert_equal "$(places wan0)" "$PLACES"
	map_update -a drop 192.0.2.1 32 8081 8081 0 udp
	lab_on client python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 8081))'
	eventually test "$(rule_values packets)" = 1
}

@test "another prio moves the filters there" {
	attach wan0
	rules_insert
	assert_exit 0 attach -v --prio 77 --egress-prio 78 wan0
	assert_equal "$out" "$(
		cat <<-END
			A wan0 egress prio 78 handle 0x1
			= splicer1_lookup
			A wan0 ingress prio 77 handle 0x1
			D wan0 egress prio 20 handle 0x1
			D wan0 ingress prio 49152 handle 0x1
		END
	)"
	assert_equal "$(places wan0)" $'egress 78 0x1\ningress 77 0x1'
	assert_in_force
}

# waits_for_lock PID: a flock(1) that it runs does
waits_for_lock() {
	local one
	while read -r one; do
		grep -qx "PPid:.$1" "/proc/$one/status" 2>/dev/null && return
	done < <(awk '$2 == "->" && $3 == "FLOCK" { print $6 }' /proc/locks)
	return 1
}

# That of the box, and of the machine under it.
bpffs_unmount() {
	while mountpoint -q /sys/fs/bpf; do
		umount /sys/fs/bpf
	done
}

# assert_waits DIRECTORY COMMAND [ARG]...: it does nothing to wan0 as long as somebody holds the lock, then succeeds
assert_waits() {
	local before lock directory=$1
	shift
	before=$(tc qdisc show dev wan0 && tc filter show dev wan0 ingress)
	exec {lock}<"$directory"
	flock "$lock"
	# it must not inherit the lock
	started "$BATS_TEST_TMPDIR/waiter" "$@" {lock}<&-
	eventually waits_for_lock "$pid" || return
	assert_equal "$(tc qdisc show dev wan0 && tc filter show dev wan0 ingress)" "$before" || return
	exec {lock}<&-
	assert_ends "$pid" 0
}

@test "attach and detach wait for each other, and for whoever mounts the bpf file system" {
	attach lan0
	assert_waits /sys/fs/bpf/tc "$ATTACH" --object "$LAB_OBJECTS/splicer.o" wan0
	assert_equal "$(places wan0)" "$PLACES"
	assert_waits /sys/fs/bpf/tc "$DETACH" wan0
	assert_equal "$(places wan0)" ''
	bpffs_unmount
	assert_waits /sys/fs/bpf "$ATTACH" --object "$LAB_OBJECTS/splicer.o" wan0
	assert_equal "$(places wan0)" "$PLACES"
}

@test "a second interface shares the maps" {
	attach wan0
	rules_insert
	assert_quiet attach lan0
	assert_traffic client <<<'answer udp 172.16.240.9 5060'
	assert_traffic guest <<-END
		answer udp 172.16.240.9 5060
		timeout tcp 198.51.100.1 8080
	END
	assert_equal "$(rule_values packets -p udp 172.16.240.0 24)" 2
}

@test "all interfaces are tried, also after one that is not there" {
	assert_exit 1 attach nope wan0
	assert_equal "$out$err" 'attach: nope: no such interface'
	rules_insert
	assert_in_force
	assert_exit 1 release nope wan0
	assert_equal "$out$err" 'detach: nope: no such interface'
	assert_open
}

@test "a filter whose maps were removed is mended" {
	attach wan0
	rm "$PINS"/*
	assert_exit 1 rule_list
	assert_quiet attach wan0
	assert_equal "$(link_state)" linked
	rules_insert
	assert_in_force
}

@test "the ingress alone, as ever: neither egress nor the link, and what is there of them stays" {
	local before
	assert_exit 0 attach -v --ingress-only wan0
	assert_equal "$out" $'A wan0 clsact\nA wan0 ingress prio 49152 handle 0x1'
	assert_equal "$(link_state)" none
	attach wan0
	before=$(ours wan0 egress '\3') && assert_match "$before" '^[0-9]+$'
	assert_exit 0 attach -v --ingress-only wan0
	assert_equal "$out" 'C wan0 ingress prio 49152 handle 0x1'
	assert_equal "$(ours wan0 egress '\3')" "$before"
	assert_equal "$(link_state)" linked
}

# ---- detach ----

@test "detach removes every filter of splicer, on both hooks, and opens the interface; the rules wait" {
	lab_attach wan0
	attach --prio 5 wan0
	tc filter add dev wan0 ingress prio 6 handle 3 bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	tc filter add dev wan0 ingress prio 7 chain 4 bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	rules_insert
	assert_in_force
	assert_exit 0 release -v wan0
	assert_equal "$(sort <<<"$out")" "$(
		printf 'D splicer1_lookup\nD wan0 egress prio 20 handle 0x1\n'
		printf 'D wan0 ingress prio %s handle %s\n' 5 0x1 6 0x3 7 0x1
	)"
	assert_equal "$(tc filter show dev wan0 ingress)$(tc filter show dev wan0 egress)" ''
	assert_equal "$(link_state)" none
	assert_match "$(tc qdisc show dev wan0)" 'qdisc clsact'
	assert_open
	assert_quiet release wan0
	assert_exit 0 release --verbose wan0
	assert_equal "$out" '= wan0'
	attach wan0
	assert_in_force
}

@test "detach takes back what the program was told of a lookup link whose pin was removed by hand" {
	attach wan0
	rm "$PINS/splicer1_lookup"
	assert_equal "$(lookup_link -j | fields state)" lost
	assert_exit 0 "$DETACH" -v wan0
	assert_equal "$(tail -n 1 <<<"$out")" 'C splicer1_lookup'
	assert_equal "$(lookup_link -j | fields state)" none
}

@test "detach of an interface that never had a qdisc is no error, and adds none" {
	local before
	before=$(tc qdisc show dev wan0)
	assert_quiet release wan0
	assert_equal "$(tc qdisc show dev wan0)" "$before"
}

# ---- others ----

@test "filters of others, before and behind, on both hooks, outlive attach, failure and detach with what they counted" {
	local before counts now i
	tc qdisc add dev wan0 clsact
	tap wan0 ingress 10 tap_before
	tap wan0 ingress 50000 tap_after 7
	tap wan0 egress 30 tap_egress
	tc filter add dev wan0 ingress prio 60000 protocol ip u32 match u32 0 0 classid 1:1 2>/dev/null || echo '# no u32 here' >&3
	before=$(foreign wan0)
	assert_quiet attach wan0
	rules_insert
	assert_in_force
	assert_quiet attach wan0
	assert_fails wan0 'load failed' "$PREVIOUS" --object "$BATS_FILE_TMPDIR/broken_action.o"
	# what is passed, and not spliced, is what the filter behind sees
	map_update 192.0.2.1 32 7777 7777 0 udp
	assert_traffic client <<<'answer udp 192.0.2.1 7777'
	assert_equal "$(foreign wan0)" "$before"
	mapfile -t counts < <(taps)
	assert_quiet release wan0
	assert_open
	assert_equal "$(foreign wan0)" "$before"
	mapfile -t now < <(taps)
	for i in 0 1 2; do
		[ "$(number "${counts[i]}")" -gt 0 ] || fail "tap $i counted nothing"
		[ "$(number "${now[i]}")" -gt "$(number "${counts[i]}")" ] || fail "tap $i: ${counts[i]}, then ${now[i]}"
	done
}

@test "somebody else's filter in the place is refused by name, and untouched; --prio finds another" {
	local before
	tc qdisc add dev wan0 clsact
	tap wan0 ingress 49152 tap_before
	before=$(tc filter show dev wan0 ingress)
	assert_fails wan0 'prio 49152 is held by another filter \(bpf, protocol all, handle 0x1, program tap\); choose another with --prio' \
		"$OPEN"
	assert_equal "$(tc filter show dev wan0 ingress)" "$before"
	assert_exit 1 attach -n wan0
	assert_match "$err" 'held by another filter'
	assert_quiet attach --prio 50000 wan0
	rules_insert
	assert_in_force
	assert_equal "$(tc filter show dev wan0 ingress | grep -v ' pref 50000 ')" "$before"
	assert_quiet release wan0
	assert_equal "$(tc filter show dev wan0 ingress)" "$before"
}

@test "somebody else's filter in the place on egress is refused too, before anything is done, and keeps its count" {
	local before count
	tc qdisc add dev wan0 clsact
	tap wan0 egress 20 tap_egress
	assert_open
	before=$(tc filter show dev wan0 egress)
	count=$(number "$(tap_dump tap_egress)")
	[ "$count" -gt 0 ] || fail 'the tap counted nothing'
	assert_fails wan0 \
		'egress prio 20 is held by another filter \(bpf, protocol all, handle 0x1, program tap\); choose another with --egress-prio' \
		"$OPEN"
	assert_quiet attach --ingress-only wan0
	assert_fails wan0 'egress prio 20 is held by another filter' "$PREVIOUS"
	assert_quiet attach --egress-prio 19 wan0
	assert_equal "$(places wan0)" $'egress 19 0x1\ningress 49152 0x1'
	assert_equal "$(tc filter show dev wan0 egress | grep -v ' pref 19 ')" "$before"
	assert_quiet release wan0
	assert_equal "$(tc filter show dev wan0 egress)" "$before"
	[ "$(number "$(tap_dump tap_egress)")" -ge "$count" ] || fail 'the tap lost its count'
}

@test "a priority that is taken for one protocol is refused too" {
	tc qdisc add dev wan0 clsact
	tc filter add dev wan0 ingress prio 49152 handle 9 protocol ip bpf da obj "$BATS_FILE_TMPDIR/tap_before.o" sec action
	assert_fails wan0 'prio 49152 is held by another filter \(bpf, protocol ip' "$OPEN"
	assert_match "$(tc filter show dev wan0 ingress)" 'handle 0x9'
}

@test "somebody else's filter beside the place stays beside it" {
	tc qdisc add dev wan0 clsact
	tap wan0 ingress 49152 tap_before 9
	assert_quiet attach wan0
	assert_quiet attach wan0
	assert_quiet release wan0
	assert_match "$(tc filter show dev wan0 ingress)" 'handle 0x9 .*name tap'
	assert_equal "$(ids wan0)" ''
}

@test "a plain ingress qdisc has no egress: it will do for the ingress alone, and stays" {
	tc qdisc add dev wan0 ingress
	tap wan0 ingress 10 tap_before
	assert_fails wan0 'its qdisc ingress has no egress; put clsact in its place, or attach with --ingress-only' "$OPEN"
	assert_quiet attach --ingress-only wan0
	rules_insert
	assert_in_force
	assert_fails wan0 'load failed' "$PREVIOUS" --ingress-only --object "$BATS_FILE_TMPDIR/broken_action.o"
	assert_quiet release wan0
	assert_match "$(tc qdisc show dev wan0)" 'qdisc ingress'
	assert_match "$(tc filter show dev wan0 ingress)" 'name tap'
	assert_equal "$(ours wan0 ingress '\3')" ''
}

@test "filters of a shared block are not ours to change" {
	tc qdisc add dev wan0 ingress_block 5 clsact || skip 'no shared blocks here'
	tc filter add block 5 prio 9 bpf da obj "$BATS_FILE_TMPDIR/tap_before.o" sec action
	assert_fails wan0 'block is shared' "$OPEN"
	assert_match "$(tc filter show block 5)" 'name tap'
}

# ---- failures ----

# rule_counts: each rule with its packets, but not when it was hit last
rule_counts() {
	rule_list -j | sed 's/"last":[^,]*,//g'
}

# assert_fails_closed REASON [ARG]...: with a filter in force that filter stays, rules and counters too
assert_fails_closed() (
	trap - DEBUG
	reason=$1
	shift
	before=$(rule_counts)
	assert_fails wan0 "$reason" "$PREVIOUS" "$@" || return
	assert_equal "$(rule_counts)" "$before" 'rules and counters'
)

@test "what cannot be loaded, whichever part, leaves the previous filters in force; -v tells all of it" {
	local section
	attach wan0
	rules_insert
	echo splicer_ingress splicer_egress splicer_lookup >"$BATS_TEST_TMPDIR/text"
	assert_fails_closed 'ELF' --object "$BATS_TEST_TMPDIR/text"
	assert_fails_closed 'cannot be read' --object /nonexistent
	assert_fails_closed 'cannot be read' --object "$BATS_TEST_TMPDIR"
	# it could be loaded
	assert_fails_closed 'has no program splicer_ingress' --object "$BATS_FILE_TMPDIR/tap_before.o"
	assert_fails_closed 'contain sec' --object "$BATS_FILE_TMPDIR/elsewhere.o"
	for section in action egress sk_lookup; do
		assert_fails_closed 'load failed' --object "$BATS_FILE_TMPDIR/broken_$section.o"
		assert_exit 1 attach -v --object "$BATS_FILE_TMPDIR/broken_$section.o" wan0
		assert_match "$err" 'unreachable insn'
		assert_match "$err" "$PREVIOUS$"
	done
	assert_closed
}

@test "maps of another shape leave the previous filter in force" {
	attach wan0
	rules_insert
	mv "$PINS/splicer1_rules" "$PINS/kept"
	tc qdisc add dev lan0 clsact
	tap lan0 ingress 10 splicer1_rules
	assert_fails wan0 'parameter mismatch' "$PREVIOUS"
	assert_traffic client <<<'answer udp 172.16.240.9 5060'
	rm "$PINS/splicer1_rules"
	mv "$PINS/kept" "$PINS/splicer1_rules"
	assert_quiet attach wan0
	assert_in_force
}

@test "where nothing was in force a failure says so, and takes back what it added, only that" {
	local section
	for section in action egress sk_lookup; do
		assert_fails wan0 'load failed' "$OPEN" --object "$BATS_FILE_TMPDIR/broken_$section.o"
	done
	tc qdisc add dev wan0 clsact
	# with -v as well, and the link is not taken from an interface that it serves
	assert_exit 1 attach -v --object "$BATS_FILE_TMPDIR/broken_action.o" wan0
	assert_equal "$out" "$(
		cat <<-END
			A wan0 egress prio 20 handle 0x1
			A splicer1_lookup
			D wan0 egress prio 20 handle 0x1
			D splicer1_lookup
		END
	)"
	attach lan0
	assert_fails wan0 'load failed' "$OPEN" --object "$BATS_FILE_TMPDIR/broken_action.o"
	assert_equal "$(link_state)" linked
}

@test "of two interfaces the first fails late: the link is made for the second" {
	tc qdisc add dev wan0 ingress_block 5 clsact || skip 'no shared blocks here'
	tc filter add block 5 prio 9 bpf da obj "$BATS_FILE_TMPDIR/tap_before.o" sec action
	assert_exit 1 attach -v wan0 lan0
	assert_equal "$(grep splicer1_lookup <<<"$out")" $'A splicer1_lookup\nD splicer1_lookup\nA splicer1_lookup'
	assert_equal "$(places wan0)" ''
	assert_equal "$(places lan0)" "$PLACES"
	assert_equal "$(link_state)" linked
	assert_exit 1 attach -v wan0
	assert_equal "$(link_state)" linked
}

@test "a qdisc that it added stays if somebody used it meanwhile" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/tc" <<-END
		#!/bin/sh
		PATH=${PATH@Q}
		if [ "\$2" = replace ]; then
			tc filter add dev wan0 egress prio 30 handle 1 bpf da obj ${BATS_FILE_TMPDIR@Q}/tap_egress.o sec action 2>/dev/null
		fi
		exec tc "\$@"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/tc"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH assert_exit 1 attach --object "$BATS_FILE_TMPDIR/broken_action.o" wan0
	assert_match "$err" "load failed.*; $OPEN$"
	assert_equal "$(places wan0)" ''
	assert_match "$(tc filter show dev wan0 egress)" 'name tap'
}

@test "killed at random moments, no packet gets in that should not, and none is lost that should" {
	local n blocked passed
	attach wan0
	rules_insert
	cat >"$BATS_TEST_TMPDIR/flood" <<-'END'
		import select, signal, socket, sys
		stop = []
		signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		sent = 0
		while not stop:
		    sent += 1
		    s.sendto(b"x", ("192.0.2.1", 7777))
		    if sent == 1:
		        print("ready", flush=True)
		    if select.select([s], [], [], 0.001)[0]:
		        print("an answer", flush=True)
		        break
		print(sent > 100, flush=True)
	END
	started "$BATS_TEST_TMPDIR/blocked" nsenter --net=/run/netns/client -- python3 "$BATS_TEST_TMPDIR/flood"
	blocked=$pid
	started "$BATS_TEST_TMPDIR/passed" nsenter --net=/run/netns/client -- peer udp-stream 172.16.240.9 5060
	passed=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/blocked"
	eventually grep -q ready "$BATS_TEST_TMPDIR/passed"
	for n in {1..16}; do
		# in a process group of its own, so that what it runs dies with it
		started /dev/null setsid "$ATTACH" --object "$LAB_OBJECTS/splicer.o" \
			--prio $((49152 - n % 2)) --egress-prio $((20 + n % 2)) wan0
		sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
		kill -9 -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		assert_match "$(ours wan0 ingress '\3')" '^[0-9]+'
		assert_match "$(ours wan0 egress '\3')" '^[0-9]+'
	done
	assert_quiet attach wan0
	assert_equal "$(places wan0)" "$PLACES"
	kill "$blocked" "$passed"
	assert_ends "$blocked" 0
	assert_ends "$passed" 0
	assert_equal "$(<"$BATS_TEST_TMPDIR/blocked")" $'ready\nTrue'
	assert_match "$(<"$BATS_TEST_TMPDIR/passed")" '([0-9]+) asked, ([0-9]+) answered'
	assert_equal "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}" 'answered'
	assert_equal "$(tc filter show dev wan0 ingress chain 268435455)" '' 'rehearsal'
	assert_equal "$(link_state)" linked
	assert_in_force
}

# ---- the box ----

@test "six at once leave one filter on each hook of two interfaces, one qdisc, one link, and one bpf file system where there was none" {
	local n one pids=()
	bpffs_unmount
	for n in 1 2 3 4 5 6; do
		started "$BATS_TEST_TMPDIR/$n" "$ATTACH" --object "$LAB_OBJECTS/splicer.o" wan0 lan0
		pids+=("$pid")
	done
	for one in "${pids[@]}"; do
		assert_ends "$one" 0
	done
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/[1-6])" '' 'what they print'
	assert_equal "$(grep -c ' /sys/fs/bpf bpf ' /proc/mounts)" 1
	assert_equal "$(places wan0)" "$PLACES"
	assert_equal "$(places lan0)" "$PLACES"
	assert_equal "$(link_state)" linked
	rules_insert
	assert_in_force
	assert_quiet attach wan0
	assert_equal "$(grep -c ' /sys/fs/bpf bpf ' /proc/mounts)" 1
}

@test "where it cannot be mounted the previous filter stays in force" {
	attach wan0
	rules_insert
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho "mount: no" >&2\nexit 32\n' >"$BATS_TEST_TMPDIR/bin/mount"
	chmod +x "$BATS_TEST_TMPDIR/bin/mount"
	bpffs_unmount
	PATH=$BATS_TEST_TMPDIR/bin:$PATH assert_fails wan0 'cannot mount /sys/fs/bpf: mount: no' "$PREVIOUS"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH assert_fails lan0 'cannot mount /sys/fs/bpf: mount: no' "$OPEN"
	assert_closed
	assert_quiet release wan0
	assert_equal "$(ids wan0)" ''
}

@test "TC_BPF_MNT of the caller does not send the maps elsewhere" {
	mkdir "$BATS_TEST_TMPDIR/other"
	mount -t bpf bpf "$BATS_TEST_TMPDIR/other"
	TC_BPF_MNT=$BATS_TEST_TMPDIR/other assert_quiet attach wan0
	umount "$BATS_TEST_TMPDIR/other"
	rules_insert
	assert_in_force
}

@test "a tc that tells no names of programs" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/tc" <<-END
		#!/bin/bash
		PATH=${PATH@Q}
		set -o pipefail
		tc "\$@" | sed -E 's/ name [^ ]+ tag / tag /'
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/tc"
	lab_attach wan0
	tap wan0 ingress 10 tap_before
	tc filter add dev wan0 ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	PATH=$BATS_TEST_TMPDIR/bin:$PATH assert_quiet attach wan0
	assert_equal "$(places wan0)" "$PLACES"
	rules_insert
	assert_in_force
	PATH=$BATS_TEST_TMPDIR/bin:$PATH assert_quiet release wan0
	assert_equal "$(ids wan0)" ''
	assert_match "$(tc filter show dev wan0 ingress)" 'name tap'
}

@test "maps of another network namespace are refused, and nothing is attached there" {
	attach wan0
	rules_insert
	# shellcheck disable=SC2016
	assert_exit 0 unshare --net bash -c '
		ip link add wan0 type veth peer name wan1
		"$1" --object "$LAB_OBJECTS/splicer.o" wan0
		echo "exit $?"
		tc filter show dev wan0 ingress
	' - "$ATTACH"
	assert_equal "$out" 'exit 1'
	assert_match "$err" '^attach: wan0: .*another network namespace.*no filter of splicer is in force'
	assert_in_force
}

@test "an interface that is new after the first rule can be reached by SSH" {
	attach wan0
	rules_insert
	lab_host late late0 203.0.113.1/24
	serve tcp 203.0.113.1 22
	attach late0
	assert_equal "$(lab_on late peer sweep <<<'tcp 203.0.113.1 22')" 'answer tcp 203.0.113.1 22'
	ip link del late0
	ip netns del late
}

@test "another network namespace with a bpf file system of its own has rules of its own" {
	attach wan0
	rules_insert
	# shellcheck disable=SC2016
	assert_exit 0 "$BATS_TEST_DIRNAME/../../scripts/lab" bash -c '
		. "$1"
		lab_host client wan0 192.0.2.1/24
		# that of this box, of the box around it, and of the machine
		while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done
		"$2" -v --object "$LAB_OBJECTS/splicer.o" wan0
		rule_list --save
		lab_on client peer sweep <<<"udp 172.16.240.9 5060"
	' - "$BATS_TEST_DIRNAME/../../scripts/lab" "$ATTACH"
	assert_equal "$out$err" "$(
		cat <<-END
			A /sys/fs/bpf
			A wan0 clsact
			A wan0 egress prio 20 handle 0x1
			A splicer1_lookup
			A wan0 ingress prio 49152 handle 0x1
			timeout udp 172.16.240.9 5060
		END
	)"
	assert_in_force
}
