/* SPDX-License-Identifier: GPL-2.0-only */
/* New flows of the load balancer. Global functions, each of which the verifier reads once. */
#ifndef SPLICER_LIB_OPENING_H
#define SPLICER_LIB_OPENING_H

#include "abi/conns.h"
#include "abi/lb.h"
#include "lib/balance.h"
#include "lib/bpf.h"
#include "lib/hash.h"
#include "lib/packet.h"
#include "lib/service.h"

/*
 * Source ports that this box chooses: below those that Linux takes for its own connections (ip_local_port_range), and
 * above those that only root can have.
 */
#define PORT_FIRST 1024
#define PORT_COUNT 31744
#define PORT_TRIES 24

/* ---- source ports ---- */

/* Both ends are done with it. Of TCP, the backend may remember it for a while, so free ports are tried first. */
static __always_inline int is_over(const struct lb_flow *flow)
{
	__u8 both = CONN_FIN_FORWARD | CONN_FIN_BACK;

	return flow->kind == LB_REPLY && (flow->state == CONN_CLOSED || (flow->flags & both) == both);
}

/* Takes other_key, with this port of the client, for the packet's flow. Negative: another flow has it. */
__weak __noinline int port_take(__u32 port, __u32 even_if_over)
{
	struct balance *b = balance_get();
	__u64 now = bpf_ktime_get_coarse_ns();
	struct lb_flow *holder;
	__u32 table;

	if (!b)
		return -1;
	b->flow.sport = bpf_htons((__u16)port);
	balance_make_other(b, &b->flow);
	holder = balance_find(&b->other_key, now, &table);
	if (holder && !balance_is_other(&b->key, holder) && !(even_if_over && is_over(holder)))
		return -1;
	if (holder)
		balance_remove(table, &b->other_key);
	/* another CPU may be quicker */
	return (int)balance_insert(CONNS_UNCONFIRMED, &b->other_key, &b->other, BPF_NOEXIST);
}

static __always_inline __u32 port_candidate(const struct balance *b, __u32 attempt)
{
	__u64 hash = hash_mix(hash_mix(b->key.src[0], b->key.src[1]), b->key.sport);

	/* here and there, as neighbours may all be taken */
	return PORT_FIRST + (__u32)(hash_mix(hash, attempt) >> 32) % PORT_COUNT;
}

/* The client keeps its port in LB_NAT, unless the backend has a flow from just there by another VIP. */
__weak __noinline int port_find(void)
{
	struct balance *b = balance_get();

	if (!b)
		return -1;
	if (b->flow.mode == LB_NAT && !port_take(bpf_ntohs(b->key.sport), 1))
		return 0;
	for (__u32 i = 0; i < PORT_TRIES; i++)
		if (!port_take(port_candidate(b, i), i >= PORT_TRIES / 2))
			return 0;
	return -1;
}

/* ---- flows to a service ---- */

static __always_inline void opening_fill(struct balance *b, const struct lb_service *service,
					 const struct lb_backend *backend, __u32 place)
{
	struct lb_flow *flow = &b->flow;
	int own = service->mode != LB_NAT;

	flow->src[0] = own ? backend->source[0] : b->key.src[0];
	flow->src[1] = own ? backend->source[1] : b->key.src[1];
	flow->dst[0] = backend->addr[0];
	flow->dst[1] = backend->addr[1];
	flow->sport = b->key.sport;
	flow->dport = backend->port && service->mode != LB_DSR ? backend->port : b->key.dport;
	flow->mode = service->mode;
	flow->family = backend->family;
	flow->stat = backend->stat;
	flow->place = (__u16)place;
}

static __always_inline void opening_begin(struct balance *b, const struct packet *p, enum lb_kind kind, __u64 now)
{
	struct lb_flow *flow = &b->flow;

	__builtin_memset(flow, 0, sizeof(*flow));
	flow->created = flow->last = now;
	flow->kind = kind;
	flow->family = b->key.family;
	if (b->key.proto == IPPROTO_TCP)
		flow->state = packet_is_first_syn(p) ? CONN_HANDSHAKE : CONN_ESTABLISHED;
}

/* Chooses a backend for b->key. */
static __always_inline __u32 opening_choose(struct balance *b, const struct packet *p, __u64 now)
{
	int index = service_of_vip(&b->key), place;
	struct lb_service *service;

	if (index < 0)
		return REASON_NONE;
	service = service_get((__u32)index);
	if (!service)
		return REASON_NONE;
	place = service_choose(service, (__u32)index, &b->key, now);
	if (place < 0)
		return REASON_NO_BACKEND;
	opening_begin(b, p, LB_FORWARD, now);
	b->flow.service = (__u32)index;
	opening_fill(b, service, service_backend(service, (__u32)place), (__u32)place);
	return REASON_BALANCED;
}

static __always_inline void opening_count(__u32 index)
{
	struct lb_stat *stat = bpf_map_lookup_elem(&lb1_stats, &index);

	if (stat)
		stat->flows++;
}

/*
 * A packet of which no flow is known, or whose flow begins anew. Fills b->flow, which is to be recorded when it is
 * known where it goes. REASON_NONE: it is not to a service.
 */
__weak __noinline int opening_forward(const struct packet *p)
{
	struct balance *b = balance_get();
	__u64 now = bpf_ktime_get_coarse_ns();
	__u32 reason;

	if (!p || !b)
		return REASON_INTERNAL;
	reason = opening_choose(b, p, now);
	if (reason != REASON_BALANCED)
		return (int)reason;
	if (b->flow.mode != LB_DSR && port_find())
		return REASON_NO_PORT;
	balance_set_differences(&b->key, &b->flow);
	b->is_new = b->begins = 1;
	return REASON_BALANCED;
}

/* The flow that a packet has begun. To a service, the other direction has its entry already, if there is one. */
__weak __noinline int opening_record(void)
{
	struct balance *b = balance_get();

	if (!b || balance_insert(CONNS_UNCONFIRMED, &b->key, &b->flow, BPF_ANY))
		return REASON_TABLE_FULL;
	if (b->flow.kind == LB_FORWARD)
		opening_count(b->flow.stat);
	else
		balance_tell(b, &b->flow, CONNS_UNCONFIRMED, b->flow.created);
	return REASON_NONE;
}

/* ---- what comes from backends ---- */

static __always_inline int is_from_vip_port(const struct lb_service *service, __be16 port)
{
	return service->low <= bpf_ntohs(port) && bpf_ntohs(port) <= service->high;
}

/*
 * A packet from a backend, and no flow: another box had it, or it was forgotten. TCP that begins here is none of the
 * service's. Fills b->flow, as opening_forward.
 */
__weak __noinline int opening_back(const struct packet *p)
{
	struct balance *b = balance_get();
	__u64 now = bpf_ktime_get_coarse_ns();
	struct lb_service *service;
	struct lb_flow *flow;
	__u32 where;

	if (!p || !b || packet_is_first_syn(p))
		return REASON_NONE;
	where = service_of_backend(b->key.src, b->key.sport, b->key.proto, b->key.family);
	service = where == LB_AMBIGUOUS ? NULL : service_get(where & 0xffff);
	if (!service || (service->low != service->high && !is_from_vip_port(service, b->key.sport)))
		return REASON_NONE;
	opening_begin(b, p, LB_REPLY, now);
	flow = &b->flow;
	flow->service = where & 0xffff;
	flow->place = (__u16)(where >> 16);
	flow->stat = service_backend(service, flow->place)->stat;
	flow->is_answered = 1;
	if (b->key.proto != IPPROTO_TCP)
		flow->state = CONN_ESTABLISHED;
	flow->src[0] = service->vip[0];
	flow->src[1] = service->vip[1];
	flow->dst[0] = b->key.dst[0];
	flow->dst[1] = b->key.dst[1];
	flow->sport = service->low == service->high ? bpf_htons(service->low) : b->key.sport;
	flow->dport = b->key.dport;
	balance_set_differences(&b->key, flow);
	b->is_new = b->begins = 1;
	return REASON_BALANCED_BACK;
}

/* A client, or this box, speaks to a backend by its own address: what the backend answers must stay as it is. */
__weak __noinline int opening_direct(const struct packet *p)
{
	struct balance *b = balance_get();
	__u64 now = bpf_ktime_get_coarse_ns();
	struct lb_flow *known;
	__u32 table;

	if (!p || !b || service_of_backend(b->key.dst, b->key.dport, b->key.proto, b->key.family) == LB_AMBIGUOUS)
		return 0;
	opening_begin(b, p, LB_DIRECT, now);
	b->flow.state = CONN_ESTABLISHED;
	b->flow.src[0] = b->key.src[0];
	b->flow.src[1] = b->key.src[1];
	b->flow.dst[0] = b->key.dst[0];
	b->flow.dst[1] = b->key.dst[1];
	b->flow.sport = b->key.sport;
	b->flow.dport = b->key.dport;
	balance_make_other_key(&b->key, &b->flow, &b->other_key);
	known = balance_find(&b->other_key, now, &table);
	if (known && known->kind == LB_DIRECT)
		known->last = now;
	else if (!known)
		balance_insert(CONNS_UNCONFIRMED, &b->other_key, &b->flow, BPF_ANY);
	return 0;
}

#endif
