/* SPDX-License-Identifier: GPL-2.0-only */
/* Between ruleset.c (changes in place) and ruleset_build.c (a new arena). Cell 0 means none everywhere. */
#ifndef SPLICER_RULESET_INTERNAL_H
#define SPLICER_RULESET_INTERNAL_H

#include "block.h"
#include "ruleset.h"

static inline struct rules_header *set_header(struct ruleset *set)
{
	return arena_at(&set->arena, 0, RULES_HEADER_CELLS);
}

static inline struct rules_record *set_record(struct ruleset *set, uint32_t cell)
{
	return arena_at(&set->arena, cell, RULES_RECORD_CELLS);
}

static inline struct rules_block *set_block(struct ruleset *set, uint32_t cell)
{
	return arena_at(&set->arena, cell, 1);
}

/* Words that packets read meanwhile. */
static inline void word_store(__u64 *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* A new record or 2^class cells; 0 when the arena is full. */
uint32_t record_take(struct ruleset *set);
uint32_t cells_take(struct ruleset *set, unsigned int class);

/* The slot that holds the key, or one where it can be put; NULL when its buckets are full. */
__u64 *slot_find(struct ruleset *set, const struct rules_key *key, uint64_t hash);
__u64 *slot_free(struct ruleset *set, uint64_t hash);

void guard_add(struct ruleset *set, uint64_t hash);

/* Builds a new arena from the records and the changes (NULL: none), and swaps it in. */
int ruleset_build(struct ruleset *set, const struct changes *changes, bool dry_run, struct error *error);

#endif
