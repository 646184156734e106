/* SPDX-License-Identifier: GPL-2.0-only */
/* Subscribers of the event plane, written from bpf/abi/event.h alone: what lib/subscribe.c does is not asked here. */
#ifndef TEST_LISTENER_H
#define TEST_LISTENER_H

#include "harness.h"

#define LISTENER_EVENTS 64 /* the newest that are kept */
#define TYPES(...) listener_types((const int[]){ __VA_ARGS__, 0 })

/* The event maps of a fixture. */
struct plane {
	int control, slots, rings;
};

struct listener {
	const struct plane *plane;
	uint32_t slot;
	int ring;
	struct ring_buffer *reader;
	struct event event[LISTENER_EVENTS]; /* what listener_read found */
	size_t count;                        /* all of them, also beyond LISTENER_EVENTS */
	size_t odd;                          /* records of another size than struct event */
};

struct plane plane_of(const struct fixture *fixture);

/* enum event_type, ended by 0, as event_filter.types */
uint32_t listener_types(const int *types);

/* Exits when it cannot be. bytes: of the ring. */
void listener_open(struct listener *listener, const struct plane *plane, uint32_t slot,
		   const struct event_filter *filter, uint32_t bytes);
/* Another filter from now on; losses begin at 0 again. */
void listener_set(struct listener *listener, const struct event_filter *filter);
/* Takes the bits of the slot away, and nothing else. */
void listener_mute(struct listener *listener);
/* Empties the ring; returns count. */
size_t listener_read(struct listener *listener);
uint64_t listener_lost(const struct listener *listener);
void listener_close(struct listener *listener);

/* Low and high as struct event_range has them, of "LOW HIGH" or one address; IPv4 is taken through spec_address. */
struct event_range range_of(int family, const char *text);

#endif
