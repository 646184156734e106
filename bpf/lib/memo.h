/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What rules said of packets like this one: of the same addresses, protocol, port and interface. However many
 * combinations of lengths there are to be tried, those that come again and again are found with one look.
 *
 * It holds while the rules are what they were. Rules with a rate are asked each time.
 */
#ifndef SPLICER_LIB_MEMO_H
#define SPLICER_LIB_MEMO_H

#include "abi/rules.h"
#include "lib/bpf.h"
#include "lib/match.h"

#define MEMOS 4096 /* per CPU; a power of two */

/* One line of cache: the packet, and what was found. */
struct memo {
	__u64 addr[4]; /* as in struct rules_query */
	__u32 ifindex;
	__u16 port, proto;
	__u64 rules;    /* which these were: see memo_rules */
	__u64 decision; /* as in struct rules_query */
	__u32 record;
	__u8 reason;
	__u8 expires; /* the rule does */
	__u16 reserved;
};
_Static_assert(sizeof(struct memo) == 64, "a memo is a line of cache");

/* Not pinned: each object has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MEMOS);
	__type(key, __u32);
	__type(value, struct memo);
} memos SEC(".maps");

/* One word for the arena and the changes that were made in it. */
static __always_inline __u64 memo_rules(__u64 arena, __u32 changes)
{
	return arena + changes * 0x9e3779b97f4a7c15ull;
}

static __always_inline __u32 memo_index(const struct rules_query *q)
{
	__u64 rest = (__u64)q->ifindex << 32 | (__u32)q->proto << 16 | q->port;
	__u64 h = q->addr[0] * 0x9e3779b97f4a7c15ull + q->addr[1] * 0xbf58476d1ce4e5b9ull +
		  q->addr[2] * 0x94d049bb133111ebull + q->addr[3] * 0xd6e8feb86659fd93ull +
		  rest * 0xa0761d6478bd642full;

	h ^= h >> 32;
	return (__u32)(h * 0xe7037ed1a0b428dbull >> 48) & (MEMOS - 1);
}

/* Where the packet's memo is, or will be. */
static __always_inline struct memo *memo_of(const struct rules_query *q)
{
	__u32 index = memo_index(q);

	return bpf_map_lookup_elem(&memos, &index);
}

static __always_inline int memo_is_of(const struct memo *memo, const struct rules_query *q)
{
	return memo->addr[0] == q->addr[0] && memo->addr[1] == q->addr[1] && memo->addr[2] == q->addr[2] &&
	       memo->addr[3] == q->addr[3] && memo->ifindex == q->ifindex && memo->port == q->port &&
	       memo->proto == q->proto;
}

static __always_inline int memo_has_expired(void *arena, const struct memo *memo)
{
	struct rules_head *head;

	if (!memo->expires)
		return 0;
	head = rules_cell(arena, memo->record);
	return !head || rules_has_expired(head);
}

/* The reason that was found before, with its rule in *q; 0: nothing is known. */
static __always_inline __u32 memo_recall(const struct memo *memo, struct rules_query *q)
{
	void *arena = rules_arena();
	struct rules_header *header = arena ? rules_cell(arena, 0) : NULL;

	if (!header || memo->rules != memo_rules(header->arena, *(volatile __u32 *)&header->changes) ||
	    !memo_is_of(memo, q) || memo_has_expired(arena, memo))
		return 0;
	q->arena = header->arena;
	q->record = memo->record;
	q->decision = memo->decision;
	return memo->reason;
}

/* Whether the rule that was found may end by itself. */
static __always_inline int memo_rule_expires(const struct rules_query *q)
{
	void *arena = rules_arena();
	struct rules_head *head = arena && q->record ? rules_cell(arena, q->record) : NULL;

	return head && head->expires;
}

/* What was found of it. Not while a tool changes the rules (changes is odd then). */
static __always_inline void memo_take(struct memo *memo, const struct rules_query *q, __u32 reason)
{
	if (q->changes & 1)
		return;
	memo->addr[0] = q->addr[0];
	memo->addr[1] = q->addr[1];
	memo->addr[2] = q->addr[2];
	memo->addr[3] = q->addr[3];
	memo->ifindex = q->ifindex;
	memo->port = q->port;
	memo->proto = q->proto;
	memo->rules = memo_rules(q->arena, q->changes);
	memo->decision = q->decision;
	memo->record = q->record;
	memo->reason = (__u8)reason;
	memo->expires = memo_rule_expires(q) != 0;
}

#endif
