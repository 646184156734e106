/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bench runs around the program under test: gives each run a packet out of many and tail-calls it, and the
 * baselines that stand beside it in the same run. `live` does the same to frames that go up the stack.
 */
#include "lib/bpf.h"
#include "packet.h"

#include <linux/pkt_cls.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xdp_target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_setting);
} setting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_front);
} front SEC(".maps");

/* Of these three the loader says how many. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_packet4);
} packets4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_packet6);
} packets6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct bench_key);
	__type(value, __u64);
} probed SEC(".maps");

static __always_inline struct bench_setting *setting_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&setting, &zero);
}

/*
 * Which packet is to be taken; false: the frame stays as it is. The packets are in no order but taken in a row: so the
 * processor fetches them ahead.
 */
static __always_inline int packet_next(struct bench_setting *now, __u32 *index)
{
	if (!now || !now->count)
		return 0;
	*index = now->next < now->count ? now->next : 0;
	now->next = *index + 1;
	return 1;
}

static __always_inline void packet_store(struct __sk_buff *skb, int ipv6, __u32 index)
{
	void *packet = ipv6 ? bpf_map_lookup_elem(&packets6, &index) : bpf_map_lookup_elem(&packets4, &index);

	if (!packet)
		return;
	if (ipv6)
		bpf_skb_store_bytes(skb, PACKET_IPV6_OFFSET, packet, PACKET_IPV6_SIZE, 0);
	else
		bpf_skb_store_bytes(skb, PACKET_IPV4_OFFSET, packet, PACKET_IPV4_SIZE, 0);
}

/* What the program under test changed in the run before. */
static __always_inline void skb_restore(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct bench_front *kept = bpf_map_lookup_elem(&front, &zero);

	if (kept)
		bpf_skb_store_bytes(skb, 0, kept->bytes, FRAME_FRONT, 0);
}

static __always_inline void sequence_store(struct __sk_buff *skb, struct bench_setting *now)
{
	__be32 sequence = bpf_htonl(now->sequence);

	now->sequence += now->advance;
	bpf_skb_store_bytes(skb, now->ipv6 ? PACKET_IPV6_SEQUENCE : PACKET_IPV4_SEQUENCE, &sequence, sizeof(sequence),
			    0);
}

SEC("tc")
int wrap(struct __sk_buff *skb)
{
	struct bench_setting *now = setting_now();
	__u32 index;

	if (now && now->restore)
		skb_restore(skb);
	if (packet_next(now, &index))
		packet_store(skb, now->ipv6, index);
	if (now && now->advance)
		sequence_store(skb, now);
	bpf_tail_call(skb, &target, 0);
	return TC_ACT_SHOT;
}

SEC("tc")
int empty(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int drop(struct __sk_buff *skb)
{
	return TC_ACT_SHOT;
}

SEC("tc")
int probe(struct __sk_buff *skb)
{
	struct bench_setting *now = setting_now();
	struct bench_key key = {};
	__u8 bytes[PACKET_IPV6_SIZE];

	if (!now)
		return TC_ACT_SHOT;
	if (now->ipv6) {
		if (bpf_skb_load_bytes(skb, PACKET_IPV6_OFFSET, bytes, PACKET_IPV6_SIZE))
			return TC_ACT_SHOT;
		__builtin_memcpy(key.dst, bytes + 18, 16);
		__builtin_memcpy(&key.port, bytes + 36, 2);
	} else {
		if (bpf_skb_load_bytes(skb, PACKET_IPV4_OFFSET, bytes, PACKET_IPV4_SIZE))
			return TC_ACT_SHOT;
		__builtin_memcpy(key.dst, bytes + 7, 4);
		__builtin_memcpy(&key.port, bytes + 13, 2);
	}
	key.proto = bytes[0];
	return bpf_map_lookup_elem(&probed, &key) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

static __always_inline int frame_store4(__u8 *data, const __u8 *end, __u32 index)
{
	struct bench_packet4 *packet = bpf_map_lookup_elem(&packets4, &index);

	if (!packet || data + PACKET_IPV4_OFFSET + PACKET_IPV4_SIZE > end)
		return XDP_DROP;
	__builtin_memcpy(data + PACKET_IPV4_OFFSET, packet->bytes, PACKET_IPV4_SIZE);
	return XDP_PASS;
}

static __always_inline int frame_store6(__u8 *data, const __u8 *end, __u32 index)
{
	struct bench_packet6 *packet = bpf_map_lookup_elem(&packets6, &index);

	if (!packet || data + PACKET_IPV6_OFFSET + PACKET_IPV6_SIZE > end)
		return XDP_DROP;
	__builtin_memcpy(data + PACKET_IPV6_OFFSET, packet->bytes, PACKET_IPV6_SIZE);
	return XDP_PASS;
}

static __always_inline void frame_restore(__u8 *data, const __u8 *end)
{
	__u32 zero = 0;
	struct bench_front *kept = bpf_map_lookup_elem(&front, &zero);

	if (kept && data + FRAME_FRONT <= end)
		__builtin_memcpy(data, kept->bytes, FRAME_FRONT);
}

/* Makes the frame the next packet. XDP_DROP: it is too short for one. */
static __always_inline int frame_next(struct xdp_md *xdp, struct bench_setting *now)
{
	__u8 *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	__u32 index;

	if (!packet_next(now, &index))
		return XDP_PASS;
	return now->ipv6 ? frame_store6(data, end, index) : frame_store4(data, end, index);
}

/* Of frames that go up the stack of the interface that they are said to have come in by. */
SEC("xdp")
int live(struct xdp_md *xdp)
{
	struct bench_setting *now = setting_now();

	if (now && now->restore)
		frame_restore((void *)(long)xdp->data, (void *)(long)xdp->data_end);
	return frame_next(xdp, now);
}

/* Frames that leave by an interface, as fast as one processor makes them. */
SEC("xdp")
int send(struct xdp_md *xdp)
{
	struct bench_setting *now = setting_now();

	frame_next(xdp, now);
	return now ? (int)bpf_redirect(now->out, 0) : XDP_ABORTED;
}

/* As wrap, of frames at the driver. */
SEC("xdp")
int xdp_wrap(struct xdp_md *xdp)
{
	frame_next(xdp, setting_now());
	bpf_tail_call(xdp, &xdp_target, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int xdp_drop(struct xdp_md *xdp)
{
	return XDP_DROP;
}

/* On a veth, so that it has the receive queues of native XDP: without them no frame can be said to come in there. */
SEC("xdp")
int pass(struct xdp_md *xdp)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
