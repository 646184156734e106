/* SPDX-License-Identifier: GPL-2.0-only */
/* A place among the subscribers of the event plane; the protocol is in abi/event.h. */
#ifndef SPLICER_SUBSCRIBE_H
#define SPLICER_SUBSCRIBE_H

#include "abi/event.h"
#include "error.h"
#include "pin.h"

#include <stdint.h>

struct event_filter {
	uint32_t ifindex;  /* 0: any */
	uint16_t proto;    /* protocol + 1; 0: any */
	uint32_t verdicts; /* bit n: enum verdict n; 0: any */
};

struct subscription {
	const struct pins *pins;
	int ring;  /* a ring buffer of struct event */
	int rings; /* the pinned map of rings */
	uint32_t slot;
	struct event_slot *slots;
	struct event_control *control;
};

/*
 * Takes a free slot, also one whose subscriber has died, and begins to receive. EXIT_STATE when all slots are taken by
 * programs that live.
 */
int subscription_open(struct subscription *subscription, const struct pins *pins, const struct event_filter *filter,
		      struct error *error);

/* Gives the slot back; returns how many events found the ring full. */
uint64_t subscription_close(struct subscription *subscription);

#endif
