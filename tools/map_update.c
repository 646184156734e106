/* SPDX-License-Identifier: GPL-2.0-only */
/* map_update: inserts rules, or changes them. */
#include "batch.h"
#include "option.h"
#include "ownaddr.h"
#include "pin.h"
#include "rule.h"
#include "ruleout.h"
#include "ruleroute.h"
#include "ruleset.h"

#include <stdlib.h>

enum row { ROW_SOURCE, ROW_INTERFACE, ROW_ACTION, ROW_PRIORITY, ROW_SERVICE, ROW_ROUTE };

static const struct option_row rows[] = {
	[ROW_SOURCE] = { "source", 's', "PREFIX", "only packets from here; A-B is a range (any)" },
	[ROW_INTERFACE] = { "iface", 'i', "NAME", "only packets received here; repeatable, one rule each (any)" },
	[ROW_ACTION] = { "action", 'a', "ACTION", "pass, drop or splice (splice; pass where TPROXY_PORT is 0)" },
	[ROW_PRIORITY] = { "priority", 'P', "NUMBER", "higher is asked first (0)" },
	[ROW_SERVICE] = { "service", 'S', "TAG", "what the rule belongs to, up to 64 bytes" },
	[ROW_ROUTE] = { "route", 0, NULL, "add the local route that a spliced prefix needs" },
	{ 0 },
};

static const char *const synopsis[] = {
	"[OPTION]... DST LEN LOW HIGH TPROXY_PORT PROTO",
	"[OPTION]... -f FILE|-",
	NULL,
};

static const struct command command = {
	.name = "map_update",
	.synopsis = synopsis,
	.summary = "Insert a rule: packets to DST/LEN, destination ports LOW to HIGH, of protocol PROTO, go to the\n"
		   "socket that listens on 127.0.0.1 (or ::1) port TPROXY_PORT; 0 passes them to the stack.\n"
		   "See splicer.rules(5).",
	.options = rows,
	.common = "fnvqj",
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct rule_options *options = context;

	switch ((enum row)row) {
	case ROW_SOURCE:
		options->source = value;
		break;
	case ROW_INTERFACE:
		if (options->interface_count == RULE_INTERFACES_MAX)
			return error_usage(error, value, "more than %d interfaces", RULE_INTERFACES_MAX);
		options->interfaces[options->interface_count++] = value;
		break;
	case ROW_ACTION:
		options->action = value;
		break;
	case ROW_PRIORITY:
		options->priority = value;
		break;
	case ROW_SERVICE:
		options->service = value;
		break;
	case ROW_ROUTE:
		options->route = true;
	}
	return 0;
}

/* One rule as its operands say, from the command line or a line of a file. */
static int take_operands(struct changes *changes, char *const *operands, int count, const struct rule_options *options,
			 struct error *error)
{
	struct rules_record *rules;
	size_t number;
	int result = 0;

	if (count != RULE_OPERANDS)
		return error_usage(error, count ? operands[count - 1] : "operands",
				   "expected DST LEN LOW HIGH TPROXY_PORT PROTO, got %d operands", count);
	if (rule_parse(operands, options, &rules, &number, error))
		return -1;
	for (size_t i = 0; i < number && !result; i++)
		result = changes_add(changes, CHANGE_PUT, &rules[i], error);
	free(rules);
	return result;
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct rule_options options = { 0 };
	int count = options_parse(&command, argc, argv, NULL, take_option, &options, error);

	(void)line;
	return count < 0 ? -1 : take_operands(context, argv + argc - count, count, &options, error);
}

static int read_input(int argc, char **argv, struct common_options *common, struct changes *changes,
		      struct error *error)
{
	struct rule_options options = { 0 };
	int count = options_parse(&command, argc, argv, common, take_option, &options, error);

	if (count < 0)
		return -1;
	if (!common->file)
		return take_operands(changes, argv + argc - count, count, &options, error);
	if (count || options.source || options.interface_count || options.action || options.priority ||
	    options.service || options.route)
		return error_usage(error, common->file, "the file has the operands and options, give none beside it");
	return batch_read(common->file, take_line, changes, error);
}

/* What must be so before the first packet meets a rule, and is taken back when the rules could not be changed. */
static int update_rules(struct pins *pins, struct ruleset *set, struct changes *changes, struct error *error)
{
	uint32_t seen = pins->config->rules_seen;
	struct prefix_list added = { 0 };
	int result = rule_routes_add(changes, &added, error);

	if (!result) {
		__atomic_store_n(&pins->config->rules_seen, seen || changes->count, __ATOMIC_SEQ_CST);
		result = ruleset_apply(set, changes, false, error);
		if (result) {
			__atomic_store_n(&pins->config->rules_seen, seen, __ATOMIC_SEQ_CST);
			rule_routes_undo(&added);
		}
	}
	free(added.items);
	return result;
}

/* Addresses first: with the first rule SSH is confined to them, and the operator must not be locked out. */
static int update(struct pins *pins, struct changes *changes, bool dry_run, struct error *error)
{
	struct ruleset set;
	int result;

	if (pins_lock(pins, error) || ruleset_open(&set, pins, true, error))
		return -1;
	if (dry_run)
		result = rule_routes_preview(changes, error) || ruleset_apply(&set, changes, true, error) ? -1 : 0;
	else
		result = own_addresses_sync(pins, error) || update_rules(pins, &set, changes, error) ? -1 : 0;
	pins_unlock(pins);
	ruleset_close(&set);
	return result;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct changes changes = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &changes, &error) ||
		     pins_open(&pins, common.pin_dir, !common.dry_run, &error) ||
		     update(&pins, &changes, common.dry_run, &error);

	if (!failed)
		changes_print(&common, &changes);
	free(changes.items);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
