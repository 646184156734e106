/* SPDX-License-Identifier: GPL-2.0-only */
/* rule_list: shows rules and what they did. */
#include "countsout.h"
#include "option.h"
#include "pin.h"
#include "proto.h"
#include "rule.h"
#include "ruleout.h"
#include "ruleset.h"
#include "select.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROW_PROTO = SELECT_ROWS, ROW_SAVE, ROW_COUNTS };

static const struct option_row rows[] = {
	SELECT_OPTION_ROWS,
	{ "proto", 'p', "PROTO", "rules of this protocol" },
	{ "save", 0, NULL, "print the lines of map_update that make these rules" },
	{ "counts", 0, NULL, "print what became of all packets, by reason, instead of rules" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]... [DST LEN [LOW [PROTO]]]", "[-j] --counts", NULL };

static const struct command command = {
	.name = "rule_list",
	.synopsis = synopsis,
	.summary = "List rules, oldest first. A selector that is not given matches anything.\n"
		   "NOTE says dead where nobody listens on the port of a splice rule, and no-route where the local\n"
		   "route is missing that its destination needs.",
	.options = rows,
	.common = "j",
};

struct listing {
	struct selector selector;
	bool selected; /* some selector option was given */
	bool save, counts;
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct listing *listing = context;

	switch (row) {
	case ROW_PROTO:
		listing->selected = listing->selector.has_proto = true;
		return proto_parse(value, &listing->selector.proto, error);
	case ROW_COUNTS:
		listing->counts = true;
		return 0;
	case ROW_SAVE:
		listing->save = true;
		return 0;
	default:
		listing->selected = true;
		return selector_option(&listing->selector, row, value, error);
	}
}

struct view {
	struct ruleset set;
	struct rule_place *places; /* oldest first */
	size_t count;
	struct surroundings surroundings;
};

/* The rule at a place if it is still there and selected. */
static bool view_read(struct view *view, const struct listing *listing, size_t i, struct rules_record *rule)
{
	return ruleset_read(&view->set, &view->places[i], rule) &&
	       selector_matches(&listing->selector, rule, &view->surroundings.listeners);
}

/* Oldest first: read back in this order, the newer of two equal rules stays the newer. */
static void print_lines(struct view *view, const struct listing *listing)
{
	struct rules_record rule;

	for (size_t i = 0; i < view->count; i++)
		if (view_read(view, listing, i, &rule))
			rule_print_line(&rule);
}

static void print_records(struct view *view, const struct listing *listing, enum out_form form)
{
	struct rules_record rule;
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < view->count; i++) {
			if (!view_read(view, listing, i, &rule))
				continue;
			out_begin(&out);
			rule_out(&out, &rule, &view->surroundings);
			out_end(&out);
		}
	} while (out_again(&out));
}

static int print_rules(const struct pins *pins, const struct listing *listing, enum out_form form, struct error *error)
{
	static struct view view; /* 32 KiB */
	int result = -1;

	if (!ruleset_open(&view.set, pins, false, error) && !arena_map_whole(&view.set.arena, error) &&
	    !surroundings_read(&view.surroundings, error) &&
	    !ruleset_order(&view.set, &view.places, &view.count, error)) {
		if (listing->save)
			print_lines(&view, listing);
		else
			print_records(&view, listing, form);
		result = 0;
	}
	surroundings_free(&view.surroundings);
	free(view.places);
	return result;
}

static int list(const char *pin_dir, const struct listing *listing, enum out_form form, struct error *error)
{
	struct pins pins;

	if (pins_open(&pins, pin_dir, false, error))
		return -1;
	return listing->counts ? counts_print(&pins, form, error) : print_rules(&pins, listing, form, error);
}

static int check_form(const struct listing *listing, int operands, bool json, struct error *error)
{
	if (listing->counts && (listing->selected || listing->save || operands))
		return error_usage(error, "--counts", "counts are not of rules: takes neither selectors nor --save");
	if (listing->save && json)
		return error_usage(error, "--save", "prints lines of map_update, not JSON");
	return 0;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct listing listing = { 0 };
	struct error error;
	int count = options_parse(&command, argc, argv, &common, take_option, &listing, &error);

	if (count < 0 || selector_operands(&listing.selector, argv + argc - count, count, &error) ||
	    check_form(&listing, count, common.json, &error) ||
	    list(common.pin_dir, &listing, common.json ? OUT_JSON : OUT_TABLE, &error))
		return output_finish(error_print(&error));
	return output_finish(EXIT_DONE);
}
