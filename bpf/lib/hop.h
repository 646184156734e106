/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a packet goes next, by the kernel's routes, and sending it there. A flow keeps what it was told for a while.
 */
#ifndef SPLICER_LIB_HOP_H
#define SPLICER_LIB_HOP_H

#include "abi/lb.h"
#include "abi/reasons.h"
#include "lib/balance.h"
#include "lib/bpf.h"
#include "lib/packet.h"

#include <linux/pkt_cls.h>

/* include/linux/socket.h */
#define HOP_AF_INET 2
#define HOP_AF_INET6 10

static __always_inline void hop_ask_for(struct bpf_fib_lookup *fib, const struct lb_flow *flow, const struct packet *p)
{
	fib->l4_protocol = flow->mode == LB_DSR ? 0 : p->proto;
	fib->sport = flow->sport;
	fib->dport = flow->dport;
	if (flow->family == 4) {
		fib->family = HOP_AF_INET;
		fib->ipv4_src = (__be32)flow->src[0];
		fib->ipv4_dst = (__be32)flow->dst[0];
	} else {
		fib->family = HOP_AF_INET6;
		__builtin_memcpy(fib->ipv6_src, flow->src, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, flow->dst, sizeof(fib->ipv6_dst));
	}
}

static __always_inline void hop_remember(struct lb_flow *flow, const struct bpf_fib_lookup *fib, __u32 mtu)
{
	flow->mtu = mtu;
	if (fib->family == HOP_AF_INET) {
		flow->next_hop_family = 4;
		flow->next_hop[0] = fib->ipv4_dst;
		flow->next_hop[1] = 0;
	} else {
		flow->next_hop_family = 6;
		__builtin_memcpy(flow->next_hop, fib->ipv6_dst, sizeof(flow->next_hop));
	}
	flow->ifindex = fib->ifindex;
}

/*
 * Asks for the route of a packet that will have so many bytes from its IP header on. REASON_TOO_BIG: b->mtu is what the
 * way takes. flow->ifindex is 0 where the stack must decide.
 */
__weak __noinline int hop_find(struct __sk_buff *ctx, const struct packet *p, struct balance *b, struct lb_flow *flow,
			       __u32 length)
{
	struct bpf_fib_lookup fib = {};
	long result;

	if (!p || !b || !flow)
		return REASON_INTERNAL;
	fib.ifindex = ctx->ifindex;
	fib.tot_len = (__u16)length;
	hop_ask_for(&fib, flow, p);
	b->is_asked = 1;
	__builtin_memset(b->next_hop, 0, sizeof(b->next_hop));
	result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	switch (result) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		__builtin_memcpy(b->next_hop, fib.dmac, sizeof(b->next_hop));
		hop_remember(flow, &fib, fib.mtu_result);
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		/* of the way no more is known than that it takes this packet */
		hop_remember(flow, &fib, length);
		break;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		b->mtu = fib.mtu_result;
		/* a smaller one asks for itself */
		flow->told = 0;
		return REASON_TOO_BIG;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return REASON_NO_ROUTE;
	default:
		flow->ifindex = 0;
		break;
	}
	flow->told = bpf_ktime_get_coarse_ns();
	return REASON_NONE;
}

/* To the next hop; the neighbour is resolved if it is not known. */
static __always_inline int hop_send(struct __sk_buff *ctx, const struct lb_flow *flow)
{
	struct bpf_redir_neigh hop = {};

	/* the tag is that of the way it came */
	if (ctx->vlan_present && bpf_skb_vlan_pop(ctx))
		return TC_ACT_SHOT;
	if (flow->next_hop_family == 4) {
		hop.nh_family = HOP_AF_INET;
		hop.ipv4_nh = (__be32)flow->next_hop[0];
	} else {
		hop.nh_family = HOP_AF_INET6;
		__builtin_memcpy(hop.ipv6_nh, flow->next_hop, sizeof(hop.ipv6_nh));
	}
	return (int)bpf_redirect_neigh(flow->ifindex, &hop, sizeof(hop), 0);
}

#endif
