/* SPDX-License-Identifier: GPL-2.0-only */
/* A place among the subscribers of the event plane; the protocol is in abi/event.h. */
#ifndef SPLICER_SUBSCRIBE_H
#define SPLICER_SUBSCRIBE_H

#include "abi/event.h"
#include "error.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUBSCRIPTION_RING (1u << 20) /* bytes, some 4,500 events; any power of two of at least a page may be taken */

struct subscription {
	const struct pins *pins;
	int ring;    /* a ring buffer of struct event */
	int rings;   /* the pinned map of rings */
	uint32_t id; /* of the pinned map of what is wanted: another one there belongs to programs loaded later */
	uint32_t slot;
	uint32_t pid; /* as in struct event_slot */
	uint64_t start_time;
	uint64_t lost; /* as long as the slot was ours */
	struct event_slot *slots;
	struct event_control *control;
};

/*
 * Takes a free slot, also one whose subscriber has died, and begins to receive. EXIT_STATE when all slots are taken by
 * programs that live, or when there is no /proc to tell by who does. Who spares takes nobody for dead while another
 * slot is free.
 */
int subscription_open(struct subscription *subscription, const struct pins *pins, const struct event_filter *filter,
		      uint32_t ring_bytes, bool spares, struct error *error);

/* How many events found the ring full until now, or until the slot was last seen to be ours. */
uint64_t subscription_lost(struct subscription *subscription);

/* Whether the slot is still ours: one to whom this process looked dead, from another PID namespace, takes it. */
bool subscription_holds(const struct subscription *subscription);

/* Ends it: on return nothing is written to the ring any more. What is in it can still be read. */
void subscription_stop(struct subscription *subscription);

/* Whether programs leave it to the reader to look for events, instead of waking it. At first they wake it. */
void subscription_set_polls(struct subscription *subscription, bool polls);

/* Gives the slot back, and all that was opened. */
void subscription_close(struct subscription *subscription);

/* One that is there: its process lives. */
struct subscriber {
	uint32_t slot, pid;
	uint64_t lost; /* events that found its ring full until now */
};

/* All of them, in the order of their slots, to an array of EVENT_SLOT_COUNT. Changes nothing and takes no lock. */
int subscribers_read(const struct pins *pins, struct subscriber *subscribers, size_t *count, struct error *error);

#endif
