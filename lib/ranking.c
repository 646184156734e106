/* SPDX-License-Identifier: GPL-2.0-only */
#include "ranking.h"

#include "array.h"
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

#define LINES_AROUND 2 /* the line of sums and the header of the table */

void ranking_begin(struct ranking *ranking)
{
	free(ranking->rows);
	ranking->rows = NULL;
	ranking->count = 0;
	ranking->sum = (struct rate){ 0 };
	rates_begin(&ranking->rates, clock_seconds(CLOCK_MONOTONIC));
}

int ranking_add(struct ranking *ranking, size_t place, const struct reading *reading, struct error *error)
{
	struct ranked row = { .place = place, .packets = reading->packets };
	struct ranked *rows = array_room(ranking->rows, ranking->count, sizeof(*rows));

	if (!rows)
		return error_errno(error, "rates");
	ranking->rows = rows;
	if (rates_take(&ranking->rates, reading, &row.rate, error))
		return -1;
	rows[ranking->count++] = row;
	if (row.rate.packets >= 0) {
		ranking->sum.packets += row.rate.packets;
		ranking->sum.bytes += row.rate.bytes;
	}
	return 0;
}

static int busiest_first(const void *a, const void *b)
{
	const struct ranked *first = a, *second = b;

	if (first->rate.packets != second->rate.packets)
		return first->rate.packets < second->rate.packets ? 1 : -1;
	if (first->packets != second->packets)
		return first->packets < second->packets ? 1 : -1;
	return (first->place > second->place) - (first->place < second->place);
}

void ranking_sort(struct ranking *ranking)
{
	if (ranking->count)
		qsort(ranking->rows, ranking->count, sizeof(*ranking->rows), busiest_first);
}

/* The line above a table. */
static void head_print(const struct ranking *ranking, const struct screen *screen, const char *what)
{
	if (screen->json)
		return;
	screen_head(screen);
	printf("  %zu %s%s", ranking->count, what, ranking->count == 1 ? "" : "s");
	if (screen->begun)
		printf("  %.0f packets/s  %.0f bytes/s", ranking->sum.packets, ranking->sum.bytes);
	putchar('\n');
}

void ranked_begin(const struct ranked *row, double time, struct out *out)
{
	out_begin(out);
	out_seconds(out, "time", NULL, time, NULL);
	rate_out(out, &row->rate);
}

void ranking_print(const struct ranking *ranking, const struct screen *screen, const char *what, ranked_print *print,
		   void *context)
{
	size_t count = ranking->count, most = screen_lines(screen, LINES_AROUND);
	double now = clock_seconds(CLOCK_REALTIME);
	struct out out;

	head_print(ranking, screen, what);
	if (count > most)
		count = most;
	out_open(&out, screen->json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < count; i++)
			print(context, &ranking->rows[i], now, &out);
	} while (out_again(&out));
}

void ranking_free(struct ranking *ranking)
{
	free(ranking->rows);
	rates_free(&ranking->rates);
	*ranking = (struct ranking){ 0 };
}
