/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structs that begin with a key, found by it, and no more of them than there is room for: when it is full, the quarter
 * that is worth least goes. So those who make up keys can make nobody forget much, nor take all memory.
 */
#ifndef SPLICER_LEDGER_H
#define SPLICER_LEDGER_H

#include "keyindex.h"

#include <stddef.h>
#include <stdint.h>

/* An order as qsort has it, without ties. */
typedef int ledger_order(const void *a, const void *b);

/* LEDGER_OF to begin with; released with ledger_clear. */
struct ledger {
	size_t most;         /* items */
	ledger_order *worth; /* what is to be kept comes first */
	void *items;
	size_t count;
	struct keyindex index;
	uint64_t dropped; /* items that had to go, in all */
};

/* Of structs of a type, whose first member is their key, of a multiple of 8 bytes without holes. */
#define LEDGER_OF(type, key, most_of_them, worth_order) \
	((struct ledger){ .most = (most_of_them),       \
			  .worth = (worth_order),       \
			  .index = { .key_size = sizeof(((type *)0)->key), .stride = sizeof(type) } })

/* NULL: there is none. Items stay where they are until ledger_put makes one, or ledger_sort is called. */
void *ledger_find(const struct ledger *ledger, const void *key);

/* The one of this key, which is made, with zeros after the key, when it is not there yet. NULL with errno. */
void *ledger_put(struct ledger *ledger, const void *key);

void *ledger_at(const struct ledger *ledger, size_t place);

/* -1 with errno, and nothing is found any more. */
int ledger_sort(struct ledger *ledger, ledger_order *order);

/* Forgets all items and gives their memory back; how many were dropped stays. */
void ledger_clear(struct ledger *ledger);

#endif
