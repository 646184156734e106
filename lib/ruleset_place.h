/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a rule stands in the arena: its key, the block of that, and the rules that share it. For ruleset_change.c. */
#ifndef SPLICER_RULESET_PLACE_H
#define SPLICER_RULESET_PLACE_H

#include "ruleset_internal.h"

/* The rules of a key. */
struct members {
	struct member *items;
	size_t count;
	struct rules_interval *intervals; /* compiled */
	size_t interval_count;
};

void members_free(struct members *members);
int members_add(struct members *members, struct member member);
struct member member_of(const struct rules_record *record, uint32_t cell);

/* -1: there is no memory for it. */
int members_compile(struct members *members);

/* Which member is this rule; NULL: none. */
struct member *members_find(struct ruleset *set, struct members *members, const struct rules_record *rule);

struct placement {
	struct rules_key key;
	uint64_t hash;
	__u64 *slot;    /* of the key; NULL: the key is new */
	uint32_t block; /* 0: the key is new */
	struct members members;
};

/* The next three are 0, or 1 when the arena must be built anew. */
int placement_find(struct ruleset *set, const struct rules_record *rule, struct placement *place);

/* Where the rule with this identity stands; *member NULL: nowhere. */
int rule_find(struct ruleset *set, const struct rules_record *rule, struct placement *place, struct member **member);

/* The place of a new rule, in the lowest layer where it hides no other. Sets its layer. */
int rule_find_layer(struct ruleset *set, struct rules_record *rule, struct placement *place);

/* Writes the compiled members to a new block; 0 when there is no room. */
uint32_t placement_write_block(struct ruleset *set, struct placement *place, uint32_t link);

/* Packets find that block from here on; the one before is given back. */
void placement_publish_block(struct ruleset *set, struct placement *place, uint32_t block);

#endif
