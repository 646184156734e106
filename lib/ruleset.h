/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule set of abi/rules.h as the tools change and read it.
 *
 * One change is made in place, in an order that shows packets the old rule or the new one at every moment. Several
 * changes at once, growth and repair build a new arena from the records and swap it in: all of them or none.
 * A writer holds pins_lock; readers hold nothing.
 */
#ifndef SPLICER_RULESET_H
#define SPLICER_RULESET_H

#include "abi/rules.h"
#include "arena.h"
#include "error.h"
#include "pin.h"
#include "tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ruleset {
	int outer; /* the pinned map of the arena; -1: plain memory, for tests */
	struct arena arena;
	int tally;              /* the map of struct rules_tally; -1: the object has none */
	struct tallies tallies; /* as ruleset_read_tallies found them */
	bool route_left;        /* out: an expired rule that was taken away had a route of ours (RULES_ROUTE) */
};

enum change_kind { CHANGE_PUT, CHANGE_DELETE };

struct change {
	enum change_kind kind;
	/* PUT: complete but for counters and sequence number. DELETE: found by its identity. */
	struct rules_record rule;
	/* out, PUT: rule.head.decision has its sequence number */
	/* out: 'A' added, 'C' changed, 'D' deleted, '=' was so already */
	char letter;
};

/* Changes in their order; released with free(items). */
struct changes {
	struct change *items;
	size_t count;
	/*
	 * What is put becomes the whole set, in this order of age; only for CHANGE_PUT. ruleset_apply appends the
	 * deletions that this takes.
	 */
	bool replace;
	/* With it, rules that stay although they are not put; NULL: none. */
	bool (*spares)(const struct changes *changes, const struct rules_record *rule);
	bool repaired; /* out: what a killed writer had left was put right */
};

int changes_add(struct changes *changes, enum change_kind kind, const struct rules_record *rule, struct error *error);

/* Opens a pinned rule set: pin_rules, pin_xdp_rules. */
int ruleset_open(struct ruleset *set, const struct pins *pins, const struct pin_shape *shape, bool writable,
		 struct error *error);

/* An empty rule set in plain memory. */
int ruleset_new(struct ruleset *set, struct error *error);

/*
 * From now on what is read of rules counts what their records do not have yet. Packets that are decided meanwhile may
 * be seen twice, or not yet.
 */
int ruleset_read_tallies(struct ruleset *set, struct error *error);

void ruleset_close(struct ruleset *set);

/*
 * Makes the changes in their order and sets their letters; with dry_run only the letters. On -1 nothing was changed.
 * First repairs what a killed writer left, and takes away rules that have expired.
 */
int ruleset_apply(struct ruleset *set, struct changes *changes, bool dry_run, struct error *error);

/* Rules in the arena, those included that have expired and were not swept yet. */
uint32_t ruleset_count(struct ruleset *set);

/* False when a writer was killed and the next has not yet put things right: then only the records are to be trusted. */
bool ruleset_is_sound(struct ruleset *set);

/* Where a rule stands, and its age. */
struct rule_place {
	uint64_t sequence; /* first: see sequence_order */
	uint32_t cell;
};

/* For qsort of what begins with a sequence number: oldest first. */
static inline int sequence_order(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* The rules there are, oldest first; *places is released with free(). */
int ruleset_order(struct ruleset *set, struct rule_place **places, size_t *count, struct error *error);

/* Copies the rule at a place; false when it is gone. */
bool ruleset_read(struct ruleset *set, const struct rule_place *place, struct rules_record *out);

/* Copies the next rule after *cursor (start with 0) to *out; false at the end. In order of place, which is no order. */
bool ruleset_next(struct ruleset *set, uint32_t *cursor, struct rules_record *out);

/* As it, but only rules with the key of `like`, all of its layers: a few looks into the table however many rules there
 * are. The caller holds pins_lock, and ruleset_is_sound. */
bool ruleset_next_of_key(struct ruleset *set, const struct rules_record *like, uint32_t *cursor,
			 struct rules_record *out);

/*
 * The combinations of lengths there are rules of, as far as a rule tells of them: direction, family, protocol, both
 * lengths, layer 0, and ifindex 1 where an interface is named. Some may have no rule any more. *cursor starts at 0; the
 * caller holds pins_lock.
 */
bool ruleset_next_tuple(struct ruleset *set, uint32_t *cursor, struct rules_record *tuple);

#endif
