/* SPDX-License-Identifier: GPL-2.0-only */
/* rule_list: shows rules and what they did. */
#include "option.h"
#include "pin.h"
#include "proto.h"
#include "rule.h"
#include "ruleout.h"
#include "ruleset.h"
#include "select.h"

#include <stdio.h>

enum { ROW_PROTO = SELECT_ROWS, ROW_SAVE };

static const struct option_row rows[] = {
	SELECT_OPTION_ROWS,
	{ "proto", 'p', "PROTO", "rules of this protocol" },
	{ "save", 0, NULL, "print the lines of map_update that make these rules" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]... [DST LEN [LOW [PROTO]]]", NULL };

static const struct command command = {
	.name = "rule_list",
	.synopsis = synopsis,
	.summary = "List rules in about the order of insertion. A selector that is not given matches anything.\n"
		   "NOTE says dead where nobody listens on the port of a splice rule, and no-route where the local\n"
		   "route is missing that its destination needs.",
	.options = rows,
	.common = "j",
};

struct listing {
	struct selector selector;
	bool save;
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct listing *listing = context;

	switch (row) {
	case ROW_PROTO:
		listing->selector.has_proto = true;
		return proto_parse(value, &listing->selector.proto, error);
	case ROW_SAVE:
		listing->save = true;
		return 0;
	default:
		return selector_option(&listing->selector, row, value, error);
	}
}

static void print_lines(struct ruleset *set, const struct listing *listing, const struct surroundings *surroundings)
{
	struct rules_record rule;
	uint32_t cursor = 0;

	while (ruleset_next(set, &cursor, &rule))
		if (selector_matches(&listing->selector, &rule, &surroundings->listeners))
			rule_print_line(&rule);
}

static void print_records(struct ruleset *set, const struct listing *listing, enum out_form form,
			  const struct surroundings *surroundings)
{
	struct rules_record rule;
	struct out out;

	out_open(&out, form);
	do {
		uint32_t cursor = 0;

		while (ruleset_next(set, &cursor, &rule)) {
			if (!selector_matches(&listing->selector, &rule, &surroundings->listeners))
				continue;
			out_begin(&out);
			rule_out(&out, &rule, surroundings);
			out_end(&out);
		}
	} while (out_again(&out));
}

static int list(const char *pin_dir, const struct listing *listing, enum out_form form, struct error *error)
{
	static struct surroundings surroundings; /* 32 KiB */
	struct ruleset set;
	struct pins pins;

	if (pins_open(&pins, pin_dir, error) || ruleset_open(&set, &pins, false, error) ||
	    arena_map_whole(&set.arena, error) || surroundings_read(&surroundings, error))
		return -1;
	if (listing->save)
		print_lines(&set, listing, &surroundings);
	else
		print_records(&set, listing, form, &surroundings);
	surroundings_free(&surroundings);
	ruleset_close(&set);
	return 0;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct listing listing = { 0 };
	struct error error;
	int count = options_parse(&command, argc, argv, &common, take_option, &listing, &error);

	if (count < 0 || selector_operands(&listing.selector, argv + argc - count, count, &error) ||
	    list(common.pin_dir, &listing, common.json ? OUT_JSON : OUT_TABLE, &error))
		return error_print(&error);
	if (fflush(stdout) || ferror(stdout)) {
		error_errno(&error, "stdout");
		return error_print(&error);
	}
	return EXIT_DONE;
}
