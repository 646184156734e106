/* SPDX-License-Identifier: GPL-2.0-only */
#include "clock.h"

#include <time.h>

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * (int64_t)CLOCK_SECOND + now.tv_nsec;
}

uint64_t clock_now(void)
{
	return (uint64_t)clock_read(CLOCK_MONOTONIC);
}

/* What is to be added to ns of CLOCK_MONOTONIC. */
static int64_t clock_epoch_offset(void)
{
	return clock_read(CLOCK_REALTIME) - clock_read(CLOCK_MONOTONIC);
}

static uint64_t at_least_1(int64_t time)
{
	return time < 1 ? 1 : (uint64_t)time;
}

uint64_t clock_to_epoch(uint64_t monotonic)
{
	return at_least_1((int64_t)monotonic + clock_epoch_offset());
}

uint64_t clock_from_epoch(uint64_t epoch)
{
	return at_least_1((int64_t)epoch - clock_epoch_offset());
}
