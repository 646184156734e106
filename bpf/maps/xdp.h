/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of xdp_filter.o. */
#ifndef SPLICER_MAPS_XDP_H
#define SPLICER_MAPS_XDP_H

#include "abi/conns.h"
#include "abi/xdp.h"
#include "maps/arena.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct rules_arena);
} xdp1_rules SEC(".maps") = { .values = { [0] = &rules_empty } };

static __always_inline void *rules_arena(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&xdp1_rules, &zero);
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RULES_TALLIES);
	__type(key, __u32);
	__type(value, struct rules_tally);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} xdp1_tally SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGS_MAX);
	__type(key, struct frag_key);
	__type(value, struct frag);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} xdp1_frags SEC(".maps");

static __always_inline void *frags_map(void)
{
	return &xdp1_frags;
}

/* By size: see rules_arena. */
struct xdp_sources {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, XDP_SOURCES_NONE);
	__uint(key_size, sizeof(struct xdp_source));
	__uint(value_size, sizeof(__u64));
} xdp_sources_none SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct xdp_sources);
} xdp1_sources SEC(".maps") = { .values = { [0] = &xdp_sources_none } };

#endif
