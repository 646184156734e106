/* SPDX-License-Identifier: GPL-2.0-only */
/* Time in the maps is that of CLOCK_MONOTONIC, which nobody sets; people and files speak of the time of day. */
#ifndef SPLICER_CLOCK_H
#define SPLICER_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND UINT64_C(1000000000) /* ns */

/* ns of CLOCK_MONOTONIC, as the programs read it: not that of a time namespace. */
uint64_t clock_now(void);

/* From ns of CLOCK_MONOTONIC to ns since the epoch and back, by the two clocks as they stand now; at least 1. */
uint64_t clock_to_epoch(uint64_t monotonic);
uint64_t clock_from_epoch(uint64_t epoch);

/* Seconds of a clock, for what is told to people and for waiting. */
double clock_seconds(clockid_t clock);

/* For many times at once: what clock_to_epoch adds, in ns, as the clocks stand now, and then clock_to_epoch with it. */
int64_t clock_epoch_offset(void);
uint64_t clock_to_epoch_by(uint64_t monotonic, int64_t offset);
uint64_t clock_from_epoch_by(uint64_t epoch, int64_t offset);

/* As clock_from_epoch_by, of what cannot be later than `latest`, ns of CLOCK_MONOTONIC, unless clocks were set. */
uint64_t clock_past_by(uint64_t epoch, int64_t offset, uint64_t latest);

#endif
