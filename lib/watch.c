/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch.h"

#include "array.h"
#include "clock.h"
#include "out.h"
#include "rates.h"
#include "ruleview.h"
#include "screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LINES_AROUND 2 /* the line of sums and the header of the table */

struct row {
	size_t place;
	uint64_t packets;
	struct rate rate;
};

struct watch {
	const struct selector *selector;
	const struct pins *pins;
	struct rates rates;
	/* of this tick */
	struct row *rows;
	size_t count;
	struct rate sum;
};

/* Busiest first; of those that are equal, or not known yet, the one with more packets in all, then the older. */
static int busiest_first(const void *a, const void *b)
{
	const struct row *first = a, *second = b;

	if (first->rate.packets != second->rate.packets)
		return first->rate.packets < second->rate.packets ? 1 : -1;
	if (first->packets != second->packets)
		return first->packets < second->packets ? 1 : -1;
	return (first->place > second->place) - (first->place < second->place);
}

static int rows_add(struct watch *watch, const struct row *row, struct error *error)
{
	struct row *rows = array_room(watch->rows, watch->count, sizeof(*rows));

	if (!rows)
		return error_errno(error, "rules");
	watch->rows = rows;
	rows[watch->count++] = *row;
	if (row->rate.packets >= 0) {
		watch->sum.packets += row->rate.packets;
		watch->sum.bytes += row->rate.bytes;
	}
	return 0;
}

static int rows_read(struct watch *watch, struct ruleview *view, struct error *error)
{
	struct rules_record rule;

	rates_begin(&watch->rates, clock_seconds(CLOCK_MONOTONIC));
	for (size_t i = 0; i < view->count; i++) {
		struct row row = { .place = i };
		struct reading reading;

		if (!ruleview_read(view, watch->selector, i, &rule))
			continue;
		reading = (struct reading){ .sequence = rules_decision_sequence(rule.head.decision),
					    .packets = rule.head.packets,
					    .bytes = rule.head.bytes };
		row.packets = reading.packets;
		if (rates_take(&watch->rates, &reading, &row.rate, error) || rows_add(watch, &row, error))
			return -1;
	}
	if (watch->count)
		qsort(watch->rows, watch->count, sizeof(*watch->rows), busiest_first);
	return 0;
}

static void row_out(struct watch *watch, struct ruleview *view, const struct row *row, struct out *out, double now)
{
	struct rules_record rule;

	if (!ruleview_read(view, watch->selector, row->place, &rule))
		return;
	out_begin(out);
	out_seconds(out, "time", NULL, now, NULL);
	rate_out(out, &row->rate);
	rule_out(out, &rule, &view->surroundings);
	out_end(out);
}

static void rows_print(struct watch *watch, struct ruleview *view, const struct screen *screen)
{
	size_t count = watch->count, most = screen_lines(screen, LINES_AROUND);
	double now = clock_seconds(CLOCK_REALTIME);
	struct out out;

	if (count > most)
		count = most;
	out_open(&out, screen->json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < count; i++)
			row_out(watch, view, &watch->rows[i], &out, now);
	} while (out_again(&out));
}

/* The time, how many rules, and what they decide together. */
static void head_print(const struct watch *watch, const struct screen *screen)
{
	screen_head(screen);
	printf("  %zu %s", watch->count, watch->count == 1 ? "rule" : "rules");
	if (screen->begun)
		printf("  %.0f packets/s  %.0f bytes/s", watch->sum.packets, watch->sum.bytes);
	putchar('\n');
}

static int watch_print(void *context, const struct screen *screen, struct error *error)
{
	static struct ruleview view; /* 32 KiB */
	struct watch *watch = context;
	int result;

	if (ruleview_open(&view, watch->pins, error))
		return -1;
	watch->count = 0;
	watch->sum = (struct rate){ 0 };
	result = rows_read(watch, &view, error);
	if (!result) {
		if (!screen->json)
			head_print(watch, screen);
		rows_print(watch, &view, screen);
	}
	free(watch->rows);
	watch->rows = NULL;
	ruleview_close(&view);
	return result;
}

int watch_run(const struct pins *pins, const struct selector *selector, uint64_t seconds, bool json,
	      struct error *error)
{
	struct watch watch = { .selector = selector, .pins = pins };
	struct screen screen;
	int result;

	screen_open(&screen, seconds, json);
	result = screen_run(&screen, watch_print, &watch, error);
	screen_close(&screen);
	rates_free(&watch.rates);
	return result;
}
