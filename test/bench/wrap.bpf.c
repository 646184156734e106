/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bench runs around the program under test: gives each run another destination out of many and tail-calls it,
 * and the baselines that stand beside it in the same run.
 */
#include "lib/bpf.h"

#include <linux/pkt_cls.h>

#define DST_OFFSET (14 + 16) /* Ethernet, IPv4 */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

/* How many destinations, from 10.0.0.0 on; 0: the packet stays as it is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} spread SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, __u32);
	__type(value, __u64);
} probed SEC(".maps");

SEC("tc")
int wrap(struct __sk_buff *skb)
{
	__u32 zero = 0, *count = bpf_map_lookup_elem(&spread, &zero);

	if (count && *count) {
		__be32 dst = bpf_htonl(0x0a000000 + bpf_get_prandom_u32() % *count);

		bpf_skb_store_bytes(skb, DST_OFFSET, &dst, sizeof(dst), 0);
	}
	bpf_tail_call(skb, &target, 0);
	return TC_ACT_SHOT;
}

SEC("tc")
int empty(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int probe(struct __sk_buff *skb)
{
	__be32 dst;

	if (bpf_skb_load_bytes(skb, DST_OFFSET, &dst, sizeof(dst)))
		return TC_ACT_SHOT;
	return bpf_map_lookup_elem(&probed, &dst) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
