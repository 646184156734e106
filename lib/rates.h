/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets and bytes per second, of rules and of whatever else is counted, from two readings of the counters. */
#ifndef SPLICER_RATES_H
#define SPLICER_RATES_H

#include "error.h"
#include "out.h"

#include <stddef.h>
#include <stdint.h>

/* The counters of a rule, which is known by its sequence number, or of what else has a number of its own. */
struct reading {
	uint64_t sequence; /* first: readings are found by it */
	uint64_t packets, bytes;
};

struct readings {
	struct reading *items;
	size_t count;
	double time; /* seconds of a clock that does not jump */
};

/* All zero to begin with; released with rates_free. */
struct rates {
	struct readings before, now;
};

struct rate {
	double packets, bytes; /* per second; -1: not known, what is counted is new, or its counters are */
};

/* Begins a reading at `time`; the one that was taken last becomes that before. */
void rates_begin(struct rates *rates, double time);

/* Takes the counters of one of them and tells its rate. -1 with *error when memory ran out. */
int rates_take(struct rates *rates, const struct reading *reading, struct rate *out, struct error *error);

/* The fields "pps" and "bps". */
void rate_out(struct out *out, const struct rate *rate);

void rates_free(struct rates *rates);

#endif
