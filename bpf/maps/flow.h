/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of flow.o. */
#ifndef SPLICER_MAPS_FLOW_H
#define SPLICER_MAPS_FLOW_H

#include "abi/conns.h"
#include "abi/flow.h"
#include "lib/bpf.h"

/* By size: see rules_arena. */
struct flow_sessions {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(max_entries, 1 + FLOW_BUCKETS_DEFAULT);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct flow_bucket));
} flow_sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, FLOW_GENERATIONS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct flow_sessions);
} flow1_sessions SEC(".maps") = {
	.values = { [FLOW_NOW] = (void *)&flow_sessions },
};

struct flow_packets {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(max_entries, 1 + FLOW_PACKETS_DEFAULT);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct flow_packet));
} flow_packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, FLOW_GENERATIONS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct flow_packets);
} flow1_packets SEC(".maps") = {
	.values = { [FLOW_NOW] = (void *)&flow_packets },
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOW_FRAGS_MAX);
	__type(key, struct frag_key);
	__type(value, struct flow_frag);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flow1_frags SEC(".maps");

#endif
