# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here is for those that source it
# What attach_lb.bats and attach_flow.bats share: scripts/attach and scripts/detach of the object $WHAT (lb, flow), which
# is beside splicer.o.

# shellcheck source=test/net/helpers.bash
. "${BASH_SOURCE[0]%/*}/helpers.bash"

ATTACH=$BATS_TEST_DIRNAME/../../scripts/attach
DETACH=$BATS_TEST_DIRNAME/../../scripts/detach

# No qdiscs, no pins.
attach_nothing() {
	tc qdisc del dev wan0 clsact 2>/dev/null || tc qdisc del dev wan0 ingress 2>/dev/null || true
	rm -rf "${PINS:?}"/*
}

objects_make() {
	local name
	# the object, but one of its programs is refused by the kernel
	for name in action action/egress; do
		python3 -IS "$BATS_TEST_DIRNAME/../break_section" "$LAB_OBJECTS/$WHAT.o" "$name" \
			"$BATS_FILE_TMPDIR/broken_${name#*/}.o"
	done
	sed "s/${WHAT}_egress/${WHAT}_others/g" "$LAB_OBJECTS/$WHAT.o" >"$BATS_FILE_TMPDIR/half.o"
	# a filter of somebody else
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

attach() { "$ATTACH" "--$WHAT" --object "$LAB_OBJECTS/$WHAT.o" "$@"; }
release() { "$DETACH" "--$WHAT" "$@"; }

# Beside the object, where tc finds it under its own name.
firewall() { "$ATTACH" --object "$LAB_OBJECTS/splicer.o" "$@"; }

# filters DEV: "HOOK PRIO HANDLE PROGRAM" of every filter, egress first
filters() {
	local hook
	for hook in egress ingress; do
		tc filter show dev "$1" "$hook" |
			sed -nE "s/.* pref ([0-9]+) bpf .* handle ([^ ]+) .* name ([^ ]+) tag .*/$hook \\1 \\2 \\3/p"
	done
}

# ids DEV: of the programs of the object, egress first
ids() {
	local hook
	for hook in egress ingress; do
		tc filter show dev "$1" "$hook" | sed -nE "/ name ${WHAT}_$hook tag /s/.* id ([0-9]+) .*/\\1/p"
	done
}

# state DEV: all that attach changes but pinned maps
state() {
	tc qdisc show dev "$1"
	tc filter show dev "$1" ingress
	tc filter show dev "$1" egress
}

# assert_fails REASON STATE [ARG]...: attach fails on wan0, in one line, and changes nothing
assert_fails() {
	local reason=$1 state=$2 before
	shift 2
	before=$(state wan0)
	assert_exit 1 attach "$@" wan0 || return
	assert_equal "$(state wan0)" "$before" 'qdiscs and filters' || return
	assert_match "$err" "^attach: wan0: [^"$'\n'"]*${reason}[^"$'\n'"]*; $state"'$'
}

# tc_without_names DIRECTORY: makes a tc there that tells no names of programs, as older ones do not
tc_without_names() {
	mkdir "$1"
	cat >"$1/tc" <<-END
		#!/bin/bash
		PATH=${PATH@Q}
		set -o pipefail
		tc "\$@" | sed -E 's/ name [^ ]+ tag / tag /'
	END
	chmod +x "$1/tc"
}

FIREWALL=$'egress 20 0x1 splicer_egress\ningress 49152 0x1 splicer_ingress'
PREVIOUS='the previous filter stays in force'
NONE="no filter of $WHAT.o is in force"

# ---- what holds for each of these objects: whole tests ----

ingress_qdisc_will_do() {
	tc qdisc add dev wan0 ingress
	assert_fails 'its qdisc ingress has no egress; put clsact in its place, or attach with --ingress-only' "$NONE"
	assert_quiet attach --ingress-only wan0
	assert_fails 'load failed' "$PREVIOUS" --ingress-only --object "$BATS_FILE_TMPDIR/broken_action.o"
	assert_quiet release wan0
	assert_match "$(tc qdisc show dev wan0)" 'qdisc ingress'
}

what_cannot_be_loaded() {
	local section
	for section in action egress; do
		assert_fails 'load failed' "$NONE" --object "$BATS_FILE_TMPDIR/broken_$section.o"
	done
	assert_equal "$(tc qdisc show dev wan0 | grep clsact)" ''
	assert_quiet firewall wan0
	assert_quiet attach wan0
	for section in action egress; do
		assert_fails 'load failed' "$PREVIOUS" --object "$BATS_FILE_TMPDIR/broken_$section.o"
	done
	assert_fails "splicer.o: has no program ${WHAT}_ingress" "$PREVIOUS" --object "$LAB_OBJECTS/splicer.o"
	assert_fails "half.o: has no program ${WHAT}_egress" "$PREVIOUS" --object "$BATS_FILE_TMPDIR/half.o"
	assert_fails 'cannot be read' "$PREVIOUS" --object /nonexistent
	assert_quiet attach --ingress-only --object "$BATS_FILE_TMPDIR/half.o" wan0
}

pins_of_another_namespace() {
	assert_quiet firewall wan0
	map_update 192.0.2.1 32 7777 7777 0 udp
	assert_exit 1 lab_on client "$ATTACH" "--$WHAT" --object "$LAB_OBJECTS/$WHAT.o" eth0
	assert_match "$err" "^attach: eth0: .*these maps belong to another network namespace.*; $NONE$"
	assert_equal "$(lab_on client tc filter show dev eth0 ingress)" ''
}

tc_tells_no_names() {
	tc_without_names "$BATS_TEST_TMPDIR/bin"
	firewall wan0
	tc filter add dev wan0 ingress prio "$1" bpf da obj "$LAB_OBJECTS/$WHAT.o" sec action
	PATH=$BATS_TEST_TMPDIR/bin:$PATH assert_quiet attach wan0
	assert_equal "$(filters wan0 | sort)" "$(printf '%s\n' "$PLACES" "$FIREWALL" | sort)"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH assert_quiet release wan0
	assert_equal "$(filters wan0)" "$FIREWALL"
}

# attach_beside OBJECT IF...: as installed, with splicer.o there; the other object is found by itself.
attach_beside() {
	cp -r "${ATTACH%/*}" "$BATS_TEST_TMPDIR/scripts"
	sed -i "s|^OBJECT=.*|OBJECT='$1'|; s|^VERSION=.*|VERSION=0|" "$BATS_TEST_TMPDIR/scripts/parts/command.bash"
	"$BATS_TEST_TMPDIR/scripts/attach" "--$WHAT" "${@:2}"
}
