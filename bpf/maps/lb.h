/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of lb.o. */
#ifndef SPLICER_MAPS_LB_H
#define SPLICER_MAPS_LB_H

#include "abi/conns.h"
#include "abi/lb.h"
#include "lib/bpf.h"

/* By size, for of a type that nothing else here refers to the compiler would keep no description. */
struct lb_services {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct lb_service));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_SERVICES_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct lb_services);
} lb1_services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_ENDS_MAX);
	__type(key, struct lb_vip);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} lb1_vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_ENDS_MAX);
	__type(key, struct lb_end);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} lb1_backends SEC(".maps");

/* By size: see rules_arena. */
struct lb_confirmed {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LB_CONFIRMED_DEFAULT);
	__uint(key_size, sizeof(struct lb_key));
	__uint(value_size, sizeof(struct lb_flow));
} lb_confirmed SEC(".maps");

struct lb_unconfirmed {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LB_UNCONFIRMED_DEFAULT);
	__uint(key_size, sizeof(struct lb_key));
	__uint(value_size, sizeof(struct lb_flow));
} lb_unconfirmed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CONN_TABLES);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct lb_confirmed);
} lb1_flows SEC(".maps") = {
	.values = { [CONNS_CONFIRMED] = (void *)&lb_confirmed, [CONNS_UNCONFIRMED] = (void *)&lb_unconfirmed },
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LB_CLIENTS_MAX);
	__type(key, struct lb_client);
	__type(value, struct lb_choice);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} lb1_clients SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LB_FRAGS_MAX);
	__type(key, struct frag_key);
	__type(value, struct lb_frag);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} lb1_frags SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_STATS_MAX);
	__type(key, __u32);
	__type(value, struct lb_stat);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} lb1_stats SEC(".maps");

#endif
