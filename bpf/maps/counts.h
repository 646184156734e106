/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_MAPS_COUNTS_H
#define SPLICER_MAPS_COUNTS_H

#include "abi/counts.h"
#include "lib/bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNT_CELLS);
	__type(key, __u32);
	__type(value, struct count_cell);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} event1_counts SEC(".maps");

#endif
