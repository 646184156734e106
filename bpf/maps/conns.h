/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_MAPS_CONNS_H
#define SPLICER_MAPS_CONNS_H

#include "abi/conns.h"
#include "lib/bpf.h"

/* By size: see rules_arena. */
struct conns_confirmed {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNS_CONFIRMED_DEFAULT);
	__uint(key_size, sizeof(struct conn_key));
	__uint(value_size, sizeof(struct conn));
} conns_confirmed SEC(".maps");

struct conns_unconfirmed {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNS_UNCONFIRMED_DEFAULT);
	__uint(key_size, sizeof(struct conn_key));
	__uint(value_size, sizeof(struct conn));
} conns_unconfirmed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CONN_TABLES);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct conns_confirmed);
} splicer1_conns SEC(".maps") = {
	.values = { [CONNS_CONFIRMED] = (void *)&conns_confirmed, [CONNS_UNCONFIRMED] = (void *)&conns_unconfirmed },
};

/* A connection is too large for the stack beside its callers'. Not pinned: each object has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct conn);
} conn_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGS_MAX);
	__type(key, struct frag_key);
	__type(value, struct frag);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} splicer1_frags SEC(".maps");

static __always_inline void *frags_map(void)
{
	return &splicer1_frags;
}

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SPLICES_MAX);
	__type(key, struct splice_key);
	__type(value, struct splice);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} splicer1_splices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, LISTENERS_MAX);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} splicer1_listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOURCES_MAX);
	__type(key, struct source_key);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} splicer1_sources SEC(".maps");

#endif
