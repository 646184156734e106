/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lb.o: a load balancer for TCP and UDP.
 *
 *     tc qdisc add dev IF clsact
 *     tc filter add dev IF ingress prio 50000 bpf da obj lb.o sec action
 *     tc filter add dev IF egress prio 10 bpf da obj lb.o sec action/egress
 *
 * The packet path, row by row, is documented in splicer(7).
 */
#include "maps/lb.h"
#include "lib/bpf.h"
#include "lib/ctx_tc.h"
#include "lib/packet.h"
#include "maps/config.h"

#include "lib/balanced.h"

/* TCP and UDP: what this CPU had before, and changes nothing. */
static __always_inline __u32 row_recalled(struct balancing *x)
{
	balance_make_key(&x->p, &x->b->key);
	x->flow = recall_find(&x->p, &x->b->key, bpf_ktime_get_coarse_ns());
	x->is_recalled = x->flow != NULL;
	return x->flow ? following_reason(x->flow) : REASON_NONE;
}

/* Packets of flows that are known. */
static __always_inline __u32 row_known(struct balancing *x)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct balance *b = x->b;
	struct lb_flow *flow;
	__u32 table, reason;

	flow = balance_find(&b->key, now, &table);
	if (!flow)
		return REASON_NONE;
	if (following_is_steady(flow, &x->p, table, now)) {
		flow->last = now;
		if (table == CONNS_CONFIRMED && (flow->ifindex || b->hook == EVENT_EGRESS))
			recall_keep(&b->key, flow, now);
		reason = following_reason(flow);
	} else {
		recall_forget(&b->key);
		if (following_begins(&x->p, flow))
			return REASON_NONE;
		reason = (__u32)following_note(&x->p, flow, table);
	}
	b->is_known = 1;
	x->flow = !reason ? NULL : b->is_moved ? &b->flow : flow;
	return reason;
}

/*
 * Whether the packet is as its sender made it. What leaves is so only if it was made here: the rest may have been
 * translated on its way in.
 */
static __always_inline int is_as_sent(const struct __sk_buff *skb, const struct balance *b)
{
	return b->hook == EVENT_INGRESS || !skb->ingress_ifindex;
}

/* Packets to a service of which no flow is known, and from a backend. */
static __always_inline __u32 row_new(const struct __sk_buff *skb, struct balancing *x)
{
	struct balance *b = x->b;
	__u32 reason = REASON_NONE;

	if (b->is_known)
		return REASON_NONE;
	if (b->hook == EVENT_INGRESS)
		reason = (__u32)opening_forward(&x->p);
	if (!reason)
		reason = (__u32)opening_back(&x->p);
	if (!reason && is_as_sent(skb, b))
		opening_direct(&x->p);
	x->flow = reason_verdict(reason) == VERDICT_PASS ? &b->flow : NULL;
	return reason;
}

static __always_inline __u32 row_fragment(struct balancing *x)
{
	struct frag_key key;
	struct lb_frag *frag;

	fragment_make_key(&x->p, &key);
	frag = bpf_map_lookup_elem(&lb1_frags, &key);
	if (!frag || !fragment_is_fresh(frag->time, bpf_ktime_get_coarse_ns()))
		return REASON_NONE;
	if (frag->verdict == VERDICT_DROP)
		return REASON_FRAGMENT;
	x->flow = &frag->flow;
	return REASON_FRAGMENT_PASS;
}

static __always_inline __u32 row_error(struct __sk_buff *skb, struct balancing *x)
{
	__u32 reason = (__u32)concern_find(skb, &x->p);

	if (reason)
		x->flow = &x->b->other;
	return reason;
}

/* REASON_NONE: it is none of ours. */
static __always_inline __u32 decide(struct __sk_buff *skb, struct balancing *x)
{
	__u32 reason;

	if (packet_parse(skb, &x->p) || !x->p.family || x->p.l4 > TRANSLATE_L4_MAX)
		return REASON_NONE;
	if (x->p.fragment == FRAGMENT_LATER)
		return row_fragment(x);
	if (x->p.proto != IPPROTO_TCP && x->p.proto != IPPROTO_UDP)
		return row_error(skb, x);
	reason = row_recalled(x);
	if (!reason)
		reason = row_known(x);
	return reason ? reason : row_new(skb, x);
}

/* What lets a packet go on after all: its flow is recorded, and it is made what the flow says. */
static __always_inline __u32 carry(struct __sk_buff *skb, struct balancing *x, __u32 reason)
{
	__u32 trouble = x->b->begins ? (__u32)opening_record() : REASON_NONE;

	if (trouble)
		return trouble;
	if (!x->flow || carry_out(skb, &x->p, x->b, x->flow, carry_how(x, reason)))
		return REASON_INTERNAL;
	return reason;
}

/* Carries the decision out, counts, and tells. Returns what came of it. */
static __always_inline __u32 conclude(struct __sk_buff *skb, struct balancing *x, __u32 decided)
{
	int is_drop = reason_verdict(decided) == VERDICT_DROP, is_told = events_may_want(is_drop || x->b->is_new);
	__u32 reason = decided;

	if (is_told && !is_drop)
		report_before(skb, &x->p, x->b);
	if (!is_drop)
		reason = carry(skb, x, decided);
	if (x->p.fragment == FRAGMENT_FIRST)
		balanced_remember(x, balanced_verdict(reason));
	balanced_count(x, reason, balanced_verdict(reason));
	if (is_told)
		balanced_report(skb, &x->p, x->flow, reason);
	return reason;
}

static __always_inline int ingress_action(struct __sk_buff *skb, const struct balancing *x, __u32 reason)
{
	switch (reason) {
	case REASON_TOO_BIG:
		return complain(skb, &x->p, x->b->mtu);
	case REASON_HOP_LIMIT:
		return complain(skb, &x->p, 0);
	default:
		break;
	}
	if (balanced_verdict(reason) == VERDICT_DROP || !x->flow)
		return TC_ACT_SHOT;
	return x->for_stack ? TC_ACT_UNSPEC : hop_send(skb, x->flow);
}

SEC("action")
int lb_ingress(struct __sk_buff *skb)
{
	struct balancing x = { .b = balance_begin(EVENT_INGRESS) };
	__u32 reason;

	if (!x.b)
		return TC_ACT_SHOT;
	reason = ctx_is_to_this_host(skb) ? decide(skb, &x) : REASON_NONE;
	if (x.flow && reason)
		reason = way_find(skb, &x, reason);
	if (!reason)
		return TC_ACT_UNSPEC;
	return ingress_action(skb, &x, conclude(skb, &x, reason));
}

SEC("action/egress")
int lb_egress(struct __sk_buff *skb)
{
	struct balancing x = { .b = balance_begin(EVENT_EGRESS) };
	__u32 reason;

	if (!x.b)
		return TC_ACT_SHOT;
	reason = decide(skb, &x);
	if (!reason || !x.flow || x.flow->kind != LB_REPLY)
		return TC_ACT_UNSPEC;
	return reason_verdict(conclude(skb, &x, reason)) == VERDICT_DROP ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
