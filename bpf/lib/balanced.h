/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a packet of a service: counters, events, and its way. */
#ifndef SPLICER_LIB_BALANCED_H
#define SPLICER_LIB_BALANCED_H

#include "lib/balance.h"
#include "lib/bpf.h"
#include "lib/complain.h"
#include "lib/concern.h"
#include "lib/counts.h"
#include "lib/encapsulate.h"
#include "lib/events.h"
#include "lib/following.h"
#include "lib/fragkey.h"
#include "lib/hop.h"
#include "lib/packet.h"
#include "lib/recall.h"
#include "lib/translate.h"

#include <linux/pkt_cls.h>

/* A packet on its way through the object. */
struct balancing {
	struct packet p;
	struct balance *b;
	struct lb_flow *flow; /* what it becomes; NULL: it is dropped, or none of ours */
	__u32 for_stack;      /* translated, it is given to the stack, which knows more of routes */
	__u32 is_recalled;    /* flow is what this CPU remembers of it */
};

/* ---- the way ---- */

static __always_inline int may_be_fragmented(struct __sk_buff *skb, const struct packet *p)
{
	__be16 frag_off;

	return p->family == 4 &&
	       !ctx_load(skb, p->l3 + __builtin_offsetof(struct ipv4_header, frag_off), &frag_off, sizeof(frag_off)) &&
	       !(frag_off & bpf_htons(IPV4_DONT_FRAGMENT));
}

/*
 * What the stack must do, as it is no matter of sending on: deliver to this box, fragment, tell of what cannot be
 * reached. From the client it gets what is translated; what goes back, and would come from an address of this box, as
 * it is, for egress to translate.
 */
static __always_inline __u32 way_by_stack(struct balancing *x, __u32 reason)
{
	if (x->flow->mode != LB_NAT)
		return REASON_NO_ROUTE;
	if (x->flow->kind == LB_FORWARD) {
		x->for_stack = 1;
		return reason;
	}
	/* egress will tell of it */
	if (x->b->is_new)
		x->flow->is_answered = 0;
	return REASON_NONE;
}

/* Whether its route is known and takes a packet of this size. */
static __always_inline int way_is_known(const struct balancing *x, __u32 length)
{
	const struct lb_flow *flow = x->flow;

	return flow->ifindex && length <= flow->mtu &&
	       (x->is_recalled || following_is_fresh(flow, bpf_ktime_get_coarse_ns()));
}

/* Whether and where it can go on from ingress; reason is why it should. */
static __always_inline __u32 way_find(struct __sk_buff *skb, struct balancing *x, __u32 reason)
{
	struct lb_flow *flow = x->flow;
	__u32 length, overhead = tunnel_overhead(flow), trouble = REASON_NONE;

	if (x->p.hop_limit <= 1)
		return REASON_HOP_LIMIT;
	length = overhead + ctx_segment_length(skb, x->p.l4 - x->p.l3 + x->p.l4_length, x->p.l3, x->p.l4,
					       x->p.proto == IPPROTO_TCP);
	if (!way_is_known(x, length)) {
		trouble = (__u32)hop_find(skb, &x->p, x->b, flow, length);
		x->b->mtu -= overhead;
		/* what was found is for the tables to know */
		if (x->is_recalled)
			flow->told = 0;
	}
	if (trouble == REASON_TOO_BIG && flow->mode == LB_NAT && may_be_fragmented(skb, &x->p))
		return way_by_stack(x, reason);
	if (trouble)
		return trouble;
	return flow->ifindex && !x->p.l3 ? reason : way_by_stack(x, reason);
}

/* ---- carrying it out ---- */

#define CARRY_ERROR 1u /* an ICMP error about the flow: see concern.h */
#define CARRY_HOP 2u   /* as a router does */

/* A global function, as flows of all kinds of maps come here. how: CARRY_ERROR... */
__weak __noinline int carry_out(struct __sk_buff *skb, const struct packet *p, const struct balance *b,
				const struct lb_flow *flow, __u32 how)
{
	int link;

	if (!p || !b || !flow)
		return -1;
	link = translate_link(skb, p);
	if (link < 0 || (how & CARRY_HOP && translate_hop(skb, p, (__u32)link + p->l3)))
		return -1;
	if (flow->mode == LB_DSR)
		return (int)tunnel_close(skb, p, flow, (__u32)link);
	if (how & CARRY_ERROR)
		return concern_rewrite(skb, p, b, (__u32)link);
	return translate_packet(skb, p, flow, (__u32)link);
}

static __always_inline __u32 carry_how(const struct balancing *x, __u32 reason)
{
	return (reason == REASON_BALANCED_ERROR ? CARRY_ERROR : 0) |
	       (x->b->hook == EVENT_INGRESS && !x->for_stack ? CARRY_HOP : 0);
}

/* ---- counters ---- */

static __always_inline enum verdict balanced_verdict(__u32 reason)
{
	return reason_verdict(reason) == VERDICT_DROP ? VERDICT_DROP : VERDICT_TRANSLATE;
}

static __always_inline void balanced_count(const struct balancing *x, __u32 reason, enum verdict verdict)
{
	struct lb_stat *stat;
	__u32 index;

	counts_add(count_word(EVENT_LB, x->b->hook, x->p.ifindex, reason, verdict), x->p.length);
	if (verdict == VERDICT_DROP || reason == REASON_BALANCED_ERROR || !x->flow)
		return;
	index = x->flow->stat;
	stat = bpf_map_lookup_elem(&lb1_stats, &index);
	if (!stat)
		return;
	/* nothing else writes those of this CPU while this runs */
	if (x->flow->kind == LB_FORWARD) {
		stat->packets[CONN_FORWARD]++;
		stat->bytes[CONN_FORWARD] += x->p.length;
	} else {
		stat->packets[CONN_BACK]++;
		stat->bytes[CONN_BACK] += x->p.length;
	}
}

/* ---- events ---- */

/* Offset of the transport's checksum after the network header; 0: it has none. */
static __always_inline __u32 check_offset(const struct packet *p)
{
	switch (p->proto) {
	case IPPROTO_TCP:
		return p->l4 + TCP_CHECK;
	case IPPROTO_UDP:
		return p->l4 + UDP_CHECK;
	default:
		return p->l4 + __builtin_offsetof(struct icmp_header, check);
	}
}

static __always_inline __be16 ip_check_read(struct __sk_buff *skb, const struct packet *p)
{
	__be16 check = 0;

	ctx_load(skb, p->l3 + __builtin_offsetof(struct ipv4_header, check), &check, sizeof(check));
	return check;
}

static __always_inline void checks_read(struct __sk_buff *skb, const struct packet *p, __be16 *ip, __be16 *l4)
{
	*ip = p->family == 4 ? ip_check_read(skb, p) : 0;
	*l4 = 0;
	if (p->fragment != FRAGMENT_LATER)
		ctx_load(skb, check_offset(p), l4, sizeof(*l4));
}

/* The Ethernet address that the stack has found. */
static __always_inline void next_hop_read(struct __sk_buff *skb, struct balance *b)
{
	if (ctx_link_length(skb, 0) && !bpf_skb_load_bytes(skb, 0, b->next_hop, sizeof(b->next_hop)))
		return;
	__builtin_memset(b->next_hop, 0, sizeof(b->next_hop));
}

/* What is to be told of a packet as it came. */
static __always_inline void report_before(struct __sk_buff *skb, const struct packet *p, struct balance *b)
{
	checks_read(skb, p, &b->ip_check, &b->l4_check);
	if (b->hook == EVENT_EGRESS)
		next_hop_read(skb, b);
}

static __always_inline void report_translation(struct __sk_buff *skb, const struct packet *p, const struct balance *b,
					       const struct lb_flow *flow, struct event *event)
{
	event->new_ifindex = b->hook == EVENT_EGRESS ? p->ifindex : flow->ifindex;
	__builtin_memcpy(event->next_hop, b->next_hop, sizeof(event->next_hop));
	__builtin_memcpy(event->new_src, flow->src, sizeof(event->new_src));
	__builtin_memcpy(event->new_dst, flow->dst, sizeof(event->new_dst));
	event->new_sport = flow->sport;
	event->new_dport = flow->dport;
	event->new_family = flow->family;
	event->ip_check_before = b->ip_check;
	event->l4_check_before = b->l4_check;
	if (flow->mode != LB_DSR) {
		checks_read(skb, p, &event->ip_check_after, &event->l4_check_after);
		return;
	}
	/* of the tunnel; what is in it is as it was */
	event->ip_check_after = flow->family == 4 ? ip_check_read(skb, p) : 0;
	event->l4_check_after = b->l4_check;
}

/* Of packets that went as others before them. */
static __always_inline void report_next_hop(struct __sk_buff *skb, const struct packet *p, struct balance *b,
					    const struct lb_flow *flow)
{
	if (b->hook == EVENT_EGRESS || b->is_asked)
		return;
	b->other = *flow;
	hop_find(skb, p, b, &b->other, 0);
}

static __always_inline void report_none(struct event *event)
{
	event->new_ifindex = 0;
	__builtin_memset(event->next_hop, 0, sizeof(event->next_hop));
	__builtin_memset(event->new_src, 0, sizeof(event->new_src));
	__builtin_memset(event->new_dst, 0, sizeof(event->new_dst));
	event->new_sport = event->new_dport = 0;
	event->new_family = 0;
	event->ip_check_before = event->ip_check_after = event->l4_check_before = event->l4_check_after = 0;
}

/* Whether somebody wants packets, or this one's news. */
static __always_inline int events_may_want(int is_news)
{
	const struct event_control *control = events_control();

	return control && (control->wanted[EVENT_PACKET] || (is_news && control->wanted[EVENT_DECISION]));
}

/* flow NULL: it is dropped. is_news: a decision, not only a packet. A global function, as few packets come here. */
__weak __noinline int balanced_report(struct __sk_buff *skb, const struct packet *p, const struct lb_flow *flow,
				      __u32 reason)
{
	struct balance *b = balance_get();
	struct event_control *control = events_control();
	__u64 wanted, packets;
	struct event *event;
	int is_drop = reason_verdict(reason) == VERDICT_DROP;

	if (!p || !b || !control)
		return 0;
	wanted = is_drop || b->is_new ? control->wanted[EVENT_DECISION] : 0;
	packets = control->wanted[EVENT_PACKET];
	if (packets)
		packets = (__u64)events_draw(packets);
	if (!(wanted | packets))
		return 0;
	event = events_new(EVENT_LB, b->hook, reason, balanced_verdict(reason));
	if (!event)
		return 0;
	events_fill_packet(event, p);
	if (flow && !is_drop)
		report_next_hop(skb, p, b, flow);
	if (flow && !is_drop)
		report_translation(skb, p, b, flow, event);
	else
		report_none(event);
	events_tell(EVENT_DECISION, wanted, packets);
	return 0;
}

/* ---- fragments ---- */

static __always_inline void balanced_remember(const struct balancing *x, enum verdict verdict)
{
	struct lb_frag *frag = &x->b->frag;
	struct frag_key key;

	__builtin_memset(frag, 0, sizeof(*frag));
	frag->time = bpf_ktime_get_coarse_ns();
	frag->verdict = verdict;
	if (x->flow)
		frag->flow = *x->flow;
	fragment_make_key(&x->p, &key);
	bpf_map_update_elem(&lb1_frags, &key, frag, BPF_ANY);
}

#endif
