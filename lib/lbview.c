/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbview.h"

#include "forwarding.h"
#include "lbchange.h"
#include "lbout.h"
#include "lbstat.h"
#include "ranking.h"
#include "screen.h"

#include <stdlib.h>

struct view {
	struct lbset set;
	struct lb_rows rows;
};

static void view_close(struct view *view)
{
	lb_rows_free(&view->rows);
	lbset_close(&view->set);
}

static const struct lb_name *only(const struct lbview_request *request)
{
	return request->has_service ? &request->service : NULL;
}

static int view_open(struct view *view, const struct pins *pins, const struct lbview_request *request,
		     struct error *error)
{
	*view = (struct view){ 0 };
	if (!lbset_open(pins, &view->set, error) &&
	    (!request->has_service || lbset_require(&view->set, &request->service, error)) &&
	    !lb_rows_read(pins, &view->set, only(request), &view->rows, error))
		return 0;
	view_close(view);
	return -1;
}

/* ---- once ---- */

static void rows_print(const struct lb_rows *rows, bool json)
{
	struct out out;

	out_open(&out, json ? OUT_JSON : OUT_TABLE);
	do {
		for (size_t i = 0; i < rows->count; i++) {
			out_begin(&out);
			lb_row_out(&out, &rows->items[i]);
			out_end(&out);
		}
	} while (out_again(&out));
}

static int save_print(const struct view *view, const struct lbview_request *request, struct error *error)
{
	struct lb_ops ops = { 0 };
	int result = 0;

	for (size_t i = 0; i < view->set.count && !result; i++)
		if (!request->has_service || !lb_name_order(&request->service, &view->set.items[i].name))
			result = lb_item_save(&view->set.items[i], &ops);
	if (!result)
		lb_ops_print(&ops);
	free(ops.items);
	return result ? error_errno(error, LB_SERVICES) : 0;
}

static int print_once(const struct pins *pins, const struct lbview_request *request, struct error *error)
{
	struct view view;
	bool ipv4, ipv6;
	int result = 0;

	if (view_open(&view, pins, request, error))
		return -1;
	lbset_families(&view.set, &ipv4, &ipv6);
	if (request->mode == LBVIEW_SAVE)
		result = save_print(&view, request, error);
	else
		rows_print(&view.rows, request->json);
	view_close(&view);
	if (!result && !request->quiet && request->mode == LBVIEW_ONCE)
		forwarding_note(pins, ipv4, ipv6);
	return result;
}

/* ---- again and again ---- */

struct watch {
	const struct pins *pins;
	const struct lbview_request *request;
	struct ranking ranking;
	struct view view; /* of this tick */
};

static void row_print(void *context, const struct ranked *row, double time, struct out *out)
{
	const struct watch *watch = context;

	ranked_begin(row, time, out);
	lb_row_out(out, &watch->view.rows.items[row->place]);
	out_end(out);
}

static int rows_rank(struct watch *watch, struct error *error)
{
	ranking_begin(&watch->ranking);
	for (size_t i = 0; i < watch->view.rows.count; i++) {
		const struct lb_row *row = &watch->view.rows.items[i];
		struct reading reading = {
			.sequence = row->backend ? row->backend->stat : 0,
			.packets = row->stat.packets[0] + row->stat.packets[1],
			.bytes = row->stat.bytes[0] + row->stat.bytes[1],
		};

		if (row->backend && ranking_add(&watch->ranking, i, &reading, error))
			return -1;
	}
	ranking_sort(&watch->ranking);
	return 0;
}

static int watch_print(void *context, const struct screen *screen, struct error *error)
{
	struct watch *watch = context;
	int result;

	if (view_open(&watch->view, watch->pins, watch->request, error))
		return -1;
	result = rows_rank(watch, error);
	if (!result)
		ranking_print(&watch->ranking, screen, "backend", row_print, watch);
	view_close(&watch->view);
	return result;
}

static int print_again(const struct pins *pins, const struct lbview_request *request, struct error *error)
{
	struct watch watch = { .pins = pins, .request = request };
	int result = screen_run(request->seconds, request->json, watch_print, &watch, error);

	ranking_free(&watch.ranking);
	return result;
}

int lbview_run(const struct pins *pins, const struct lbview_request *request, struct error *error)
{
	return request->mode == LBVIEW_WATCH ? print_again(pins, request, error) : print_once(pins, request, error);
}
