/* SPDX-License-Identifier: GPL-2.0-only */
/* The port intervals of one key: which of its rules wins where. */
#ifndef SPLICER_BLOCK_H
#define SPLICER_BLOCK_H

#include "abi/rules.h"

#include <stddef.h>
#include <stdint.h>

struct member {
	uint64_t rank, decision; /* its precedence: the larger wins, rank first */
	uint32_t record;         /* cell */
	uint16_t low, high;
};

/*
 * Fills out with sorted, disjoint intervals, each naming the best member that covers it; out has room for 2 * count.
 * Reorders members, best first. Returns the number of intervals, 0 also when memory ran out (count is at least 1).
 */
size_t block_compile(struct member *members, size_t count, struct rules_interval *out);

/* Writes a block of `count` intervals to its cells. link: first record of the key. */
void block_write(struct rules_block *block, const struct rules_key *key, uint32_t link,
		 const struct rules_interval *intervals, size_t count);

/* Size class (2^n cells) of a block of that many intervals, and of anything of that many cells. */
unsigned int block_class(size_t intervals);
unsigned int cells_class(uint32_t cells);

#endif
