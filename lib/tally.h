/* SPDX-License-Identifier: GPL-2.0-only */
/* What rules decided and is not in their records yet: struct rules_tally of abi/rules.h. */
#ifndef SPLICER_TALLY_H
#define SPLICER_TALLY_H

#include "abi/rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As they were at one moment, of all CPUs; released with tallies_free. All zero: there are none. */
struct tallies {
	struct rules_tally *items;
	size_t count;
};

/* fd: the per-CPU array. 0, or -1 with errno. */
int tallies_read(int fd, struct tallies *tallies);

void tallies_free(struct tallies *tallies);

/* Adds what a tally has to the counters of its rule. */
void tally_add(const struct rules_tally *tally, struct rules_head *head);

/* Adds what they have of a rule, in this cell of the arena of this id, to its counters. */
void tallies_add(const struct tallies *tallies, uint64_t arena, uint32_t record, struct rules_head *head);

/* Forgets what there is of a rule that is gone, before its cells are another's. 0, or -1 with errno. */
int tally_forget(int fd, uint64_t arena, uint32_t record);

#endif
