/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowview.h"

#include "flowgen.h"
#include "flowipfix.h"
#include "flowmetrics.h"
#include "flowsample.h"
#include "flowzeek.h"
#include "ranking.h"
#include "screen.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- what there is ---- */

struct view {
	struct flowgens gens;
	struct flowrows rows;
	struct flow_scene scene;
};

static void rows_select(struct flowrows *rows, const struct flow_selector *selector)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++)
		if (flow_selector_matches(selector, &rows->rows[i]))
			rows->rows[kept++] = rows->rows[i];
	rows->count = kept;
}

static int names_read(struct flow_scene *scene, struct error *error)
{
	for (size_t i = 0; i < scene->rows->count; i++)
		if (ifnames_add(&scene->names, scene->rows->rows[i].id.key.ifindex, error))
			return -1;
	ifnames_read(&scene->names);
	return 0;
}

/* Whatever it returns, view_close releases what *view holds; its gens are open. */
static int view_read(struct view *view, const struct flow_request *request, uint32_t first, struct error *error)
{
	view->scene.rows = &view->rows;
	if (flowrows_read(&view->rows, &view->gens, first, first == 0, flow_selector_wants, &request->selector, error))
		return -1;
	rows_select(&view->rows, &request->selector);
	return names_read(&view->scene, error);
}

static void view_close(struct view *view)
{
	ifnames_free(&view->scene.names);
	flowrows_free(&view->rows);
	flowgens_close(&view->gens);
}

/* ---- sessions ---- */

static const struct flow_column *sort_column(const struct flow_request *request)
{
	struct error ignored;

	return request->sort ? request->sort : flow_column_find("bytes", &ignored);
}

/* What is handed out tells its generation. */
static void columns_choose(struct flow_choice *choice, const struct flow_request *request, bool is_reset)
{
	struct error ignored;

	*choice = request->choice;
	if (choice->count)
		return;
	if (request->form != FLOW_AS_TABLE) {
		flow_choice_all(choice);
		return;
	}
	flow_choice_common(choice);
	if (is_reset)
		choice->items[choice->count++] = flow_column_find("generation", &ignored);
}

static void columns_print(const struct view *view, const struct flow_request *request, size_t count, bool is_reset)
{
	struct flow_choice choice;

	columns_choose(&choice, request, is_reset);
	flows_print(&view->scene, count, &choice, request->form);
	if (!request->quiet)
		flows_note_details(&view->rows, count, &choice);
	if (request->form != FLOW_AS_TABLE)
		return;
	if (count)
		putchar('\n');
	flows_print_totals(&view->rows, count);
}

static int sessions_print(const struct view *view, const struct flow_request *request, bool is_reset,
			  struct error *error)
{
	size_t count = view->rows.count;

	if (request->top && request->top < count)
		count = request->top;
	if (request->form == FLOW_AS_IPFIX)
		return flowipfix_export(&view->scene, count, request->ipfix, error);
	if (request->form == FLOW_AS_ZEEK)
		flowzeek_print(&view->scene, count);
	else
		columns_print(view, request, count, is_reset);
	return 0;
}

static int sessions_show(struct view *view, const struct flow_request *request, bool is_reset, struct error *error)
{
	if (request->summary) {
		flows_print_summary(&view->rows, request->form == FLOW_AS_JSON         ? OUT_JSON
						 : request->form == FLOW_AS_JSON_LINES ? OUT_JSON_LINES
										       : OUT_TABLE);
		return 0;
	}
	if (request->form == FLOW_AS_OPENMETRICS)
		return flowmetrics_print(&view->gens, &view->scene, error);
	if (flows_sort(&view->scene, &view->rows, sort_column(request), error) ||
	    sessions_print(view, request, is_reset, error))
		return -1;
	if (request->form != FLOW_AS_TABLE && !request->quiet)
		flows_note_losses(&view->rows);
	return 0;
}

/* ---- sampled packets ---- */

/* A packet as a session, for the selectors: its sender is one end. */
static bool packet_is_wanted(const void *context, const struct flow_packet *packet)
{
	struct flow flow = {
		.key = {
			.ifindex = packet->ifindex,
			.vlan = packet->vlan,
			.proto = packet->proto,
			.family = packet->family,
			.port = { packet->sport, packet->dport },
		},
		.originator = packet->from,
	};

	memcpy(flow.key.addr[0], packet->src, sizeof(flow.key.addr[0]));
	memcpy(flow.key.addr[1], packet->dst, sizeof(flow.key.addr[1]));
	return flow_selector_wants(context, &flow);
}

static bool wants_samples(const struct flow_request *request)
{
	return request->packets || request->result_path || request->debug_path;
}

static enum out_form sample_form(enum flow_form form)
{
	return form == FLOW_AS_JSON ? OUT_JSON : form == FLOW_AS_JSON_LINES ? OUT_JSON_LINES : OUT_TABLE;
}

static int samples_write(const struct flowsamples *samples, const struct flow_request *request, struct error *error)
{
	if (request->packets && flowsamples_print(samples, sample_form(request->form), error))
		return -1;
	if (request->result_path && flowsamples_result_file(request->result_path, samples, error))
		return -1;
	if (request->debug_path && flowsamples_debug(request->debug_path, samples, error))
		return -1;
	if (!request->quiet)
		flowsamples_note_losses(samples);
	return 0;
}

static int samples_show(const struct flowgens *gens, const struct flow_request *request, uint32_t first,
			struct error *error)
{
	struct flowsamples samples = { 0 };
	int result = flowsamples_read(&samples, gens, first, packet_is_wanted, &request->selector, error);

	if (!result)
		result = samples_write(&samples, request, error);
	flowsamples_free(&samples);
	return result;
}

/* ---- once ---- */

int flowview_print(const struct pins *pins, const struct flow_request *request, struct error *error)
{
	struct view view = { 0 };
	int result = flowgens_open(&view.gens, pins, error);

	if (!result && wants_samples(request))
		result = samples_show(&view.gens, request, 0, error);
	else if (!result)
		result = view_read(&view, request, 0, error) || sessions_show(&view, request, false, error) ? -1 : 0;
	view_close(&view);
	return result;
}

/* ---- and no more ---- */

/* Records of packets that go with the sessions. */
static void unread_note(const struct flowgens *gens)
{
	struct flowsamples samples = { 0 };
	struct error ignored;

	if (!flowsamples_read(&samples, gens, 1, NULL, NULL, &ignored) && samples.count)
		note_print("%zu sampled packet%s not asked for (--result, --debug)", samples.count,
			   samples.count == 1 ? " was" : "s were");
	flowsamples_free(&samples);
}

/* What was taken is handed out, in this order: nothing is marked before all of it is where it was to go. */
static int taken_show(struct view *view, const struct flow_request *request, struct error *error)
{
	if (view_read(view, request, 1, error) || sessions_show(view, request, true, error))
		return -1;
	if (fflush(stdout) || ferror(stdout))
		return 0;
	if (wants_samples(request) && samples_show(&view->gens, request, 1, error))
		return -1;
	if (!wants_samples(request) && !request->quiet)
		unread_note(&view->gens);
	flowgens_deliver(&view->gens);
	return 0;
}

int flowview_reset(const struct pins *pins, const struct flow_request *request, struct error *error)
{
	struct view view = { 0 };
	bool complete = true;
	int result;

	signal(SIGPIPE, SIG_IGN); /* a reader that goes is an error of stdout, not the end */
	if (pins_lock(pins, error))
		return -1;
	result = flowgens_take(&view.gens, pins, &complete, error);
	if (!result)
		result = taken_show(&view, request, error);
	if (!result && !complete && !request->quiet)
		note_print("no room for another generation: what is counted since the last one is for the next time");
	view_close(&view);
	pins_unlock(pins);
	return result;
}

/* ---- again and again ---- */

struct watch {
	const struct flow_request *request;
	const struct pins *pins;
	struct flow_choice choice;
	struct ranking ranking;
	const struct view *view; /* of this tick */
};

/* A number for a session; two have the same one less often than memory fails. */
static uint64_t session_number(const struct flow_id *id)
{
	uint64_t words[sizeof(*id) / sizeof(uint64_t)], number = 0;

	memcpy(words, id, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		number = (number ^ words[i]) * 0x9e3779b97f4a7c15ull;
		number ^= number >> 29;
	}
	return number;
}

static int rows_rank(struct watch *watch, const struct flowrows *rows, struct error *error)
{
	ranking_begin(&watch->ranking);
	for (size_t i = 0; i < rows->count; i++) {
		const struct flow_side *side = rows->rows[i].flow->side;
		struct reading reading = { session_number(&rows->rows[i].id), side[0].packets + side[1].packets,
					   side[0].bytes + side[1].bytes };

		if (ranking_add(&watch->ranking, i, &reading, error))
			return -1;
	}
	ranking_sort(&watch->ranking);
	return 0;
}

static void row_print(void *context, const struct ranked *row, double time, struct out *out)
{
	const struct watch *watch = context;

	ranked_begin(row, time, out);
	flow_out(out, &watch->view->scene, &watch->view->rows.rows[row->place], &watch->choice);
	out_end(out);
}

static int watch_print(void *context, const struct screen *screen, struct error *error)
{
	struct watch *watch = context;
	struct view view = { 0 };
	int result = flowgens_open(&view.gens, watch->pins, error);

	if (!result)
		result = view_read(&view, watch->request, 0, error);
	if (!result)
		result = rows_rank(watch, &view.rows, error);
	watch->view = &view;
	if (!result)
		ranking_print(&watch->ranking, screen, "session", row_print, watch);
	view_close(&view);
	return result;
}

int flowview_watch(const struct pins *pins, const struct flow_request *request, uint64_t seconds, struct error *error)
{
	struct watch watch = { .request = request, .pins = pins, .ranking.rates.from_zero = true };
	int result;

	columns_choose(&watch.choice, request, false);
	result = screen_run(seconds, request->form != FLOW_AS_TABLE, watch_print, &watch, error);
	ranking_free(&watch.ranking);
	return result;
}
