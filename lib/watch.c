/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch.h"

#include "ranking.h"
#include "ruleview.h"
#include "screen.h"

struct watch {
	const struct selector *selector;
	const struct pins *pins;
	struct ranking ranking;
	struct ruleview *view; /* of this tick */
};

static int rows_read(struct watch *watch, struct ruleview *view, struct error *error)
{
	struct rules_record rule;

	ranking_begin(&watch->ranking);
	for (size_t i = 0; i < view->list.count; i++) {
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

static void row_print(void *context, const struct ranked *row, double time, struct out *out)
{
	struct watch *watch = context;
	struct rules_record rule;

	if (!ruleview_read(watch->view, watch->selector, row->place, &rule))
		return;
	ranked_begin(row, time, out);
	rule_out(out, &rule, &watch->view->surroundings);
	out_end(out);
}

static int watch_print(void *context, const struct screen *screen, struct error *error)
{
	static struct ruleview view; /* 32 KiB */
	struct watch *watch = context;
	int result;

	if (ruleview_open(&view, watch->pins, error))
		return -1;
	watch->view = &view;
	result = rows_read(watch, &view, error);
	if (!result) {
		ranking_print(&watch->ranking, screen, "rule", row_print, watch);
	}
	ruleview_close(&view);
	return result;
}

int watch_run(const struct pins *pins, const struct selector *selector, uint64_t seconds, bool json,
	      struct error *error)
{
	struct watch watch = { .selector = selector, .pins = pins };
	int result = screen_run(seconds, json, watch_print, &watch, error);

	ranking_free(&watch.ranking);
	return result;
}
