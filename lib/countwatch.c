/* SPDX-License-Identifier: GPL-2.0-only */
#include "countwatch.h"

#include "countview.h"
#include "ranking.h"
#include "screen.h"

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

static void row_print(void *context, const struct ranked *row, double time, struct out *out)
{
	const struct countview *view = context;

	ranked_begin(row, time, out);
	countview_row_out(view, &view->counts.rows[row->place], out);
	out_end(out);
}

static int watch_print(void *context, const struct screen *screen, struct error *error)
{
	struct watch *watch = context;
	struct countview view;
	int result = countview_open(&view, watch->pins, watch->selector, error);

	if (!result)
		result = rows_rank(watch, &view.counts, error);
	if (!result)
		ranking_print(&watch->ranking, screen, "counter", row_print, &view);
	countview_close(&view);
	return result;
}

int countwatch_run(const struct pins *pins, const struct count_selector *selector, uint64_t seconds, bool json,
		   struct error *error)
{
	struct watch watch = { .selector = selector, .pins = pins, .ranking.rates.from_zero = true };
	int result = screen_run(seconds, json, watch_print, &watch, error);

	ranking_free(&watch.ranking);
	return result;
}
