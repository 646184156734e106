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
	struct lb_flow *flow;
	__u32 table, reason;

	flow = balance_find(&x->b->key, now, &table);
	if (!flow)
		return REASON_NONE;
	if (following_is_steady(flow, &x->p, table, now)) {
		flow->last = now;
		x->b->is_known = 1;
		x->flow = flow;
		if (table == CONNS_CONFIRMED && (flow->ifindex || x->b->hook == EVENT_EGRESS))
			recall_keep(&x->b->key, flow);
		return following_reason(flow);
	}
	recall_forget(&x->b->key);
	reason = (__u32)following_known(&x->p);
	/* it may have moved */
	if (reason)
		x->flow = balance_find(&x->b->key, now, &table);
	return x->flow ? reason : REASON_NONE;
}

/* Packets to a service of which no flow is known, and from a backend. */
static __always_inline __u32 row_new(struct balancing *x)
{
	struct balance *b = x->b;
	__u32 reason = REASON_NONE;

	if (b->is_known)
		return REASON_NONE;
	if (b->hook == EVENT_INGRESS)
		reason = (__u32)opening_forward(&x->p);
	if (!reason)
		reason = (__u32)opening_back(&x->p);
	if (!reason && b->hook == EVENT_INGRESS)
		opening_direct(&x->p);
	return reason;
}

/* A packet that begins a flow has it in the table now. */
static __always_inline __u32 row_begun(struct balancing *x, __u32 reason)
{
	__u32 table;

	if (reason_verdict(reason) != VERDICT_PASS)
		return reason;
	x->flow = balance_find(&x->b->key, bpf_ktime_get_coarse_ns(), &table);
	return x->flow ? reason : REASON_TABLE_FULL;
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

	if (packet_parse(skb, &x->p) || !x->p.family)
		return REASON_NONE;
	if (x->p.fragment == FRAGMENT_LATER)
		return row_fragment(x);
	if (x->p.proto != IPPROTO_TCP && x->p.proto != IPPROTO_UDP)
		return row_error(skb, x);
	reason = row_recalled(x);
	if (!reason)
		reason = row_known(x);
	return reason ? reason : row_begun(x, row_new(x));
}

/* Carries the decision out, counts, and tells. */
static __always_inline __u32 conclude(struct __sk_buff *skb, struct balancing *x, __u32 reason)
{
	enum verdict verdict = balanced_verdict(reason);
	int is_told = events_may_want(verdict == VERDICT_DROP || x->b->is_new);

	if (x->p.fragment == FRAGMENT_FIRST)
		balanced_remember(x, verdict);
	if (is_told && verdict != VERDICT_DROP)
		checks_read(skb, &x->p, x->p.family, 0, &x->b->ip_check, &x->b->l4_check);
	if (verdict != VERDICT_DROP && (!x->flow || carry_out(skb, &x->p, x->b, x->flow, carry_how(x, reason)))) {
		reason = REASON_INTERNAL;
		verdict = VERDICT_DROP;
	}
	balanced_count(x, reason, verdict);
	if (is_told)
		balanced_report(skb, &x->p, x->b, x->flow, reason);
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
	reason = decide(skb, &x);
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
	next_hop_read(skb, x.b);
	return conclude(skb, &x, reason) == REASON_INTERNAL ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
