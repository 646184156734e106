/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of splicer.o. */
#ifndef SPLICER_MAPS_RULES_H
#define SPLICER_MAPS_RULES_H

#include "maps/arena.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct rules_arena);
} splicer1_rules SEC(".maps") = { .values = { [0] = &rules_empty } };

static __always_inline void *rules_arena(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&splicer1_rules, &zero);
}

#endif
