/* SPDX-License-Identifier: GPL-2.0-only */
/* map_update: inserts rules, or changes them. */
#include "batch.h"
#include "option.h"
#include "pin.h"
#include "rule.h"
#include "rulechange.h"
#include "rulekey.h"
#include "ruleout.h"

#include <stdlib.h>

enum row {
	ROW_SOURCE,
	ROW_INTERFACE,
	ROW_DIRECTION,
	ROW_ACTION,
	ROW_PRIORITY,
	ROW_SERVICE,
	ROW_MODE,
	ROW_MAX_DURATION,
	ROW_TTL,
	ROW_EXPIRES,
	ROW_ROUTE,
	ROW_REPLACE
};

static const struct option_row rows[] = {
	[ROW_SOURCE] = { "source", 's', "PREFIX", "only packets from here; A-B is a range (any)" },
	[ROW_INTERFACE] = { "iface", 'i', "NAME", "only packets of this interface; repeatable, one rule each (any)" },
	[ROW_DIRECTION] = { "direction", 0, "in|out", "packets that come in, or that leave (in)" },
	[ROW_ACTION] = { "action", 'a', "ACTION", "pass, drop or splice (splice; pass where TPROXY_PORT is 0)" },
	[ROW_PRIORITY] = { "priority", 'P', "NUMBER", "higher is asked first (0)" },
	[ROW_SERVICE] = { "service", 'S', "TAG", "what the rule belongs to, up to 64 bytes" },
	[ROW_MODE] = { "mode", 0, "prevent|detect", "detect: what it would drop passes (as the interface)" },
	[ROW_MAX_DURATION] = { "max-duration", 0, "SECONDS", "its connections last no longer" },
	[ROW_TTL] = { "ttl", 0, "SECONDS", "the rule ends after so long" },
	[ROW_EXPIRES] = { "expires", 0, "TIME", "the rule ends then; seconds since the epoch" },
	[ROW_ROUTE] = { "route", 0, NULL, "add the local route that a spliced prefix needs" },
	[ROW_REPLACE] = { "replace", 0, NULL, "with -f: rules that are not in FILE go" },
	{ 0 },
};

static const char *const synopsis[] = {
	"[OPTION]... DST LEN LOW HIGH TPROXY_PORT PROTO",
	"[-nvqj] [--replace] -f FILE|-",
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

/* What one command line or line of a file says. */
struct request {
	struct rule_options options;
	bool given; /* some option of a rule was */
	bool replace;
};

static int take_interface(struct rule_options *options, const char *value, struct error *error)
{
	if (options->interface_count == RULE_INTERFACES_MAX)
		return error_usage(error, value, "more than %d interfaces", RULE_INTERFACES_MAX);
	options->interfaces[options->interface_count++] = value;
	return 0;
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;
	struct rule_options *options = &request->options;

	request->given |= row != ROW_REPLACE;
	switch ((enum row)row) {
	case ROW_SOURCE:
		options->source = value;
		break;
	case ROW_INTERFACE:
		return take_interface(options, value, error);
	case ROW_DIRECTION:
		options->direction = value;
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
	case ROW_MODE:
		options->mode = value;
		break;
	case ROW_MAX_DURATION:
		options->max_duration = value;
		break;
	case ROW_TTL:
		options->ttl = value;
		break;
	case ROW_EXPIRES:
		options->expires = value;
		break;
	case ROW_ROUTE:
		options->route = true;
		break;
	case ROW_REPLACE:
		request->replace = true;
	}
	return 0;
}

/* One rule as its operands say. In a file that was saved a while ago there may be some that have expired since. */
static int take_operands(struct changes *changes, char *const *operands, int count, const struct rule_options *options,
			 bool in_file, struct error *error)
{
	struct rules_record *rules;
	size_t number;
	int result = 0;

	if (count != RULE_OPERANDS)
		return error_usage(error, count ? operands[count - 1] : "operands",
				   "expected DST LEN LOW HIGH TPROXY_PORT PROTO, got %d operands", count);
	if (rule_parse(operands, options, &rules, &number, error))
		return -1;
	if (rule_has_expired(&rules[0])) {
		number = 0;
		if (!in_file)
			result = error_usage(error, options->expires, "is past");
	}
	for (size_t i = 0; i < number && !result; i++)
		result = changes_add(changes, CHANGE_PUT, &rules[i], error);
	free(rules);
	return result;
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct request request = { 0 };
	int count = options_parse(&command, argc, argv, NULL, take_option, &request, error);

	(void)line;
	if (count < 0)
		return -1;
	if (request.replace)
		return error_usage(error, "--replace", "is for the command line");
	return take_operands(context, argv + argc - count, count, &request.options, true, error);
}

static int read_input(int argc, char **argv, struct common_options *common, struct changes *changes,
		      struct error *error)
{
	struct request request = { 0 };
	int count = options_parse(&command, argc, argv, common, take_option, &request, error);

	if (count < 0)
		return -1;
	changes->replace = request.replace;
	if (!common->file && request.replace)
		return error_usage(error, "--replace", "needs -f with all the rules there are to be");
	if (!common->file)
		return take_operands(changes, argv + argc - count, count, &request.options, false, error);
	if (count || request.given)
		return error_usage(error, common->file, "the file has the operands and options, give none beside it");
	return batch_read(common->file, take_line, changes, error);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct changes changes = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &changes, &error) ||
		     pins_open(&pins, common.pin_dir, PINS_SPLICER, !common.dry_run, &error) ||
		     rules_put(&pins, &changes, common.dry_run, &error);

	changes_note_repair(&common, &changes);
	if (!failed)
		changes_print(&common, &changes);
	free(changes.items);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
