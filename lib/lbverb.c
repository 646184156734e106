/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbverb.h"

#include "batch.h"
#include "flowsettings.h"
#include "forwarding.h"
#include "lbout.h"
#include "lbview.h"
#include "num.h"
#include "screen.h"

#include <stdio.h>
#include <string.h>

static const char applies[] = "apply", lists[] = "list", flows[] = "flows";

int lb_take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct lb_request *request = context;

	(void)error;
	request->given |= LB_BIT(row);
	if (row == LB_ROW_WEIGHT)
		request->weight = value;
	if (row == LB_ROW_WATCH)
		request->watch = value;
	return 0;
}

/* ---- changes ---- */

/* In a file of apply, each line says what it does; in one of another command, it may. */
static int line_verb(const struct lb_work *work, char ***operands, int *count, enum lb_verb *verb, struct error *error)
{
	bool apply = !strcmp(work->word, applies);

	*verb = *count ? lb_verb_find((*operands)[0]) : LB_VERBS;
	if (apply && *verb != LB_ADD && *verb != LB_SET && *verb != LB_DRAIN)
		return error_usage(error, *count ? (*operands)[0] : "line", "expected add, set or drain");
	if (!apply && *verb != LB_VERBS && strcmp((*operands)[0], work->word) != 0)
		return error_usage(error, (*operands)[0], "the command line says %s for all lines", work->word);
	if (*verb != LB_VERBS) {
		++*operands;
		--*count;
	} else {
		*verb = lb_verb_find(work->word);
	}
	return 0;
}

int lb_take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct lb_work *work = context;
	struct lb_request request = { 0 };
	int count = options_parse(work->command, argc, argv, NULL, lb_take_option, &request, error);
	char **operands = argv + argc - count;
	enum lb_verb verb;

	if (count < 0 ||
	    options_refuse(work->command, request.given, LB_BIT(LB_ROW_WEIGHT), "a line of a file", error) ||
	    line_verb(work, &operands, &count, &verb, error))
		return -1;
	return lb_ops_parse(&work->change.ops, verb, operands, count, request.weight, line, error);
}

static int change_make(struct lb_work *work, struct error *error)
{
	struct lb_change *change = &work->change;

	change->file = work->common.file;
	change->dry_run = work->common.dry_run;
	if (pins_open(&work->pins, work->common.pin_dir, PINS_LB, !change->dry_run, error) ||
	    lb_change_make(&work->pins, change, error))
		return -1;
	lb_done_print(&work->common, &change->done);
	if (!work->common.quiet && !change->dry_run)
		forwarding_note(&work->pins, change->ipv4, change->ipv6);
	return 0;
}

static int run_file(struct lb_work *work, struct error *error)
{
	if (work->count)
		return error_usage(error, work->operands[0], "the file has the operands");
	if (work->request.weight)
		return error_usage(error, "-w", "the lines of the file have the weights");
	if (batch_read(work->common.file, lb_take_line, work, error))
		return -1;
	return change_make(work, error);
}

static int run_verb(struct lb_work *work, enum lb_verb verb, struct error *error)
{
	if (options_refuse(work->command, work->request.given, LB_BIT(LB_ROW_WEIGHT), work->word, error))
		return -1;
	if (work->common.file)
		return run_file(work, error);
	if (lb_ops_parse(&work->change.ops, verb, work->operands, work->count, work->request.weight, 0, error))
		return -1;
	return change_make(work, error);
}

static int run_apply(struct lb_work *work, struct error *error)
{
	if (options_refuse(work->command, work->request.given, LB_BIT(LB_ROW_ALL), applies, error))
		return -1;
	if (!work->common.file)
		return error_usage(error, applies, "needs -f with all that there is to be");
	work->change.replace = true;
	work->change.all = work->request.given & LB_BIT(LB_ROW_ALL);
	return run_file(work, error);
}

/* ---- list ---- */

static int request_fill(const struct lb_work *work, struct lbview_request *view, struct error *error)
{
	bool save = work->request.given & LB_BIT(LB_ROW_SAVE);

	*view = (struct lbview_request){ .json = work->common.json, .quiet = work->common.quiet };
	if (save && (work->request.watch || work->common.json))
		return error_usage(error, "--save", "prints lines of lb_backend apply -f, once");
	view->mode = save ? LBVIEW_SAVE : work->request.watch ? LBVIEW_WATCH : LBVIEW_ONCE;
	view->has_service = work->count;
	if (work->count > 1)
		return error_usage(error, work->operands[1], "unexpected operand (see --help)");
	if (work->count && lb_name_parse(work->operands[0], &view->service, error))
		return -1;
	if (!work->request.watch)
		return 0;
	return num_parse(work->request.watch, 1, SCREEN_SECONDS_MAX, &view->seconds, error);
}

static int run_list(struct lb_work *work, struct error *error)
{
	struct lbview_request view;

	if (options_refuse(work->command, work->request.given, LB_BIT(LB_ROW_SAVE) | LB_BIT(LB_ROW_WATCH), lists,
			   error))
		return -1;
	if (work->common.file)
		return error_usage(error, "-f", "is not for %s", lists);
	if (request_fill(work, &view, error) || pins_open(&work->pins, work->common.pin_dir, PINS_LB, false, error))
		return -1;
	return lbview_run(&work->pins, &view, error);
}

/* ---- flows ---- */

static int flows_take(const struct lb_work *work, struct flow_change *change, struct error *error)
{
	if (options_refuse(work->command, work->request.given, LB_BIT(LB_ROW_SAVE), flows, error))
		return -1;
	if (work->request.given & LB_BIT(LB_ROW_SAVE) && (work->count || work->common.json))
		return error_usage(error, "--save", "prints settings, neither sets nor prints JSON");
	if (work->common.file)
		return error_usage(error, "-f", "is not for %s", flows);
	if (work->common.dry_run && !work->count)
		return error_usage(error, "-n", "no setting was given");
	for (int i = 0; i < work->count; i++)
		if (flow_change_parse(change, &settings_of_lb, work->operands[i], error))
			return -1;
	return 0;
}

static int run_flows(struct lb_work *work, struct error *error)
{
	const struct common_options *common = &work->common;
	struct flow_change change = { 0 };
	bool sets = work->count;

	if (flows_take(work, &change, error) ||
	    pins_open(&work->pins, common->pin_dir, PINS_LB, sets && !common->dry_run, error))
		return -1;
	if (sets)
		return flow_settings_set(&settings_of_lb, &work->pins, &change, common, error);
	if (work->request.given & LB_BIT(LB_ROW_SAVE))
		return flow_settings_save(&settings_of_lb, &work->pins, error);
	return flow_settings_show(&settings_of_lb, &work->pins, common->json ? OUT_JSON : OUT_TABLE, error);
}

/* ---- all ---- */

int lb_work_run(struct lb_work *work, struct error *error)
{
	enum lb_verb verb = lb_verb_find(work->word);

	if (verb != LB_VERBS)
		return run_verb(work, verb, error);
	if (!strcmp(work->word, applies))
		return run_apply(work, error);
	if (!strcmp(work->word, lists))
		return run_list(work, error);
	if (!strcmp(work->word, flows))
		return run_flows(work, error);
	return error_usage(error, work->word,
			   "unknown command (add, delete, drain, undrain, weight, set, up, down, list, apply, flows)");
}

void lb_work_end(struct lb_work *work)
{
	lb_change_free(&work->change);
}
