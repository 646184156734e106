/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_MAPS_EVENT_H
#define SPLICER_MAPS_EVENT_H

#include "abi/event.h"
#include "lib/bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_control);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} event1_control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EVENT_SLOT_COUNT);
	__type(key, __u32);
	__type(value, struct event_slot);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} event1_slots SEC(".maps");

struct event_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_RING_SIZE);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, EVENT_SLOT_COUNT);
	__uint(key_size, sizeof(__u32));
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct event_ring);
} event1_rings SEC(".maps");

/* An event is too large for the stack beside its callers'. Not pinned: each object has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event);
} event_scratch SEC(".maps");

#endif
