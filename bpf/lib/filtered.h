/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a frame that was decided: verdict, counters, event, what its fragments are to know. */
#ifndef SPLICER_LIB_FILTERED_H
#define SPLICER_LIB_FILTERED_H

#include "lib/bpf.h"
#include "lib/counts.h"
#include "lib/eventrule.h"
#include "lib/events.h"
#include "lib/filter.h"
#include "lib/tally.h"

/*
 * The same by way of memory: the verifier then does not walk through all that follows for each reason that there is.
 */
static __always_inline __u32 filter_forget(struct filter_work *work, __u32 decided)
{
	volatile __u32 *memory = &work->decided;

	*memory = decided;
	return *memory;
}

struct outcome {
	__u32 reason;
	enum verdict verdict;
};

/* Whether a rule decided it, and only wants to be told. */
static __always_inline int is_monitored(const struct filter_work *work)
{
	return work->q.record && rules_decision_mode(work->q.decision) == RULES_DETECT;
}

static __always_inline struct outcome filter_outcome(const struct filter_work *work, __u32 decided)
{
	struct outcome o = { .reason = decided & 0xff, .verdict = (enum verdict)(decided >> 8) };

	if (!o.verdict)
		o.verdict = reason_verdict(o.reason);
	if (o.verdict == VERDICT_DROP && is_monitored(work))
		o.verdict = VERDICT_DETECT;
	return o;
}

static __always_inline void filter_count(const struct filter_work *work, const struct outcome *o)
{
	if (work->q.record)
		tally_add(&work->q, work->p.length);
	counts_add(count_word(EVENT_XDP, EVENT_DRIVER, work->p.ifindex, o->reason, o->verdict), work->p.length);
}

/* The rule that decided, if one did and is still there. */
static __always_inline struct rules_hit filter_rule(const struct filter_work *work)
{
	struct rules_hit hit = {};

	if (work->q.record && rules_hit_at(work->q.arena, work->q.record, work->q.decision, &hit))
		hit.head = NULL;
	return hit;
}

/* What is dropped or monitored is an event; of what passes there are only samples. */
static __always_inline void filter_report(const struct filter_work *work, const struct outcome *o)
{
	struct event_control *control = events_control();
	__u64 wanted = 0, packets;
	struct rules_hit rule;
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
	rule = filter_rule(work);
	events_fill_packet(event, &work->p);
	events_fill_rule(event, &rule);
	events_tell(EVENT_DECISION, wanted, packets);
}

/*
 * Whether later fragments, which have no port, find the rule that decided the first. Where extension headers are in the
 * first, these are what later ones name as their protocol. The query is used up.
 */
static __always_inline int later_find_it(struct filter_work *work)
{
	__u32 record = work->q.record;

	if (work->p.family == 6)
		work->q.proto = work->p.frag_proto;
	work->q.port = port_of_later(work->q.proto);
	return !rules_search(&work->q, list_of(&work->p, &work->q)) && work->q.record == record;
}

/* Leaves word for the later ones of a first fragment, unless they find the same rule themselves. */
static __always_inline void filter_remember(struct filter_work *work, const struct outcome *o)
{
	if (work->p.fragment != FRAGMENT_FIRST || o->reason <= REASON_TOO_MANY_HEADERS)
		return;
	if (later_find_it(work))
		fragment_forget(&work->p);
	else
		fragment_remember(&work->p, o->verdict, rules_newest());
}

static __always_inline int filter_action(enum verdict verdict)
{
	return verdict == VERDICT_PASS || verdict == VERDICT_DETECT ? XDP_PASS : XDP_DROP;
}

#endif
