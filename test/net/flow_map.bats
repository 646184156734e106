#!/usr/bin/env bats
# shellcheck shell=bats
# A program of a user's own: the one of examples/extractor/README.md, made and attached as that page says; and what is
# handed out of maps in which programs count meanwhile.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

PAGE=$BATS_TEST_DIRNAME/../../examples/extractor/README.md
SYSTEM_PYTHON=/usr/bin/python3 # the one that has packages of the system

# block LANGUAGE [NUMBER]: what the page has in this block of the language, or in all of them
block() {
	awk -v begin="\`\`\`$1" -v wanted="${2:-0}" '
		$0 == begin { inside = 1; number++; next }
		$0 == "```" { inside = 0 }
		inside && (!wanted || number == wanted)' "$PAGE"
}

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	sysctl -qw net/ipv4/icmp_ratelimit=0 net/ipv6/icmp/ratelimit=0
	serve udp 192.0.2.1 7000 udp 2001:db8::1 7000 tcp 192.0.2.1 7011 tcp 2001:db8::1 7011
}

teardown_file() {
	stop_started
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	detach wan0 2>/dev/null || true
	rm -rf "${PINS:?}"/*
}

teardown() {
	stop_started
}

# openmetrics: standard input as the strict parser reads it, "NAME LABELS VALUE"
openmetrics() {
	"$SYSTEM_PYTHON" -BIc '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        print(sample.name, *(f"{name}={value}" for name, value in sample.labels.items()), int(sample.value))
'
}

# What the page says to do, up to the commands that show something.
extractor_make() {
	block c 1 >extractor.bpf.c
	block metrics 1 >syns.metrics
	block metrics 2 >lengths.metrics
	block sh 1 | bash -e
}

@test "the extractor of the page: made, attached and shown as it says, on TCP of both families" {
	local commands
	extractor_make
	assert_traffic client <<-END
		answer tcp 192.0.2.1 7011
		answer tcp 192.0.2.1 7011
		refused tcp 192.0.2.1 7009
		answer tcp 2001:db8::1 7011
		refused tcp 2001:db8::1 7009
		answer udp 192.0.2.1 7000
		answer udp-large 2001:db8::1 7000
	END
	# each command that shows is one that succeeds
	mapfile -t commands < <(block sh | grep '^flow_dump')
	assert_equal "${#commands[@]}" 5 'commands that show'
	for command in "${commands[@]}"; do
		assert_exit 0 bash -c "$command"
		assert_equal "$err" '' "$command"
		[ -n "$out" ] || fail "$command: nothing"
	done
	assert_equal "$(bash -c "${commands[1]}" | "$SYSTEM_PYTHON" -BIc '
import json, sys
print(*sorted("{} {}".format(e["key"], e["value"]["syns"]) for e in json.load(sys.stdin)), sep="\n")')" \
		$'2001:db8::2 2\n::ffff:192.0.2.2 3'
	assert_equal "$(bash -c "${commands[0]}" | awk 'NR == 1 { print $1, $2, $3 }')" 'key value.syns value.last_port'
	assert_equal "$(bash -c "${commands[3]}" | openmetrics)" \
		$'extractor_syns_total source=192.0.2.2 interface=wan0 3\nextractor_syns_total source=2001:db8::2 interface=wan0 2'
	# all packets are in it, and their bytes
	bash -c "${commands[4]}" | openmetrics >lengths
	assert_equal "$(wc -l <lengths)" 7 'samples of the histogram'
	[ "$(awk '/_count/ { print $2 }' lengths)" -ge 20 ] || fail 'at least 20 packets' "$(<lengths)"
	assert_equal "$(awk '/le=.Inf/ { print $3 }' lengths)" "$(awk '/_count/ { print $2 }' lengths)" 'the last bucket'
	[ "$(awk '/_sum/ { print $2 }' lengths)" -ge 1200 ] || fail 'at least 1200 bytes' "$(<lengths)"
	# and back
	block sh 4 | bash -e
	assert_equal "$(ls "$PINS")" '' 'pins'
	assert_equal "$(tc filter show dev wan0 ingress)" '' 'filters'
}

# ---- while programs count ----

# counts_make: each packet of UDP counts once in a mmapable array, in its twin that is never emptied, in a hash and per CPU
counts_make() {
	clang -g -O2 -target bpf -I"/usr/include/$(gcc -print-multiarch)" -x c -c - -o counts.o <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#define MAP(map, kind, value_type, map_flag) struct { __uint(type, BPF_MAP_TYPE_##kind); __uint(max_entries, 1); \
			__uint(map_flags, map_flag); __type(key, __u32); __type(value, value_type); \
			__uint(pinning, LIBBPF_PIN_BY_NAME); } map SEC(".maps")
		struct pair { __u64 taken, all; };
		MAP(counts_array, ARRAY, struct pair, BPF_F_MMAPABLE);
		MAP(counts_hash, HASH, __u64, 0);
		SEC("action") int count(struct __sk_buff *skb)
		{
			__u32 zero = 0;
			__u64 none = 0, *number;
			struct pair *pair = bpf_map_lookup_elem(&counts_array, &zero);

			if (pair) {
				__sync_fetch_and_add(&pair->taken, 1);
				__sync_fetch_and_add(&pair->all, 1);
			}
			bpf_map_update_elem(&counts_hash, &zero, &none, BPF_NOEXIST);
			number = bpf_map_lookup_elem(&counts_hash, &zero);
			if (number)
				__sync_fetch_and_add(number, 1);
			return -1;
		}
		char _license[] SEC("license") = "GPL";
	END
	tc qdisc add dev wan0 clsact
	tc filter add dev wan0 ingress bpf da obj counts.o sec action
	printf 'metric a counter value.taken\nempty-on-read\n' >array.metrics
	printf 'metric a counter value\nempty-on-read\n' >hash.metrics
}

# take NAME: hands out the map, adds to its sum
take() {
	local number
	number=$(flow_dump --map "$PINS/counts_$1" --metrics "$1.metrics" | awk '/^a_total/ { print $2 }') || return
	echo $((number + $(<"$1.sum"))) >"$1.sum"
}

@test "what is counted while it is handed out again and again is handed out once" {
	local all i sum
	flows() { echo 'one 192.0.2.1 7000' && echo 'two 2001:db8::1 7000'; }
	counts_make
	echo 0 >array.sum
	echo 0 >hash.sum
	flows_start 0 1000000 192.0.2.1 7100 2001:db8::1 7100
	for ((i = 0; i < 60; i++)); do
		take array && take hash || return
	done
	flows_stop
	# nothing comes any more
	tc filter del dev wan0 ingress
	take array
	take hash
	all=$(flow_dump --map "$PINS/counts_array" --csv | awk -F , 'NR == 2 { print $3 + 0 }')
	[ "$all" -gt 1000 ] || fail "expected: more than 1000 packets" "got: $all"
	# memory that both share loses nothing
	assert_equal "$(<array.sum)" "$all" 'of the array'
	# an entry that goes may take along what a program just adds to it, one on each CPU
	sum=$(<hash.sum)
	[ "$sum" -le "$all" ] && [ "$sum" -ge $((all - 61 * 2 * $(nproc --all))) ] || fail "expected: about $all" "got: $sum"
}
