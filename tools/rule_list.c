/* SPDX-License-Identifier: GPL-2.0-only */
/* rule_list: shows rules and what they did. */
#include "matchout.h"
#include "num.h"
#include "option.h"
#include "pin.h"
#include "proto.h"
#include "question.h"
#include "ruleview.h"
#include "screen.h"
#include "select.h"
#include "statsout.h"
#include "watch.h"

#include <string.h>

enum { ROW_PROTO = SELECT_ROWS, ROW_SAVE, ROW_STATS, ROW_MATCH, ROW_WATCH, ROW_VERBOSE };

static const struct option_row rows[] = {
	SELECT_OPTION_ROWS,
	{ "proto", 'p', "PROTO", "rules of this protocol" },
	{ "save", 0, NULL, "print the lines of map_update that make these rules" },
	{ "stats", 0, NULL, "print how large the rule set is and what it costs, instead of rules" },
	{ "match", 0, "PACKET", "say what becomes of 'PROTO SRC[:PORT] DST[:PORT] [IFACE]' and why" },
	{ "watch", 0, "SECONDS", "show rules and their rates again and again, busiest first" },
	{ "verbose", 'v', NULL, "with --match: all rules that match" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]... [DST LEN [LOW [PROTO]]]", "[-j] --stats",
					"[-jv] [--direction in|out] --match 'PROTO SRC[:PORT] DST[:PORT] [IFACE]'",
					"[OPTION]... --watch SECONDS [DST LEN [LOW [PROTO]]]", NULL };

static const struct command command = {
	.name = "rule_list",
	.synopsis = synopsis,
	.summary = "List rules, oldest first. A selector that is not given matches anything.\n"
		   "NOTE says dead where nobody listens on the port of a splice rule, and no-route where the local\n"
		   "route is missing that its destination needs.",
	.options = rows,
	.common = "j",
};

/* What is printed: at most one of these is asked for. */
enum mode { MODE_RULES, MODE_SAVE, MODE_STATS, MODE_MATCH, MODE_WATCH };

struct listing {
	struct selector selector;
	bool selected; /* some selector option was given, other than the direction, which goes with --match too */
	bool verbose;
	enum mode mode;
	const char *mode_option; /* that asked for it */
	const char *packet;      /* of --match */
	uint64_t seconds;        /* of --watch */
};

static int take_mode(struct listing *listing, enum mode mode, const char *option, struct error *error)
{
	if (listing->mode_option)
		return error_usage(error, option, "does not go with %s", listing->mode_option);
	listing->mode = mode;
	listing->mode_option = option;
	return 0;
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct listing *listing = context;

	switch (row) {
	case ROW_PROTO:
		listing->selected = listing->selector.has_proto = true;
		return proto_parse(value, &listing->selector.proto, error);
	case ROW_STATS:
		return take_mode(listing, MODE_STATS, "--stats", error);
	case ROW_SAVE:
		return take_mode(listing, MODE_SAVE, "--save", error);
	case ROW_MATCH:
		listing->packet = value;
		return take_mode(listing, MODE_MATCH, "--match", error);
	case ROW_WATCH:
		if (num_parse(value, 1, SCREEN_SECONDS_MAX, &listing->seconds, error))
			return -1;
		return take_mode(listing, MODE_WATCH, "--watch", error);
	case ROW_VERBOSE:
		listing->verbose = true;
		return 0;
	default:
		listing->selected |= row != SELECT_DIRECTION;
		return selector_option(&listing->selector, row, value, error);
	}
}

/* Rules can be saved also where the kernel does not tell of sockets. */
static bool must_look(const struct listing *listing)
{
	return listing->mode != MODE_SAVE || listing->selector.dead;
}

static int print_view(struct ruleview *view, const struct listing *listing, enum out_form form, struct error *error)
{
	if (must_look(listing) && ruleview_look(view, error))
		return -1;
	if (listing->mode == MODE_SAVE)
		ruleview_print_lines(view, &listing->selector);
	else
		ruleview_print(view, &listing->selector, form);
	return 0;
}

static int print_rules(const struct pins *pins, const struct listing *listing, enum out_form form, struct error *error)
{
	static struct ruleview view; /* 32 KiB */
	int result;

	if (ruleview_open(&view, pins, error))
		return -1;
	result = print_view(&view, listing, form, error);
	ruleview_close(&view);
	return result;
}

static int list(const char *pin_dir, const struct listing *listing, bool json, struct error *error)
{
	enum out_form form = json ? OUT_JSON : OUT_TABLE;
	struct pins pins;

	if (pins_open(&pins, pin_dir, PINS_SPLICER, false, error))
		return -1;
	switch (listing->mode) {
	case MODE_STATS:
		return stats_print(&pins, form, error);
	case MODE_MATCH:
		return match_print(&pins, listing->packet, listing->selector.direction, form, listing->verbose, error);
	case MODE_WATCH:
		return watch_run(&pins, &listing->selector, listing->seconds, json, error);
	default:
		return print_rules(&pins, listing, form, error);
	}
}

/* The packet is read here too: what is malformed is told before anything is opened. */
static int check_form(const struct listing *listing, int operands, bool json, struct error *error)
{
	bool of_rules = listing->mode == MODE_RULES || listing->mode == MODE_SAVE || listing->mode == MODE_WATCH;
	bool directed = listing->selector.has_direction && listing->mode != MODE_MATCH;
	struct question question;

	if (!of_rules && (listing->selected || directed || operands))
		return error_usage(error, listing->mode_option, "takes no selectors");
	if (listing->mode == MODE_SAVE && json)
		return error_usage(error, "--save", "prints lines of map_update, not JSON");
	if (listing->verbose && listing->mode != MODE_MATCH)
		return error_usage(error, "-v", "goes with --match only");
	return listing->packet ? question_parse(listing->packet, &question, error) : 0;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct listing listing = { 0 };
	struct error error;
	int count = options_parse(&command, argc, argv, &common, take_option, &listing, &error);

	if (count < 0 || selector_operands(&listing.selector, argv + argc - count, count, &error) ||
	    check_form(&listing, count, common.json, &error) || list(common.pin_dir, &listing, common.json, &error))
		return output_finish(error_print(&error));
	return output_finish(EXIT_DONE);
}
