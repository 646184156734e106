/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Follows events until a signal or a count ends it: subscribes, reads, subscribes anew where the maps are made anew,
 * and knows what was lost. Events come in rounds: all that was there, then a pause if there is nothing more.
 */
#ifndef SPLICER_FOLLOW_H
#define SPLICER_FOLLOW_H

#include "abi/event.h"
#include "error.h"
#include "pin.h"
#include "subscribe.h"

#include <stdbool.h>
#include <stdint.h>

/* One event; what the ring had is as long as struct event, or was longer. */
typedef void follow_event(void *context, const struct event *event);

/* The end of a round, where output is flushed; at least once a second. -1 with *error ends it all. */
typedef int follow_round(void *context, struct error *error);

struct follow {
	/* The caller's. */
	const char *pin_dir;
	struct event_filter filter;
	uint32_t ring_bytes; /* a power of two, at least a page */
	uint64_t count;      /* end after so many events; 0: none */
	int output;          /* descriptor whose reader, when it has gone, ends it; -1: none */
	bool hangup_goes_on; /* SIGHUP sets `hangup` and ends nothing */
	bool over;           /* the caller has what it wants: follow_run ends as by a signal */
	follow_event *event;
	follow_round *round;
	void *context;
	uint64_t due; /* clock_now of the next round at the latest, a second at most; 0: no matter. The caller may
			 change it in a round */

	/* What the caller may read. */
	uint64_t seen;    /* events handed over */
	uint64_t skipped; /* records too short to be of this version */
	uint64_t lost;    /* events that found the ring full; of this moment after follow_lost and follow_close */
	/* The maps were made anew, or the place taken by another: what was decided between these times (clock_now) may
	 * not have been seen. The caller resets gap_to, which is 0 otherwise. */
	uint64_t gap_from, gap_to;
	bool hangup; /* SIGHUP came; the caller resets it */

	/* Its own. */
	struct pins pins;
	struct subscription subscription;
	struct ring_buffer *ring;
	uint64_t lost_before;         /* by subscriptions that are over */
	uint64_t checked;             /* clock_now when the pins were looked at */
	uint64_t anew;                /* nobody listens since then at the earliest; 0: somebody does */
	uint64_t taken;               /* records in this round */
	uint64_t slice, slice_events; /* since then so many, to know how busy it is */
	bool polls;                   /* as it was set */
	bool busy;
	bool subscribed, told_gone;
	char told[sizeof(((struct error *)0)->text)]; /* why it could not subscribe again */
};

/* Subscribes. From here on SIGINT, SIGTERM and SIGHUP end follow_run, and SIGUSR1 prints events and losses on stderr. A
 * SIGHUP that is ignored, as nohup(1) has it, stays so; one that goes on ends nothing from the call on. */
int follow_open(struct follow *follow, struct error *error);

/* Until a signal, the count, or an error of round. What is in the ring when a signal comes is handed over. */
int follow_run(struct follow *follow, struct error *error);

/* One record of the ring, of whatever version; not 0 ends the round. context is the struct follow. */
int follow_take(void *context, void *record, size_t size);

/* Brings follow->lost up to now. */
void follow_lost(struct follow *follow);

/* Gives all back; follow->lost is final. */
void follow_close(struct follow *follow);

#endif
