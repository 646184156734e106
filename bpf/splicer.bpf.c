/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * splicer.o: a stateful ingress firewall that splices TCP and UDP flows into local sockets.
 *
 *     tc qdisc add dev IF clsact
 *     tc filter add dev IF ingress bpf da obj splicer.o sec action
 *     tc filter add dev IF egress prio 20 bpf da obj splicer.o sec action/egress
 *
 * The packet path, row by row, is documented in splicer(7).
 */
#include "lib/bpf.h"
#include "lib/ctx_tc.h"
#include "lib/packet.h"
#include "maps/conns.h"
#include "maps/rules.h"

#include "lib/egress.h"
#include "lib/ingress.h"
#include "lib/outcome.h"
#include "lib/passage.h"
#include "lib/reset.h"
#include "lib/through.h"
#include "lib/tunnel.h"

#include <linux/pkt_cls.h>

/* Reads the headers, and those of the packet within if it comes through a tunnel. */
static __always_inline __u32 ingress_parse(struct __sk_buff *skb, struct packet *p)
{
	__u32 reason = (__u32)packet_parse(skb, p);
	int opened;

	if (reason)
		return reason;
	opened = tunnel_open(skb, p);
	if (!opened)
		return REASON_NONE;
	if (opened < 0)
		return REASON_GENEVE;
	__builtin_memset(p, 0, sizeof(*p));
	return (__u32)packet_parse(skb, p);
}

static __always_inline __u32 ingress_decide(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason;

	if (x->p.ifindex == LOOPBACK_IFINDEX)
		return loopback_decide(skb, x);
	reason = rows_by_header(skb, x);
	if (!reason)
		reason = rows_by_connection(skb, x);
	if (!reason)
		reason = row_icmp_error(skb, &x->p);
	if (!reason)
		reason = row_echo(skb, x);
	return reason ? reason : rows_by_rule(skb, x);
}

static __always_inline __u32 egress_decide(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason;

	if (x->p.ifindex == LOOPBACK_IFINDEX)
		return REASON_LOOPBACK;
	reason = egress_by_header(x);
	if (!reason)
		reason = row_socket_out(skb, x);
	if (!reason)
		reason = row_tracked(skb, x);
	/* no rule was asked for it, so what was set since counts */
	if (reason == REASON_OUT && out_drops(&x->p))
		return REASON_OUT_DROP;
	if (!reason)
		reason = row_icmp_error(skb, &x->p);
	return reason ? reason : row_rules_out(skb, x);
}

/* Counts, tells, and carries the decision out. */
static __always_inline int conclude(struct __sk_buff *skb, const struct passage *x, __u32 decided)
{
	__u32 reason = forget_reason(x->seen, decided);
	enum verdict verdict = verdict_of(x, reason);

	if (x->p.is_question)
		return answer(skb, x, reason, verdict);
	if (x->hit.head)
		rules_count(x->hit.head, x->p.length);
	count(x, reason, verdict);
	report(x, reason, verdict);
	if (is_for_stack(x, reason, verdict))
		splice_forget(&x->p);
	through_set(skb, &x->p, verdict == VERDICT_PASS && has_connection(x), x->seen->step != CONN_REMEMBERED);
	if (x->p.fragment == FRAGMENT_FIRST)
		fragment_remember(&x->p, verdict, 0);
	if (reason == REASON_MAX_DURATION && verdict == VERDICT_DROP &&
	    reset_both(skb, &x->p, x->seen->hook == RULES_OUT))
		return TC_ACT_UNSPEC;
	return action_of(verdict);
}

SEC("action")
int splicer_ingress(struct __sk_buff *skb)
{
	struct passage x = { .seen = conn_begin(RULES_IN) };
	__u32 reason;

	if (!x.seen)
		return TC_ACT_SHOT;
	reason = ingress_parse(skb, &x.p);
	if (!reason)
		reason = ingress_decide(skb, &x);
	return conclude(skb, &x, reason);
}

static __always_inline int pass_through(const struct __sk_buff *skb)
{
	__u32 reason = through_goes_back(skb) ? REASON_TRACKED : REASON_OUT;

	counts_add(count_word(EVENT_SPLICER, EVENT_EGRESS, skb->ifindex, reason, VERDICT_PASS), skb->len);
	return TC_ACT_UNSPEC;
}

static __always_inline int egress(struct __sk_buff *skb)
{
	struct passage x = { .seen = conn_begin(RULES_OUT) };
	__u32 reason;

	if (!x.seen)
		return TC_ACT_SHOT;
	reason = (__u32)packet_parse(skb, &x.p);
	if (!reason)
		reason = egress_decide(skb, &x);
	return conclude(skb, &x, reason);
}

SEC("action/egress")
int splicer_egress(struct __sk_buff *skb)
{
	return is_through(skb) ? pass_through(skb) : egress(skb);
}

SEC("sk_lookup")
int splicer_lookup(struct bpf_sk_lookup *ctx)
{
	return fragment_deliver(ctx);
}

char _license[] SEC("license") = "GPL";
