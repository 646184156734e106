/* SPDX-License-Identifier: GPL-2.0-only */
/* verdict_stat: shows what became of packets, where and why. */
#include "countmetrics.h"
#include "countselect.h"
#include "countview.h"
#include "countwatch.h"
#include "num.h"
#include "option.h"
#include "out.h"
#include "pin.h"
#include "screen.h"

enum { ROW_WATCH = COUNT_SELECT_ROWS, ROW_OPENMETRICS };

static const struct option_row rows[] = {
	COUNT_SELECT_OPTION_ROWS,
	{ "watch", 0, "SECONDS", "show counters and their rates again and again, busiest first" },
	{ "openmetrics", 0, NULL, "print OpenMetrics text, for Prometheus and the like" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]...", "[OPTION]... --watch SECONDS", "[OPTION]... --openmetrics",
					NULL };

static const struct command command = {
	.name = "verdict_stat",
	.synopsis = synopsis,
	.summary =
		"Show how many packets were decided: by which object, where, what came of them, and why. What was "
		"blocked\n"
		"comes first. A selector that is not given matches anything; those that are repeated are alternatives.",
	.options = rows,
	.common = "j",
};

struct request {
	struct count_selector selector;
	uint64_t seconds; /* of --watch; 0: not asked for */
	bool openmetrics;
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;

	switch (row) {
	case ROW_WATCH:
		return num_parse(value, 1, SCREEN_SECONDS_MAX, &request->seconds, error);
	case ROW_OPENMETRICS:
		request->openmetrics = true;
		return 0;
	default:
		return count_selector_option(&request->selector, row, value, error);
	}
}

static int check_form(const struct request *request, bool json, struct error *error)
{
	if (request->openmetrics && request->seconds)
		return error_usage(error, "--openmetrics", "does not go with --watch");
	if (request->openmetrics && json)
		return error_usage(error, "--openmetrics", "does not go with -j");
	return 0;
}

static int print(const char *pin_dir, const struct request *request, bool json, struct error *error)
{
	struct pins pins;

	if (pins_open(&pins, pin_dir, PINS_SHARED, false, error))
		return -1;
	if (request->openmetrics)
		return countmetrics_print(&pins, &request->selector, error);
	if (request->seconds)
		return countwatch_run(&pins, &request->selector, request->seconds, json, error);
	return countview_print(&pins, &request->selector, json ? OUT_JSON : OUT_TABLE, error);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct error error;
	int count = options_parse(&command, argc, argv, &common, take_option, &request, &error);

	if (count > 0)
		error_usage(&error, argv[argc - count], "takes no operands");
	if (count || check_form(&request, common.json, &error) || print(common.pin_dir, &request, common.json, &error))
		return output_finish(error_print(&error));
	return output_finish(EXIT_DONE);
}
