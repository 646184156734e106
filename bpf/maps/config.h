/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_MAPS_CONFIG_H
#define SPLICER_MAPS_CONFIG_H

#include "abi/config.h"
#include "lib/bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct splicer_config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} splicer1_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SPLICER_ADDRS_MAX);
	__type(key, struct splicer_addr);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} splicer1_addrs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SPLICER_IFACES_MAX);
	__type(key, __u32);
	__type(value, struct splicer_iface);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} splicer1_ifaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SPLICER_TUNNELS_MAX);
	__type(key, struct splicer_tunnel);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} splicer1_tunnels SEC(".maps");

#endif
