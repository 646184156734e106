/* SPDX-License-Identifier: GPL-2.0-only */
/* What rules decide, counted per CPU and added to their records once per tick: see struct rules_tally. */
#ifndef SPLICER_LIB_TALLY_H
#define SPLICER_LIB_TALLY_H

#include "abi/rules.h"
#include "lib/bpf.h"
#include "lib/match.h"
#include "maps/xdp.h"

static __always_inline struct rules_tally *tally_cell(__u32 index)
{
	return bpf_map_lookup_elem(&xdp1_tally, &index);
}

/* Adds a tally to its rule's record; where the rules were replaced since, the tool that did it has taken it over. */
static __always_inline void tally_settle(const struct rules_tally *tally)
{
	void *arena = rules_arena();
	struct rules_header *header = arena ? rules_cell(arena, 0) : NULL;
	struct rules_head *head;

	if (!header || header->arena != tally->arena)
		return;
	head = rules_cell(arena, tally->record);
	if (!head)
		return;
	__sync_fetch_and_add(&head->packets, tally->packets);
	__sync_fetch_and_add(&head->bytes, tally->bytes);
	head->last = tally->last;
}

/* Another rule or tick has the cell. */
__noinline int tally_turn(__u64 arena, __u32 record, __u32 length)
{
	struct rules_tally *tally = tally_cell(rules_tally_index(record));

	if (!tally)
		return -1;
	if (tally->packets)
		tally_settle(tally);
	tally->arena = arena;
	tally->record = record;
	tally->packets = 1;
	tally->bytes = length;
	tally->last = bpf_ktime_get_coarse_ns();
	tally->tick = bpf_jiffies64();
	return 0;
}

/* The rule in this cell of that arena decided a packet. */
static __always_inline void tally_add(__u64 arena, __u32 record, __u32 length)
{
	struct rules_tally *tally = tally_cell(rules_tally_index(record));

	if (tally && tally->record == record && tally->tick == bpf_jiffies64() && tally->arena == arena) {
		tally->packets++;
		tally->bytes += length;
		return;
	}
	tally_turn(arena, record, length);
}

#endif
