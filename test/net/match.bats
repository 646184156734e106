#!/usr/bin/env bats
# shellcheck shell=bats
# rule_list --match says what then happens to real packets, and leaves no trace of having been asked.
# A test is a subshell, and each has its own pids:
# shellcheck disable=SC2030,SC2031

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	lab_attach wan0
	local_routes 172.16.240.0/23 fd00:240::/64 fd00:241::/64
	serve udp 127.0.0.1 58997 tcp 127.0.0.1 58997 udp ::1 58997 tcp ::1 58997 tcp 192.0.2.1 22 tcp 192.0.2.1 8080
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
}

teardown() {
	stop_started
}

# answer PACKET: "ACTION REASON RULE"
answer() {
	rule_list -j --match "$1" | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["action"], d["reason"], d["rule"])'
}

# The reasons with packets, and how many; ND and MLD come and go by themselves.
counts() {
	verdict_stat -j | fields reason packets | sed '/^neighbour /d'
}

hits() {
	rule_list -j | fields rule packets bytes last
}

# agree SEED: for random rules and packets
agree() {
	local seed=$1 line
	map_delete --all
	random_packets "$seed" rules | map_update -f -
	hits >"$BATS_TEST_TMPDIR/hits"
	counts >"$BATS_TEST_TMPDIR/counts"
	tail_start events -j
	: >"$BATS_TEST_TMPDIR/answers"
	while read -r line; do
		rule_list -j --match "$line" >>"$BATS_TEST_TMPDIR/answers"
		printf '\0' >>"$BATS_TEST_TMPDIR/answers"
	done < <(random_packets "$seed" questions)
	# asking left no trace
	assert_equal "$(hits)" "$(<"$BATS_TEST_TMPDIR/hits")" 'counters of rules after asking'
	assert_equal "$(counts)" "$(<"$BATS_TEST_TMPDIR/counts")" 'counts after asking'
	lab_on client random_packets "$seed" send eth0 "$(lab_mac wan0)"
	eventually has_lines "$BATS_TEST_TMPDIR/events" 48
	# an event for each packet sent, and none for a question: one would make two of them
	random_packets "$seed" compare "$BATS_TEST_TMPDIR/answers" "$BATS_TEST_TMPDIR/events" || fail "seed $seed"
	fields reason <"$BATS_TEST_TMPDIR/events" >>"$BATS_TEST_TMPDIR/reasons"
	stop_started
}

@test "the answers are what then happens: random rules and packets of both families" {
	local seed=${SEED:-$RANDOM} i kinds
	for i in 1 2 3; do
		echo "seed $((seed + i))"
		agree "$((seed + i))"
	done
	# a comparison of one verdict only would prove little
	kinds=$(sort -u "$BATS_TEST_TMPDIR/reasons" | tr '\n' ' ')
	echo "$kinds"
	[ "$(wc -w <<<"$kinds")" -ge 3 ] || fail 'expected: three reasons' "got:      $kinds"
}

@test "SSH to the box, a connection that is there, and one that is not" {
	local held port
	map_update 192.0.2.0 24 0 65535 0 tcp -a drop
	assert_equal "$(answer 'tcp 192.0.2.2 192.0.2.1:22')" 'passed ssh-own None'
	assert_equal "$(answer 'tcp 192.0.2.2 198.51.100.1:22')" 'dropped no-rule None'
	map_delete --all
	map_update 192.0.2.1 32 8080 8080 0 tcp
	mkfifo "$BATS_TEST_TMPDIR/lines"
	exec {held}<>"$BATS_TEST_TMPDIR/lines"
	started "$BATS_TEST_TMPDIR/held" nsenter --net=/run/netns/client -- peer tcp-hold 192.0.2.1 8080 <&"$held"
	eventually grep -q 'sent to' "$BATS_TEST_TMPDIR/held"
	port=$(lab_on client ss -tnH dst 192.0.2.1:8080 | awk '{ sub(/.*:/, "", $4); print $4 }')
	assert_equal "$(answer "tcp 192.0.2.2:$port 192.0.2.1:8080")" 'passed established None'
	# and the connection did not notice
	echo still there >&"$held"
	eventually grep -q 'still there' "$BATS_TEST_TMPDIR/held"
	exec {held}<&-
	assert_match "$(answer "tcp 192.0.2.2:$((port ^ 1)) 192.0.2.1:8080")" '^passed rule-pass [0-9]+$'
}

@test "a question about a splice reaches no socket, and traffic goes on as before" {
	map_update 172.16.240.0 24 5060 5060 58997 udp
	map_update fd00:240:: 64 5060 5060 58997 tcp
	assert_match "$(answer 'udp 192.0.2.2 172.16.240.9:5060')" '^spliced rule-splice [0-9]+$'
	assert_match "$(answer 'tcp 2001:db8::2 [fd00:240::9]:5060')" '^spliced rule-splice [0-9]+$'
	assert_equal "$(rule_values packets | tr '\n' ' ')" '0 0 '
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer tcp fd00:240::9 5060
	END
	assert_equal "$(ss -tnH state syn-recv | wc -l)" 0 'half-open connections'
}

# Another tc program, of the sender or before ours, may write what it likes to cb.
@test "a packet that looks like a question is decided and counted as any" {
	local object=$BATS_TEST_TMPDIR/magic.o before
	clang -O2 -g -target bpf -I"$BATS_TEST_DIRNAME/../../bpf" -I"/usr/include/$(gcc -print-multiarch)" -x c -c - -o "$object" <<-'END'
		#include "abi/config.h"
		#include <linux/bpf.h>
		#define SEC(name) __attribute__((section(name), used))
		SEC("action") int magic(struct __sk_buff *skb)
		{
			skb->cb[QUESTION_WORD0] = QUESTION_MAGIC0;
			skb->cb[QUESTION_WORD1] = QUESTION_MAGIC1;
			return -1;
		}
		char _license[] SEC("license") = "GPL";
	END
	map_update 192.0.2.1 32 8080 8080 0 tcp
	tc filter add dev wan0 ingress prio 1 bpf da obj "$object" sec action
	lab_on client tc qdisc add dev eth0 clsact
	lab_on client tc filter add dev eth0 egress bpf da obj "$object" sec action
	assert_traffic client <<<'answer tcp 192.0.2.1 8080'
	assert_equal "$(rule_list -j | fields packets)" 1
	before=$(counts | grep '^no-rule ' || true)
	assert_traffic client <<<'timeout tcp 192.0.2.1 9090'
	[ "$(counts | grep '^no-rule ')" != "$before" ] || fail 'a drop that is counted' 'none'
	lab_on client tc qdisc del dev eth0 clsact
	tc filter del dev wan0 ingress prio 1
}
