/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows of the load balancer: how a packet is found to be of one. See abi/lb.h. */
#ifndef SPLICER_LIB_BALANCE_H
#define SPLICER_LIB_BALANCE_H

#include "abi/event.h"
#include "abi/lb.h"
#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/connstate.h"
#include "lib/packet.h"
#include "maps/lb.h"

/* What is known of the packet that this CPU has. */
struct balance {
	struct lb_key key;
	struct lb_flow flow;       /* that no table has, or not yet */
	struct lb_key other_key;   /* of the other direction */
	struct lb_flow other;      /* likewise, to be put into a table */
	struct lb_frag frag;       /* to be remembered for later fragments */
	__u32 hook;                /* enum event_hook */
	__u32 is_new;              /* the packet is the first of its direction */
	__u32 is_known;            /* of a flow, be it one that the object leaves alone */
	__u32 is_moved;            /* its flow is in the other table now, and in flow */
	__u32 begins;              /* a flow: that in flow, which no table has yet */
	__u32 is_asked;            /* the route was, for this packet: next_hop is its */
	__u32 mtu;                 /* of the way that the packet is too big for */
	__u32 quoted_l4;           /* where the transport header is that an ICMP error quotes, as packet.l4 */
	__u8 next_hop[6];          /* link-layer address; zero: not resolved yet */
	__be16 ip_check, l4_check; /* before they were changed */
	__u8 reserved[2];
};

/* One for each CPU, for it is too large for the stack. Not pinned: each object has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct balance);
} balance_scratch SEC(".maps");

/*
 * Global functions ask for it and do not take it as an argument: kernels before 6.2 let no key of a map be in memory
 * that a caller has.
 */
static __always_inline struct balance *balance_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&balance_scratch, &zero);
}

static __always_inline struct balance *balance_begin(enum event_hook hook)
{
	struct balance *b = balance_get();

	if (!b)
		return NULL;
	b->hook = hook;
	b->is_new = 0;
	b->is_known = 0;
	b->is_moved = 0;
	b->begins = 0;
	b->is_asked = 0;
	return b;
}

/* ---- keys ---- */

static __always_inline void balance_make_key(const struct packet *p, struct lb_key *key)
{
	key->src[0] = p->src[0];
	key->src[1] = p->src[1];
	key->dst[0] = p->dst[0];
	key->dst[1] = p->dst[1];
	key->sport = p->sport;
	key->dport = p->dport;
	key->proto = p->proto;
	key->family = p->family;
	key->reserved[0] = key->reserved[1] = 0;
}

/* The key of the other direction of a flow that is not LB_DSR. */
static __always_inline void balance_make_other_key(const struct lb_key *key, const struct lb_flow *flow,
						   struct lb_key *other)
{
	other->src[0] = flow->dst[0];
	other->src[1] = flow->dst[1];
	other->dst[0] = flow->src[0];
	other->dst[1] = flow->src[1];
	other->sport = flow->dport;
	other->dport = flow->sport;
	other->proto = key->proto;
	other->family = key->family;
	other->reserved[0] = other->reserved[1] = 0;
}

/* ---- tables ---- */

static __always_inline int balance_is_overdue(const struct lb_flow *flow, __u32 proto, __u64 now)
{
	/* no timeout is shorter than a second, and most packets come sooner */
	if (now < flow->last + NS_PER_SECOND)
		return 0;
	return now - flow->last > conn_timeout(proto, flow->state) * NS_PER_SECOND;
}

/* What is overdue goes when it is met. */
static __always_inline struct lb_flow *balance_of_table(__u32 table, const struct lb_key *key, __u64 now)
{
	void *inner = bpf_map_lookup_elem(&lb1_flows, &table);
	struct lb_flow *flow = inner ? bpf_map_lookup_elem(inner, key) : NULL;

	if (!flow || !balance_is_overdue(flow, key->proto, now))
		return flow;
	bpf_map_delete_elem(inner, key);
	return NULL;
}

/* NULL: no flow is known. *table is where it stands. */
static __always_inline struct lb_flow *balance_find(const struct lb_key *key, __u64 now, __u32 *table)
{
	struct lb_flow *flow;

	*table = CONNS_CONFIRMED;
	flow = balance_of_table(CONNS_CONFIRMED, key, now);
	if (flow)
		return flow;
	*table = CONNS_UNCONFIRMED;
	return balance_of_table(CONNS_UNCONFIRMED, key, now);
}

static __always_inline long balance_insert(__u32 table, const struct lb_key *key, const struct lb_flow *flow,
					   __u64 flags)
{
	void *inner = bpf_map_lookup_elem(&lb1_flows, &table);

	return inner ? bpf_map_update_elem(inner, key, flow, flags) : -1;
}

static __always_inline void balance_remove(__u32 table, const struct lb_key *key)
{
	void *inner = bpf_map_lookup_elem(&lb1_flows, &table);

	if (inner)
		bpf_map_delete_elem(inner, key);
}

/* ---- the other direction ---- */

/* By how much the sums over addresses and ports change. */
static __always_inline void balance_set_differences(const struct lb_key *key, struct lb_flow *flow)
{
	flow->addr_diff = (__u32)bpf_csum_diff((__be32 *)key->src, sizeof(key->src) + sizeof(key->dst),
					       (__be32 *)flow->src, sizeof(flow->src) + sizeof(flow->dst), 0);
	flow->port_diff = (__u32)bpf_csum_diff((__be32 *)&key->sport, sizeof(key->sport) + sizeof(key->dport),
					       (__be32 *)&flow->sport, sizeof(flow->sport) + sizeof(flow->dport), 0);
}

/* Fills other_key and other from what is known of the packet's direction. */
static __always_inline void balance_make_other(struct balance *b, const struct lb_flow *flow)
{
	struct lb_flow *other = &b->other;

	balance_make_other_key(&b->key, flow, &b->other_key);
	*other = *flow;
	other->told = 0;
	other->ifindex = 0;
	other->src[0] = b->key.dst[0];
	other->src[1] = b->key.dst[1];
	other->dst[0] = b->key.src[0];
	other->dst[1] = b->key.src[1];
	other->sport = b->key.dport;
	other->dport = b->key.sport;
	other->kind = flow->kind == LB_FORWARD ? LB_REPLY : LB_FORWARD;
	balance_set_differences(&b->other_key, other);
}

/* Whether this is the other direction of the packet's flow, and not of one that has come in its place. */
static __always_inline int balance_is_other(const struct lb_key *key, const struct lb_flow *other)
{
	return other->kind != LB_DIRECT && other->dst[0] == key->src[0] && other->dst[1] == key->src[1] &&
	       other->src[0] == key->dst[0] && other->src[1] == key->dst[1] && other->dport == key->sport &&
	       other->sport == key->dport;
}

/* Tells the other direction what this one knows; it may have been forgotten. */
static __always_inline void balance_tell(struct balance *b, const struct lb_flow *flow, __u32 table, __u64 now)
{
	struct lb_flow *other;
	__u32 other_table;

	balance_make_other_key(&b->key, flow, &b->other_key);
	other = balance_find(&b->other_key, now, &other_table);
	if (!other) {
		balance_make_other(b, flow);
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

#endif
