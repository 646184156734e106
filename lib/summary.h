/* SPDX-License-Identifier: GPL-2.0-only */
/* What came of packets and who sent them, added up and printed every so many seconds. */
#ifndef SPLICER_SUMMARY_H
#define SPLICER_SUMMARY_H

#include "abi/event.h"
#include "abi/reasons.h"
#include "error.h"
#include "screen.h"
#include "talkers.h"

#include <stdbool.h>
#include <stdint.h>

#define SUMMARY_SOURCES 10

/* Events and their bytes; a sampled packet is as many as it stands for. */
struct summary_sum {
	uint64_t events, bytes;
};

/* Of one interval. */
struct summary {
	struct screen screen;
	double began;         /* the interval, by CLOCK_MONOTONIC */
	uint64_t lost_before; /* events, until then */
	uint64_t blocks;      /* printed so far */
	struct summary_sum sum;
	struct summary_sum by[VERDICT_COUNT + 1][UINT8_MAX + 1]; /* verdict, the last is any later one; reason */
	struct talkers talkers;
};

/* The first interval begins. On a terminal each block takes the place of the one before. -1 with *error when there is
 * no memory. */
int summary_open(struct summary *summary, uint64_t seconds, bool json, struct error *error);

/* Adds an event. */
void summary_take(struct summary *summary, const struct event *event);

/* clock_now() when the interval is over. */
uint64_t summary_due(const struct summary *summary);

/* Prints the block of an interval when it is over, and begins the next. lost: events, since the beginning. */
void summary_round(struct summary *summary, uint64_t lost);

/* Prints a block with the sums as they are; lost: events, in the interval. */
void summary_block_print(struct summary *summary, double seconds, uint64_t lost);

/* Prints what there is of an interval that took so many seconds, and begins the next. */
void summary_print(struct summary *summary, double seconds, uint64_t lost);

/* Prints what there is since the last block, but for a screen that has one. */
void summary_finish(struct summary *summary, uint64_t lost);

/* Leaves the terminal as it was. */
void summary_close(struct summary *summary);

#endif
