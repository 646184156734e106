/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions: which one a packet belongs to, when another one begins, and what is known of it from before. */
#ifndef SPLICER_LIB_SESSIONS_H
#define SPLICER_LIB_SESSIONS_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/content.h"
#include "lib/detail.h"
#include "lib/place.h"
#include "lib/seen.h"
#include "lib/sighting.h"
#include "maps/flow.h"

static __always_inline void *sessions_table(__u32 generation)
{
	return bpf_map_lookup_elem(&flow1_sessions, &generation);
}

static __always_inline struct flow_head *sessions_head(void *table)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(table, &first);
}

/* ---- where one ends and the next begins ---- */

static __always_inline __u64 sessions_last(const struct flow *flow)
{
	return flow->side[0].last > flow->side[1].last ? flow->side[0].last : flow->side[1].last;
}

/* Whether the packet is of a new session with the same key: none came for long, or TCP opens after it closed. */
static __always_inline int sessions_is_over(const struct flow_settings *settings, const struct flow *flow,
					    const struct sighting *s)
{
	__u64 last = sessions_last(flow);

	if (s->now > last && s->now - last > flow_idle_seconds(settings, s->key.proto, flow->ended) * NS_PER_SECOND)
		return 1;
	return flow->ended && s->key.proto == IPPROTO_TCP && !s->is_later &&
	       (s->tcp_flags & (TCP_FLAG_BYTES_OF_ENDS | TCP_FLAG_BYTE_ACK)) == TCP_FLAG_BYTE_SYN;
}

/* ---- the first packet ---- */

/* A SYN that acknowledges comes from the end that was called. */
static __always_inline int sessions_is_answer(const struct sighting *s)
{
	return s->key.proto == IPPROTO_TCP && !s->is_later &&
	       (s->tcp_flags & (TCP_FLAG_BYTES_OF_ENDS | TCP_FLAG_BYTE_ACK)) == (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK);
}

/* What is to be kept of the session. */
static __always_inline void sessions_plan(struct flow *flow, const struct flow_settings *settings)
{
	if (settings->detailed)
		flow->flags |= FLOW_DETAILED;
	if (settings->without_content) {
		flow->side[0].known = FLOW_KNOWS_CONTENT;
		flow->side[1].known = FLOW_KNOWS_CONTENT;
	}
}

static __always_inline void sessions_open(struct flow *flow, const struct flow_settings *settings,
					  const struct sighting *s)
{
	flow->start = s->now;
	flow->originator = s->from;
	flow->icmp_type = s->icmp_type;
	flow->icmp_code = s->icmp_code;
	sessions_plan(flow, settings);
	if (!sessions_is_answer(s))
		return;
	flow->originator = !s->from;
	flow->flags |= FLOW_FLIPPED;
	flow->history[0] = '^';
	flow->history_length = 1;
}

/* What one end sent before. */
static __always_inline void sessions_continue_side(struct flow_side *side, const struct flow_side *before)
{
	side->last = before->last;
	side->next = before->next;
	side->known = before->known;
	side->window = before->window;
	side->hole_from = before->hole_from;
	side->hole_to = before->hole_to;
	side->hole_time = before->hole_time;
	side->hole_bytes = before->hole_bytes;
	side->letter_seq[0] = before->letter_seq[0];
	side->letter_seq[1] = before->letter_seq[1];
	side->letter_seq[2] = before->letter_seq[2];
	side->letter_seq[3] = before->letter_seq[3];
}

/* All but what is counted. */
static __always_inline void sessions_continue(struct flow *flow, const struct flow *before)
{
	flow->originator = before->originator;
	flow->flags = before->flags | FLOW_CONTINUED;
	flow->ended = before->ended;
	flow->history_length = before->history_length;
	flow->seen = before->seen;
	flow->start = before->start;
	flow->syn = before->syn;
	flow->synack = before->synack;
	flow->ack = before->ack;
	__builtin_memcpy(flow->history, before->history, sizeof(flow->history));
	flow->icmp_type = before->icmp_type;
	flow->icmp_code = before->icmp_code;
	sessions_continue_side(&flow->side[0], &before->side[0]);
	sessions_continue_side(&flow->side[1], &before->side[1]);
	content_continue(flow, before);
	if (flow->flags & FLOW_DETAILED)
		detail_continue(&flow->detail, &before->detail);
}

/* Takes over what a locked bucket of the generation before has. Whether it had something. */
static __always_inline int sessions_take_over(struct flow_bucket *b, const struct flow_settings *settings,
					      struct flow *flow, const struct sighting *s, __u16 tag)
{
	int way = place_find(b, s, tag);
	struct flow *before;

	if (way < 0)
		return 0;
	before = &b->flows[way & (FLOW_WAYS - 1)];
	if (sessions_is_over(settings, before, s))
		return 0;
	sessions_continue(flow, before);
	return 1;
}

/*
 * What was known of the session before this generation: whether something was. While tools change generations, both
 * slots may hold the same one, whose bucket is locked already.
 */
__weak __noinline int sessions_recall(struct flow *flow, const struct sighting *s, __u64 generation)
{
	void *table = sessions_table(FLOW_BEFORE);
	struct flow_head *head;
	__u64 hash;

	if (!table || !flow || !s)
		return 0;
	head = sessions_head(table);
	if (!head || head->generation >= generation)
		return 0;
	hash = place_hash(&s->key, head->seed);
	for (int i = 0; i < 2; i++) {
		__u32 at = i ? place_second(head, hash) : place_first(head, hash);
		struct flow_bucket *b = bpf_map_lookup_elem(table, &at);
		int found;

		if (!b || !lock_take(&b->lock))
			return 0;
		found = sessions_take_over(b, &head->settings, flow, s, place_tag(hash));
		lock_give(&b->lock);
		if (found)
			return 1;
	}
	return 0;
}

/* ---- every packet ---- */

/*
 * Which way of a locked bucket has the session; -1: none has. One that is over before this packet is found by nothing
 * any more, and *is_next becomes 1.
 */
static __always_inline int sessions_find(struct flow_bucket *b, const struct flow_head *head, const struct sighting *s,
					 __u16 tag, int *is_next)
{
	int way = place_find(b, s, tag);

	if (way < 0 || !sessions_is_over(&head->settings, &b->flows[way & (FLOW_WAYS - 1)], s))
		return way;
	b->tags[way & (FLOW_WAYS - 1)] = 0;
	*is_next = 1;
	return -1;
}

/*
 * Takes a way of a locked bucket for a session that is not there. What comes next after one that was over here was over
 * before, whatever the generation before says of it.
 */
static __always_inline __u32 sessions_enter(struct flow_bucket *b, const struct flow_head *head,
					    const struct sighting *s, __u16 tag, int is_next)
{
	__u32 way = place_give(b, s, tag) & (FLOW_WAYS - 1);
	struct flow *flow = &b->flows[way];

	if (is_next || !sessions_recall(flow, s, head->generation))
		sessions_open(flow, &head->settings, s);
	return way;
}

/* The bucket that has the session or takes it, locked; NULL: it could not be had, and the packet is counted as missed.
 */
static __always_inline struct flow_bucket *sessions_lock(void *table, __u32 at, const struct sighting *s)
{
	struct flow_bucket *b = bpf_map_lookup_elem(table, &at);

	if (!b)
		return NULL;
	if (lock_take(&b->lock))
		return b;
	__sync_fetch_and_add(&b->missed_packets, s->packets);
	__sync_fetch_and_add(&b->missed_bytes, s->bytes);
	return NULL;
}

#endif
