#!/usr/bin/env bats
# shellcheck shell=bats
# scripts/attach --xdp and scripts/detach --xdp: native where the driver can, and nothing of anybody else's is touched.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

ATTACH=$BATS_TEST_DIRNAME/../../scripts/attach
DETACH=$BATS_TEST_DIRNAME/../../scripts/detach

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	ip link add bridge0 type bridge
	serve udp 192.0.2.1 7777
	objects_make
}

teardown_file() {
	stop_started
}

# No programs, no pins.
setup() {
	local dev mode
	for dev in wan0 bridge0; do
		for mode in xdpdrv xdpgeneric; do
			ip link set dev "$dev" "$mode" off 2>/dev/null || true
		done
	done
	rm -rf "${PINS:?}"/*
}

objects_make() {
	clang -O2 -g -target bpf -I"/usr/include/$(gcc -print-multiarch)" -x c -c - -o "$BATS_FILE_TMPDIR/other.o" <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		SEC("xdp") int somebody(struct xdp_md *ctx)
		{
			return XDP_PASS;
		}
		char _license[] SEC("license") = "GPL";
	END
	# xdp_filter.o, but the kernel refuses it
	python3 -IS "$BATS_TEST_DIRNAME/../break_section" "$LAB_OBJECTS/xdp_filter.o" xdp "$BATS_FILE_TMPDIR/broken.o"
}

attach() { "$ATTACH" --xdp --object "$LAB_OBJECTS/xdp_filter.o" "$@"; }
release() { "$DETACH" --xdp "$@"; }

# program DEV: mode, name and id of its XDP program
program() {
	ip -o -d link show dev "$1" | sed -nE 's/.* mtu [0-9]+ (xdp[a-z]*) .* prog\/xdp id ([0-9]+) name ([^ ]+) .*/\1 \3 \2/p'
}

# program_id DEV
program_id() {
	program "$1" | cut -d ' ' -f 3
}

# assert_program DEV 'MODE NAME'
assert_program() {
	assert_equal "$(program "$1" | cut -d ' ' -f 1,2)" "$2" "XDP program of $1"
}

# assert_fails DEV REASON STATE [ARG]...: attach fails on DEV, in one line that tells why and what is in force, and
# changes nothing
assert_fails() {
	local dev=$1 reason=$2 state=$3 before
	shift 3
	before=$(program "$dev")
	assert_exit 1 attach "$@" "$dev" || return
	assert_equal "$(program "$dev")" "$before" 'the program' || return
	assert_equal "$out" '' 'standard output' || return
	assert_match "$err" "^attach: $dev: [^"$'\n'"]*${reason}[^"$'\n'"]*; $state"'$'
}

PREVIOUS='the previous XDP program stays in force'
NONE='no XDP program of splicer is in force'

@test "attached three times there is one program, each time a new one; rules and counters stay" {
	local last=
	assert_exit 0 attach -v wan0
	assert_equal "$out$err" 'A wan0 xdp native'
	xdp_rule add 192.0.2.2 monitor
	assert_traffic client <<<'answer udp 192.0.2.1 7777'
	for _ in 1 2 3; do
		assert_exit 0 attach -v wan0
		assert_equal "$out$err" 'C wan0 xdp native'
		assert_program wan0 'xdp xdp_filter'
		[ "$(program_id wan0)" != "$last" ] || fail "expected: another program than $last"
		last=$(program_id wan0)
	done
	verdict_stat --reason rule-drop --verdict DETECTED | grep -q DETECTED || fail 'expected: counters that stayed'
	xdp_rule add 192.0.2.2 drop
	assert_traffic client <<<'timeout udp 192.0.2.1 7777'
}

@test "detach opens the interface; the rules wait, and are in force again" {
	assert_quiet attach wan0
	xdp_rule add 192.0.2.2 drop
	assert_traffic client <<<'timeout udp 192.0.2.1 7777'
	assert_exit 0 release -n wan0
	assert_program wan0 'xdp xdp_filter'
	assert_exit 0 release -v wan0
	assert_equal "$out" 'D wan0 xdp native'
	assert_program wan0 ''
	assert_traffic client <<<'answer udp 192.0.2.1 7777'
	assert_quiet release wan0
	assert_exit 0 release -v wan0
	assert_equal "$out" '= wan0'
	assert_quiet attach wan0
	assert_traffic client <<<'timeout udp 192.0.2.1 7777'
}

@test "a driver that cannot: generic, which is said; it stays so, and is taken off" {
	assert_exit 0 attach -n -v bridge0
	assert_equal "$out" 'A bridge0 xdp'
	assert_program bridge0 ''
	assert_exit 0 attach bridge0
	assert_equal "$out" ''
	assert_match "$err" '^attach: bridge0: in generic mode, which is slower: [^'$'\n'']+$'
	assert_program bridge0 'xdpgeneric xdp_filter'
	assert_exit 0 attach -v bridge0
	assert_equal "$out$err" 'C bridge0 xdp generic'
	assert_exit 0 release -v bridge0
	assert_equal "$out" 'D bridge0 xdp generic'
	assert_program bridge0 ''
}

@test "attached in generic mode by hand, it stays in it" {
	ip link set dev wan0 xdpgeneric obj "$LAB_OBJECTS/xdp_filter.o" sec xdp
	assert_quiet attach wan0
	assert_program wan0 'xdpgeneric xdp_filter'
	assert_quiet release wan0
	assert_program wan0 ''
}

@test "what cannot be loaded leaves what was there, in any mode" {
	assert_fails wan0 'load failed' "$NONE" --object "$BATS_FILE_TMPDIR/broken.o"
	assert_fails wan0 'has no program xdp_filter' "$NONE" --object "$LAB_OBJECTS/splicer.o"
	assert_fails wan0 'cannot be read' "$NONE" --object /nonexistent
	assert_quiet attach wan0
	xdp_rule add 192.0.2.2 drop
	assert_fails wan0 'load failed' "$PREVIOUS" --object "$BATS_FILE_TMPDIR/broken.o"
	assert_fails wan0 'has no program xdp_filter' "$PREVIOUS" --object "$BATS_FILE_TMPDIR/other.o"
	assert_traffic client <<<'timeout udp 192.0.2.1 7777'
}

@test "a program of somebody else is refused by name, and stays, but for --force; detach leaves it" {
	local other
	ip link set dev wan0 xdp obj "$BATS_FILE_TMPDIR/other.o" sec xdp
	other=$(program_id wan0)
	assert_fails wan0 "an XDP program of somebody else is there \\(name somebody, id $other\\); --force replaces it" "$NONE"
	assert_fails wan0 'of somebody else is there' "$NONE" -n
	assert_fails wan0 'load failed' "$NONE" --force --object "$BATS_FILE_TMPDIR/broken.o"
	assert_quiet release wan0
	assert_program wan0 'xdp somebody'
	assert_quiet attach --force wan0
	assert_program wan0 'xdp xdp_filter'
}

@test "no Ethernet, no interface: refused, and the others are attached all the same" {
	assert_fails lo 'not an Ethernet device \(link/loopback\)' "$NONE"
	assert_exit 1 attach nope wan0
	assert_equal "$out$err" 'attach: nope: no such interface'
	assert_program wan0 'xdp xdp_filter'
	assert_exit 1 release nope wan0
	assert_equal "$out$err" 'detach: nope: no such interface'
	assert_program wan0 ''
}

@test "pins of another network namespace are refused" {
	assert_quiet attach wan0
	xdp_rule add 203.0.113.0/24 drop
	ip link set dev wan0 xdp off
	assert_exit 1 lab_on client "$ATTACH" --xdp --object "$LAB_OBJECTS/xdp_filter.o" eth0
	assert_match "$err" "^attach: eth0: .*these maps belong to another network namespace.*; $NONE$"
}

@test "beside splicer.o: each is attached and taken off by itself" {
	"$ATTACH" --object "$LAB_OBJECTS/splicer.o" wan0
	assert_quiet attach wan0
	assert_match "$(tc filter show dev wan0 ingress)" ' name splicer_ingress '
	"$DETACH" wan0
	assert_program wan0 'xdp xdp_filter'
	"$ATTACH" --object "$LAB_OBJECTS/splicer.o" wan0
	assert_quiet release wan0
	assert_match "$(tc filter show dev wan0 ingress)" ' name splicer_ingress '
	tc qdisc del dev wan0 clsact
	lookup_link remove
}
