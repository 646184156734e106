/* SPDX-License-Identifier: GPL-2.0-only */
#include "clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * (int64_t)CLOCK_SECOND + now.tv_nsec;
}

/* Seconds and ns that time_namespaces(7) adds to CLOCK_MONOTONIC here; the programs read it without. */
static int64_t namespace_offset(void)
{
	FILE *file = fopen("/proc/self/timens_offsets", "re");
	long long seconds = 0, ns = 0;

	if (!file)
		return 0;
	if (fscanf(file, "monotonic %lld %lld", &seconds, &ns) != 2)
		seconds = ns = 0;
	fclose(file);
	return seconds * (int64_t)CLOCK_SECOND + ns;
}

static int64_t monotonic_read(void)
{
	static int64_t offset;
	static bool known;

	if (!known)
		offset = namespace_offset();
	known = true;
	return clock_read(CLOCK_MONOTONIC) - offset;
}

uint64_t clock_now(void)
{
	return (uint64_t)monotonic_read();
}

int64_t clock_epoch_offset(void)
{
	return clock_read(CLOCK_REALTIME) - monotonic_read();
}

static uint64_t at_least_1(int64_t time)
{
	return time < 1 ? 1 : (uint64_t)time;
}

uint64_t clock_to_epoch_by(uint64_t monotonic, int64_t offset)
{
	/* a time from outside may be any number: as unsigned ones, which wrap */
	return at_least_1((int64_t)(monotonic + (uint64_t)offset));
}

uint64_t clock_to_epoch(uint64_t monotonic)
{
	return clock_to_epoch_by(monotonic, clock_epoch_offset());
}

uint64_t clock_from_epoch(uint64_t epoch)
{
	return clock_from_epoch_by(epoch, clock_epoch_offset());
}

uint64_t clock_from_epoch_by(uint64_t epoch, int64_t offset)
{
	return at_least_1((int64_t)(epoch - (uint64_t)offset));
}

uint64_t clock_past_by(uint64_t epoch, int64_t offset, uint64_t latest)
{
	uint64_t time = clock_from_epoch_by(epoch, offset);

	return time < latest ? time : latest;
}

double clock_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
