/* SPDX-License-Identifier: GPL-2.0-only */
/* What became of packets, as the programs of all objects count it: see abi/counts.h. */
#ifndef SPLICER_COUNTS_H
#define SPLICER_COUNTS_H

#include "abi/counts.h"
#include "error.h"
#include "pin.h"

#include <stddef.h>
#include <stdint.h>

struct count_row {
	struct count_key key;
	uint64_t packets, bytes;
};

struct counts {
	struct count_row *rows; /* each key once, ascending by object, interface, hook, verdict, reason */
	size_t count;
};

/* Reads all counters, summed over CPUs. Whatever it returns, counts_free releases what *counts holds. */
int counts_read(const struct pins *pins, struct counts *counts, struct error *error);
/* As it, of an opened map; -1 with errno. */
int counts_read_map(int map, struct counts *counts);

/* What a row tells: verdict and action are the two words of enum verdict. */
enum count_field { COUNT_OBJECT, COUNT_IFACE, COUNT_HOOK, COUNT_VERDICT, COUNT_ACTION, COUNT_REASON, COUNT_FIELDS };
#define COUNT_FIELDS_ALL ((1u << COUNT_FIELDS) - 1)

/*
 * Sums over what is not among fields (bit n: enum count_field n): that is 0 in all keys then. Of a verdict of which
 * only one word is left, the key has the lowest number with that word.
 */
void counts_sum(struct counts *counts, unsigned int fields);

/* What was blocked first, then what was detected, then what was allowed; of these, most packets first,
 * and then in the order of keys. */
void counts_order(struct counts *counts);

void counts_free(struct counts *counts);

#endif
