/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdpview.h"

#include "array.h"
#include "out.h"
#include "rulelist.h"
#include "rulerank.h"
#include "screen.h"
#include "xdpout.h"
#include "xdprule.h"

#include <stdlib.h>

/* The default of an interface, or of any: the rules of which it consists as one, with what all of them counted. */
struct default_row {
	struct rules_record rule;
	bool selected; /* one of them is */
};

struct view {
	const struct xdpview_request *request;
	struct rulelist list;
	struct default_row *defaults; /* by interface index */
	size_t default_count;
};

/* ---- defaults ---- */

static struct default_row *default_find(struct view *view, uint32_t ifindex, struct error *error)
{
	struct default_row *rows;

	for (size_t i = 0; i < view->default_count; i++)
		if (view->defaults[i].rule.head.ifindex == ifindex)
			return &view->defaults[i];
	rows = array_room(view->defaults, view->default_count, sizeof(*rows));
	if (!rows) {
		error_errno(error, "rules");
		return NULL;
	}
	view->defaults = rows;
	rows[view->default_count] = (struct default_row){ .rule.head.ifindex = ifindex };
	return &rows[view->default_count++];
}

static void default_sum(struct default_row *row, const struct rules_record *rule)
{
	struct rules_head sum = row->rule.head;

	if (!sum.decision || rules_decision_sequence(rule->head.decision) < rules_decision_sequence(sum.decision))
		row->rule = *rule;
	row->rule.head.packets = sum.packets + rule->head.packets;
	row->rule.head.bytes = sum.bytes + rule->head.bytes;
	row->rule.head.last = sum.last > rule->head.last ? sum.last : rule->head.last;
}

static int by_interface(const void *a, const void *b)
{
	const struct default_row *first = a, *second = b;

	return (first->rule.head.ifindex > second->rule.head.ifindex) -
	       (first->rule.head.ifindex < second->rule.head.ifindex);
}

static void defaults_keep_selected(struct view *view)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->default_count; i++)
		if (view->defaults[i].selected)
			view->defaults[kept++] = view->defaults[i];
	view->default_count = kept;
	if (kept)
		qsort(view->defaults, kept, sizeof(*view->defaults), by_interface);
}

static int defaults_read(struct view *view, struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;

	while (ruleset_next(&view->list.set, &cursor, &rule)) {
		struct default_row *row;

		if (!xdp_rule_is_default(&rule))
			continue;
		row = default_find(view, rule.head.ifindex, error);
		if (!row)
			return -1;
		default_sum(row, &rule);
		row->selected |= selector_matches(&view->request->selector, &rule, NULL);
	}
	defaults_keep_selected(view);
	return 0;
}

/* ---- rows: the rules, then the defaults ---- */

static void view_close(struct view *view)
{
	rulelist_close(&view->list);
	free(view->defaults);
}

static int view_open(struct view *view, const struct pins *pins, const struct xdpview_request *request,
		     struct error *error)
{
	*view = (struct view){ .request = request };
	if (rulelist_open(&view->list, pins, &pin_xdp_rules, error))
		return -1;
	if (!defaults_read(view, error) && (request->mode == XDPVIEW_DEFAULTS || !rulelist_order(&view->list, error)))
		return 0;
	view_close(view);
	return -1;
}

static size_t view_rows(const struct view *view)
{
	return view->list.count + view->default_count;
}

/* False: the rule is gone, not selected, or told of as a default. */
static bool row_read(struct view *view, size_t i, struct rules_record *rule)
{
	if (i >= view->list.count) {
		*rule = view->defaults[i - view->list.count].rule;
		return true;
	}
	return rulelist_read(&view->list, i, rule) && !xdp_rule_is_default(rule) &&
	       selector_matches(&view->request->selector, rule, NULL);
}

/* ---- once ---- */

static void view_print(struct view *view)
{
	struct rules_record rule;
	struct out out;

	out_open(&out, view->request->json ? OUT_JSON : OUT_TABLE);
	do {
		for (size_t i = 0; i < view_rows(view); i++) {
			if (!row_read(view, i, &rule))
				continue;
			out_begin(&out);
			xdp_rule_out(&out, &rule, view->request->mode == XDPVIEW_DEFAULTS);
			out_end(&out);
		}
	} while (out_again(&out));
}

/* Oldest first: read back in this order, the newer of two equal rules stays the newer. */
static void view_print_lines(struct view *view)
{
	struct rules_record rule;

	for (size_t i = 0; i < view_rows(view); i++)
		if (row_read(view, i, &rule))
			xdp_rule_print_line(&rule);
}

static int print_once(const struct pins *pins, const struct xdpview_request *request, struct error *error)
{
	struct view view;

	if (view_open(&view, pins, request, error))
		return -1;
	if (request->mode == XDPVIEW_SAVE)
		view_print_lines(&view);
	else
		view_print(&view);
	view_close(&view);
	return 0;
}

/* ---- again and again ---- */

struct watch {
	const struct pins *pins;
	const struct xdpview_request *request;
	struct ranking ranking;
	struct view view; /* of this tick */
};

static bool watched_read(void *context, size_t i, struct rules_record *rule)
{
	struct watch *watch = context;

	return row_read(&watch->view, i, rule);
}

static void row_print(void *context, const struct ranked *row, double time, struct out *out)
{
	struct watch *watch = context;
	struct rules_record rule;

	if (!watched_read(watch, row->place, &rule))
		return;
	ranked_begin(row, time, out);
	xdp_rule_out(out, &rule, false);
	out_end(out);
}

static int watch_print(void *context, const struct screen *screen, struct error *error)
{
	struct watch *watch = context;
	int result;

	if (view_open(&watch->view, watch->pins, watch->request, error))
		return -1;
	result = rules_rank_by_hits(&watch->ranking, view_rows(&watch->view), watched_read, watch, error);
	if (!result)
		ranking_print(&watch->ranking, screen, "rule", row_print, watch);
	view_close(&watch->view);
	return result;
}

static int print_again(const struct pins *pins, const struct xdpview_request *request, struct error *error)
{
	struct watch watch = { .pins = pins, .request = request };
	int result = screen_run(request->seconds, request->json, watch_print, &watch, error);

	ranking_free(&watch.ranking);
	return result;
}

int xdpview_run(const struct pins *pins, const struct xdpview_request *request, struct error *error)
{
	return request->mode == XDPVIEW_WATCH ? print_again(pins, request, error) : print_once(pins, request, error);
}
