/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that belong to equal labels, added up: OpenMetrics has each set of labels once. */
#ifndef SPLICER_MAPSUMS_H
#define SPLICER_MAPSUMS_H

#include "btfvalue.h"

#include <stdbool.h>
#include <stddef.h>

union map_total {
	scalar_number number;
	double real;
};

/* One set of labels. Their texts stand one behind the other, each with its terminator. */
struct map_sum {
	const char *labels;
	size_t size;
	union map_total totals[];
};

struct mapsums {
	size_t slots; /* numbers of each set; at least 1 */
	bool real;    /* they are floats */
	struct map_sum **items;
	size_t count, room;
};

/* Adds numbers to those of these labels. -1 with errno. */
int mapsums_add(struct mapsums *sums, const char *labels, size_t size, const union map_total *totals);

/* Each set once, in the order of their bytes. */
void mapsums_merge(struct mapsums *sums);

void mapsums_free(struct mapsums *sums);

#endif
