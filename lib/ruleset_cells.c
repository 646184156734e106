/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of an arena: space for records and blocks, the table of keys and its guard, the lists of tuples. */
#include "rulekey.h"
#include "ruleset_internal.h"

#include <bpf/bpf.h>
#include <string.h>

/* ---- space ---- */

void grace_wait(struct ruleset *set)
{
	struct rules_header *header = set_header(set);
	__u32 zero = 0;

	if (set->outer >= 0)
		bpf_map_update_elem(set->outer, &zero, &set->arena.fd, 0);
	for (unsigned int class = 0; class < RULES_SIZES; class ++) {
		while (header->waiting[class]) {
			uint32_t cell = header->waiting[class];
			struct rules_block *block = set_block(set, cell);

			header->waiting[class] = block->link;
			block->link = header->free[class];
			header->free[class] = cell;
		}
	}
	while (header->waiting_record) {
		uint32_t cell = header->waiting_record;
		struct rules_record *record = set_record(set, cell);

		header->waiting_record = record->head.next;
		record->head.next = header->free_record;
		header->free_record = cell;
	}
}

static bool gap_has(const struct rules_header *header, uint32_t cells)
{
	return header->blocks_start - header->records_end >= cells;
}

uint32_t cells_take(struct ruleset *set, unsigned int class)
{
	struct rules_header *header = set_header(set);
	uint32_t cell;

	if (!header->free[class] && !gap_has(header, 1u << class) && header->waiting[class])
		grace_wait(set);
	cell = header->free[class];
	if (cell) {
		header->free[class] = set_block(set, cell)->link;
		return cell;
	}
	if (!gap_has(header, 1u << class))
		return 0;
	header->blocks_start -= 1u << class;
	return header->blocks_start;
}

uint32_t record_take(struct ruleset *set)
{
	struct rules_header *header = set_header(set);
	uint32_t cell;

	if (!header->free_record && !gap_has(header, RULES_RECORD_CELLS) && header->waiting_record)
		grace_wait(set);
	cell = header->free_record;
	if (cell) {
		header->free_record = set_record(set, cell)->head.next;
		return cell;
	}
	if (!gap_has(header, RULES_RECORD_CELLS))
		return 0;
	cell = header->records_end;
	header->records_end += RULES_RECORD_CELLS;
	return cell;
}

void cells_give(struct ruleset *set, uint32_t cell, unsigned int class)
{
	struct rules_header *header = set_header(set);

	if (!cell)
		return;
	set_block(set, cell)->link = header->waiting[class];
	header->waiting[class] = cell;
}

void record_give(struct ruleset *set, uint32_t cell)
{
	struct rules_header *header = set_header(set);

	if (!cell)
		return;
	set_record(set, cell)->head.next = header->waiting_record;
	header->waiting_record = cell;
}

/* ---- the table ---- */

static struct rules_cell *bucket_at(struct ruleset *set, uint64_t hash, uint32_t probe)
{
	const struct rules_header *header = set_header(set);
	uint32_t index = (rules_bucket_index(hash, header->bucket_mask) + probe) & header->bucket_mask;

	return arena_at(&set->arena, header->buckets + index, 1);
}

static bool block_is(const struct rules_block *block, const struct rules_key *key)
{
	return block->meta == key->meta && !memcmp(block->addr, key->addr, sizeof(key->addr));
}

__u64 *slot_find(struct ruleset *set, const struct rules_key *key, uint64_t hash)
{
	for (uint32_t probe = 0; probe < RULES_PROBES; probe++) {
		struct rules_cell *bucket = bucket_at(set, hash, probe);

		for (unsigned int i = 0; i < RULES_SLOTS; i++) {
			uint64_t slot = bucket->word[i];

			if (!slot)
				return NULL;
			if (slot >> 32 == hash >> 32 && slot > RULES_SLOT_DELETED &&
			    block_is(set_block(set, (uint32_t)slot), key))
				return &bucket->word[i];
		}
	}
	return NULL;
}

__u64 *slot_free(struct ruleset *set, uint64_t hash)
{
	for (uint32_t probe = 0; probe < RULES_PROBES; probe++) {
		struct rules_cell *bucket = bucket_at(set, hash, probe);

		for (unsigned int i = 0; i < RULES_SLOTS; i++)
			if (bucket->word[i] <= RULES_SLOT_DELETED)
				return &bucket->word[i];
	}
	return NULL;
}

/*
 * A search stops at an empty slot. So only one that is followed by an empty slot is emptied: what went on past a full
 * bucket, or to a later slot, must still be found.
 */
void slot_clear(__u64 *slot)
{
	size_t place = (uintptr_t)slot / sizeof(*slot) % RULES_SLOTS;

	word_store(slot, place + 1 < RULES_SLOTS && !slot[1] ? 0 : RULES_SLOT_DELETED);
}

static void guard_set(struct rules_cell *cell, uint64_t hash)
{
	__atomic_fetch_or(&cell->word[rules_guard_word(hash)], rules_guard_bits(hash), __ATOMIC_RELEASE);
}

void guard_add(struct ruleset *set, const struct rules_key *key, uint64_t hash)
{
	const struct rules_header *header = set_header(set);
	bool spread = header->guard_mask & RULES_GUARD_SPREAD;
	uint64_t chosen = spread ? hash : rules_prefix_hash(key);
	uint32_t at = rules_guard_cell(chosen, header->guard_mask);
	struct rules_cell *cell = arena_at(&set->arena, header->guard + at, 1);

	guard_set(cell, hash);
	if (!spread)
		guard_set(cell, chosen);
}

/* ---- tuples ---- */

static struct rules_tuple *list_tuples(struct ruleset *set, uint64_t word)
{
	return word ? arena_at(&set->arena, RULES_LIST_CELL(word), RULES_LIST_COUNT(word)) : NULL;
}

static struct rules_tuple *tuple_find(struct rules_tuple *tuples, uint32_t count, uint64_t meta)
{
	for (uint32_t i = 0; i < count; i++)
		if (tuples[i].meta == meta)
			return &tuples[i];
	return NULL;
}

static bool tuples_share_prefix(const struct rules_tuple *a, const struct rules_tuple *b)
{
	int side = rules_source_is_longer(a->meta) ? 2 : 0, shift = side ? 40 : 32;

	return !rules_source_is_longer(b->meta) == !side && (a->meta >> shift & 0xff) == (b->meta >> shift & 0xff);
}

void tuples_set_runs(struct rules_tuple *tuples, uint32_t count)
{
	for (uint32_t i = count; i-- > 0;)
		tuples[i].run =
			i + 1 < count && tuples_share_prefix(&tuples[i], &tuples[i + 1]) ? tuples[i + 1].run + 1 : 0;
}

/* Copies the tuples of a list to a longer one with the rule's tuple in its place by rank. */
static void tuples_copy_with(struct rules_tuple *to, const struct rules_tuple *from, uint32_t count,
			     const struct rules_tuple *added)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++)
		if (from[i].meta != added->meta && from[i].max_rank >= added->max_rank)
			to[kept++] = from[i];
	to[kept++] = *added;
	for (uint32_t i = 0; i < count; i++)
		if (from[i].meta != added->meta && from[i].max_rank < added->max_rank)
			to[kept++] = from[i];
	tuples_set_runs(to, kept);
}

/*
 * Makes the list that has the rule's tuple, not yet published: its first cell to *cell, its word to *word. *cell stays
 * 0 when the list has it already. The limit is enforced by the build, which drops unused tuples first.
 */
static int tuple_prepare(struct ruleset *set, unsigned int list, const struct rules_record *rule, uint32_t *cell,
			 __u64 *word)
{
	struct rules_tuple added = {
		.arena = set_header(set)->arena,
		.meta = rule_tuple_meta(rule),
		.max_rank = rule_rank(rule),
	};
	uint64_t old = set_header(set)->list[list];
	struct rules_tuple *tuples = list_tuples(set, old), *found;
	uint32_t count = RULES_LIST_COUNT(old), after;

	*cell = 0;
	found = tuple_find(tuples, count, added.meta);
	if (found && found->max_rank >= added.max_rank)
		return 0;
	after = count + !found;
	if (after > RULES_TUPLES_MAX)
		return -1;
	*cell = cells_take(set, cells_class(after));
	if (!*cell)
		return -1;
	rule_tuple_mask(rule, added.mask);
	tuples_copy_with(arena_at(&set->arena, *cell, after), tuples, count, &added);
	*word = (uint64_t)*cell << 16 | after;
	return 0;
}

int lists_prepare(struct ruleset *set, const struct rules_record *rule, struct list_changes *lists)
{
	*lists = (struct list_changes){ 0 };
	lists->count = rule_lists(rule, lists->list);
	for (unsigned int i = 0; i < lists->count; i++)
		if (tuple_prepare(set, lists->list[i], rule, &lists->cell[i], &lists->word[i]))
			return -1;
	return 0;
}

void lists_publish(struct ruleset *set, const struct list_changes *lists)
{
	struct rules_header *header = set_header(set);

	for (unsigned int i = 0; i < lists->count; i++) {
		uint64_t old = header->list[lists->list[i]];

		if (!lists->cell[i])
			continue;
		word_store(&header->list[lists->list[i]], lists->word[i]);
		if (old)
			cells_give(set, RULES_LIST_CELL(old), cells_class(RULES_LIST_COUNT(old)));
	}
}

void lists_abandon(struct ruleset *set, const struct list_changes *lists)
{
	for (unsigned int i = 0; i < lists->count; i++)
		if (lists->cell[i])
			cells_give(set, lists->cell[i], cells_class(RULES_LIST_COUNT(lists->word[i])));
}
