/* SPDX-License-Identifier: GPL-2.0-only */
/* flow_watch: signs of attack in the sessions that flow.o counts. */
#include "clock.h"
#include "flowwatch.h"
#include "num.h"
#include "option.h"
#include "screen.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	ROW_ABSOLUTE = FLOW_SELECT_COMMON_ROWS,
	ROW_AGAIN,
	ROW_AGAINST,
	ROW_BANS,
	ROW_INTERVAL,
	ROW_LEARN,
	ROW_LIST_SIGNS,
	ROW_MOST,
	ROW_NEVER,
	ROW_ONCE,
	ROW_ONLY,
	ROW_PROVEN,
	ROW_SET,
	ROW_VERBOSE,
	ROW_WINDOW
};

static const struct option_row rows[] = {
	FLOW_SELECT_COMMON_OPTION_ROWS,
	{ "absolute", 't', NULL, "times with date, UTC" },
	{ "again", 0, "SECONDS", "say the same again only after so long (300)" },
	{ "against", 0, "FILE", "compare with what --learn has learned" },
	{ "bans", 0, NULL, "print lines for xdp_rule add -f instead" },
	{ "interval", 0, "SECONDS", "look every so often (10)" },
	{ "learn", 0, "FILE", "say nothing, but learn to FILE what is usual" },
	{ "list-signs", 0, NULL, "say what signs there are and what can be set, and exit" },
	{ "most", 0, "NUMBER", "remember so many sessions (262144)" },
	{ "never", 0, "PREFIX|FILE", "these are never banned" },
	{ "once", 0, NULL, "look at all that is counted now, and exit" },
	{ "only", 0, "KIND,...", "look for these kinds of signs only" },
	{ "proven", 0, NULL, "only sources that completed a TCP handshake" },
	{ "set", 0, "KIND.NAME=VALUE", "set a threshold; see --list-signs" },
	{ "verbose", 'v', NULL, "say at each look how many sessions are known" },
	{ "window", 0, "SECONDS", "look at what began so lately (60)" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]... [PREFIX]", "[OPTION]... --once [PREFIX]",
					"[OPTION]... --bans [PREFIX]", "[-j] [--set KIND.NAME=VALUE]... --list-signs",
					NULL };

static const struct command command = {
	.name = "flow_watch",
	.synopsis = synopsis,
	.summary = "Print a line for each sign of attack in the sessions that flow.o counts. PREFIX (an address,\n"
		   "ADDRESS/LEN, or a range A-B) is where one of the two ends is. What is selected is looked at alone.",
	.options = rows,
	.common = "jq",
};

struct request {
	struct flowwatch watch;
	uint32_t given; /* options, by row */
};

static int take_again(struct signs *signs, const char *value, struct error *error)
{
	uint64_t seconds;

	if (num_parse(value, 0, UINT32_MAX, &seconds, error))
		return -1;
	signs->again = seconds * CLOCK_SECOND;
	return 0;
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;
	struct flowwatch *watch = &request->watch;

	request->given |= 1u << row;
	switch (row) {
	case ROW_AGAIN:
		return take_again(&watch->signs, value, error);
	case ROW_AGAINST:
		watch->against = value;
		return 0;
	case ROW_INTERVAL:
		return num_parse(value, 1, SCREEN_SECONDS_MAX, &watch->interval, error);
	case ROW_LEARN:
		watch->learn = value;
		return 0;
	case ROW_MOST:
		return num_parse(value, 1, UINT32_MAX / 2, &watch->most, error);
	case ROW_NEVER:
		return never_take(&watch->out.never, value, error);
	case ROW_ONLY:
		return signs_choose(&watch->signs, value, error);
	case ROW_SET:
		return signs_set(&watch->signs, value, error);
	case ROW_WINDOW:
		return num_parse(value, 1, SCREEN_SECONDS_MAX, &watch->window, error);
	default:
		return row < FLOW_SELECT_COMMON_ROWS ? flow_selector_option(&watch->selector, row, value, error) : 0;
	}
}

static bool is_given(const struct request *request, unsigned int row)
{
	return request->given >> row & 1;
}

#define BIT(row) (1u << (row))
#define OF_OUTPUT                                                                                                   \
	(BIT(ROW_BANS) | BIT(ROW_PROVEN) | BIT(ROW_NEVER) | BIT(ROW_AGAIN) | BIT(ROW_ABSOLUTE) | BIT(ROW_AGAINST) | \
	 BIT(ROW_ONLY))

static int options_check(const struct request *request, bool json, struct error *error)
{
	const struct flowwatch *watch = &request->watch;

	if (is_given(request, ROW_LIST_SIGNS))
		return options_refuse(&command, request->given, BIT(ROW_LIST_SIGNS) | BIT(ROW_SET), "--list-signs",
				      error);
	if (watch->learn && options_refuse(&command, request->given, ~(uint32_t)OF_OUTPUT, "--learn", error))
		return -1;
	if (is_given(request, ROW_BANS) && (json || is_given(request, ROW_ABSOLUTE)))
		return error_usage(error, "--bans", "does not go with another form of output");
	if (watch->interval > watch->window)
		return error_usage(error, "--interval",
				   "is not longer than --window, or some of it is never looked at");
	return 0;
}

static int run(struct request *request, const struct common_options *common, struct error *error)
{
	struct flowwatch *watch = &request->watch;

	if (is_given(request, ROW_LIST_SIGNS)) {
		signs_list(&watch->signs, common->json);
		return 0;
	}
	watch->pin_dir = common->pin_dir;
	watch->quiet = common->quiet;
	watch->verbose = is_given(request, ROW_VERBOSE);
	watch->once = is_given(request, ROW_ONCE);
	watch->out.absolute = is_given(request, ROW_ABSOLUTE);
	watch->out.proven_only = is_given(request, ROW_PROVEN);
	watch->out.form = is_given(request, ROW_BANS) ? SIGNS_AS_BANS : common->json ? SIGNS_AS_JSON : SIGNS_AS_TEXT;
	return flowwatch_run(watch, error);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { .watch = {
					   .interval = WATCH_INTERVAL, .window = WATCH_WINDOW, .most = WATCH_MOST } };
	struct flowwatch *watch = &request.watch;
	struct error error;
	int count, result;

	if (signs_open(&watch->signs, &error))
		return error_print(&error);
	watch->signs.again = WATCH_AGAIN * CLOCK_SECOND;
	count = options_parse(&command, argc, argv, &common, take_option, &request, &error);
	result = count < 0 || options_check(&request, common.json, &error) ||
		 flow_selector_operands(&watch->selector, argv + argc - count, count, &error) ||
		 run(&request, &common, &error);
	flowwatch_close(watch);
	return output_finish(result ? error_print(&error) : EXIT_DONE);
}
