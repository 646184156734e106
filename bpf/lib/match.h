/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule matcher: finds the winning rule of a packet in the arena of abi/rules.h.
 *
 * Needs rules_arena from the maps of the object, included before: its arena, or NULL.
 *
 * rules_search and rules_step are global functions, so the verifier reads each once and not once for each way to it.
 * Maps cannot be handed to such a function: it looks the arena up itself, and the arena's id tells of a swap.
 */
#ifndef SPLICER_LIB_MATCH_H
#define SPLICER_LIB_MATCH_H

#include "abi/rules.h"
#include "lib/bpf.h"

struct rules_query {
	__u64 addr[4]; /* destination, source: as in struct rules_key */
	__u64 arena;
	/* the geometry of the arena, as in struct rules_header */
	__u32 guard, guard_mask, buckets, bucket_mask;
	__u32 ifindex;
	__u16 port;
	__u16 proto;
	__u32 tuple, left; /* cell of the next tuple of the list, and how many are left */
	__u32 record;      /* the best so far; 0: none */
	__u32 changes;     /* of the arena, before the search; see struct rules_header */
	__u64 rank;
	__u64 decision;
	/* only rules that rank below these; 0: all. See rules_pass_over. */
	__u64 below_rank, below_decision;
	struct rules_key key; /* that the guard let pass, and its hash */
	__u64 hash;
};

#define RULES_STRIDE 8 /* tuples looked at in one call */

/* NEXT: go on; FOUND: likewise, the guard let a key pass; DONE: nothing better is left; SWAPPED: the arena is another
 * one. */
enum rules_step { RULES_NEXT = 0, RULES_FOUND = 1, RULES_DONE = 2, RULES_SWAPPED = 3 };

static __always_inline void *rules_cell(void *arena, __u32 cell)
{
	return bpf_map_lookup_elem(arena, &cell);
}

/* Words that a tool may be storing to: read once, whole. */
static __always_inline __u64 rules_read(const __u64 *word)
{
	return *(const volatile __u64 *)word;
}

/* Whether a tuple can hold rules for the packet's protocol. */
static __always_inline int rules_tuple_serves(const struct rules_query *q, const struct rules_tuple *tuple)
{
	__u32 proto = rules_meta_proto(tuple->meta);

	return proto == q->proto || (proto == RULES_PROTO_ANY && q->proto < RULES_PROTO_ANY);
}

static __always_inline void rules_make_key(const struct rules_query *q, const struct rules_tuple *tuple,
					   struct rules_key *key)
{
	key->meta = tuple->meta;
	if (tuple->meta & RULES_META_NAMED)
		key->meta |= q->ifindex;
	key->addr[0] = q->addr[0] & tuple->mask[0];
	key->addr[1] = q->addr[1] & tuple->mask[1];
	key->addr[2] = q->addr[2] & tuple->mask[2];
	key->addr[3] = q->addr[3] & tuple->mask[3];
}

static __always_inline int rules_guard_has(const struct rules_cell *cell, __u64 hash)
{
	__u64 bits = rules_guard_bits(hash);

	return (rules_read(&cell->word[rules_guard_word(hash)]) & bits) == bits;
}

/* Whether there may be rules of the key in *q, of which it finds the hash; *skip: nor any for its longer prefix. */
static __always_inline int rules_guard_passes(void *arena, struct rules_query *q, int *skip)
{
	int spread = (q->guard_mask & RULES_GUARD_SPREAD) != 0;
	__u64 chosen = spread ? rules_hash(&q->key) : rules_prefix_hash(&q->key);
	struct rules_cell *cell = rules_cell(arena, q->guard + rules_guard_cell(chosen, q->guard_mask));

	if (!cell)
		return 0;
	*skip = !spread && !rules_guard_has(cell, chosen);
	if (*skip)
		return 0;
	q->hash = spread ? chosen : rules_hash(&q->key);
	return rules_guard_has(cell, q->hash);
}

static __always_inline int rules_block_is(const struct rules_block *a, const struct rules_key *b)
{
	return a->meta == b->meta && a->addr[0] == b->addr[0] && a->addr[1] == b->addr[1] && a->addr[2] == b->addr[2] &&
	       a->addr[3] == b->addr[3];
}

/* The key's block, its cell in *cell; or NULL. An empty slot ends the search. */
static __always_inline struct rules_block *rules_find_block(void *arena, const struct rules_query *q, __u32 *cell)
{
	for (__u32 probe = 0; probe < RULES_PROBES; probe++) {
		__u32 index = (rules_bucket_index(q->hash, q->bucket_mask) + probe) & q->bucket_mask;
		struct rules_cell *bucket = rules_cell(arena, q->buckets + index);

		if (!bucket)
			return NULL;
		for (__u32 i = 0; i < RULES_SLOTS; i++) {
			__u64 slot = rules_read(&bucket->word[i]);
			struct rules_block *block;

			if (!slot)
				return NULL;
			if (slot >> 32 != q->hash >> 32)
				continue;
			*cell = (__u32)slot;
			block = rules_cell(arena, *cell);
			if (block && rules_block_is(block, &q->key))
				return block;
		}
	}
	return NULL;
}

static __always_inline __u16 rules_interval_high(__u64 interval)
{
	return (__u16)(interval >> 16);
}

/* The first cell of a block whose last interval does not end before the port: a binary search over whole cells. */
static __always_inline __u32 rules_find_cell(void *arena, __u32 block, __u32 cells, __u16 port)
{
	__u32 low = 0, high = cells - 1;

	for (int step = 0; step < RULES_SIZES; step++) {
		__u32 middle = (low + high) / 2;
		struct rules_cell *cell;

		if (low >= high)
			break;
		cell = rules_cell(arena, block + middle);
		if (cell && rules_interval_high(cell->word[7]) < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The record of an interval, if the port is in it; or 0. */
static __always_inline __u32 rules_interval_record(__u64 interval, __u16 port)
{
	return (__u16)interval <= port ? (__u32)(interval >> 32) : 0;
}

/* The record that wins at the packet's port in a block of several cells, or 0. */
static __always_inline __u32 rules_find_far(void *arena, __u32 block, __u32 intervals, __u16 port)
{
	__u32 index = rules_find_cell(arena, block, rules_block_cells(intervals), port);
	struct rules_cell *cell = rules_cell(arena, block + index);

	if (!cell)
		return 0;
	for (int i = 0; i < 8; i++) {
		__u64 interval = cell->word[i];

		if (index == 0 && i < RULES_BLOCK_WORD)
			continue;
		if (rules_interval_high(interval) >= port)
			return rules_interval_record(interval, port);
	}
	return 0;
}

/* The record that wins at the packet's port in a block, or 0. */
static __always_inline __u32 rules_find_record(void *arena, const struct rules_block *block, __u32 cell, __u16 port)
{
	const struct rules_cell *words = (const struct rules_cell *)block;

	if (block->count > RULES_BLOCK_INLINE)
		return rules_find_far(arena, cell, block->count, port);
	if (rules_interval_high(words->word[RULES_BLOCK_WORD]) >= port)
		return rules_interval_record(words->word[RULES_BLOCK_WORD], port);
	return rules_interval_high(words->word[RULES_BLOCK_WORD + 1]) >= port
		       ? rules_interval_record(words->word[RULES_BLOCK_WORD + 1], port)
		       : 0;
}

/* Of a clock that is cheap and lags by at most one tick. */
static __always_inline int rules_has_expired(const struct rules_head *record)
{
	__u64 expires = rules_read(&record->expires);

	return expires && expires <= bpf_ktime_get_coarse_ns();
}

static __always_inline int rules_is_below(__u64 rank, __u64 decision, __u64 other_rank, __u64 other_decision)
{
	return rank < other_rank || (rank == other_rank && decision < other_decision);
}

static __always_inline void rules_take_better(void *arena, struct rules_query *q, __u32 record_cell)
{
	struct rules_head *record = rules_cell(arena, record_cell);
	__u64 decision;

	if (!record || rules_has_expired(record))
		return;
	decision = rules_read(&record->decision);
	if (q->record && rules_is_below(record->rank, decision, q->rank, q->decision))
		return;
	if (q->below_decision && !rules_is_below(record->rank, decision, q->below_rank, q->below_decision))
		return;
	q->record = record_cell;
	q->rank = record->rank;
	q->decision = decision;
}

static __always_inline void rules_go_on(struct rules_query *q, __u32 tuples)
{
	q->tuple += tuples;
	q->left = q->left > tuples ? q->left - tuples : 0;
}

/* Takes the rule of the key in *q if it is better than the best so far. */
static __always_inline void rules_take_key(void *arena, struct rules_query *q)
{
	__u32 cell = 0, record;
	struct rules_block *block = rules_find_block(arena, q, &cell);

	if (!block)
		return;
	record = rules_find_record(arena, block, cell, q->port);
	if (record)
		rules_take_better(arena, q, record);
}

/* Looks at the next tuples of the list, up to one that may have a rule for the packet; its key is left in *q. */
static __always_inline int rules_sift(void *arena, struct rules_query *q)
{
	/* of 64 bits, as the verifier does not follow a counter of 32 through a spill to the upper half of a slot */
	for (__u64 i = 0; i < RULES_STRIDE; i++) {
		struct rules_tuple *tuple;
		int skip = 0;

		if (!q->left)
			return RULES_DONE;
		tuple = rules_cell(arena, q->tuple);
		if (!tuple || tuple->arena != q->arena)
			return RULES_SWAPPED;
		if (q->record && q->rank > tuple->max_rank)
			return RULES_DONE;
		rules_go_on(q, 1);
		if (!rules_tuple_serves(q, tuple))
			continue;
		rules_make_key(q, tuple, &q->key);
		if (rules_guard_passes(arena, q, &skip))
			return RULES_FOUND;
		if (skip)
			rules_go_on(q, tuple->run);
	}
	return RULES_NEXT;
}

/* Goes some way down the list: over a few tuples, or to the next rule for the packet. */
__weak __noinline int rules_step(struct rules_query *q)
{
	void *arena = rules_arena();
	int step;

	if (!q || !arena)
		return RULES_SWAPPED;
	step = rules_sift(arena, q);
	if (step == RULES_FOUND)
		rules_take_key(arena, q);
	return step;
}

/* The number of the newest rule, its low 32 bits. */
static __always_inline __u32 rules_newest(void)
{
	void *arena = rules_arena();
	struct rules_header *header = arena ? rules_cell(arena, 0) : NULL;

	return header ? (__u32)rules_read(&header->sequence) : 0;
}

/* What the search must know of the arena. */
static __always_inline void rules_begin(struct rules_query *q, const struct rules_header *header, __u64 list)
{
	q->record = 0;
	/* what was passed over in another arena is no bound in this one */
	if (q->arena != header->arena)
		q->below_decision = 0;
	q->arena = header->arena;
	q->changes = *(const volatile __u32 *)&header->changes;
	q->guard = header->guard;
	q->guard_mask = header->guard_mask;
	q->buckets = header->buckets;
	q->bucket_mask = header->bucket_mask;
	q->tuple = RULES_LIST_CELL(list);
	q->left = RULES_LIST_COUNT(list);
}

/* Walks the tuples of one list. -1: the arena could not be read or was swapped in the meantime. */
__weak __noinline int rules_search(struct rules_query *q, __u32 list)
{
	void *arena = rules_arena();
	struct rules_header *header;
	struct rules_cell *lists;

	if (!q || !arena)
		return -1;
	header = rules_cell(arena, 0);
	lists = rules_cell(arena, 1 + (list >> 3));
	if (!header || !lists)
		return -1;
	rules_begin(q, header, rules_read(&lists->word[list & 7]));
	for (__u32 i = 0; i <= RULES_TUPLES_MAX && q->left; i++) {
		int step = rules_step(q);

		if (step == RULES_DONE)
			return 0;
		if (step == RULES_SWAPPED)
			return -1;
	}
	return 0;
}

/* The rule that was found does not apply: the next search finds the best after it. */
static __always_inline void rules_pass_over(struct rules_query *q)
{
	q->below_rank = q->rank;
	q->below_decision = q->decision;
}

/* Whether there is no rule at all for what leaves: its lists fill one cell. */
static __always_inline int rules_none_out(void)
{
	void *arena = rules_arena();
	struct rules_cell *lists = arena ? rules_cell(arena, 1 + RULES_OUT) : NULL;

	return lists && !(rules_read(&lists->word[0]) | rules_read(&lists->word[1]) | rules_read(&lists->word[2]) |
			  rules_read(&lists->word[3]) | rules_read(&lists->word[4]) | rules_read(&lists->word[5]) |
			  rules_read(&lists->word[6]) | rules_read(&lists->word[7]));
}

/* The rule that decides a packet; head is NULL when none does. */
struct rules_hit {
	struct rules_head *head;
	void *arena;    /* that it stands in */
	__u64 decision; /* as it was when the rule was chosen */
	__u32 record;   /* its first cell */
};

/* The rule in this cell of the arena of this id. 0, or -1 when that arena is no longer in force. */
static __always_inline int rules_hit_at(__u64 arena, __u32 record, __u64 decision, struct rules_hit *hit)
{
	struct rules_header *header;

	hit->head = NULL;
	hit->arena = rules_arena();
	header = hit->arena ? rules_cell(hit->arena, 0) : NULL;
	if (!header || header->arena != arena)
		return -1;
	hit->head = rules_cell(hit->arena, record);
	hit->decision = decision;
	hit->record = record;
	return hit->head ? 0 : -1;
}

/* A field of the record's second cell. */
#define RULES_SECOND(cell, field) \
	(*(__u32 *)((__u8 *)(cell) + __builtin_offsetof(struct rules_record, field) - RULES_CELL_SIZE))

/* The record's second cell, where it has limits; else NULL. */
static __always_inline struct rules_cell *rules_limits(const struct rules_hit *hit)
{
	if (!hit->head || !hit->arena || !(hit->decision & RULES_LIMITED))
		return NULL;
	return rules_cell(hit->arena, hit->record + 1);
}

/* How long a connection that the rule lets in may last: seconds, 0: any time. */
static __always_inline __u32 rules_max_duration(const struct rules_hit *hit)
{
	struct rules_cell *limits = rules_limits(hit);

	return limits ? RULES_SECOND(limits, max_duration) : 0;
}

/* The service tag of the rule that decided. */
static __always_inline struct rules_cell *rules_service(const struct rules_hit *hit)
{
	return hit->arena ? rules_cell(hit->arena, hit->record + RULES_SERVICE_CELL) : NULL;
}

/* The rule decided a packet. */
static __always_inline void rules_count(struct rules_head *head, __u32 length)
{
	__sync_fetch_and_add(&head->packets, 1);
	__sync_fetch_and_add(&head->bytes, length);
	head->last = bpf_ktime_get_coarse_ns();
}

#endif
