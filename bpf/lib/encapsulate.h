/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet into an IP tunnel: IPv4 or IPv6 in either (RFC 2003, 2473, 4213). */
#ifndef SPLICER_LIB_ENCAPSULATE_H
#define SPLICER_LIB_ENCAPSULATE_H

#include "abi/lb.h"
#include "lib/bpf.h"
#include "lib/checksum.h"
#include "lib/packet.h"
#include "lib/translate.h"

#define TUNNEL_HOPS 64 /* IPDEFTTL of include/linux/ip.h */
#define IPV4_DONT_FRAGMENT 0x4000

static __always_inline __u32 tunnel_overhead(const struct lb_flow *flow)
{
	if (flow->mode != LB_DSR)
		return 0;
	return flow->family == 4 ? sizeof(struct ipv4_header) : sizeof(struct ipv6_header);
}

/* What the outer header takes over from the inner one. */
struct tunnelled {
	__u32 length; /* of the inner packet */
	__u8 class;   /* DSCP and ECN: RFC 2983, 6040 */
	__u8 proto;
	__be16 frag_off; /* of an outer IPv4 header: whether it may be fragmented */
};

static __always_inline int tunnelled_read(struct __sk_buff *ctx, const struct packet *p, __u32 off, struct tunnelled *t)
{
	t->length = p->l4 - p->l3 + p->l4_length;
	if (p->family == 4) {
		struct ipv4_header *ip = translate_at(ctx, off, sizeof(*ip));

		if (!ip)
			return -1;
		t->class = ip->tos;
		t->proto = IPPROTO_IPIP;
		t->frag_off = ip->frag_off & bpf_htons(IPV4_DONT_FRAGMENT);
	} else {
		struct ipv6_header *ip = translate_at(ctx, off, sizeof(*ip));

		if (!ip)
			return -1;
		t->class = (__u8)(bpf_ntohl(ip->version_class_label) >> 20);
		t->proto = IPPROTO_IPV6;
		t->frag_off = bpf_htons(IPV4_DONT_FRAGMENT);
	}
	return 0;
}

static __always_inline long tunnel_write_ipv4(struct __sk_buff *ctx, __u32 off, const struct lb_flow *flow,
					      const struct tunnelled *t)
{
	struct ipv4_header ip = {
		.version_ihl = 0x45,
		.tos = t->class,
		.length = bpf_htons((__u16)(t->length + sizeof(ip))),
		.frag_off = t->frag_off,
		.ttl = TUNNEL_HOPS,
		.proto = t->proto,
		.src = (__be32)flow->src[0],
		.dst = (__be32)flow->dst[0],
	};

	/* RFC 6864: what is never fragmented needs none */
	if (!t->frag_off)
		ip.id = (__be16)bpf_get_prandom_u32();
	ip.check = (__u16)~csum_fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)&ip, sizeof(ip), 0));
	return bpf_skb_store_bytes(ctx, off, &ip, sizeof(ip), 0);
}

static __always_inline long tunnel_write_ipv6(struct __sk_buff *ctx, __u32 off, const struct lb_flow *flow,
					      const struct tunnelled *t)
{
	struct ipv6_header ip = {
		.version_class_label = bpf_htonl(6u << 28 | (__u32)t->class << 20),
		.payload = bpf_htons((__u16)t->length),
		.next = t->proto,
		.hop_limit = TUNNEL_HOPS,
		.src = { flow->src[0], flow->src[1] },
		.dst = { flow->dst[0], flow->dst[1] },
	};

	return bpf_skb_store_bytes(ctx, off, &ip, sizeof(ip), 0);
}

/* link as of translate_link. Negative: it cannot be done. */
static __always_inline long tunnel_close(struct __sk_buff *ctx, const struct packet *p, const struct lb_flow *flow,
					 __u32 link)
{
	__u64 room = flow->family == 4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	struct tunnelled t;

	if (tunnelled_read(ctx, p, link + p->l3, &t))
		return -1;
	/* segments were found to fit with the outer header */
	if (bpf_skb_adjust_room(ctx, (__s32)tunnel_overhead(flow), BPF_ADJ_ROOM_MAC, room | BPF_F_ADJ_ROOM_FIXED_GSO))
		return -1;
	return flow->family == 4 ? tunnel_write_ipv4(ctx, link, flow, &t) : tunnel_write_ipv6(ctx, link, flow, &t);
}

#endif
