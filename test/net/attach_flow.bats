#!/usr/bin/env bats
# shellcheck shell=bats
# scripts/attach --flow and scripts/detach --flow: as for splicer.o, around it; and what is said of their order.

WHAT=flow
# shellcheck source=test/net/attach.bash
. "$BATS_TEST_DIRNAME/attach.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	objects_make
}

setup() {
	attach_nothing
}

balancer() { "$ATTACH" --lb --object "$LAB_OBJECTS/lb.o" "$@"; }

# The map that programs count sessions in, by its number.
generation() {
	"$BATS_TEST_DIRNAME/pins" inner flow1_sessions 0
}

PLACES=$'egress 30 0x1 flow_egress\ningress 10 0x1 flow_ingress'

# ---- once ----

@test "attached three times there is one filter on each hook, in its place, and sessions stay where they are" {
	local id last='' sessions
	assert_exit 0 attach -n -v wan0
	assert_equal "$out$err" $'A wan0 clsact\nA wan0 egress prio 30 handle 0x1\nA wan0 ingress prio 10 handle 0x1'
	assert_equal "$(filters wan0)" ''
	assert_quiet attach wan0
	sessions=$(generation)
	assert_match "$sessions" '^[1-9][0-9]*$'
	for _ in 1 2 3; do
		assert_quiet attach wan0
		assert_equal "$(filters wan0)" "$PLACES"
		id=$(ids wan0)
		assert_match "$id" $'^[0-9]+\n[0-9]+$'
		[ "$id" != "$last" ] || fail "expected: another program than $last"
		last=$id
		assert_equal "$(generation)" "$sessions" 'the map of sessions'
	done
	assert_exit 0 attach -v wan0 lo
	assert_equal "$out$err" "$(
		cat <<-END
			C wan0 egress prio 30 handle 0x1
			C wan0 ingress prio 10 handle 0x1
			A lo clsact
			A lo egress prio 30 handle 0x1
			A lo ingress prio 10 handle 0x1
		END
	)"
	assert_equal "$(generation)" "$sessions" 'the map of sessions'
	[ ! -e "$PINS/splicer1_lookup" ] || fail 'expected: no lookup link'
	tc qdisc del dev lo clsact
}

@test "flow.o is found beside splicer.o" {
	attach_beside "$LAB_OBJECTS/splicer.o" wan0
	assert_equal "$(filters wan0)" "$PLACES"
}

@test "copies, and a place left behind by another prio, are removed" {
	lab_attach_flow wan0
	tc filter add dev wan0 ingress prio 11 bpf da obj "$LAB_OBJECTS/flow.o" sec action
	assert_exit 0 attach -v wan0
	assert_equal "$out$err" "$(
		cat <<-END
			C wan0 egress prio 30 handle 0x1
			C wan0 ingress prio 10 handle 0x1
			D wan0 ingress prio 11 handle 0x1
		END
	)"
	assert_quiet attach --prio 5 --egress-prio 31 wan0
	assert_equal "$(filters wan0)" $'egress 31 0x1 flow_egress\ningress 5 0x1 flow_ingress'
}

@test "detach removes every filter of flow.o, and is no error where there is none; sessions stay" {
	local sessions
	assert_quiet attach wan0
	sessions=$(generation)
	tc filter add dev wan0 ingress prio 7 bpf da obj "$LAB_OBJECTS/flow.o" sec action
	assert_exit 0 release -n wan0
	assert_equal "$(ids wan0 | wc -l)" 3
	assert_exit 0 release -v wan0
	assert_equal "$(sort <<<"$out")" $'D wan0 egress prio 30 handle 0x1\nD wan0 ingress prio 10 handle 0x1\nD wan0 ingress prio 7 handle 0x1'
	assert_equal "$(filters wan0)" ''
	assert_exit 0 release -v wan0
	assert_equal "$out" '= wan0'
	assert_quiet attach wan0
	assert_equal "$(generation)" "$sessions" 'the map of sessions'
}

@test "the ingress alone: what is on egress stays" {
	local before
	assert_exit 0 attach -v --ingress-only wan0
	assert_equal "$out$err" $'A wan0 clsact\nA wan0 ingress prio 10 handle 0x1'
	assert_quiet attach wan0
	before=$(ids wan0 | head -n 1)
	assert_quiet attach --ingress-only wan0
	assert_equal "$(filters wan0)" "$PLACES"
	assert_equal "$(ids wan0 | head -n 1)" "$before"
}

@test "one object at a time" {
	local two
	for two in '--lb --flow' '--xdp --flow' '--xdp --lb'; do
		# shellcheck disable=SC2086
		assert_exit 2 "$ATTACH" $two wan0
		assert_equal "$err" "attach: ${two#* }: does not go with ${two% *}"
		# shellcheck disable=SC2086
		assert_exit 2 "$DETACH" $two wan0
		assert_equal "$err" "detach: ${two#* }: does not go with ${two% *}"
	done
	assert_exit 2 attach --force wan0
	assert_equal "$err" 'attach: --force: goes with --xdp'
}

# ---- others ----

@test "around the firewall and the load balancer: each is attached, loaded anew and taken off by itself" {
	local before
	assert_quiet firewall wan0
	balancer wan0 2>/dev/null
	before=$(tc filter show dev wan0 ingress && tc filter show dev wan0 egress)
	assert_quiet attach wan0
	assert_equal "$(filters wan0)" "$(
		cat <<-END
			egress 10 0x1 lb_egress
			egress 20 0x1 splicer_egress
			egress 30 0x1 flow_egress
			ingress 10 0x1 flow_ingress
			ingress 49152 0x1 splicer_ingress
			ingress 50000 0x1 lb_ingress
		END
	)"
	assert_quiet attach wan0
	assert_quiet release wan0
	assert_equal "$(tc filter show dev wan0 ingress && tc filter show dev wan0 egress)" "$before"
	assert_quiet attach wan0
	before=$(ids wan0)
	assert_quiet firewall wan0
	assert_exit 0 "$DETACH" -v wan0
	assert_match "$out" 'D splicer1_lookup'
	assert_quiet "$DETACH" --lb wan0
	assert_equal "$(filters wan0)" "$PLACES"
	assert_equal "$(ids wan0)" "$before"
}

@test "somebody else's filter in the place is refused by name, also the firewall's, and stays" {
	tc qdisc add dev wan0 clsact
	tc filter add dev wan0 ingress prio 10 handle 1 bpf da obj "$BATS_FILE_TMPDIR/tap.o" sec action
	assert_fails 'prio 10 is held by another filter \(bpf, protocol all, handle 0x1, program tap\); choose another with --prio' "$NONE"
	assert_fails 'held by another filter' "$NONE" -n
	assert_quiet attach --prio 9 wan0
	assert_quiet release wan0
	assert_equal "$(filters wan0)" 'ingress 10 0x1 tap'
	tc filter del dev wan0 ingress
	assert_quiet firewall --egress-prio 30 wan0
	assert_fails 'egress prio 30 is held by another filter \(bpf, protocol all, handle 0x1, program splicer_egress\); choose another with --egress-prio' "$NONE"
}

@test "behind the others on ingress, before them on egress: attached, and said, whichever came last" {
	local late='attach: wan0: flow.o is not the first on ingress, and does not see all that comes in; give it a lower priority number'
	local early='attach: wan0: flow.o is not the last on egress, and what it sees may not leave so; give it a higher --egress-prio'
	assert_quiet firewall wan0
	assert_exit 0 attach --prio 49153 wan0
	assert_equal "$out$err" "$late"
	assert_exit 0 firewall wan0
	assert_equal "$out$err" "$late"
	assert_exit 0 attach --egress-prio 19 wan0
	assert_equal "$out$err" "$early"
	assert_exit 0 attach --prio 49153 --egress-prio 19 wan0
	assert_equal "$out$err" "$late"$'\n'"$early"
	tc qdisc del dev wan0 clsact
	balancer wan0 2>/dev/null
	assert_exit 0 attach --prio 50001 --egress-prio 9 wan0
	assert_equal "$out$err" "$late"$'\n'"$early"
	assert_quiet attach wan0
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
	tc_tells_no_names 60
}

# ---- the list ----

columns() {
	iface_set | awk -F '  +' 'NR == 1 || $1 == "wan0" { print $2 "|" $3 "|" $5 "|" $6 "|" $8 }'
}

@test "iface_set shows flow.o in columns of its own, and what is amiss with it; rules are not asked of it" {
	firewall wan0
	assert_equal "$(iface_set | awk 'NR == 1 { print $2, $3, $4, $5 }')" 'INGRESS EGRESS LOOKUP ADDRS'
	assert_equal "$(iface_set -j wan0 | fields flow_ingress flow_egress)" 'none none'
	attach wan0
	assert_equal "$(columns)" $'INGRESS|EGRESS|FLOW_INGRESS|FLOW_EGRESS|NOTE\nprio 49152|prio 20|prio 10|prio 30|-'
	assert_equal "$(iface_set -j wan0 | fields ingress prio flow_ingress flow_egress stacked)" 'attached 49152 attached attached false'
	assert_equal "$(iface_set -j lo | fields flow_ingress flow_egress)" 'none none'
	attach --prio 60000 wan0 2>/dev/null
	assert_equal "$(iface_set -j wan0 | fields note)" 'flow-order'
	attach --egress-prio 5 wan0 2>/dev/null
	assert_equal "$(iface_set -j wan0 | fields note)" 'flow-order'
	tc filter add dev wan0 egress prio 60 bpf da obj "$LAB_OBJECTS/flow.o" sec action/egress
	assert_equal "$(iface_set -j wan0 | fields note)" 'flow-stacked,flow-order'
	attach wan0
	assert_equal "$(iface_set -j wan0 | fields note)" '-'
	assert_match "$(rule_list --match 'udp 192.0.2.2 192.0.2.1:9')" 'no-rule'
	"$DETACH" wan0
	assert_exit 1 rule_list --match 'udp 192.0.2.2 192.0.2.1:9'
	assert_match "$err" 'not attached to any interface'
}

@test "what was attached before the pins were removed is stale, also while nothing of flow.o is pinned" {
	firewall wan0
	attach wan0
	rm "$PINS"/flow1_*
	assert_equal "$(iface_set -j wan0 | fields ingress flow_ingress flow_egress note)" 'attached stale stale flow-stale'
	assert_match "$(columns)" 'prio 49152\|prio 20\|stale\|stale\|flow-stale'
	lab_host other lan0 198.51.100.1/24 2001:db8:1::1/64
	attach lan0
	assert_equal "$(iface_set -j wan0 | fields note)" 'flow-stale'
	assert_equal "$(iface_set -j lan0 | fields flow_ingress note)" 'attached -'
	attach wan0
	assert_equal "$(iface_set -j wan0 | fields flow_ingress note)" 'attached -'
}
