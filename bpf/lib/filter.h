/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of the packet path of xdp_filter.o, and what becomes of a frame that they decided. */
#ifndef SPLICER_LIB_FILTER_H
#define SPLICER_LIB_FILTER_H

#include "abi/xdp.h"
#include "lib/bpf.h"
#include "lib/ctx_xdp.h"
#include "lib/packet.h"
#include "maps/xdp.h"

#include "lib/counts.h"
#include "lib/events.h"
#include "lib/fragment.h"
#include "lib/match.h"
#include "lib/neighbour.h"
#include "lib/rate.h"

/* A frame and the search for its rule: too large for the stack beside those of the functions that search. */
struct filter_work {
	struct packet p;
	struct rules_query q;
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
static __always_inline __u16 port_of_later(const struct packet *p)
{
	return p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6 ? 0xffff : 0;
}

static __always_inline void query_begin(struct rules_query *q, const struct packet *p)
{
	q->addr[0] = p->dst[0];
	q->addr[1] = p->dst[1];
	q->addr[2] = p->src[0];
	q->addr[3] = p->src[1];
	q->ifindex = p->ifindex;
	q->port = p->fragment == FRAGMENT_LATER ? port_of_later(p) : p->port;
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

/* What rules say; those that do not apply at the rate of their source are passed over. */
static __always_inline __u32 row_rules(const struct packet *p, struct rules_query *q)
{
	__u32 list;

	query_begin(q, p);
	list = rules_list(RULES_IN, p->family == 6 ? RULES_IPV6 : RULES_IPV4, rules_class(q->proto));
	for (int i = 0; i <= XDP_RATES_MAX; i++) {
		/* a swap during a search is rare, two in a row would need a packet that takes longer than a grace
		 * period */
		if (rules_search(q, list) && rules_search(q, list))
			return REASON_INTERNAL;
		if (!q->record)
			return REASON_DEFAULT_PASS;
		if (!(q->decision & RULES_LIMITED) || rate_applies(p, q))
			return reason_of_rule(q);
		rules_pass_over(q);
	}
	q->record = 0;
	return REASON_RATE;
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

/* A later fragment goes where a rule that looked at ports sent its first: reason | verdict << 8. */
static __always_inline __u32 row_later(const struct packet *p)
{
	return p->fragment == FRAGMENT_LATER ? (__u32)fragment_follow(p) : REASON_NONE;
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

/*
 * The rows, in order: reason | verdict << 8; no verdict: as the reason and the rule in *q say. A global function, so
 * that the verifier need not follow each reason through all that comes after.
 */
__noinline int filter_decide(struct xdp_md *ctx, struct filter_work *work)
{
	struct packet *p = &work->p;
	__u32 reason;

	if (!work)
		return REASON_INTERNAL;
	reason = (__u32)packet_parse(ctx, p);
	if (!reason)
		reason = row_link(ctx, p);
	if (!reason)
		reason = row_neighbour(p);
	if (!reason)
		reason = row_later(p);
	if (!reason)
		reason = dhcp_or(p, &work->q, row_rules(p, &work->q));
	return (int)reason;
}

/* ---- outcome ---- */

struct outcome {
	struct packet *p;
	struct rules_hit hit;
	__u32 reason;
	enum verdict verdict;
};

static __always_inline enum verdict verdict_of(const struct outcome *o)
{
	enum verdict verdict = reason_verdict(o->reason);

	if (verdict == VERDICT_DROP && o->hit.head && rules_decision_mode(o->hit.decision) == RULES_DETECT)
		return VERDICT_DETECT;
	return verdict;
}

/* What was decided, with the rule, if it is still there, and the verdict. */
static __always_inline void filter_conclude(struct filter_work *work, __u32 decided, struct outcome *o)
{
	o->p = &work->p;
	o->reason = decided & 0xff;
	if (work->q.record && rules_hit_at(work->q.arena, work->q.record, work->q.decision, &o->hit))
		o->hit.head = NULL;
	o->verdict = decided >> 8 ? (enum verdict)(decided >> 8) : verdict_of(o);
}

/* A rule that looked at ports decided a first fragment. Of others the later ones find the same rule themselves. */
static __always_inline int is_remembered(const struct outcome *o)
{
	return o->p->fragment == FRAGMENT_FIRST && o->hit.head && (o->hit.head->low || o->hit.head->high != 0xffff);
}

static __always_inline void filter_count(const struct outcome *o)
{
	if (o->hit.head)
		rules_count(o->hit.head, o->p->length);
	counts_add(count_word(EVENT_XDP, EVENT_DRIVER, o->p->ifindex, o->reason, o->verdict), o->p->length);
}

/* What is dropped or monitored is an event; of what passes there are only samples. */
static __always_inline void filter_report(const struct outcome *o)
{
	struct event_control *control = events_control();
	__u64 wanted = 0, packets;
	struct event *event;

	if (!control || !events_any(control))
		return;
	if (o->verdict != VERDICT_PASS)
		wanted = control->wanted[EVENT_DECISION];
	packets = control->wanted[EVENT_PACKET];
	if (packets)
		packets = (__u64)events_draw(packets);
	if (!(wanted | packets))
		return;
	event = events_new(EVENT_XDP, EVENT_DRIVER, o->reason, o->verdict);
	if (!event)
		return;
	events_fill_packet(event, o->p);
	events_fill_rule(event, &o->hit);
	events_tell(EVENT_DECISION, wanted, packets);
}

static __always_inline int filter_action(enum verdict verdict)
{
	return verdict == VERDICT_PASS || verdict == VERDICT_DETECT ? XDP_PASS : XDP_DROP;
}

#endif
