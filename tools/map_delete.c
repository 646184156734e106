/* SPDX-License-Identifier: GPL-2.0-only */
/* map_delete: deletes rules. */
#include "array.h"
#include "batch.h"
#include "option.h"
#include "ownaddr.h"
#include "pin.h"
#include "rule.h"
#include "ruleout.h"
#include "ruleroute.h"
#include "ruleset.h"
#include "select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
struct deletion {
	struct selector selector;
	bool all;
	bool given;                      /* some option was */
	unsigned long line;              /* of the file; 0: from the command line */
	char named[6 * PREFIX_TEXT_MAX]; /* the operands, for messages */
};

struct work {
	const char *file;
	struct deletion *items;
	size_t count;
	struct changes changes;
	bool many; /* some deletion means any number of rules */
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct deletion *deletion = context;

	deletion->given = true;
	if (row != ROW_ALL)
		return selector_option(&deletion->selector, row, value, error);
	deletion->all = true;
	return 0;
}

/* "10.0.0.0 24 80 tcp", as the user wrote it, after the place in a file. */
static void name_deletion(const struct work *work, struct deletion *deletion, char *const *operands, int count)
{
	size_t used = 0;

	if (deletion->line && work->file)
		used = (size_t)snprintf(deletion->named, sizeof(deletion->named),
					"%.60s:%lu:1: ", strcmp(work->file, "-") ? work->file : "stdin",
					deletion->line);
	for (int i = 0; i < count && used < sizeof(deletion->named); i++)
		used += (size_t)snprintf(deletion->named + used, sizeof(deletion->named) - used, i ? " %.40s" : "%.40s",
					 operands[i]);
}

static int deletion_add(struct work *work, const struct deletion *deletion, struct error *error)
{
	struct deletion *items = array_room(work->items, work->count, sizeof(*items));

	if (!items)
		return error_errno(error, command.name);
	work->items = items;
	work->items[work->count++] = *deletion;
	work->many |= deletion->all;
	return 0;
}

static struct prefix_list list_one(const struct prefix_list *list, size_t i)
{
	return list->count ? (struct prefix_list){ &list->items[i], 1 } : *list;
}

/* A range made a rule for each of its prefixes: each is deleted as if it had been named alone. */
static int deletions_expand(struct work *work, const struct deletion *deletion, struct error *error)
{
	const struct prefix_list *dst = &deletion->selector.dst, *src = &deletion->selector.src;
	int result = 0;

	for (size_t d = 0; !result && d < (dst->count ? dst->count : 1); d++) {
		for (size_t s = 0; !result && s < (src->count ? src->count : 1); s++) {
			struct deletion one = *deletion;

			one.selector.dst = list_one(dst, d);
			one.selector.src = list_one(src, s);
			result = deletion_add(work, &one, error);
		}
	}
	return result;
}

/* No operands: an option must say that many are meant; an empty tag does not, being what an unset variable gives. */
static bool means_many(const struct deletion *deletion)
{
	return deletion->all || deletion->selector.dead ||
	       (deletion->selector.has_service && deletion->selector.service[0]);
}

static int take_deletion(struct work *work, struct deletion deletion, char *const *operands, int count,
			 struct error *error)
{
	if (selector_operands(&deletion.selector, operands, count, error))
		return -1;
	if (!count && !means_many(&deletion) && deletion.selector.has_service)
		return error_usage(error, "service", "an empty tag alone would take every untagged rule, see --all");
	if (!count && !means_many(&deletion))
		return error_usage(error, "operands", "expected DST LEN LOW PROTO, --all, --dead or --service TAG");
	if (!count || deletion.selector.dead)
		deletion.all = true;
	name_deletion(work, &deletion, operands, count);
	return deletions_expand(work, &deletion, error);
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct deletion deletion = { .line = line };
	int count = options_parse(&command, argc, argv, NULL, take_option, &deletion, error);

	return count < 0 ? -1 : take_deletion(context, deletion, argv + argc - count, count, error);
}

static int read_input(int argc, char **argv, struct common_options *common, struct work *work, struct error *error)
{
	struct deletion deletion = { 0 };
	int count = options_parse(&command, argc, argv, common, take_option, &deletion, error);

	if (count < 0)
		return -1;
	if (!common->file)
		return take_deletion(work, deletion, argv + argc - count, count, error);
	if (count || deletion.given)
		return error_usage(error, common->file, "the file has the operands and options, give none beside it");
	work->file = common->file;
	return batch_read(common->file, take_line, work, error);
}

static int candidates_print(struct ruleset *set, const struct deletion *deletion, unsigned long count,
			    struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;

	/* on stderr: callers copy stdout to their logs */
	fflush(stdout);
	if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_errno(error, command.name);
	while (ruleset_next(set, &cursor, &rule))
		if (selector_matches(&deletion->selector, &rule, NULL))
			rule_print_line(&rule);
	fflush(stdout);
	return error_state(error, deletion->named, "%lu rules match, nothing was deleted; say which (see --help)",
			   count);
}

/* Exactly one of several is meant when its listener is the only dead one. */
static int find_one(struct ruleset *set, const struct deletion *deletion, const struct listeners *listeners,
		    struct work *work, struct error *error)
{
	struct rules_record rule, match = { 0 }, dead = { 0 };
	unsigned long count = 0, dead_count = 0;
	uint32_t cursor = 0;

	while (ruleset_next(set, &cursor, &rule)) {
		if (!selector_matches(&deletion->selector, &rule, listeners))
			continue;
		match = rule;
		count++;
		if (rule_is_dead(&rule, listeners)) {
			dead = rule;
			dead_count++;
		}
	}
	if (count > 1 && dead_count != 1)
		return candidates_print(set, deletion, count, error);
	if (!count)
		return deletion->line ? 0 : error_state(error, deletion->named, "no such rule");
	return changes_add(&work->changes, CHANGE_DELETE, count == 1 ? &match : &dead, error);
}

static int find_all(struct ruleset *set, const struct deletion *deletion, const struct listeners *listeners,
		    struct work *work, struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;

	while (ruleset_next(set, &cursor, &rule))
		if (selector_matches(&deletion->selector, &rule, listeners) &&
		    changes_add(&work->changes, CHANGE_DELETE, &rule, error))
			return -1;
	return 0;
}

static int find_rules(struct ruleset *set, struct work *work, struct error *error)
{
	static struct listeners listeners; /* 32 KiB */

	if (netlink_listeners(&listeners, error))
		return -1;
	for (size_t i = 0; i < work->count; i++) {
		const struct deletion *deletion = &work->items[i];

		if (deletion->all ? find_all(set, deletion, &listeners, work, error)
				  : find_one(set, deletion, &listeners, work, error))
			return -1;
	}
	return 0;
}

static int delete_rules(struct pins *pins, struct work *work, bool dry_run, struct error *error)
{
	struct ruleset set;

	if (pins_lock(pins, error) || ruleset_open(&set, pins, true, error) ||
	    (!dry_run && own_addresses_sync(pins, error)) || find_rules(&set, work, error) ||
	    ruleset_apply(&set, &work->changes, dry_run, error))
		return -1;
	if (!dry_run && rule_routes_remove(&set, &work->changes, work->many, error))
		return -1;
	pins_unlock(pins);
	ruleset_close(&set);
	return 0;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct work work = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &work, &error) ||
		     pins_open(&pins, common.pin_dir, !common.dry_run, &error) ||
		     delete_rules(&pins, &work, common.dry_run, &error);

	if (!failed)
		changes_print(&common, &work.changes);
	free(work.items);
	free(work.changes.items);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
