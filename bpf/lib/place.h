/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a session stands in a generation: see struct flow_bucket. Everything here is done with the bucket locked, but
 * for finding the bucket.
 */
#ifndef SPLICER_LIB_PLACE_H
#define SPLICER_LIB_PLACE_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/hash.h"
#include "lib/lock.h"
#include "lib/sighting.h"

/* In whole words: of what was written in parts nothing is on its way any more, for the lock has waited for that. */
static __always_inline int place_is_of(const struct flow_key *a, const struct flow_key *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]) | (x[5] ^ y[5]));
}

static __always_inline __u64 place_hash(const struct flow_key *key, __u64 seed)
{
	__u64 ports = (__u64)key->port[0] << 48 | (__u64)key->port[1] << 32 | key->ifindex;
	__u64 rest = (__u64)key->vlan << 32 | (__u32)key->proto << 16 | (__u32)key->family << 8 | key->kind;
	__u64 a = hash_mix(seed, key->addr[0][0]), b = hash_mix(~seed, key->addr[1][0]);

	if (key->family == 6) {
		a = hash_mix(a, key->addr[0][1]);
		b = hash_mix(b, key->addr[1][1]);
	}
	return hash_mix(hash_mix(a + (b << 1), ports), rest) * HASH_FACTOR;
}

/* Of the first packet that comes, unless a tool has chosen one: nobody can then choose sessions that share a bucket. */
static __always_inline __u64 place_seed(struct flow_head *head)
{
	__u64 seed = head->seed, chosen;

	if (seed)
		return seed;
	chosen = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32() | 1;
	seed = __sync_val_compare_and_swap(&head->seed, 0, chosen);
	return seed ? seed : chosen;
}

static __always_inline __u16 place_tag(__u64 hash)
{
	__u16 tag = (__u16)hash;

	return tag ? tag : 1;
}

/* Number of the entry of the first or the second bucket. */
static __always_inline __u32 place_first(const struct flow_head *head, __u64 hash)
{
	__u64 buckets = head->buckets ? head->buckets : FLOW_BUCKETS_DEFAULT;

	return 1 + (__u32)((hash >> 32) * buckets >> 32);
}

static __always_inline __u32 place_second(const struct flow_head *head, __u64 hash)
{
	return place_first(head, (hash ^ hash << 17) * HASH_FACTOR);
}

/* Which way of the bucket has the session; -1: none. */
__weak __noinline int place_find(const struct flow_bucket *b, const struct sighting *s, __u32 tag)
{
	if (!b || !s)
		return -1;
	for (int i = 0; i < FLOW_WAYS; i++)
		if (b->tags[i] == tag && place_is_of(&b->flows[i].key, &s->key))
			return i;
	return -1;
}

/* Places are taken from the first on. */
static __always_inline int place_is_full(const struct flow_bucket *b)
{
	return b->used[FLOW_WAYS - 1] != 0;
}

/* A free way, or the one that is worth least. */
static __always_inline __u32 place_least(const struct flow_bucket *b)
{
	__u32 least = b->used[0], way = 0;

	for (__u32 i = 1; i < FLOW_WAYS; i++) {
		if (b->used[i] < least) {
			least = b->used[i];
			way = i;
		}
	}
	return way & (FLOW_WAYS - 1);
}

/* What the session had that gives its place up. */
static __always_inline void place_evict(struct flow_bucket *b, const struct flow *flow)
{
	b->evicted++;
	b->evicted_packets += flow->side[0].packets + flow->side[1].packets;
	b->evicted_bytes += flow->side[0].bytes + flow->side[1].bytes;
}

/* In two parts: the compiler has no more than 1024 bytes in one. */
static __always_inline void place_clear(struct flow *flow)
{
	if (flow->flags & FLOW_DETAILED)
		__builtin_memset(&flow->detail, 0, sizeof(flow->detail));
	__builtin_memset(flow, 0, __builtin_offsetof(struct flow, detail));
}

/* Gives a way to a new session, whose record is all zero but for its key, and returns it. */
__weak __noinline int place_give(struct flow_bucket *b, const struct sighting *s, __u32 tag)
{
	struct flow *flow;
	__u32 way;

	if (!b || !s)
		return 0;
	way = place_least(b);
	flow = &b->flows[way];
	if (b->used[way]) {
		place_evict(b, flow);
		place_clear(flow);
	}
	b->tags[way] = (__u16)tag;
	flow->key = s->key;
	return (int)way;
}

/* What the session is worth now. */
static __always_inline __u32 place_worth(const struct flow *flow, __u64 now)
{
	__u32 worth = ((__u32)(now >> FLOW_USED_TIME_SHIFT) & ~FLOW_USED_BOTH) | 1;

	return flow->ended || !flow->side[0].packets || !flow->side[1].packets ? worth : worth | FLOW_USED_BOTH;
}

#endif
