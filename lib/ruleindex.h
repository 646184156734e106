/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of a set by a prefix of theirs, for many questions at once. */
#ifndef SPLICER_RULEINDEX_H
#define SPLICER_RULEINDEX_H

#include "error.h"
#include "prefix.h"
#include "ruleset.h"

#include <stddef.h>
#include <stdint.h>

struct rule_index {
	struct rule_index_entry *entries; /* sorted by hash */
	size_t count;
};

/*
 * Of the rules as they are now, by what prefix_of (rule_dst, rule_src) says of them; released with rule_index_free.
 */
int rule_index_make(struct rule_index *index, struct ruleset *set,
		    struct prefix (*prefix_of)(const struct rules_record *rule), struct error *error);
void rule_index_free(struct rule_index *index);

/* The cell of the next record that may have this prefix, 0 at the end. Start with *at 0. */
uint32_t rule_index_next(const struct rule_index *index, const struct prefix *prefix, size_t *at);

#endif
