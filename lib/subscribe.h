/* SPDX-License-Identifier: GPL-2.0-only */
/* A place among the subscribers of the event plane; the protocol is in abi/event.h. */
#ifndef SPLICER_SUBSCRIBE_H
#define SPLICER_SUBSCRIBE_H

#include "abi/event.h"
#include "error.h"
#include "pin.h"

#include <stdint.h>

#define SUBSCRIPTION_RING (1u << 20) /* bytes, some 4,500 events; any power of two of at least a page may be taken */

struct subscription {
	const struct pins *pins;
	int ring;    /* a ring buffer of struct event */
	int rings;   /* the pinned map of rings */
	uint32_t id; /* of the pinned map of what is wanted: another one there belongs to programs loaded later */
	uint32_t slot;
	struct event_slot *slots;
	struct event_control *control;
};

/*
 * Takes a free slot, also one whose subscriber has died, and begins to receive. wakeup is that of struct event_slot.
 * EXIT_STATE when all slots are taken by programs that live.
 */
int subscription_open(struct subscription *subscription, const struct pins *pins, const struct event_filter *filter,
		      uint32_t ring_bytes, uint32_t wakeup, struct error *error);

/* How many events found the ring full until now. */
uint64_t subscription_lost(const struct subscription *subscription);

/* Ends it: on return nothing is written to the ring any more. What is in it can still be read. */
void subscription_stop(struct subscription *subscription);

/* From now on programs wake the reader as `wakeup` of struct event_slot says. */
void subscription_set_wakeup(struct subscription *subscription, uint32_t wakeup);

/* Gives the slot back, and all that was opened. */
void subscription_close(struct subscription *subscription);

#endif
