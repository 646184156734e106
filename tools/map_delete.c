/* SPDX-License-Identifier: GPL-2.0-only */
/* map_delete: deletes rules. */
#include "batch.h"
#include "option.h"
#include "pin.h"
#include "rule.h"
#include "rulechange.h"
#include "rulefind.h"
#include "ruleout.h"
#include "select.h"

#include <stdlib.h>

enum { ROW_ALL = SELECT_ROWS };

static const struct option_row rows[] = {
	SELECT_OPTION_ROWS,
	{ "all", 0, NULL, "all rules that the selectors match, also none" },
	{ 0 },
};

static const char *const synopsis[] = {
	"[OPTION]... DST LEN [LOW [PROTO]]",
	"[OPTION]... --all | --dead | --service TAG",
	"[OPTION]... -f FILE|-",
	NULL,
};

static const struct command command = {
	.name = "map_delete",
	.synopsis = synopsis,
	.summary = "Delete the rule for DST/LEN whose lowest port is LOW, of protocol PROTO. A selector that is not "
		   "given\n"
		   "matches anything. Where several match, the one whose listener is dead is meant; otherwise they\n"
		   "are listed and nothing is deleted.",
	.options = rows,
	.common = "fnvqj",
};

/* One command: which rules, and whether any number will do. */
struct command_line {
	struct rule_wanted wanted;
	bool given;         /* some option was */
	unsigned long line; /* of the file; 0: from the command line */
};

struct work {
	const char *file;
	struct wanted_list wanted;
	bool many; /* some deletion means any number of rules */
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct command_line *command_line = context;

	command_line->given = true;
	if (row != ROW_ALL)
		return selector_option(&command_line->wanted.selector, row, value, error);
	command_line->wanted.which = RULE_ALL;
	return 0;
}

/* No operands: an option must say that many are meant; an empty tag does not, being what an unset variable gives. */
static bool means_many(const struct rule_wanted *wanted)
{
	return wanted->which == RULE_ALL || wanted->selector.dead ||
	       (wanted->selector.has_service && wanted->selector.service[0]);
}

static int take_wanted(struct work *work, struct command_line *command_line, char *const *operands, int count,
		       struct error *error)
{
	struct rule_wanted *wanted = &command_line->wanted;

	if (selector_operands(&wanted->selector, operands, count, error))
		return -1;
	if (!count && !means_many(wanted) && wanted->selector.has_service)
		return error_usage(error, "service", "an empty tag alone would take every untagged rule, see --all");
	if (!count && !means_many(wanted))
		return error_usage(error, "operands", "expected DST LEN LOW PROTO, --all, --dead or --service TAG");
	if (!count || wanted->selector.dead)
		wanted->which = RULE_ALL;
	wanted->or_none = command_line->line;
	work->many |= wanted->which == RULE_ALL;
	return wanted_name(wanted, work->file, command_line->line, operands, count, error) ||
			       wanted_add(&work->wanted, wanted, error)
		       ? -1
		       : 0;
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct command_line command_line = { .line = line };
	int count = options_parse(&command, argc, argv, NULL, take_option, &command_line, error);

	return count < 0 ? -1 : take_wanted(context, &command_line, argv + argc - count, count, error);
}

static int read_input(int argc, char **argv, struct common_options *common, struct work *work, struct error *error)
{
	struct command_line command_line = { 0 };
	int count = options_parse(&command, argc, argv, common, take_option, &command_line, error);

	if (count < 0)
		return -1;
	if (!common->file)
		return take_wanted(work, &command_line, argv + argc - count, count, error);
	if (count || command_line.given)
		return error_usage(error, common->file, "the file has the operands and options, give none beside it");
	work->file = common->file;
	return batch_read(common->file, take_line, work, error);
}

static int candidates_print(struct ruleset *set, const struct rule_place *places, size_t count, struct error *error)
{
	return rules_print_aside(set, places, count, rule_print_line, error);
}

static int delete_rules(const struct common_options *common, const struct work *work, struct changes *changes,
			struct error *error)
{
	struct rule_deletion deletion = {
		.wanted = work->wanted.items,
		.count = work->wanted.count,
		.several = candidates_print,
		.dry_run = common->dry_run,
		.all_routes = work->many,
	};
	struct pins pins;
	int result = pins_open(&pins, common->pin_dir, PINS_SPLICER, !common->dry_run, error) ||
				     rules_delete(&pins, &deletion, error)
			     ? -1
			     : 0;

	*changes = deletion.changes;
	return result;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct changes changes = { 0 };
	struct work work = { 0 };
	struct error error;
	int failed = read_input(argc, argv, &common, &work, &error) || delete_rules(&common, &work, &changes, &error);

	changes_note_repair(&common, &changes);
	if (!failed)
		changes_print(&common, &changes);
	free(work.wanted.items);
	free(changes.items);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
