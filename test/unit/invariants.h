/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold of an arena whenever no writer is at work, found by walking all of it. */
#ifndef SPLICER_TEST_INVARIANTS_H
#define SPLICER_TEST_INVARIANTS_H

#include "block.h"
#include "rulekey.h"
#include "ruleset.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
	const struct arena *arena;
	const struct rules_header *header;
	uint8_t *used; /* per cell: how often it was found in use */
	uint32_t keys, records, spare_records;
	size_t block_cells; /* in blocks, lists and free lists */
	const char *wrong;
};

#define WALK_REQUIRE(walk, condition)                             \
	do {                                                      \
		if (!(walk)->wrong && !(condition))               \
			(walk)->wrong = "arena: not " #condition; \
	} while (0)

/* Marks cells of the records (below) or of blocks and lists (above); false when they are not theirs to use. */
static inline bool walk_mark(struct walk *walk, uint32_t cell, uint32_t cells, uint32_t from, uint32_t to)
{
	if (cell < from || cell >= to || cells > to - cell) {
		walk->wrong = "arena: a cell out of its area";
		return false;
	}
	for (uint32_t i = cell; i < cell + cells; i++) {
		if (walk->used[i]++) {
			walk->wrong = "arena: a cell has two uses";
			return false;
		}
	}
	return true;
}

static inline const void *walk_block(struct walk *walk, uint32_t cell, unsigned int class)
{
	if (!walk_mark(walk, cell, 1u << class, walk->header->blocks_start, walk->header->cells))
		return NULL;
	walk->block_cells += (size_t)1 << class;
	return &walk->arena->cells[cell];
}

static inline const struct rules_record *walk_record(struct walk *walk, uint32_t cell)
{
	if ((cell - walk->header->records) % RULES_RECORD_CELLS) {
		walk->wrong = "arena: a record in between";
		return NULL;
	}
	if (!walk_mark(walk, cell, RULES_RECORD_CELLS, walk->header->records, walk->header->records_end))
		return NULL;
	return (const void *)&walk->arena->cells[cell];
}

/* A packet finds the key only if no empty slot comes before its own. */
static inline bool walk_slot_is_reached(const struct walk *walk, uint64_t hash, uint32_t bucket, unsigned int place)
{
	for (uint32_t probe = 0; probe < RULES_PROBES; probe++) {
		uint32_t index =
			(rules_bucket_index(hash, walk->header->bucket_mask) + probe) & walk->header->bucket_mask;
		const struct rules_cell *cell = &walk->arena->cells[walk->header->buckets + index];

		for (unsigned int i = 0; i < RULES_SLOTS; i++) {
			if (index == bucket && i == place)
				return true;
			if (!cell->word[i])
				return false;
		}
	}
	return false;
}

static inline bool walk_guard_has(const struct walk *walk, uint32_t cell, uint64_t hash)
{
	uint64_t bits = rules_guard_bits(hash);

	return (walk->arena->cells[walk->header->guard + cell].word[rules_guard_word(hash)] & bits) == bits;
}

static inline bool walk_guard_passes(const struct walk *walk, const struct rules_key *key, uint64_t hash)
{
	uint64_t prefix = rules_prefix_hash(key);
	uint32_t mask = walk->header->guard_mask;

	if (mask & RULES_GUARD_SPREAD)
		return walk_guard_has(walk, rules_guard_cell(hash, mask), hash);
	return walk_guard_has(walk, rules_guard_cell(prefix, mask), hash) &&
	       walk_guard_has(walk, rules_guard_cell(prefix, mask), prefix);
}

/* The tuple of a rule stands in all its lists, with a rank that does not end the search before the rule. */
static inline void walk_tuple_of(struct walk *walk, const struct rules_record *record)
{
	unsigned int lists[4], count = rule_lists(record, lists);

	for (unsigned int i = 0; i < count; i++) {
		uint64_t word = walk->header->list[lists[i]];
		const struct rules_tuple *tuples = (const void *)&walk->arena->cells[RULES_LIST_CELL(word)];
		bool found = false;

		for (uint32_t k = 0; k < RULES_LIST_COUNT(word); k++)
			found |= tuples[k].meta == rule_tuple_meta(record) && tuples[k].max_rank >= record->head.rank;
		WALK_REQUIRE(walk, found);
	}
}

static inline void walk_key_records(struct walk *walk, const struct rules_block *block, const struct rules_key *key)
{
	for (uint32_t cell = block->link; cell && !walk->wrong;) {
		const struct rules_record *record = walk_record(walk, cell);
		struct rules_key record_key;

		if (!record)
			return;
		record_key = rule_key(record);
		WALK_REQUIRE(walk, record->head.state == RULES_LIVE);
		WALK_REQUIRE(walk, record_key.meta == key->meta);
		WALK_REQUIRE(walk, !memcmp(record_key.addr, key->addr, sizeof(key->addr)));
		WALK_REQUIRE(walk, record->head.rank == rule_rank(record));
		WALK_REQUIRE(walk, record->max_duration == rule_max_duration(record));
		WALK_REQUIRE(walk, record->max_duration || !(record->head.decision & RULES_LIMITED));
		walk_tuple_of(walk, record);
		walk->records++;
		cell = record->head.next;
	}
}

static inline void walk_intervals(struct walk *walk, const struct rules_block *block)
{
	const struct rules_interval *intervals =
		(const void *)((const uint64_t *)(const void *)block + RULES_BLOCK_WORD);

	for (uint32_t i = 0; i < block->count && !walk->wrong; i++) {
		const struct rules_record *record = (const void *)&walk->arena->cells[intervals[i].record];

		/* its records were marked just before */
		WALK_REQUIRE(walk, walk->used[intervals[i].record] == 1 && record->head.state == RULES_LIVE);
		WALK_REQUIRE(walk, record->head.low <= intervals[i].low && intervals[i].high <= record->head.high);
		WALK_REQUIRE(walk, !i || intervals[i - 1].high < intervals[i].low);
	}
}

static inline void walk_slot(struct walk *walk, uint32_t bucket, unsigned int place)
{
	uint64_t slot = walk->arena->cells[walk->header->buckets + bucket].word[place];
	uint32_t cell = (uint32_t)slot;
	const struct rules_block *block;
	struct rules_key key;
	uint64_t hash;

	if (cell < walk->header->blocks_start || cell >= walk->header->cells) {
		walk->wrong = "arena: a slot out of the area of blocks";
		return;
	}
	block = (const void *)&walk->arena->cells[cell];
	block = walk_block(walk, cell, block_class(block->count));
	if (!block)
		return;
	key.meta = block->meta;
	memcpy(key.addr, block->addr, sizeof(key.addr));
	hash = rules_hash(&key);
	WALK_REQUIRE(walk, hash >> 32 == slot >> 32);
	WALK_REQUIRE(walk, walk_slot_is_reached(walk, hash, bucket, place));
	WALK_REQUIRE(walk, walk_guard_passes(walk, &key, hash));
	WALK_REQUIRE(walk, block->count > 0 && block->link);
	walk_key_records(walk, block, &key);
	walk_intervals(walk, block);
	walk->keys++;
}

static inline void walk_buckets(struct walk *walk)
{
	for (uint32_t bucket = 0; bucket <= walk->header->bucket_mask; bucket++) {
		const struct rules_cell *cell = &walk->arena->cells[walk->header->buckets + bucket];

		for (unsigned int i = 0; i < RULES_SLOTS && !walk->wrong; i++)
			if (cell->word[i] > RULES_SLOT_DELETED)
				walk_slot(walk, bucket, i);
	}
}

static inline void walk_lists(struct walk *walk)
{
	for (unsigned int list = 0; list < RULES_LISTS && !walk->wrong; list++) {
		uint64_t word = walk->header->list[list];
		uint32_t count = RULES_LIST_COUNT(word);
		const struct rules_tuple *tuples;

		WALK_REQUIRE(walk, count <= RULES_TUPLES_MAX);
		if (!word || walk->wrong)
			continue;
		tuples = walk_block(walk, RULES_LIST_CELL(word), cells_class(count));
		for (uint32_t i = 0; i < count && !walk->wrong; i++) {
			WALK_REQUIRE(walk, tuples[i].arena == walk->header->arena);
			WALK_REQUIRE(walk, !i || tuples[i - 1].max_rank >= tuples[i].max_rank);
			for (uint32_t k = 0; k < i; k++)
				WALK_REQUIRE(walk, tuples[k].meta != tuples[i].meta);
		}
	}
}

static inline void walk_spare(struct walk *walk)
{
	for (unsigned int class = 0; class < RULES_SIZES; class ++) {
		const uint32_t heads[2] = { walk->header->free[class], walk->header->waiting[class] };

		for (unsigned int i = 0; i < 2; i++) {
			for (uint32_t cell = heads[i]; cell && !walk->wrong;) {
				const struct rules_block *block = walk_block(walk, cell, class);

				cell = block ? block->link : 0;
			}
		}
	}
}

static inline void walk_spare_records(struct walk *walk, uint32_t cell)
{
	while (cell && !walk->wrong) {
		const struct rules_record *record = walk_record(walk, cell);

		if (!record)
			return;
		WALK_REQUIRE(walk, record->head.state == RULES_FREE);
		walk->spare_records++;
		cell = record->head.next;
	}
}

/* NULL, or what does not hold. */
static inline const char *arena_wrong(const struct arena *arena)
{
	struct walk walk = { .arena = arena, .header = (const void *)arena->cells };
	const struct rules_header *header = walk.header;

	WALK_REQUIRE(&walk, header->changes % 2 == 0);
	if (!header->cells) /* as the object declares it: empty */
		return walk.wrong;
	WALK_REQUIRE(&walk, header->cells == arena->count);
	WALK_REQUIRE(&walk, header->records <= header->records_end);
	WALK_REQUIRE(&walk, header->records_end <= header->blocks_start && header->blocks_start <= header->cells);
	walk.used = calloc(arena->count, 1);
	if (!walk.used)
		return "out of memory";
	walk_buckets(&walk);
	walk_lists(&walk);
	walk_spare(&walk);
	walk_spare_records(&walk, header->free_record);
	walk_spare_records(&walk, header->waiting_record);
	WALK_REQUIRE(&walk, walk.records == header->live);
	WALK_REQUIRE(&walk, walk.keys == header->keys);
	/* nothing is lost */
	WALK_REQUIRE(&walk,
		     (walk.records + walk.spare_records) * RULES_RECORD_CELLS == header->records_end - header->records);
	WALK_REQUIRE(&walk, walk.block_cells == header->cells - header->blocks_start);
	free(walk.used);
	return walk.wrong;
}

#endif
