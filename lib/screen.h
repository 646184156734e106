/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is printed every so many seconds until SIGINT or SIGTERM: on a terminal each time from the top of the screen,
 * elsewhere as blocks with a blank line between them, or as JSON Lines. Who has nothing else to wait for calls
 * screen_run; who has asks screen_left and calls screen_next.
 */
#ifndef SPLICER_SCREEN_H
#define SPLICER_SCREEN_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCREEN_SECONDS_MAX 86400

struct screen {
	bool json, terminal;
	bool begun;             /* something was printed */
	double seconds, moment; /* of the period; of the next tick, by CLOCK_MONOTONIC */
};

/* The first tick is at once. On a terminal, lines end at its edge from now on. */
void screen_open(struct screen *screen, uint64_t seconds, bool json);

/* Leaves the terminal as it was. errno stays. */
void screen_close(const struct screen *screen);

/* Begins a block, unless it is JSON: clears the screen or parts it from the block before, and prints the time of day,
 * with no end of line. */
void screen_head(const struct screen *screen);

/* Lines of the terminal that are left beside so many others and that of the cursor; at least 1. Elsewhere SIZE_MAX. */
size_t screen_lines(const struct screen *screen, size_t others);

/* Seconds until the next tick; 0: it is due. */
double screen_left(const struct screen *screen);

/* To the next tick but one; what was missed, because the program was stopped, is not made up for. */
void screen_next(struct screen *screen);

/* Prints what there is at a tick. -1 with *error ends the run. */
typedef int screen_print(void *context, const struct screen *screen, struct error *error);

/*
 * Opens a screen, prints at each tick, and closes it: until a signal comes or stdout takes no more; the second signal
 * ends the process as usual. Returns 0 also when stdout could not be written: errno and output_finish (error.h) tell.
 * -1 with *error also when the reader of stdout has gone.
 */
int screen_run(uint64_t seconds, bool json, screen_print *print, void *context, struct error *error);

#endif
