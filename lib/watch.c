/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch.h"

#include "rulerank.h"
#include "ruleview.h"
#include "screen.h"

struct watch {
	const struct selector *selector;
	const struct pins *pins;
	struct ranking ranking;
	struct ruleview *view; /* of this tick */
};

static bool row_read(void *context, size_t i, struct rules_record *rule)
{
	const struct watch *watch = context;

	return ruleview_read(watch->view, watch->selector, i, rule);
}

static void row_print(void *context, const struct ranked *row, double time, struct out *out)
{
	struct watch *watch = context;
	struct rules_record rule;

	if (!row_read(watch, row->place, &rule))
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
	result = ruleview_look(&view, error);
	if (!result)
		result = rules_rank_by_hits(&watch->ranking, view.list.count, row_read, watch, error);
	if (!result)
		ranking_print(&watch->ranking, screen, "rule", row_print, watch);
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
