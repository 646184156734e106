/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet programs' own matcher, bpf/lib/match.h, compiled for the test: the map of maps is one pointer to an arena
 * in plain memory, and a lookup in the arena is an index with a bounds check.
 */
#ifndef SPLICER_TEST_MATCHER_H
#define SPLICER_TEST_MATCHER_H

#include "abi/rules.h"
#include "arena.h"
#include "clock.h"
#include "oracle.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* what bpf/lib/bpf.h would give */
#define SPLICER_LIB_BPF_H
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

static struct arena *matcher_arena;

/* A tool swaps `next` in just before the lookup of the arena that brings `countdown` to 0. */
static struct {
	unsigned int countdown; /* 0: no swap */
	struct arena *next;
} matcher_swap;

static inline void *rules_arena(void)
{
	if (matcher_swap.countdown && !--matcher_swap.countdown)
		matcher_arena = matcher_swap.next;
	return matcher_arena;
}

static inline void *matcher_lookup(void *map, const __u32 *key)
{
	struct arena *arena = map;

	return *key < arena->count ? &arena->cells[*key] : NULL;
}

/* Of the same clock as in the kernel; it never stands still. */
static inline __u64 matcher_clock(void)
{
	return clock_now();
}

#define bpf_map_lookup_elem(map, key) matcher_lookup((map), (key))
#define bpf_ktime_get_coarse_ns() matcher_clock()
#include "lib/match.h"
#undef bpf_map_lookup_elem
#undef bpf_ktime_get_coarse_ns

static inline bool matcher_applies(const struct rules_hit *hit)
{
	struct rules_cell *limits = rules_limits(hit);

	return !limits || plain_rate_applies(RULES_SECOND(limits, rate));
}

/* As verdict_ask and verdict_hit (bpf/lib/verdict.h), or row_rules (bpf/lib/filter.h), do it for a packet. */
static inline int matcher_ask(struct rules_query *query, __u32 list, struct rules_hit *hit)
{
	query->below_decision = 0;
	do {
		*hit = (struct rules_hit){ 0 };
		if (rules_search(query, list) && rules_search(query, list))
			return -1;
		if (!query->record)
			return 0;
		if (rules_hit_at(query->arena, query->record, query->decision, hit))
			return -1;
		rules_pass_over(query);
	} while (!matcher_applies(hit));
	return 0;
}

/* What the packet path would do: the rule that decides a packet. False: none, or *broken. */
static inline bool matcher_winner(struct arena *arena, const struct plain_packet *packet, struct rules_hit *hit,
				  bool *broken)
{
	struct rules_query query = { .ifindex = packet->ifindex,
				     .port = (__u16)packet->port,
				     .proto = (__u16)packet->proto };
	__u32 list;

	matcher_arena = arena;
	memcpy(&query.addr[0], packet->dst, 16);
	memcpy(&query.addr[2], packet->src, 16);
	*hit = (struct rules_hit){ 0 };
	list = rules_list((__u32)packet->direction, (__u32)packet->family, rules_class((__u32)packet->proto));
	*broken = matcher_ask(&query, list, hit) && matcher_ask(&query, list, hit);
	return !*broken && hit->head;
}

#endif
