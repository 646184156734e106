/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every packet that an object decides is counted, by where that was and what came of it. Each CPU has a table of its
 * own and adds to it what it meets: a program looks for the key's cell from count_home() on, and takes the first that
 * is free. What finds no cell is counted without its interface, in a second region. So the sums over all cells are
 * always right, and a reader adds up all cells, of all CPUs, that have the same key. Cells are never given back.
 */
#ifndef SPLICER_ABI_COUNTS_H
#define SPLICER_ABI_COUNTS_H

#include <linux/types.h>

#define EVENT_COUNTS "event1_counts" /* PERCPU_ARRAY, COUNT_CELLS x struct count_cell */

#define COUNT_BITS 12                   /* log2 of the cells for what is counted by interface: some 300 interfaces */
#define COUNT_OTHERS_BITS 10            /* of those for what found none of these free */
#define COUNT_OTHERS (1u << COUNT_BITS) /* where they begin */
#define COUNT_CELLS (COUNT_OTHERS + (1u << COUNT_OTHERS_BITS) + 1) /* the last one: what found no cell at all */
#define COUNT_PROBES 8 /* cells that are looked at, from the home on, around the end of the region */

struct count_key {
	__u32 ifindex; /* 0: what found no cell of its own */
	__u8 object;   /* enum event_object; 0 with all the rest: the last cell, or a free one */
	__u8 hook;     /* enum event_hook */
	__u8 verdict;  /* enum verdict */
	__u8 reason;   /* enum reason */
};
_Static_assert(sizeof(struct count_key) == 8, "count_key is ABI");

struct count_cell {
	union {
		struct count_key key;
		__u64 word; /* all of the key */
	};
	__u64 packets;
	__u64 bytes; /* as the hook sees them: link-layer header included where there is one */
};
_Static_assert(sizeof(struct count_cell) == 24, "count_cell is ABI");

/* Where the search for a key begins in a region of 1 << bits cells: Fibonacci hashing (Knuth, TAOCP 6.4). */
static inline __u32 count_home(__u64 word, __u32 bits)
{
	return (__u32)((word * 0x9e3779b97f4a7c15ull) >> (64 - bits));
}

#endif
