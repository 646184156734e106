/* SPDX-License-Identifier: GPL-2.0-only */
/* What rules say of a packet, in the form in which a connection remembers it. */
#ifndef SPLICER_LIB_VERDICT_H
#define SPLICER_LIB_VERDICT_H

#include "abi/conns.h"
#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/match.h"
#include "lib/packet.h"

/*
 * Asks the rules of this direction. record is 0 when none matches; reason is left to the caller. -1 when the arena
 * could not be read.
 */
__weak __noinline int verdict_ask(const struct packet *p, struct conn_verdict *verdict, __u32 direction)
{
	struct rules_query q = {};
	__u32 list;

	if (!p || !verdict)
		return -1;
	q.addr[0] = p->dst[0];
	q.addr[1] = p->dst[1];
	q.addr[2] = p->src[0];
	q.addr[3] = p->src[1];
	q.ifindex = p->ifindex;
	q.port = p->port;
	q.proto = p->proto;
	list = rules_list(direction, p->family == 6 ? RULES_IPV6 : RULES_IPV4, rules_class(p->proto));
	/* a swap during a search is rare, two in a row would need a packet that takes longer than a grace period */
	if (rules_search(&q, list) && rules_search(&q, list))
		return -1;
	verdict->arena = q.arena;
	verdict->decision = q.decision;
	verdict->changes = q.changes;
	verdict->record = q.record;
	verdict->ifindex = p->ifindex;
	verdict->reason = REASON_NONE;
	return 0;
}

/* Finds the rule of a verdict, if it names one. -1: the rules were replaced since. */
static __always_inline int verdict_hit(const struct conn_verdict *verdict, struct rules_hit *hit)
{
	return verdict->record ? rules_hit_at(verdict->arena, verdict->record, verdict->decision, hit) : 0;
}

#endif
