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
	struct count_row *rows; /* each key once, ascending by verdict, object, interface, hook, reason */
	size_t count;
};

/* Reads all counters, summed over CPUs. Whatever it returns, counts_free releases what *counts holds. */
int counts_read(const struct pins *pins, struct counts *counts, struct error *error);
/* As it, of an opened map; -1 with errno. */
int counts_read_map(int map, struct counts *counts);
void counts_free(struct counts *counts);

#endif
