/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_MAPS_RULES_H
#define SPLICER_MAPS_RULES_H

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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct rules_arena);
} splicer1_rules SEC(".maps") = { .values = { [0] = &rules_empty } };

#endif
