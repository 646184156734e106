/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch.h"

#include "clock.h"
#include "out.h"
#include "ranking.h"
#include "ruleview.h"
#include "screen.h"

#define LINES_AROUND 2 /* the line of sums and the header of the table */

struct watch {
	const struct selector *selector;
	const struct pins *pins;
	struct ranking ranking;
};

static int rows_read(struct watch *watch, struct ruleview *view, struct error *error)
{
	struct rules_record rule;

	ranking_begin(&watch->ranking);
	for (size_t i = 0; i < view->count; i++) {
		struct reading reading;

		if (!ruleview_read(view, watch->selector, i, &rule))
			continue;
		reading = (struct reading){ .sequence = rules_decision_sequence(rule.head.decision),
					    .packets = rule.head.packets,
					    .bytes = rule.head.bytes };
		if (ranking_add(&watch->ranking, i, &reading, error))
			return -1;
	}
	ranking_sort(&watch->ranking);
	return 0;
}

static void row_out(struct watch *watch, struct ruleview *view, const struct ranked *row, struct out *out, double now)
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
	size_t count = watch->ranking.count, most = screen_lines(screen, LINES_AROUND);
	double now = clock_seconds(CLOCK_REALTIME);
	struct out out;

	if (count > most)
		count = most;
	out_open(&out, screen->json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < count; i++)
			row_out(watch, view, &watch->ranking.rows[i], &out, now);
	} while (out_again(&out));
}

static int watch_print(void *context, const struct screen *screen, struct error *error)
{
	static struct ruleview view; /* 32 KiB */
	struct watch *watch = context;
	int result;

	if (ruleview_open(&view, watch->pins, error))
		return -1;
	result = rows_read(watch, &view, error);
	if (!result) {
		ranking_head(&watch->ranking, screen, "rule");
		rows_print(watch, &view, screen);
	}
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
	ranking_free(&watch.ranking);
	return result;
}
