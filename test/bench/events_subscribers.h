/* SPDX-License-Identifier: GPL-2.0-only */
/* Subscribers of the bench's own, that ask for what a row of the part "events" says. */
#ifndef SPLICER_BENCH_EVENTS_SUBSCRIBERS_H
#define SPLICER_BENCH_EVENTS_SUBSCRIBERS_H

#include "pin.h"
#include "subscribe.h"

#include <stdbool.h>

#define SUBSCRIBERS 8

/* What the subscribers of a row ask for. */
enum wish { WISH_NONE, WISH_INTERFACE, WISH_ADDRESS, WISH_SERVICE, WISH_ALL, WISH_DECISIONS, WISH_SAMPLE };

struct listeners {
	const char *name;
	enum wish wish;
	uint32_t count;
	uint32_t sample; /* of WISH_SAMPLE */
	bool full;       /* the rings are never read */
	bool decided;    /* only for packets that are decided: else it is the same as another row */
};

struct subscribers {
	struct subscription each[SUBSCRIBERS];
	struct ring_buffer *rings;
	uint64_t received[SUBSCRIBERS]; /* events, of the last draining */
};

/* They keep their places all the time, and are silent until a row has need of them. */
void subscribers_open(struct subscribers *subscribers, const struct pins *pins);
void subscribers_close(struct subscribers *subscribers);

/* Packets of the family that are decided, or else are known only to those who want samples. */
void subscribers_wake(struct subscribers *subscribers, const struct listeners *listeners, uint32_t family,
		      bool decided);
void subscribers_silence(struct subscribers *subscribers);

/* Empties the rings, and counts. */
void subscribers_drain(struct subscribers *subscribers);

#endif
