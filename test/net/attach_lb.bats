#!/usr/bin/env bats
# shellcheck shell=bats
# scripts/attach --lb and scripts/detach --lb: as for splicer.o, beside it and behind it; and what is said of forwarding.

WHAT=lb
# shellcheck source=test/net/attach.bash
. "$BATS_TEST_DIRNAME/attach.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	objects_make
}

# Every interface forwards.
setup() {
	attach_nothing
	# in this order: the first of each sets that of all interfaces
	sysctl -qw net/ipv4/ip_forward=0 net/ipv6/conf/all/forwarding=0
	sysctl -qw net/ipv4/ip_forward=1 net/ipv6/conf/all/forwarding=1 net/ipv6/conf/wan0/disable_ipv6=0
}

PLACES=$'egress 10 0x1 lb_egress\ningress 50000 0x1 lb_ingress'

# ---- once ----

@test "attached three times there is one filter on each hook, in its place, and each time a new program" {
	local id last=
	assert_exit 0 attach -n -v wan0
	assert_equal "$out$err" $'A wan0 clsact\nA wan0 egress prio 10 handle 0x1\nA wan0 ingress prio 50000 handle 0x1'
	assert_equal "$(filters wan0)" ''
	for _ in 1 2 3; do
		assert_quiet attach wan0
		assert_equal "$(filters wan0)" "$PLACES"
		id=$(ids wan0)
		assert_match "$id" $'^[0-9]+\n[0-9]+$'
		[ "$id" != "$last" ] || fail "expected: another program than $last"
		last=$id
	done
	assert_exit 0 attach -v wan0
	assert_equal "$out$err" $'C wan0 egress prio 10 handle 0x1\nC wan0 ingress prio 50000 handle 0x1'
	[ ! -e "$PINS/splicer1_lookup" ] || fail 'expected: no lookup link'
}

@test "lb.o is found beside splicer.o" {
	attach_beside "$LAB_OBJECTS/splicer.o" wan0
	assert_equal "$(filters wan0)" "$PLACES"
}

@test "copies, and a place left behind by another prio, are removed" {
	lab_attach_lb wan0
	tc filter add dev wan0 ingress prio 50001 bpf da obj "$LAB_OBJECTS/lb.o" sec action
	assert_exit 0 attach -v wan0
	assert_equal "$out$err" "$(
		cat <<-END
			C wan0 egress prio 10 handle 0x1
			C wan0 ingress prio 50000 handle 0x1
			D wan0 ingress prio 50001 handle 0x1
		END
	)"
	assert_quiet attach --prio 50005 --egress-prio 9 wan0
	assert_equal "$(filters wan0)" $'egress 9 0x1 lb_egress\ningress 50005 0x1 lb_ingress'
}

@test "detach removes every filter of lb.o, and is no error where there is none" {
	assert_quiet attach wan0
	tc filter add dev wan0 ingress prio 7 bpf da obj "$LAB_OBJECTS/lb.o" sec action
	assert_exit 0 release -n wan0
	assert_equal "$(ids wan0 | wc -l)" 3
	assert_exit 0 release -v wan0
	assert_equal "$(sort <<<"$out")" $'D wan0 egress prio 10 handle 0x1\nD wan0 ingress prio 50000 handle 0x1\nD wan0 ingress prio 7 handle 0x1'
	assert_equal "$(filters wan0)" ''
	assert_exit 0 release -v wan0
	assert_equal "$out" '= wan0'
}

@test "the ingress alone: what is on egress stays" {
	local before
	assert_exit 0 attach -v --ingress-only wan0
	assert_equal "$out$err" $'A wan0 clsact\nA wan0 ingress prio 50000 handle 0x1'
	assert_quiet attach wan0
	before=$(ids wan0 | head -n 1)
	assert_quiet attach --ingress-only wan0
	assert_equal "$(filters wan0)" "$PLACES"
	assert_equal "$(ids wan0 | head -n 1)" "$before"
}

# ---- others ----

@test "beside the firewall: each is attached, loaded anew and taken off by itself" {
	local before
	assert_quiet firewall wan0
	before=$(tc filter show dev wan0 ingress && tc filter show dev wan0 egress)
	assert_quiet attach wan0
	assert_equal "$(filters wan0 | sort)" "$(printf '%s\n' "$PLACES" "$FIREWALL" | sort)"
	assert_quiet attach wan0
	assert_quiet release wan0
	assert_equal "$(tc filter show dev wan0 ingress && tc filter show dev wan0 egress)" "$before"
	assert_quiet attach wan0
	before=$(ids wan0)
	assert_quiet firewall wan0
	assert_exit 0 "$DETACH" -v wan0
	assert_match "$out" 'D splicer1_lookup'
	assert_equal "$(filters wan0)" "$PLACES"
	assert_equal "$(ids wan0)" "$before"
}

@test "somebody else's filter in the place is refused by name, also the firewall's, and stays" {
	tc qdisc add dev wan0 clsact
	tc filter add dev wan0 ingress prio 50000 handle 1 bpf da obj "$BATS_FILE_TMPDIR/tap.o" sec action
	assert_fails 'prio 50000 is held by another filter \(bpf, protocol all, handle 0x1, program tap\); choose another with --prio' "$NONE"
	assert_fails 'held by another filter' "$NONE" -n
	assert_quiet attach --prio 50001 wan0
	assert_quiet release wan0
	assert_equal "$(filters wan0)" 'ingress 50000 0x1 tap'
	tc filter del dev wan0 ingress
	tc filter add dev wan0 egress prio 10 handle 1 bpf da obj "$BATS_FILE_TMPDIR/tap.o" sec action
	assert_fails 'egress prio 10 is held by another filter \(bpf, protocol all, handle 0x1, program tap\); choose another with --egress-prio' "$NONE"
	assert_quiet firewall --prio 50000 wan0
	assert_fails 'prio 50000 is held by another filter \(bpf, protocol all, handle 0x1, program splicer_ingress\)' "$NONE" --ingress-only
}

@test "before the firewall on ingress: attached, and said, whichever came last" {
	local line='attach: wan0: lb.o is before splicer.o on ingress, and what it balances meets no rule; give them other priorities'
	assert_quiet firewall wan0
	assert_exit 0 attach --prio 7 wan0
	assert_equal "$out$err" "$line"
	assert_exit 0 firewall wan0
	assert_equal "$out$err" "$line"
	assert_quiet attach wan0
	assert_quiet firewall wan0
}

@test "a plain ingress qdisc has no egress: it will do for the ingress alone, and stays" {
	ingress_qdisc_will_do
}

# ---- failures ----

@test "what cannot be loaded, whichever part, leaves what was there" {
	what_cannot_be_loaded
}

@test "pins of another network namespace are refused" {
	pins_of_another_namespace
}

@test "a tc that tells no names of programs" {
	tc_tells_no_names 60000
}

# ---- forwarding ----

# assert_says [LINE]...: attach succeeds, and says this of wan0
assert_says() {
	assert_exit 0 attach wan0 || return
	assert_equal "$out$err" "$([ $# -eq 0 ] || printf 'attach: wan0: %s\n' "$@")" || return
	assert_equal "$(filters wan0)" "$PLACES"
}

@test "forwarding that is off is said of each family, with the setting that turns it on; IPv6 where there is some" {
	local off='forwarding is off, without which nothing gets to a backend; turn it on: sysctl -w'
	assert_says
	sysctl -qw net/ipv4/ip_forward=0
	assert_says "IPv4 $off net/ipv4/ip_forward=1"
	sysctl -qw net/ipv6/conf/all/forwarding=0
	assert_says "IPv4 $off net/ipv4/ip_forward=1" "IPv6 $off net/ipv6/conf/all/forwarding=1"
	# what is off for all is said once
	assert_exit 0 attach wan0 lo
	assert_equal "$(grep -c "$off" <<<"$err")" 2
	# what it says helps
	attach wan0 2>&1 | sed -n 's/.*turn it on: //p' | sh -e >/dev/null
	assert_says
	sysctl -qw net/ipv4/conf/wan0/forwarding=0 net/ipv6/conf/wan0/forwarding=0
	assert_says "IPv4 $off net/ipv4/conf/wan0/forwarding=1" "IPv6 $off net/ipv6/conf/wan0/forwarding=1"
	attach wan0 2>&1 | sed -n 's/.*turn it on: //p' | sh -e >/dev/null
	assert_says
	tc qdisc del dev lo clsact
	sysctl -qw net/ipv6/conf/wan0/forwarding=0 net/ipv6/conf/wan0/disable_ipv6=1
	assert_says
	# it is no concern of the firewall
	sysctl -qw net/ipv4/ip_forward=0
	assert_quiet firewall wan0
}

# ---- the list ----

# On its interface iface_set shows where it is, and does not take it for the firewall.
@test "iface_set shows lb.o in columns of its own; rules are not asked of it, and the lookup link is not kept for it" {
	# programs of these names that use the maps, whatever lb.o does with them
	clang -O2 -g -target bpf -I"$BATS_TEST_DIRNAME/../../bpf" -I"/usr/include/$(gcc -print-multiarch)" -x c -c - \
		-o "$BATS_TEST_TMPDIR/lb.o" <<-'END'
		#include "lib/bpf.h"
		#include "maps/config.h"
		static int use(void)
		{
			__u32 key = 0;
			return bpf_map_lookup_elem(&splicer1_config, &key) ? -1 : 2;
		}
		SEC("action") int lb_ingress(struct __sk_buff *skb)
		{
			return use();
		}
		SEC("action/egress") int lb_egress(struct __sk_buff *skb)
		{
			return use();
		}
		char _license[] SEC("license") = "GPL";
	END
	firewall wan0
	assert_equal "$(iface_set | awk 'NR == 1 { print $2, $3, $4, $5 }')" 'INGRESS EGRESS LOOKUP ADDRS'
	"$ATTACH" --lb --object "$BATS_TEST_TMPDIR/lb.o" wan0
	assert_equal "$(iface_set | awk -F '  +' 'NR == 1 || $1 == "wan0" { print $2 "|" $3 "|" $5 "|" $6 "|" $8 }')" \
		$'INGRESS|EGRESS|LB_INGRESS|LB_EGRESS|NOTE\nprio 49152|prio 20|prio 50000|prio 10|-'
	assert_equal "$(iface_set -j wan0 | fields ingress prio lb_ingress lb_egress stacked)" 'attached 49152 attached attached false'
	assert_equal "$(iface_set -j lo | fields lb_ingress lb_egress)" 'none none'
	"$ATTACH" --lb --prio 7 --object "$BATS_TEST_TMPDIR/lb.o" wan0 2>/dev/null
	assert_equal "$(iface_set -j wan0 | fields note)" 'lb-first'
	tc filter add dev wan0 ingress prio 60000 bpf da obj "$BATS_TEST_TMPDIR/lb.o" sec action
	assert_equal "$(iface_set -j wan0 | fields note)" 'lb-stacked,lb-first'
	assert_match "$(rule_list --match 'udp 192.0.2.2 192.0.2.1:9')" 'no-rule'
	assert_exit 0 "$DETACH" -v wan0
	assert_match "$out" 'D splicer1_lookup'
	assert_exit 1 rule_list --match 'udp 192.0.2.2 192.0.2.1:9'
	assert_match "$err" 'not attached to any interface'
	rm "$PINS"/*
	firewall wan0
	assert_equal "$(iface_set -j wan0 | fields note lb_ingress)" 'lb-stale stale'
}
