/* SPDX-License-Identifier: GPL-2.0-only */
#include "countwatch.h"

#include "clock.h"
#include "countview.h"
#include "out.h"
#include "ranking.h"
#include "screen.h"

#define LINES_AROUND 2 /* the line of sums and the header of the table */

struct watch {
	const struct count_selector *selector;
	const struct pins *pins;
	struct ranking ranking;
};

/* A key is a number of its own. */
static uint64_t key_number(const struct count_key *key)
{
	struct count_cell cell = { .key = *key };

	return cell.word;
}

static int rows_rank(struct watch *watch, const struct counts *counts, struct error *error)
{
	ranking_begin(&watch->ranking);
	for (size_t i = 0; i < counts->count; i++) {
		const struct count_row *row = &counts->rows[i];
		struct reading reading = { key_number(&row->key), row->packets, row->bytes };

		if (ranking_add(&watch->ranking, i, &reading, error))
			return -1;
	}
	ranking_sort(&watch->ranking);
	return 0;
}

static void rows_print(const struct watch *watch, const struct countview *view, const struct screen *screen)
{
	size_t count = watch->ranking.count, most = screen_lines(screen, LINES_AROUND);
	double now = clock_seconds(CLOCK_REALTIME);
	struct out out;

	if (count > most)
		count = most;
	out_open(&out, screen->json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < count; i++) {
			const struct ranked *row = &watch->ranking.rows[i];

			out_begin(&out);
			out_seconds(&out, "time", NULL, now, NULL);
			rate_out(&out, &row->rate);
			countview_row_out(view, &view->counts.rows[row->place], &out);
			out_end(&out);
		}
	} while (out_again(&out));
}

static int watch_print(void *context, const struct screen *screen, struct error *error)
{
	struct watch *watch = context;
	struct countview view;
	int result = countview_open(&view, watch->pins, watch->selector, error);

	if (!result)
		result = rows_rank(watch, &view.counts, error);
	if (!result) {
		ranking_head(&watch->ranking, screen, "counter");
		rows_print(watch, &view, screen);
	}
	countview_close(&view);
	return result;
}

int countwatch_run(const struct pins *pins, const struct count_selector *selector, uint64_t seconds, bool json,
		   struct error *error)
{
	struct watch watch = { .selector = selector, .pins = pins, .ranking.rates.from_zero = true };
	struct screen screen;
	int result;

	screen_open(&screen, seconds, json);
	result = screen_run(&screen, watch_print, &watch, error);
	screen_close(&screen);
	ranking_free(&watch.ranking);
	return result;
}
