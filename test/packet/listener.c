/* SPDX-License-Identifier: GPL-2.0-only */
#include "listener.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct plane plane_of(const struct fixture *fixture)
{
	return (struct plane){ .control = bpf_object__find_map_fd_by_name(fixture->object, EVENT_CONTROL),
			       .slots = bpf_object__find_map_fd_by_name(fixture->object, EVENT_SLOTS),
			       .rings = bpf_object__find_map_fd_by_name(fixture->object, EVENT_RINGS) };
}

uint32_t listener_types(const int *types)
{
	uint32_t mask = 0;

	while (*types)
		mask |= 1u << *types++;
	return mask;
}

static void bits_set(const struct listener *listener, uint32_t types)
{
	struct event_control control;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(listener->plane->control, &zero, &control))
		err(2, EVENT_CONTROL);
	for (int type = 0; type < EVENT_TYPES; type++) {
		control.wanted[type] &= ~(1ull << listener->slot);
		if (types & 1u << type)
			control.wanted[type] |= 1ull << listener->slot;
	}
	if (bpf_map_update_elem(listener->plane->control, &zero, &control, BPF_ANY))
		err(2, EVENT_CONTROL);
}

void listener_set(struct listener *listener, const struct event_filter *filter)
{
	struct event_slot slot = { .pid = (uint32_t)getpid(), .filter = *filter };

	bits_set(listener, 0);
	if (bpf_map_update_elem(listener->plane->slots, &listener->slot, &slot, BPF_ANY))
		err(2, EVENT_SLOTS);
	bits_set(listener, filter->types);
}

void listener_mute(struct listener *listener)
{
	bits_set(listener, 0);
}

static int take(void *context, void *data, size_t size)
{
	struct listener *listener = context;
	struct event *event = &listener->event[listener->count++ % LISTENER_EVENTS];

	if (size != sizeof(*event))
		listener->odd++;
	memcpy(event, data, size < sizeof(*event) ? size : sizeof(*event));
	return 0;
}

void listener_open(struct listener *listener, const struct plane *plane, uint32_t slot,
		   const struct event_filter *filter, uint32_t bytes)
{
	*listener = (struct listener){ .plane = plane, .slot = slot };
	listener->ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "listener", 0, 0, bytes, NULL);
	if (listener->ring < 0 || bpf_map_update_elem(plane->rings, &slot, &listener->ring, BPF_ANY))
		err(2, EVENT_RINGS);
	listener->reader = ring_buffer__new(listener->ring, take, listener, NULL);
	if (!listener->reader)
		err(2, "ring_buffer__new");
	listener_set(listener, filter);
}

size_t listener_read(struct listener *listener)
{
	listener->count = 0;
	if (ring_buffer__consume(listener->reader) < 0)
		err(2, "ring_buffer__consume");
	return listener->count;
}

uint64_t listener_lost(const struct listener *listener)
{
	struct event_slot slot;

	if (bpf_map_lookup_elem(listener->plane->slots, &listener->slot, &slot))
		err(2, EVENT_SLOTS);
	return slot.lost;
}

void listener_close(struct listener *listener)
{
	listener_mute(listener);
	bpf_map_delete_elem(listener->plane->rings, &listener->slot);
	ring_buffer__free(listener->reader);
	close(listener->ring);
}

static void words_of(int family, const char *text, __u64 words[2])
{
	char address[FRAME_ADDRESS_TEXT];
	uint64_t bytes[2] = { 0 };

	if (inet_pton(family == 6 ? AF_INET6 : AF_INET, spec_address(family, text, address), bytes) != 1)
		errx(2, "%s: not an address", text);
	words[0] = be64toh(bytes[0]);
	words[1] = be64toh(bytes[1]);
}

struct event_range range_of(int family, const char *text)
{
	struct event_range range = { .family = (uint8_t)family };
	char low[FRAME_ADDRESS_TEXT], high[FRAME_ADDRESS_TEXT];
	int parts = sscanf(text, "%63s %63s", low, high);

	words_of(family, low, range.low);
	words_of(family, parts == 2 ? high : low, range.high);
	return range;
}
