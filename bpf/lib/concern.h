/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors about flows of a service. What an error quotes is a packet as it was sent on by this box; it becomes what
 * that packet was before, and the error goes to whom that concerns (RFC 5508 section 4).
 */
#ifndef SPLICER_LIB_CONCERN_H
#define SPLICER_LIB_CONCERN_H

#include "lib/balance.h"
#include "lib/bpf.h"
#include "lib/checksum.h"
#include "lib/opening.h"
#include "lib/packet.h"
#include "lib/quoted.h"
#include "lib/translate.h"

/* Fills b->key with that of the flow that goes the other way than what the error quotes. */
static __always_inline int concern_make_key(struct __sk_buff *ctx, const struct packet *p, struct balance *b)
{
	struct lb_key *key = &b->key;
	struct packet quoted = {};

	if (!icmp_is_error(p) || icmp_parse_quoted(ctx, p, &quoted))
		return -1;
	/* about a packet of somebody else than whom it goes to: RFC 5927 */
	if (quoted.src[0] != p->dst[0] || quoted.src[1] != p->dst[1])
		return -1;
	if (quoted.proto != IPPROTO_TCP && quoted.proto != IPPROTO_UDP)
		return -1;
	key->src[0] = quoted.dst[0];
	key->src[1] = quoted.dst[1];
	key->dst[0] = quoted.src[0];
	key->dst[1] = quoted.src[1];
	key->sport = quoted.dport;
	key->dport = quoted.sport;
	key->proto = quoted.proto;
	key->family = quoted.family;
	key->reserved[0] = key->reserved[1] = 0;
	b->quoted_l4 = quoted.l4;
	return 0;
}

/* Fills b->flow with the one of b->key, or with what it would be. Negative: none of a service. */
static __always_inline int concern_find_flow(const struct packet *p, struct balance *b)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct lb_flow *flow;
	__u32 table;

	flow = balance_find(&b->key, now, &table);
	if (flow) {
		b->flow = *flow;
		return flow->kind == LB_DIRECT ? -1 : 0;
	}
	/* it is with another box, or was forgotten; ports that were chosen there nobody else knows */
	if (b->hook == EVENT_EGRESS || opening_choose(b, p, now) != REASON_BALANCED || b->flow.mode == LB_MASQUERADE)
		return -1;
	balance_set_differences(&b->key, &b->flow);
	return 0;
}

/*
 * Whether the packet is an error about a flow. Fills b->flow with that, and b->other with where the error goes: to the
 * backend as it is from whoever sent it; to the client as from the VIP, whose backends are nobody's business.
 */
__weak __noinline int concern_find(struct __sk_buff *ctx, const struct packet *p)
{
	struct balance *b = balance_get();
	struct lb_flow *flow, *way;
	int is_back;

	if (!p || !b || concern_make_key(ctx, p, b) || concern_find_flow(p, b))
		return REASON_NONE;
	flow = &b->flow;
	way = &b->other;
	is_back = flow->kind == LB_REPLY;
	if (b->hook == EVENT_EGRESS && !is_back)
		return REASON_NONE;
	*way = *flow;
	way->told = 0;
	way->ifindex = 0;
	way->sport = way->dport = 0;
	if (flow->mode != LB_DSR) {
		way->src[0] = is_back ? flow->src[0] : p->src[0];
		way->src[1] = is_back ? flow->src[1] : p->src[1];
	}
	/* for later fragments of the error: both have source and destination side by side */
	way->addr_diff = (__u32)bpf_csum_diff((__be32 *)p->dst, sizeof(p->dst) + sizeof(p->src), (__be32 *)way->src,
					      sizeof(way->src) + sizeof(way->dst), 0);
	return REASON_BALANCED_ERROR;
}

/* ---- rewriting ---- */

/* Writes, and adds to *sum by how much the sum over what was there changes. Both are in whole words. */
static __always_inline void concern_store(struct __sk_buff *ctx, __u32 at, const void *before, const void *after,
					  __u32 size, __u32 *sum)
{
	bpf_skb_store_bytes(ctx, at, after, size, 0);
	*sum = csum_fold((__u64)bpf_csum_diff((__be32 *)before, size, (__be32 *)after, size, *sum));
}

/* A checksum field at this offset, after what it covers has changed so. UDP has no checksum of zero. */
static __always_inline void concern_correct(struct __sk_buff *ctx, __u32 at, __u32 difference, int is_udp, __u32 *sum)
{
	__u32 before = 0, after;

	if (bpf_skb_load_bytes(ctx, at, &before, sizeof(__u16)))
		return;
	after = csum_changed((__u16)before, difference);
	if (is_udp && !after)
		after = 0xffff;
	bpf_skb_store_bytes(ctx, at, &after, sizeof(__u16), 0);
	*sum = csum_fold((__u64)bpf_csum_diff(&before, sizeof(before), &after, sizeof(after), *sum));
}

/* Of the IP header at off: with IPv4 its own checksum makes up for the change. */
static __always_inline void concern_addresses(struct __sk_buff *ctx, __u32 off, __u32 family, const __u64 *before,
					      const __u64 *after, __u32 *sum)
{
	__u32 difference = 0;

	if (family == 6) {
		concern_store(ctx, off + __builtin_offsetof(struct ipv6_header, src), before, after, 32, sum);
		return;
	}
	concern_store(ctx, off + __builtin_offsetof(struct ipv4_header, src), before, after, 4, &difference);
	concern_store(ctx, off + __builtin_offsetof(struct ipv4_header, dst), before + 2, after + 2, 4, &difference);
	concern_correct(ctx, off + __builtin_offsetof(struct ipv4_header, check), difference, 0, sum);
	*sum = csum_fold((__u64)*sum + difference);
}

/* Where the headers of a quoted packet are, and where the error ends: a frame may be longer. */
struct quotation {
	__u32 l3, l4, end;
};

/*
 * The checksum of the quoted TCP or UDP header, if so much of it is quoted. It has changed by as much as that of the
 * flow's packets, which have the same ends the other way round. UDP over IPv4 may have none.
 */
static __always_inline void concern_quoted_check(struct __sk_buff *ctx, const struct balance *b,
						 const struct quotation *quoted, __u32 *sum)
{
	int is_udp = b->key.proto == IPPROTO_UDP;
	__u32 at = quoted->l4 + (is_udp ? UDP_CHECK : TCP_CHECK);
	__u16 check;

	if (at + sizeof(check) > quoted->end || bpf_skb_load_bytes(ctx, at, &check, sizeof(check)) ||
	    (!check && is_udp))
		return;
	concern_correct(ctx, at, csum_fold((__u64)b->flow.addr_diff + b->flow.port_diff), is_udp, sum);
}

/* The quoted packet becomes what it was before this box sent it on. */
static __always_inline void concern_quoted(struct __sk_buff *ctx, const struct balance *b,
					   const struct quotation *quoted, __u32 *sum)
{
	const struct lb_flow *flow = &b->flow;
	__u64 before[4] = { b->key.dst[0], b->key.dst[1], b->key.src[0], b->key.src[1] };
	__u64 after[4] = { flow->dst[0], flow->dst[1], flow->src[0], flow->src[1] };
	__be16 ports_before[2] = { b->key.dport, b->key.sport }, ports_after[2] = { flow->dport, flow->sport };

	concern_addresses(ctx, quoted->l3, b->key.family, before, after, sum);
	concern_store(ctx, quoted->l4, ports_before, ports_after, sizeof(ports_after), sum);
	concern_quoted_check(ctx, b, quoted, sum);
}

static __always_inline void concern_outer(struct __sk_buff *ctx, const struct packet *p, const struct lb_flow *way,
					  __u32 l3, __u32 *sum)
{
	__u64 before[4] = { p->src[0], p->src[1], p->dst[0], p->dst[1] };
	__u64 after[4] = { way->src[0], way->src[1], way->dst[0], way->dst[1] };
	__u32 header = 0;

	concern_addresses(ctx, l3, p->family, before, after, &header);
	/* only ICMPv6 sums up its addresses */
	if (p->family == 6)
		*sum = csum_fold((__u64)*sum + header);
}

/* What concern_find has found is carried out. link as of translate_link. */
__weak __noinline int concern_rewrite(struct __sk_buff *ctx, const struct packet *p, const struct balance *b,
				      __u32 link)
{
	struct quotation quoted;
	__u32 sum = 0;

	if (!p || !b)
		return -1;
	quoted.l3 = link + p->l4 + sizeof(struct icmp_header);
	quoted.l4 = link + b->quoted_l4;
	quoted.end = link + p->l4 + p->l4_length;
	concern_quoted(ctx, b, &quoted, &sum);
	concern_outer(ctx, p, &b->other, link + p->l3, &sum);
	concern_correct(ctx, link + p->l4 + __builtin_offsetof(struct icmp_header, check), sum, 0, &sum);
	return 0;
}

#endif
