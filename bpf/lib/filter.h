/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of the packet path of xdp_filter.o. */
#ifndef SPLICER_LIB_FILTER_H
#define SPLICER_LIB_FILTER_H

#include "abi/xdp.h"
#include "lib/bpf.h"
#include "lib/ctx_xdp.h"
#include "lib/packet.h"
#include "maps/xdp.h"

#include "lib/fragment.h"
#include "lib/match.h"
#include "lib/memo.h"
#include "lib/neighbour.h"
#include "lib/rate.h"

/* A frame and the search for its rule: too large for the stack beside those of the functions that search. */
struct filter_work {
	struct packet p;
	struct rules_query q;
	__u32 decided; /* see filter_forget */
};

/* Not pinned: each object has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter_work);
} filter_scratch SEC(".maps");

/* NULL only if the map cannot be read. */
static __always_inline struct filter_work *filter_begin(void)
{
	__u32 zero = 0;
	struct filter_work *work = bpf_map_lookup_elem(&filter_scratch, &zero);

	if (work) {
		__builtin_memset(&work->p, 0, sizeof(work->p));
		work->q.record = 0;
		work->q.below_decision = 0;
	}
	return work;
}

/* ---- rules ---- */

/* Rules that need ports see none in a later fragment: ICMP has no type 255, and nothing listens on port 0. */
static __always_inline __u16 port_of_later(__u32 proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ? 0xffff : 0;
}

static __always_inline void query_begin(struct rules_query *q, const struct packet *p)
{
	q->addr[0] = p->dst[0];
	q->addr[1] = p->dst[1];
	q->addr[2] = p->src[0];
	q->addr[3] = p->src[1];
	q->ifindex = p->ifindex;
	q->port = p->fragment == FRAGMENT_LATER ? port_of_later(p->proto) : p->port;
	q->proto = p->family ? p->proto : XDP_PROTO_NONIP;
}

static __always_inline __u32 reason_of_rule(const struct rules_query *q)
{
	__u32 priority = (__u32)(q->rank >> 32) ^ 0x80000000u;
	int passes = rules_decision_action(q->decision) == RULES_PASS;

	if (q->proto == XDP_PROTO_NONIP)
		return passes ? REASON_NONIP : REASON_ETHERTYPE;
	if (priority == (__u32)XDP_PRIORITY_DEFAULT)
		return passes ? REASON_DEFAULT_PASS : REASON_NO_RULE;
	if (priority == XDP_PRIORITY_NEVER_DROP)
		return REASON_NEVER_DROP;
	if (passes)
		return REASON_RULE_PASS;
	return q->decision & RULES_LIMITED ? REASON_RATE : REASON_RULE_DROP;
}

static __always_inline __u32 list_of(const struct packet *p, const struct rules_query *q)
{
	return rules_list(RULES_IN, p->family == 6 ? RULES_IPV6 : RULES_IPV4, rules_class(q->proto));
}

/*
 * What was found; *certain: it will be found again. Rules that do not apply at the rate of their source are passed
 * over.
 */
static __always_inline __u32 search_rules(const struct packet *p, struct rules_query *q, __u32 list, int *certain)
{
	for (int i = 0; i <= XDP_RATES_MAX; i++) {
		/* a swap during a search is rare, two would need a packet that takes longer than a grace period */
		if (rules_search(q, list) && rules_search(q, list)) {
			*certain = 0;
			q->record = 0; /* what it had come to does not count */
			return REASON_INTERNAL;
		}
		if (!q->record)
			return REASON_DEFAULT_PASS;
		if (!(q->decision & RULES_LIMITED))
			return reason_of_rule(q);
		*certain = 0;
		if (rate_applies(p, q))
			return reason_of_rule(q);
		rules_pass_over(q);
	}
	q->record = 0;
	return REASON_RATE;
}

/* What rules say. */
static __always_inline __u32 row_rules(const struct packet *p, struct rules_query *q)
{
	struct memo *memo;
	__u32 reason;
	int certain = 1;

	query_begin(q, p);
	memo = memo_of(q);
	reason = memo ? memo_recall(memo, q) : REASON_INTERNAL;
	if (reason)
		return reason;
	reason = search_rules(p, q, list_of(p, q), &certain);
	if (certain)
		memo_take(memo, q, reason);
	return reason;
}

/* ---- rows ---- */

/* What keeps the link up. */
static __always_inline __u32 row_link(const struct xdp_md *ctx, const struct packet *p)
{
	if (p->family)
		return REASON_NONE;
	if (p->ethertype == bpf_htons(ETH_P_ARP))
		return REASON_ARP;
	return ctx_is_link_control(ctx) ? REASON_LINK_CONTROL : REASON_NONE;
}

/* Whether the default of IP decided, or nothing. */
static __always_inline int is_of_default(__u32 reason)
{
	return reason == REASON_NO_RULE || reason == REASON_DEFAULT_PASS;
}

/*
 * A later fragment goes where a rule that looked at ports sent its first: reason | verdict << 8. Not yet where a rule
 * came since.
 */
static __always_inline __u32 row_later(const struct packet *p)
{
	if (p->fragment != FRAGMENT_LATER || fragment_is_older(p, rules_newest()))
		return REASON_NONE;
	return (__u32)fragment_follow(p);
}

/* Rules say this of it. A ban that came since its first holds at once; but where none did, it follows all the same. */
static __always_inline __u32 later_or(const struct packet *p, struct rules_query *q, __u32 reason)
{
	__u32 followed = p->fragment == FRAGMENT_LATER ? (__u32)fragment_follow(p) : REASON_NONE;

	if (!followed)
		return reason;
	if (q->record && !is_of_default(reason) && fragment_is_older(p, (__u32)rules_decision_sequence(q->decision)))
		return reason;
	q->record = 0;
	return followed;
}

/* Without a rule of its own a host gets an address all the same: then the default has not decided. */
static __always_inline __u32 dhcp_or(const struct packet *p, struct rules_query *q, __u32 reason)
{
	__u32 dhcp = reason == REASON_NO_RULE ? row_dhcp(p, p->sport, p->dport) : REASON_NONE;

	if (!dhcp)
		return reason;
	q->record = 0;
	return dhcp;
}

/* The rows, in order: reason | verdict << 8; no verdict: as the reason and the rule that was found say. */
static __always_inline __u32 filter_decide(struct xdp_md *ctx, struct filter_work *work)
{
	struct packet *p = &work->p;
	__u32 reason;

	reason = (__u32)packet_parse(ctx, p);
	if (!reason)
		reason = row_link(ctx, p);
	if (!reason)
		reason = row_neighbour(p);
	if (!reason)
		reason = row_later(p);
	if (!reason)
		reason = dhcp_or(p, &work->q, later_or(p, &work->q, row_rules(p, &work->q)));
	return reason;
}

#endif
