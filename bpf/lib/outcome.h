/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a packet that was decided: verdict, event, action. */
#ifndef SPLICER_LIB_OUTCOME_H
#define SPLICER_LIB_OUTCOME_H

#include "lib/counts.h"
#include "lib/eventrule.h"
#include "lib/events.h"
#include "lib/passage.h"

#include <linux/pkt_cls.h>

static __always_inline int is_malformed(__u32 reason)
{
	return reason == REASON_TRUNCATED || reason == REASON_BAD_HEADER || reason == REASON_TOO_MANY_HEADERS;
}

/* The rule's mode, else the interface's, else that of all. */
static __always_inline int is_detect(const struct passage *x)
{
	enum rules_mode mode = x->hit.head ? rules_decision_mode(x->hit.decision) : RULES_MODE_UNSET;

	if (mode != RULES_MODE_UNSET)
		return mode == RULES_DETECT;
	return setting_get(x->p.ifindex, SETTING_MODE) == MODE_DETECT;
}

static __always_inline enum verdict verdict_of(const struct passage *x, __u32 reason)
{
	enum verdict verdict = reason_verdict(reason);

	if (x->seen->followed)
		return (enum verdict)x->seen->followed;
	if (verdict != VERDICT_DROP)
		return verdict;
	if (is_malformed(reason) && x->seen->hook == RULES_IN && setting_passes(x->p.ifindex, SETTING_ON_TRUNCATED))
		return VERDICT_PASS;
	return is_detect(x) ? VERDICT_DETECT : VERDICT_DROP;
}

/* An event is a decision, not a packet: packets of what was decided before are only counted. */
static __always_inline int is_decision(const struct passage *x, __u32 reason)
{
	switch (reason) {
	case REASON_LOOPBACK:
	case REASON_ARP:
	case REASON_NONIP:
	case REASON_NEIGHBOUR:
	case REASON_DHCP:
	case REASON_ESTABLISHED:
	case REASON_TRACKED:
	case REASON_ICMP_ERROR:
	case REASON_FRAGMENT_PASS:
	case REASON_FRAGMENT_EARLY:
	case REASON_FRAGMENT_SPLICE:
		return 0;
	case REASON_SSH_ANY:
	case REASON_SSH_OWN:
		return packet_is_first_syn(&x->p);
	case REASON_ECHO:
		return x->seen->recorded;
	case REASON_OUT:
		return x->seen->recorded || (x->seen->step == CONN_UNKNOWN && packet_is_first_syn(&x->p));
	case REASON_MAX_DURATION:
		return x->seen->step == CONN_OVERDUE;
	default:
		/* what was remembered was told; that it no longer holds, as its listener has gone, was not */
		return x->seen->step != CONN_REMEMBERED || reason != x->seen->verdict.reason;
	}
}

static __always_inline enum event_type event_type(const struct passage *x, __u32 reason)
{
	if (!is_decision(x, reason))
		return EVENT_NONE;
	return x->seen->step == CONN_ASK || x->seen->step == CONN_OVERDUE ? EVENT_REDECISION : EVENT_DECISION;
}

static __always_inline enum event_hook event_hook(const struct passage *x)
{
	return x->seen->hook == RULES_OUT ? EVENT_EGRESS : EVENT_INGRESS;
}

static __always_inline void count(const struct passage *x, __u32 reason, enum verdict verdict)
{
	counts_add(count_word(EVENT_SPLICER, event_hook(x), x->p.ifindex, reason, verdict), x->p.length);
}

static __always_inline void report(const struct passage *x, __u32 reason, enum verdict verdict)
{
	struct event_control *control = events_control();
	__u64 wanted, packets;
	enum event_type type;
	struct event *event;

	if (!control || !events_any(control))
		return;
	type = event_type(x, reason);
	wanted = control->wanted[type];
	packets = control->wanted[EVENT_PACKET];
	if (packets)
		packets = (__u64)events_draw(packets);
	if (!(wanted | packets))
		return;
	event = events_new(EVENT_SPLICER, event_hook(x), reason, verdict);
	if (!event)
		return;
	events_fill_packet(event, &x->p);
	events_fill_rule(event, &x->hit);
	events_tell(type, wanted, packets);
}

static __always_inline int action_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
	case VERDICT_DETECT:
		return TC_ACT_UNSPEC;
	case VERDICT_SPLICE:
		return TC_ACT_OK;
	default:
		return TC_ACT_SHOT;
	}
}

/*
 * Rules leave it to the stack to find the socket. What had the same addresses and ports may have been spliced before,
 * and its listener still be where sk_lookup would find it.
 */
static __always_inline int is_for_stack(const struct passage *x, __u32 reason, enum verdict verdict)
{
	if (x->seen->hook == RULES_OUT || x->p.fragment == FRAGMENT_LATER)
		return 0;
	return verdict == VERDICT_DETECT || (reason == REASON_RULE_PASS && x->seen->step != CONN_REMEMBERED);
}

static __always_inline int answer(struct __sk_buff *skb, const struct passage *x, __u32 reason, enum verdict verdict)
{
	ctx_answer(skb, reason, verdict, x->hit.head ? rules_decision_sequence(x->hit.decision) : 0);
	return TC_ACT_SHOT;
}

/*
 * Whether the packet comes in, and its connection stood in the table before. Of the one that opens it nothing is known
 * elsewhere yet.
 */
static __always_inline int has_connection(const struct passage *x)
{
	if (x->seen->hook == RULES_OUT)
		return 0;
	return x->seen->step == CONN_REPLY || x->seen->step == CONN_DOUBTED || x->seen->step == CONN_REMEMBERED;
}

#endif
