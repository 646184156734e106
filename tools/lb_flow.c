/* SPDX-License-Identifier: GPL-2.0-only */
/* lb_flow: the flows of lb.o, shown, saved and put back. */
#include "batch.h"
#include "clock.h"
#include "lbflowadd.h"
#include "lbflowview.h"
#include "option.h"
#include "pin.h"

#include <stdlib.h>
#include <string.h>

enum { ROW_SAVE = LB_FLOW_SELECT_ROWS };

static const struct option_row rows[] = {
	LB_FLOW_SELECT_OPTION_ROWS,
	{ "save", 0, NULL, "list: print what add -f reads back" },
	{ 0 },
};

static const char *const synopsis[] = {
	"list [SERVICE] [OPTION]... [--save]",
	"add SERVICE BACKEND[:PORT] CLIENT:PORT [NAME=VALUE]...",
	"add -f FILE|-",
	NULL,
};

static const struct command command = {
	.name = "lb_flow",
	.synopsis = synopsis,
	.summary =
		"Show which client's flow goes to which backend, and put flows back that list --save has printed.\n"
		"SERVICE and BACKEND are as lb_backend has them. NAMEs: port, source, mode, state, table, answered,\n"
		"created, last, flags. See lb_flow(8).",
	.options = rows,
	.common = "fnvqj",
};

/* One run. */
struct work {
	struct common_options common;
	struct lb_flow_selector selector;
	uint32_t given; /* options of the table: bits by row */
	struct lb_flow_lines lines;
	uint64_t now; /* ns since the epoch */
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct work *work = context;

	work->given |= 1u << row;
	return row == ROW_SAVE ? 0 : lb_flow_selector_option(&work->selector, row, value, error);
}

/* ---- list ---- */

static int list_print(struct work *work, const struct pins *pins, struct error *error)
{
	struct lb_flow_view view;
	size_t gone;

	if (lb_flow_view_open(&view, pins, &work->selector, error))
		return -1;
	if (work->given & 1u << ROW_SAVE) {
		gone = lb_flow_view_print_lines(&view);
		if (gone && work->common.verbose)
			note_print("%zu flows left out: their service or backend is gone", gone);
	} else {
		lb_flow_view_print(&view, work->common.json ? OUT_JSON : OUT_TABLE);
	}
	lb_flow_view_close(&view);
	return 0;
}

static int run_list(struct work *work, char *const *operands, int count, struct error *error)
{
	struct pins pins;

	if (work->common.file)
		return error_usage(error, "-f", "is not for list");
	if (work->given & 1u << ROW_SAVE && work->common.json)
		return error_usage(error, "--save", "prints lines of lb_flow add -f, not JSON");
	if (lb_flow_selector_operands(&work->selector, operands, count, error) ||
	    pins_open(&pins, work->common.pin_dir, PINS_LB, false, error))
		return -1;
	return list_print(work, &pins, error);
}

/* ---- add ---- */

static int take_operands(struct work *work, char *const *operands, int count, struct error *error)
{
	struct lb_flow_line line;

	return lb_flow_line_parse(operands, count, work->now, &line, error) ||
			       lb_flow_lines_add(&work->lines, &line, error)
		       ? -1
		       : 0;
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	static const struct option_row none[] = { { 0 } };
	static const struct command of_line = { .name = "lb_flow", .options = none, .common = "" };
	int count = options_parse(&of_line, argc, argv, NULL, NULL, NULL, error);

	(void)line;
	return count < 0 ? -1 : take_operands(context, argv + argc - count, count, error);
}

static int run_add(struct work *work, char *const *operands, int count, struct error *error)
{
	const struct common_options *common = &work->common;
	struct pins pins;

	if (options_refuse(&command, work->given, 0, "add", error))
		return -1;
	if (common->json)
		return error_usage(error, "-j", "is not for add");
	if (common->file && count)
		return error_usage(error, operands[0], "the file has the operands");
	work->now = clock_to_epoch(clock_now());
	if (common->file ? batch_read(common->file, take_line, work, error)
			 : take_operands(work, operands, count, error))
		return -1;
	if (pins_open(&pins, common->pin_dir, PINS_LB, !common->dry_run, error))
		return -1;
	return lb_flows_add(&pins, &work->lines, common, error);
}

static int run(struct work *work, int argc, char **argv, struct error *error)
{
	int count = options_parse(&command, argc, argv, &work->common, take_option, work, error);
	char **operands = argv + argc - count;

	if (count < 0)
		return -1;
	if (!count)
		return error_usage(error, "command", "expected list or add (see --help)");
	if (!strcmp(operands[0], "list"))
		return run_list(work, operands + 1, count - 1, error);
	if (!strcmp(operands[0], "add"))
		return run_add(work, operands + 1, count - 1, error);
	return error_usage(error, operands[0], "unknown command (list, add)");
}

int main(int argc, char **argv)
{
	struct work work = { 0 };
	struct error error;
	int failed = run(&work, argc, argv, &error);

	free(work.lines.items);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
