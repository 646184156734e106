/* SPDX-License-Identifier: GPL-2.0-only */
/* The arena that an object declares: the empty rule set. */
#ifndef SPLICER_MAPS_ARENA_H
#define SPLICER_MAPS_ARENA_H

#include "abi/rules.h"
#include "lib/bpf.h"

/*
 * By size, as every map that stands in another: before 6.2 a kernel takes no other map in its place where one of the
 * two has a type of BTF, and those that tools make have none.
 *
 * BPF_F_INNER_MAP: arenas that tools put in its place may have more cells than the one declared here.
 */
struct rules_arena {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	__uint(max_entries, RULES_DEFAULT_CELLS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct rules_cell));
};

struct rules_arena rules_empty SEC(".maps");

#endif
