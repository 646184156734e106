/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets of flows that are known. Most change nothing but when the flow was last seen; the rest is a global function,
 * and looks the flow up once more.
 */
#ifndef SPLICER_LIB_FOLLOWING_H
#define SPLICER_LIB_FOLLOWING_H

#include "abi/conns.h"
#include "abi/lb.h"
#include "lib/balance.h"
#include "lib/bpf.h"
#include "lib/connstate.h"
#include "lib/opening.h"
#include "lib/packet.h"
#include "lib/service.h"

static __always_inline int following_is_fresh(const struct lb_flow *flow, __u64 now)
{
	return now - flow->told < LB_ROUTE_NS;
}

/* Whether a packet may change the state of its flow, whatever that is. */
static __always_inline int following_is_news(const struct packet *p)
{
	return p->proto == IPPROTO_TCP && p->tcp_flags & (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_FIN | TCP_FLAG_BYTE_RST);
}

/* Whether a packet tells nothing that is not known, and it is not time to tell the other direction. */
static __always_inline int following_is_steady(const struct lb_flow *flow, const struct packet *p, __u32 table,
					       __u64 now)
{
	if (!following_is_fresh(flow, now))
		return 0;
	if (p->proto == IPPROTO_TCP && (flow->state != CONN_ESTABLISHED ||
					p->tcp_flags & (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_FIN | TCP_FLAG_BYTE_RST)))
		return 0;
	if (flow->kind == LB_FORWARD)
		return table == CONNS_CONFIRMED || !flow->is_answered;
	return flow->is_answered;
}

static __always_inline __u32 following_reason(const struct lb_flow *flow)
{
	switch (flow->kind) {
	case LB_FORWARD:
		return REASON_BALANCED;
	case LB_REPLY:
		return REASON_BALANCED_BACK;
	default:
		return REASON_NONE;
	}
}

/* ---- state ---- */

static __always_inline __u32 following_state(struct lb_flow *flow, const struct packet *p)
{
	__u32 direction = flow->kind == LB_FORWARD ? CONN_FORWARD : CONN_BACK;
	/* what a backend answers does not come by here */
	int replied = flow->is_answered || (flow->mode == LB_DSR && !packet_is_first_syn(p));
	__u8 flags = flow->flags;
	__u32 state;

	if (p->proto != IPPROTO_TCP)
		return direction == CONN_BACK || replied ? CONN_ESTABLISHED : CONN_NEW;
	state = conn_next_tcp_state(flow->state, &flags, direction, p->tcp_flags, replied);
	flow->flags = flags;
	return state;
}

/* Tells the other direction what this one knows; it may have been forgotten. */
static __always_inline void following_tell(struct balance *b, const struct lb_flow *flow, __u32 table, __u64 now)
{
	struct lb_flow *other;
	__u32 other_table;

	balance_make_other(b, flow);
	other = balance_find(&b->other_key, now, &other_table);
	if (!other) {
		balance_insert(table, &b->other_key, &b->other, BPF_ANY);
		return;
	}
	if (!balance_is_other(&b->key, other))
		return;
	other->last = now;
	other->state = flow->state;
	other->flags = flow->flags;
	/* that of a reply says whether it was told by a packet of its own */
	if (other->kind == LB_FORWARD)
		other->is_answered = flow->is_answered;
}

/* Two packets at once may both move it; then the second finds it moved. */
static __always_inline void following_confirm_one(const struct lb_key *key, const struct lb_flow *flow)
{
	if (!balance_insert(CONNS_CONFIRMED, key, flow, BPF_ANY))
		balance_remove(CONNS_UNCONFIRMED, key);
}

/* The client is proven: it has sent again after an answer, or where no answer is seen, after its first packet. */
static __always_inline void following_confirm(struct balance *b, const struct lb_flow *flow, __u64 now)
{
	struct lb_flow *other;

	following_confirm_one(&b->key, flow);
	if (flow->mode == LB_DSR)
		return;
	other = balance_of_table(CONNS_UNCONFIRMED, &b->other_key, now);
	if (other && balance_is_other(&b->key, other))
		following_confirm_one(&b->other_key, other);
}

/* A packet of a flow, other than one that begins it anew. */
static __always_inline __u32 following_note(const struct packet *p, struct balance *b, struct lb_flow *flow,
					    __u32 table, __u64 now)
{
	__u32 reason = following_reason(flow);

	flow->last = now;
	if (flow->kind == LB_DIRECT) {
		flow->told = now;
		return REASON_NONE;
	}
	flow->state = (__u8)following_state(flow, p);
	if (flow->kind == LB_REPLY && !flow->is_answered) {
		flow->is_answered = 1;
		b->is_new = 1;
	}
	if (flow->mode != LB_DSR)
		following_tell(b, flow, table, now);
	if (flow->kind == LB_FORWARD && table == CONNS_UNCONFIRMED &&
	    (flow->is_answered || (flow->mode == LB_DSR && !packet_is_first_syn(p))))
		following_confirm(b, flow, now);
	return reason;
}

/* ---- flows that begin anew ---- */

/*
 * A SYN of a flow that is known. While its backend is alive, the SYN of an established connection is for the backend to
 * judge: it may be forged (RFC 5961). One that was not answered yet is sent again, and goes where it went, unless that
 * backend takes no new flows any more.
 */
static __always_inline int following_chooses_again(const struct lb_flow *flow)
{
	struct lb_service *service = service_get(flow->service);
	struct lb_backend *backend;

	if (!service || flow->state == CONN_CLOSING || flow->state == CONN_CLOSED)
		return 1;
	backend = service_backend(service, flow->place);
	if (backend->stat != flow->stat || backend->addr[0] != flow->dst[0] || backend->addr[1] != flow->dst[1])
		return 1;
	if (backend->flags & LB_BACKEND_DOWN)
		return 1;
	return flow->state == CONN_HANDSHAKE && !backend_is_available(backend);
}

/* What the old backend may still send is no part of the new flow. */
static __always_inline void following_forget(struct balance *b, const struct lb_flow *flow)
{
	balance_make_other_key(&b->key, flow, &b->other_key);
	balance_remove(CONNS_CONFIRMED, &b->other_key);
	balance_remove(CONNS_UNCONFIRMED, &b->other_key);
}

/* REASON_NONE: no flow of a service is known that the packet would be of, and b->flow says nothing. */
__noinline int following_known(const struct packet *p)
{
	struct balance *b = balance_get();
	__u64 now = bpf_ktime_get_coarse_ns();
	struct lb_flow *flow;
	__u32 table;

	if (!p || !b)
		return REASON_INTERNAL;
	flow = balance_find(&b->key, now, &table);
	if (!flow)
		return REASON_NONE;
	if (flow->kind == LB_FORWARD && packet_is_first_syn(p) && following_chooses_again(flow)) {
		if (flow->mode != LB_DSR)
			following_forget(b, flow);
		return REASON_NONE;
	}
	b->is_known = 1;
	return (int)following_note(p, b, flow, table, now);
}

#endif
