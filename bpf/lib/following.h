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
	return p->proto == IPPROTO_TCP && p->tcp_flags & TCP_FLAG_BYTES_OF_ENDS;
}

/* Whether a packet tells nothing that is not known, and it is not time to tell the other direction. */
static __always_inline int following_is_steady(const struct lb_flow *flow, const struct packet *p, __u32 table,
					       __u64 now)
{
	if (!following_is_fresh(flow, now) || following_is_news(p))
		return 0;
	if (p->proto == IPPROTO_TCP && flow->state != CONN_ESTABLISHED)
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
	/* what a backend answers by a tunnel does not come by here */
	int replied = flow->is_answered || flow->mode == LB_DSR;
	__u8 flags = flow->flags;
	__u32 state;

	if (p->proto != IPPROTO_TCP)
		return direction == CONN_BACK || replied ? CONN_ESTABLISHED : CONN_NEW;
	state = conn_next_tcp_state(flow->state, &flags, direction, p->tcp_flags, replied);
	flow->flags = flags;
	return state;
}

/*
 * Two packets at once may both move it; then the second finds it moved. It is looked up at once: where all others were
 * used of late, what was not is the first that the table forgets.
 */
static __always_inline void following_confirm_one(const struct lb_key *key, const struct lb_flow *flow)
{
	__u32 table = CONNS_CONFIRMED;
	void *inner = bpf_map_lookup_elem(&lb1_flows, &table);

	if (!inner || bpf_map_update_elem(inner, key, flow, BPF_ANY))
		return;
	bpf_map_lookup_elem(inner, key);
	balance_remove(CONNS_UNCONFIRMED, key);
}

/* It has sent again after an answer, or where no answer is seen, after its first packet. */
static __always_inline void following_confirm(struct balance *b, __u64 now)
{
	struct lb_flow *other;

	following_confirm_one(&b->key, &b->flow);
	b->is_moved = 1;
	if (b->flow.mode == LB_DSR)
		return;
	other = balance_of_table(CONNS_UNCONFIRMED, &b->other_key, now);
	if (!other || !balance_is_other(&b->key, other))
		return;
	b->other = *other;
	following_confirm_one(&b->other_key, &b->other);
}

/* Whether the client is proven, after its packet. */
static __always_inline int following_proves(const struct lb_flow *flow, __u32 table)
{
	if (flow->kind != LB_FORWARD || table != CONNS_UNCONFIRMED || flow->state == CONN_HANDSHAKE)
		return 0;
	return flow->is_answered || flow->mode == LB_DSR;
}

/* A packet of a flow of this table, other than one that begins it anew. */
__weak __noinline int following_note(const struct packet *p, struct lb_flow *flow, __u32 table)
{
	struct balance *b = balance_get();
	__u64 now = bpf_ktime_get_coarse_ns();

	if (!p || !flow || !b)
		return REASON_INTERNAL;
	flow->last = now;
	/* with no route to ask for, it is told here */
	if (b->hook == EVENT_EGRESS || flow->kind == LB_DIRECT)
		flow->told = now;
	if (flow->kind == LB_DIRECT)
		return REASON_NONE;
	flow->state = (__u8)following_state(flow, p);
	if (flow->kind == LB_REPLY && !flow->is_answered) {
		flow->is_answered = 1;
		b->is_new = 1;
	}
	if (flow->mode != LB_DSR)
		balance_tell(b, flow, table, now);
	if (following_proves(flow, table)) {
		b->flow = *flow;
		following_confirm(b, now);
	}
	return (int)following_reason(flow);
}

/* ---- flows that begin anew ---- */

/*
 * A SYN of a flow that is known, or a packet of UDP, which has nothing of the kind. While its backend is alive, the SYN
 * of an established connection is for the backend to judge: it may be forged (RFC 5961). One that was not answered yet
 * is sent again, and goes where it went, unless that backend takes no new flows any more.
 */
static __always_inline int following_chooses_again(const struct lb_flow *flow, __u8 proto)
{
	struct lb_service *service = service_get(flow->service);
	struct lb_backend *backend;

	if (!service)
		return proto == IPPROTO_TCP;
	if (flow->state == CONN_CLOSING || flow->state == CONN_CLOSED)
		return 1;
	backend = service_backend(service, flow->place);
	if (backend->stat != flow->stat || backend->addr[0] != flow->dst[0] || backend->addr[1] != flow->dst[1])
		return 1;
	if (backend->flags & LB_BACKEND_DOWN)
		return 1;
	return flow->state == CONN_HANDSHAKE && !backend_is_available(backend);
}

static __always_inline void following_forget_key(const struct lb_key *key)
{
	balance_remove(CONNS_CONFIRMED, key);
	balance_remove(CONNS_UNCONFIRMED, key);
}

/* What the old backend may still send is no part of the new flow. */
static __always_inline void following_forget(struct balance *b, const struct lb_flow *flow)
{
	if (flow->mode != LB_DSR) {
		balance_make_other_key(&b->key, flow, &b->other_key);
		following_forget_key(&b->other_key);
	}
	following_forget_key(&b->key);
}

/* Whether a packet begins its flow anew, which then is as if it had not been known. */
__weak __noinline int following_begins(const struct packet *p, const struct lb_flow *flow)
{
	struct balance *b = balance_get();

	if (!p || !flow || !b || flow->kind != LB_FORWARD)
		return 0;
	if ((p->proto == IPPROTO_TCP && !packet_is_first_syn(p)) || !following_chooses_again(flow, p->proto))
		return 0;
	following_forget(b, flow);
	return 1;
}

#endif
