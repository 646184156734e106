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

static __always_inline void record_add(struct rules_head *head, __u64 packets, __u64 bytes, __u64 last)
{
	__sync_fetch_and_add(&head->packets, packets);
	__sync_fetch_and_add(&head->bytes, bytes);
	/* it may have met others since, on another CPU */
	if (last > head->last)
		head->last = last;
}

/* Adds a tally to its rule's record. -1: the rules were replaced since, and the tool that did it takes it over. */
static __always_inline int tally_settle(const struct rules_tally *tally)
{
	void *arena = rules_arena();
	struct rules_header *header = arena ? rules_cell(arena, 0) : NULL;
	struct rules_head *head;

	if (!header || header->arena != tally->arena)
		return -1;
	head = rules_cell(arena, tally->record);
	if (head)
		record_add(head, tally->packets, tally->bytes, tally->last);
	return 0;
}

static __always_inline int tally_is_of(const struct rules_tally *tally, __u64 arena, __u32 record)
{
	return tally->record == record && tally->arena == arena;
}

static __always_inline void tally_count(struct rules_tally *tally, __u32 length)
{
	tally->packets++;
	tally->bytes += length;
}

/* An earlier tick has the cell. */
__weak __noinline int tally_turn(__u64 arena, __u32 record, __u32 length)
{
	struct rules_tally *tally = tally_cell(rules_tally_index(arena, record));

	if (!tally)
		return -1;
	if (tally->packets && tally_settle(tally) && tally->arena == arena) {
		/*
		 * The packet was under way when the rules were replaced, and the tool waits for it. Another rule's
		 * tally is not given up for it.
		 */
		if (tally->record == record)
			tally_count(tally, length);
		return 0;
	}
	tally->arena = arena;
	tally->record = record;
	tally->packets = tally->bytes = 0;
	tally_count(tally, length);
	tally->last = bpf_ktime_get_coarse_ns();
	tally->tick = bpf_jiffies64();
	return 0;
}

/* Counts a packet in the record at once, if it is still that of the rule; last as in struct rules_tally. */
static __always_inline void tally_pass_by(const struct rules_query *q, __u32 length, __u64 last)
{
	void *arena = rules_arena();
	struct rules_head *head = arena ? rules_cell(arena, q->record) : NULL;

	if (head && rules_read(&head->decision) == q->decision)
		record_add(head, 1, length, last);
}

/*
 * The rule that was found decided a packet. Where another rule has the cell in this tick, the record itself is near, as
 * it was just read, and that of the other one may be far.
 */
static __always_inline void tally_add(const struct rules_query *q, __u32 length)
{
	struct rules_tally *tally = tally_cell(rules_tally_index(q->arena, q->record));

	if (!tally)
		return;
	if (tally->tick != bpf_jiffies64())
		tally_turn(q->arena, q->record, length);
	else if (tally_is_of(tally, q->arena, q->record))
		tally_count(tally, length);
	else
		tally_pass_by(q, length, tally->last);
}

#endif
