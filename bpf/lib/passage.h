/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet on its way through either hook: the rows that both have, and the record of its connection. */
#ifndef SPLICER_LIB_PASSAGE_H
#define SPLICER_LIB_PASSAGE_H

#include "lib/bpf.h"
#include "lib/ctx_tc.h"
#include "lib/packet.h"

#include "lib/conntrack.h"
#include "lib/fragment.h"
#include "lib/icmp.h"
#include "lib/match.h"
#include "lib/neighbour.h"
#include "lib/route.h"
#include "lib/settings.h"
#include "lib/socket.h"
#include "lib/splice.h"
#include "lib/verdict.h"

/* A packet, and what is found out about it. */
struct passage {
	struct packet p;
	struct conn_seen *seen;
	struct rules_hit hit;
};

/*
 * The same reason, by way of memory. The verifier then does not walk through all that follows for each reason that
 * there is; nor can it, or the compiler, take advantage of knowing which it is.
 */
static __always_inline __u32 forget_reason(struct conn_seen *seen, __u32 reason)
{
	volatile __u32 *memory = &seen->reason;

	*memory = reason;
	return *memory;
}

/* ---- rows ---- */

/* A later fragment; REASON_NONE: its first is not known. */
static __always_inline __u32 follow_first(struct passage *x)
{
	__u32 followed = (__u32)fragment_follow(&x->p);

	x->seen->followed = followed >> 8;
	return followed & 0xff;
}

/* The rule that limits the connection, if it is still there: its cells may have gone to another. */
static __always_inline void find_limit(struct passage *x)
{
	if (!(x->seen->verdict.decision & RULES_LIMITED))
		return;
	if (verdict_hit(&x->seen->verdict, &x->hit) || !x->hit.head ||
	    *(volatile __u64 *)&x->hit.head->decision != x->hit.decision)
		x->hit.head = NULL;
}

/* Of a connection that is being cut, only the resets that do it pass. */
static __always_inline __u32 row_cut(struct passage *x)
{
	if (x->seen->step == CONN_GONE && x->p.tcp_flags & TCP_FLAG_BYTE_RST)
		return REASON_TRACKED;
	find_limit(x);
	return REASON_MAX_DURATION;
}

/* Of a local socket: it passes, whatever is known of it, unless it may not last. */
static __always_inline __u32 row_followed(struct passage *x)
{
	x->seen->connected = 1;
	switch (conn_follow(&x->p, x->seen)) {
	case CONN_OVERDUE:
	case CONN_GONE:
		return row_cut(x);
	default:
		return REASON_ESTABLISHED;
	}
}

/* While any rule limits how long connections last, those of local sockets are looked up for that alone. */
static __always_inline __u32 row_established(struct passage *x)
{
	struct splicer_config *config = config_get();

	if (!config || !config->durations_seen)
		return REASON_ESTABLISHED;
	return row_followed(x);
}

static __always_inline __u32 splice_or(struct __sk_buff *skb, const struct packet *p, __u32 reason, __u64 decision)
{
	return reason == REASON_RULE_SPLICE ? socket_splice(skb, p, rules_decision_port(decision)) : reason;
}

/* What rules said of the connection before. */
static __always_inline __u32 row_remembered(struct __sk_buff *skb, struct passage *x)
{
	if (verdict_hit(&x->seen->verdict, &x->hit)) {
		/* the rules were replaced a moment ago */
		x->seen->step = CONN_ASK;
		return REASON_NONE;
	}
	return splice_or(skb, &x->p, x->seen->verdict.reason, x->seen->verdict.decision);
}

static __always_inline __u32 row_icmp_error(struct __sk_buff *skb, const struct packet *p)
{
	return icmp_is_error(p) && icmp_error_is_known(skb, p) ? REASON_ICMP_ERROR : REASON_NONE;
}

/* Asks the rules. REASON_NONE: none matches. */
static __always_inline __u32 ask_rules(struct passage *x)
{
	/* a second time when they were replaced a moment ago */
	if ((verdict_ask(&x->p, &x->seen->verdict, x->seen->hook) || verdict_hit(&x->seen->verdict, &x->hit)) &&
	    (verdict_ask(&x->p, &x->seen->verdict, x->seen->hook) || verdict_hit(&x->seen->verdict, &x->hit)))
		return REASON_INTERNAL;
	if (!x->hit.head)
		return REASON_NONE;
	switch (rules_decision_action(x->hit.decision)) {
	case RULES_SPLICE:
		return REASON_RULE_SPLICE;
	case RULES_PASS:
		return REASON_RULE_PASS;
	default:
		return REASON_RULE_DROP;
	}
}

/* ---- connections ---- */

/*
 * A connection that the stack keeps account of itself need not be tracked, unless it may not last. A socket that
 * listens on all addresses is also found for packets that will be forwarded.
 */
static __always_inline int is_for_socket(struct __sk_buff *skb, const struct passage *x, __u32 reason)
{
	if (x->p.proto != IPPROTO_TCP || (x->hit.head && x->hit.decision & RULES_LIMITED))
		return 0;
	if (reason == REASON_RULE_SPLICE)
		return 1;
	return x->seen->socket == SOCKET_LISTENS && (x->seen->hook == RULES_OUT || route_ends_here(skb, &x->p));
}

/* The answer to a SYN. With a SYN cookie it has no socket. */
static __always_inline int is_syn_ack(const struct packet *p)
{
	__u8 both = TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK;

	return (p->tcp_flags & both) == both;
}

/* Whether a packet of no known connection begins one. */
static __always_inline int begins_connection(const struct packet *p, __u32 hook)
{
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)
		return packet_is_echo_request(p);
	if (p->proto != IPPROTO_TCP)
		return conn_is_tracked(p);
	/* what leaves as an answer has come in by another way, and is no business of this one */
	if (hook == RULES_OUT && is_syn_ack(p))
		return 0;
	return !(p->tcp_flags & TCP_FLAG_BYTE_RST);
}

static __always_inline int is_recorded(struct __sk_buff *skb, const struct passage *x, __u32 reason)
{
	if (x->p.is_question || !conn_is_tracked(&x->p))
		return 0;
	if (x->seen->step == CONN_ASK)
		return 1;
	return reason_verdict(reason) != VERDICT_DROP && !is_for_socket(skb, x, reason) &&
	       begins_connection(&x->p, x->seen->hook);
}

/* Whether the same may be said of the connection's next packet without asking. */
static __always_inline int is_remembered(const struct passage *x, __u32 reason)
{
	if (x->seen->verdict.changes & 1)
		return 0;
	return reason == REASON_RULE_SPLICE || reason == REASON_RULE_PASS || reason == REASON_RULE_DROP ||
	       reason == REASON_NO_RULE || reason == REASON_OUT;
}

/* Takes note of a connection that was decided; returns the reason that then holds. */
static __always_inline __u32 record(struct __sk_buff *skb, struct passage *x, __u32 reason)
{
	if (!is_recorded(skb, x, reason))
		return reason;
	x->seen->verdict.reason = is_remembered(x, reason) ? reason : REASON_NONE;
	x->seen->passes = reason_verdict(reason) != VERDICT_DROP;
	x->seen->max_duration = rules_max_duration(&x->hit);
	x->seen->recorded = x->seen->step == CONN_UNKNOWN;
	/* what leaves without a rule may do so unseen: its replies are not let in then */
	if (conn_record(&x->p, x->seen) >= 0 || reason == REASON_OUT || setting_passes(x->p.ifindex, SETTING_ON_FULL))
		return reason;
	return REASON_TABLE_FULL;
}

/*
 * A filter came under a connection, and the first packet that it saw of it left. If rules let in what comes the other
 * way, they know better who opened it: where it comes in by another filter, that would have to ask rules for replies.
 */
static __always_inline __u32 row_doubted(struct __sk_buff *skb, struct passage *x)
{
	if (ask_rules(x) != REASON_RULE_PASS || x->p.is_question) {
		x->hit.head = NULL;
		return REASON_TRACKED;
	}
	x->seen->step = CONN_UNKNOWN;
	return record(skb, x, REASON_RULE_PASS);
}

static __always_inline __u32 row_tracked(struct __sk_buff *skb, struct passage *x)
{
	if (!conn_is_tracked(&x->p))
		return REASON_NONE;
	switch (conn_follow(&x->p, x->seen)) {
	case CONN_REPLY:
		return REASON_TRACKED;
	case CONN_REMEMBERED:
		return row_remembered(skb, x);
	case CONN_DOUBTED:
		return row_doubted(skb, x);
	case CONN_OVERDUE:
	case CONN_GONE:
		return row_cut(x);
	default:
		return REASON_NONE;
	}
}

#endif
