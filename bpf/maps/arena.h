/* SPDX-License-Identifier: GPL-2.0-only */
/* The arena that an object declares: the empty rule set. */
#ifndef SPLICER_MAPS_ARENA_H
#define SPLICER_MAPS_ARENA_H

#include "abi/rules.h"
#include "lib/bpf.h"

/* BPF_F_INNER_MAP: arenas that tools put in its place may have more cells than the one declared here. */
struct rules_arena {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	__uint(max_entries, RULES_DEFAULT_CELLS);
	__type(key, __u32);
	__type(value, struct rules_cell);
};

struct rules_arena rules_empty SEC(".maps");

#endif
