/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters of all objects: see abi/counts.h. */
#ifndef SPLICER_LIB_COUNTS_H
#define SPLICER_LIB_COUNTS_H

#include "abi/counts.h"
#include "abi/event.h"
#include "abi/reasons.h"
#include "lib/bpf.h"
#include "maps/counts.h"

static __always_inline __u64 count_word(enum event_object object, enum event_hook hook, __u32 ifindex, __u32 reason,
					enum verdict verdict)
{
	struct count_cell cell = { .key = { ifindex, object, hook, verdict, reason } };

	return cell.word;
}

static __always_inline void count_cell_add(struct count_cell *cell, __u32 length)
{
	cell->packets++;
	cell->bytes += length;
}

/* Adds to the key's cell of a region, or takes a free one for it. 0: neither is among those that are looked at. */
static __always_inline int counts_add_in(__u64 word, __u32 first, __u32 bits, __u32 length)
{
	__u32 home = count_home(word, bits);

	for (__u32 i = 0; i < COUNT_PROBES; i++) {
		__u32 at = first + ((home + i) & ((1u << bits) - 1));
		struct count_cell *cell = bpf_map_lookup_elem(&event1_counts, &at);

		if (!cell || (cell->word && cell->word != word))
			continue;
		/* nothing else writes cells of this CPU while this runs */
		cell->word = word;
		count_cell_add(cell, length);
		return 1;
	}
	return 0;
}

/* What is not at home: it is new, or another key lives there. */
__weak __noinline int counts_add_far(__u64 word, __u32 length)
{
	struct count_cell other = { .word = word };
	__u32 last = COUNT_CELLS - 1;
	struct count_cell *cell;

	if (counts_add_in(word, 0, COUNT_BITS, length))
		return 0;
	other.key.ifindex = 0;
	if (counts_add_in(other.word, COUNT_OTHERS, COUNT_OTHERS_BITS, length))
		return 0;
	cell = bpf_map_lookup_elem(&event1_counts, &last);
	if (cell)
		count_cell_add(cell, length);
	return 0;
}

/* One packet of length bytes was decided. */
static __always_inline void counts_add(__u64 word, __u32 length)
{
	__u32 home = count_home(word, COUNT_BITS);
	struct count_cell *cell = bpf_map_lookup_elem(&event1_counts, &home);

	if (cell && cell->word == word)
		count_cell_add(cell, length);
	else
		counts_add_far(word, length);
}

#endif
