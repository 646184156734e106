/* SPDX-License-Identifier: GPL-2.0-only */
/* What is counted, ranked by its rate: the inner part of --watch. */
#ifndef SPLICER_RANKING_H
#define SPLICER_RANKING_H

#include "error.h"
#include "out.h"
#include "rates.h"
#include "screen.h"

#include <stddef.h>
#include <stdint.h>

struct ranked {
	size_t place;     /* the caller's */
	uint64_t packets; /* in all */
	struct rate rate;
};

/* All zero to begin with; released with ranking_free. */
struct ranking {
	struct rates rates;
	/* of this tick: */
	struct ranked *rows;
	size_t count;
	struct rate sum; /* of the rates that are known */
};

/* Begins a tick. */
void ranking_begin(struct ranking *ranking);

int ranking_add(struct ranking *ranking, size_t place, const struct reading *reading, struct error *error);

/* Busiest first; of those that are equal, or not known yet, the one with more packets in all, then that of the lower
 * place. */
void ranking_sort(struct ranking *ranking);

/* Prints one row; `time` is the time of day, in seconds. */
typedef void ranked_print(void *context, const struct ranked *row, double time, struct out *out);

/* The first fields of a row: begins it, and prints the time and the rates. */
void ranked_begin(const struct ranked *row, double time, struct out *out);

/*
 * A tick: a line with the time, how many there are ("rule", to which an s is added) and their sum, and a table of as
 * many rows as the screen has room for; or JSON Lines.
 */
void ranking_print(const struct ranking *ranking, const struct screen *screen, const char *what, ranked_print *print,
		   void *context);

void ranking_free(struct ranking *ranking);

#endif
