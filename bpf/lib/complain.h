/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tells the sender of a packet that it cannot go on: the packet becomes an ICMP error that quotes it, from the address
 * that it was for, and goes back where it came from (RFC 792, 1191, 4443).
 */
#ifndef SPLICER_LIB_COMPLAIN_H
#define SPLICER_LIB_COMPLAIN_H

#include "lib/bpf.h"
#include "lib/bucket.h"
#include "lib/checksum.h"
#include "lib/packet.h"
#include "lib/quoted.h"

#include <linux/pkt_cls.h>

/* Of the packet so many bytes are quoted, in whole words: with them the error stays below 576 (RFC 1812), 1280. */
#define COMPLAIN_QUOTE_IPV4 512
#define COMPLAIN_QUOTE_IPV6 1024
#define COMPLAIN_CHUNK 32 /* bytes that are summed up at once */
#define COMPLAIN_HOPS 64

/* RFC 792, 1191, 4443 */
#define ICMP_FRAGMENTATION_NEEDED 4
#define ICMPV6_TOO_BIG 2
#define ICMPV6_TIME_EXCEEDED 3

/* Errors a second, as Linux limits its own (icmp_msgs_per_sec), and RFC 4443 section 2.4 wants it. */
#define COMPLAINTS_RATE 1000
#define COMPLAINTS_BURST 1000

/* A bucket for all: see bucket.h. Not pinned: each object has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} complaints SEC(".maps");

static __always_inline int complaints_are_too_many(void)
{
	__u32 zero = 0;
	__u64 *full = bpf_map_lookup_elem(&complaints, &zero);

	return !full || bucket_is_empty(full, COMPLAINTS_RATE, COMPLAINTS_BURST, bpf_ktime_get_ns());
}

struct complaint_ipv4 {
	struct ipv4_header ip;
	struct icmp_header icmp;
};

struct complaint_ipv6 {
	struct ipv6_header ip;
	struct icmp_header icmp;
};

/* mtu 0: the hop limit was used up; else the packet is larger than that. */
static __always_inline struct icmp_header complaint_icmp(const struct packet *p, __u32 mtu)
{
	struct icmp_header h = {};

	if (p->family == 4) {
		h.type = mtu ? ICMP_UNREACHABLE : ICMP_TIME_EXCEEDED;
		h.code = mtu ? ICMP_FRAGMENTATION_NEEDED : 0;
	} else {
		h.type = mtu ? ICMPV6_TOO_BIG : ICMPV6_TIME_EXCEEDED;
	}
	/* the last two bytes with IPv4, the first two of which are unused */
	h.rest = bpf_htonl(mtu);
	return h;
}

/* Bytes of the packet that are quoted. */
static __always_inline __u32 complaint_length(const struct packet *p)
{
	__u32 all = p->l4 - p->l3 + p->l4_length, most = p->family == 4 ? COMPLAIN_QUOTE_IPV4 : COMPLAIN_QUOTE_IPV6;

	return all > most ? most : all & ~3u;
}

static __always_inline long complaint_add(struct __sk_buff *ctx, __u32 off, __be32 *words, __u32 size, __u32 *sum)
{
	if (bpf_skb_load_bytes(ctx, off, words, size))
		return -1;
	*sum = csum_fold((__u64)bpf_csum_diff(NULL, 0, words, size, *sum));
	return 0;
}

/*
 * The sum over so many bytes, whole words, after the link-layer header. Negative: they are not there. Not by ctx_load,
 * which reaches only as far as the kernel has the packet in one piece.
 */
__weak __noinline long complaint_sum(struct __sk_buff *ctx, __u32 link, __u32 length)
{
	__be32 words[COMPLAIN_CHUNK / sizeof(__be32)] __attribute__((aligned(8)));
	__u32 off = 0, sum = 0;

	for (__u32 i = 0; i < COMPLAIN_QUOTE_IPV6 / COMPLAIN_CHUNK && off + COMPLAIN_CHUNK <= length; i++) {
		if (complaint_add(ctx, link + off, words, sizeof(words), &sum))
			return -1;
		off += COMPLAIN_CHUNK;
	}
	for (__u32 i = 0; i < COMPLAIN_CHUNK / sizeof(__be32) && off + sizeof(__be32) <= length; i++) {
		if (complaint_add(ctx, link + off, words, sizeof(__be32), &sum))
			return -1;
		off += sizeof(__be32);
	}
	return sum;
}

static __always_inline long complaint_store_ipv4(struct __sk_buff *ctx, const struct packet *p, __u32 link,
						 __u32 quoted, __u32 sum, __u32 mtu)
{
	struct complaint_ipv4 h = {
		.ip = {
			.version_ihl = 0x45,
			.length = bpf_htons((__u16)(quoted + sizeof(h))),
			.ttl = COMPLAIN_HOPS,
			.proto = IPPROTO_ICMP,
			.src = (__be32)p->dst[0],
			.dst = (__be32)p->src[0],
		},
		.icmp = complaint_icmp(p, mtu),
	};

	h.ip.check = (__u16)~csum_fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)&h.ip, sizeof(h.ip), 0));
	h.icmp.check = (__u16)~csum_fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)&h.icmp, sizeof(h.icmp), sum));
	return bpf_skb_store_bytes(ctx, link, &h, sizeof(h), 0);
}

/* The pseudo header of ICMPv6 beside its addresses: RFC 8200 section 8.1. */
struct complaint_pseudo {
	__be32 length, proto;
};

static __always_inline long complaint_store_ipv6(struct __sk_buff *ctx, const struct packet *p, __u32 link,
						 __u32 quoted, __u32 sum, __u32 mtu)
{
	struct complaint_ipv6 h = {
		.ip = {
			.version_class_label = bpf_htonl(6u << 28),
			.payload = bpf_htons((__u16)(quoted + sizeof(h.icmp))),
			.next = IPPROTO_ICMPV6,
			.hop_limit = COMPLAIN_HOPS,
			.src = { p->dst[0], p->dst[1] },
			.dst = { p->src[0], p->src[1] },
		},
		.icmp = complaint_icmp(p, mtu),
	};
	struct complaint_pseudo pseudo = { bpf_htonl(quoted + sizeof(h.icmp)), bpf_htonl(IPPROTO_ICMPV6) };
	__u64 total;

	total = (__u64)bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), sum);
	total = (__u64)bpf_csum_diff(NULL, 0, (__be32 *)h.ip.src, sizeof(h.ip.src) + sizeof(h.ip.dst), (__u32)total);
	total = (__u64)bpf_csum_diff(NULL, 0, (__be32 *)&h.icmp, sizeof(h.icmp), (__u32)total);
	h.icmp.check = (__u16)~csum_fold(total);
	return bpf_skb_store_bytes(ctx, link, &h, sizeof(h), 0);
}

/* Makes room for the headers of the error in front of what it quotes, which it cuts off after so many bytes. */
static __always_inline long complaint_shape(struct __sk_buff *ctx, const struct packet *p, __u32 link, __u32 quoted)
{
	__s32 headers = p->family == 4 ? sizeof(struct complaint_ipv4) : sizeof(struct complaint_ipv6);

	if (ctx_truncate(ctx, link + quoted))
		return -1;
	return bpf_skb_adjust_room(ctx, headers, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
}

/*
 * To the packet's sender, by the interface it came in by; mtu as of complaint_icmp. Never about an ICMP message, nor
 * about what is not the first part of a packet (RFC 1122 section 3.2.2), nor with VLAN tags in the packet. Returns the
 * action.
 */
__weak __noinline int complain(struct __sk_buff *ctx, const struct packet *p, __u32 mtu)
{
	__u32 quoted, link;
	long sum;

	if (!p || p->l3 || p->fragment == FRAGMENT_LATER || (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) ||
	    complaints_are_too_many())
		return TC_ACT_SHOT;
	quoted = complaint_length(p);
	link = ctx_link_length(ctx, 0);
	sum = complaint_sum(ctx, link, quoted);
	if (sum < 0 || complaint_shape(ctx, p, link, quoted))
		return TC_ACT_SHOT;
	if (p->family == 4 ? complaint_store_ipv4(ctx, p, link, quoted, (__u32)sum, mtu)
			   : complaint_store_ipv6(ctx, p, link, quoted, (__u32)sum, mtu))
		return TC_ACT_SHOT;
	if (ctx_swap_link(ctx, link))
		return TC_ACT_SHOT;
	return (int)bpf_redirect(ctx->ifindex, 0);
}

#endif
