/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of a set by their destination prefix, for many questions at once. */
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

/* Of the rules as they are now; released with rule_index_free. */
int rule_index_make(struct rule_index *index, struct ruleset *set, struct error *error);
void rule_index_free(struct rule_index *index);

/* The cell of the next record that may be for this destination, 0 at the end. Start with *at 0. */
uint32_t rule_index_next(const struct rule_index *index, const struct prefix *dst, size_t *at);

#endif
