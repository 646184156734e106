/* SPDX-License-Identifier: GPL-2.0-only */
/* Between ruleset.c, ruleset_change.c with ruleset_place.c (changes in place), ruleset_build.c with ruleset_entries.c
 * (a new arena) and ruleset_cells.c (the parts of one). Cell 0 means none everywhere. */
#ifndef SPLICER_RULESET_INTERNAL_H
#define SPLICER_RULESET_INTERNAL_H

#include "block.h"
#include "clock.h"
#include "rulekey.h"
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

/* A new record or 2^class cells; 0 when the arena is full. What is given back is used again after a grace period. */
uint32_t record_take(struct ruleset *set);
uint32_t cells_take(struct ruleset *set, unsigned int class);
void record_give(struct ruleset *set, uint32_t cell);
void cells_give(struct ruleset *set, uint32_t cell, unsigned int class);

/*
 * What was reachable may still be in the hands of a packet. Putting the arena in its own place again waits until
 * every program that ran meanwhile has ended (the kernel does so for maps of maps).
 */
void grace_wait(struct ruleset *set);

/* The slot that holds the key, or one where it can be put; NULL when its buckets are full. */
__u64 *slot_find(struct ruleset *set, const struct rules_key *key, uint64_t hash);
__u64 *slot_free(struct ruleset *set, uint64_t hash);
void slot_clear(__u64 *slot);

void guard_add(struct ruleset *set, const struct rules_key *key, uint64_t hash);

/* Fills in rules_tuple.run; the tuples stand in their order. */
void tuples_set_runs(struct rules_tuple *tuples, uint32_t count);

/* The tuple lists that a new rule makes longer, made but not yet published. */
struct list_changes {
	unsigned int list[4], count;
	uint32_t cell[4]; /* 0: the list has the rule's tuple already */
	__u64 word[4];
};

/* -1 when there is no room; what was made is given back by lists_abandon. */
int lists_prepare(struct ruleset *set, const struct rules_record *rule, struct list_changes *lists);
void lists_publish(struct ruleset *set, const struct list_changes *lists);
void lists_abandon(struct ruleset *set, const struct list_changes *lists);

/* Whether there are packets that match the rule and to which it does not apply: see RULES_LAYERS_MAX. */
static inline bool stands_in_layers(const struct rules_record *rule, uint64_t expires)
{
	return expires || rule_rate(rule);
}

/* While no rule needs one, layer 0 is all there is. */
static inline unsigned int layers_last(struct ruleset *set)
{
	const struct rules_header *header = set_header(set);

	return header->sweep || header->rated ? RULES_LAYERS_MAX : 0;
}

/* The decision of a rule that is put over one with the decision old: a route that the tool added stays its own. */
static inline uint64_t decision_put(uint64_t old, uint64_t new, uint64_t sequence)
{
	return decision_renumber(new | (old & RULES_ROUTE), sequence);
}

/* Deadlines less than a second apart are the same: in a file they are times of day, of a clock that is set. */
static inline bool expires_alike(uint64_t a, uint64_t b)
{
	return a == b || (a && b && (a > b ? a - b : b - a) < CLOCK_SECOND);
}

static inline char put_letter(const struct rules_record *old, const struct rules_record *new)
{
	uint64_t was = old->head.decision;
	bool same = decision_renumber(was, 0) == decision_put(was, new->head.decision, 0) &&
		    rule_limits_are_alike(old, new);

	return same && expires_alike(old->head.expires, new->head.expires) ? '=' : 'C';
}

/* Builds a new arena from the records and the changes (NULL: none), and swaps it in. */
int ruleset_build(struct ruleset *set, struct changes *changes, bool dry_run, struct error *error);

#endif
