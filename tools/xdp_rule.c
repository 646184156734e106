/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_rule: the rules of xdp_filter.o. */
#include "batch.h"
#include "option.h"
#include "pin.h"
#include "rulekey.h"
#include "ruleout.h"
#include "xdpchange.h"
#include "xdprule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum row {
	ROW_SOURCE,
	ROW_DESTINATION,
	ROW_PROTO,
	ROW_DPORT,
	ROW_ICMP,
	ROW_INTERFACE,
	ROW_PRIORITY,
	ROW_SERVICE,
	ROW_TTL,
	ROW_EXPIRES,
	ROW_RATE,
	ROW_MASK,
	ROW_REPLACE,
	ROW_ALL,
	ROW_FORCE,
	ROW_SAVE,
	ROW_WATCH,
};

static const struct option_row rows[] = {
	[ROW_SOURCE] = { "source", 's', "PREFIX", "packets from here; as the operand PREFIX" },
	[ROW_DESTINATION] = { "destination", 'd', "PREFIX", "packets to here; A-B is a range (any)" },
	[ROW_PROTO] = { "proto", 'p', "PROTO", "tcp, udp, icmp, icmpv6, a number, nonip (any)" },
	[ROW_DPORT] = { "dport", 0, "LOW[-HIGH]", "destination ports; needs -p" },
	[ROW_ICMP] = { "icmp", 0, "TYPE[/CODE]", "ICMP type and code; needs -p icmp or icmpv6" },
	[ROW_INTERFACE] = { "iface", 'i', "NAME", "only packets of this interface; repeatable, one rule each (any)" },
	[ROW_PRIORITY] = { "priority", 'P', "NUMBER", "higher is asked first (0)" },
	[ROW_SERVICE] = { "service", 'S', "TAG", "what the rule belongs to, up to 64 bytes" },
	[ROW_TTL] = { "ttl", 0, "SECONDS", "the rule ends after so long" },
	[ROW_EXPIRES] = { "expires", 0, "TIME", "the rule ends then; seconds since the epoch" },
	[ROW_RATE] = { "rate", 0, "PPS[:BURST]", "drop: what a source sends beyond; pass: what is within" },
	[ROW_MASK] = { "mask", 0, NULL, "clear host bits of a prefix instead of refusing it" },
	[ROW_REPLACE] = { "replace", 0, NULL, "with -f: rules that are not in FILE go" },
	[ROW_ALL] = { "all", 0, NULL, "any number of rules; replace, flush: also defaults and never-drop" },
	[ROW_FORCE] = { "force", 0, NULL, "even if it cuts the SSH session that you sit at" },
	[ROW_SAVE] = { "save", 0, NULL, "list: print what -f reads back" },
	[ROW_WATCH] = { "watch", 0, "SECONDS", "list: show rules and their rates again and again" },
	{ 0 },
};

static const char *const synopsis[] = {
	"add [PREFIX] [drop|pass|monitor|never-drop] [OPTION]...",
	"[add [ACTION] [OPTION]...] [--replace [--all]] -f FILE|-",
	"delete [PREFIX] [ACTION] [--all] [OPTION]...",
	"delete [OPTION]... -f FILE|-",
	"list [PREFIX] [ACTION] [--save | --watch SECONDS] [-j] [OPTION]...",
	"flush [-i NAME] [-S TAG] [--all]",
	"default [drop|pass|monitor|unset] [-i NAME]...",
	NULL,
};

static const struct command command = {
	.name = "xdp_rule",
	.synopsis = synopsis,
	.summary = "Rules of xdp_filter.o: what comes from PREFIX (A-B is a range; any; session: your SSH client) is\n"
		   "dropped, passed, only counted and told of, or never dropped. See xdp_rule(8).",
	.options = rows,
	.common = "fnvqj",
};

/* What a command line or a line of a file says. */
struct request {
	struct xdp_rule_options options;
	uint32_t given; /* 1 << row */
	const char *watch;
};

struct work {
	struct common_options common;
	struct request request;
	char **operands; /* after the command word */
	int count;
	struct xdp_change change;
};

static bool is_given(const struct request *request, enum row row)
{
	return request->given >> row & 1;
}

static int take_interface(struct xdp_rule_options *options, const char *value, struct error *error)
{
	if (options->interface_count == RULE_INTERFACES_MAX)
		return error_usage(error, value, "more than %d interfaces", RULE_INTERFACES_MAX);
	options->interfaces[options->interface_count++] = value;
	return 0;
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;
	struct xdp_rule_options *options = &request->options;
	const char **const places[] = {
		[ROW_SOURCE] = &options->source,   [ROW_DESTINATION] = &options->destination,
		[ROW_PROTO] = &options->proto,     [ROW_DPORT] = &options->dport,
		[ROW_ICMP] = &options->icmp,       [ROW_PRIORITY] = &options->priority,
		[ROW_SERVICE] = &options->service, [ROW_TTL] = &options->ttl,
		[ROW_EXPIRES] = &options->expires, [ROW_RATE] = &options->rate,
		[ROW_WATCH] = &request->watch,
	};

	request->given |= 1u << row;
	if (row == ROW_INTERFACE)
		return take_interface(options, value, error);
	if (row == ROW_MASK)
		options->mask = true;
	else if (value)
		*places[row] = value;
	return 0;
}

/* ---- add ---- */

static int put_all(struct changes *changes, enum change_kind kind, const struct rules_record *rules, size_t count,
		   struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = changes_add(changes, kind, &rules[i], error);
	return result;
}

/* In a file that was saved a while ago there may be rules that have expired since. */
static int put_rules(struct work *work, const struct xdp_rule_options *options, bool in_file, struct error *error)
{
	struct rules_record *rules;
	size_t count;
	int result = 0;

	if (xdp_rule_parse(options, &rules, &count, error))
		return -1;
	if (!rule_has_expired(&rules[0]))
		result = put_all(&work->change.changes, CHANGE_PUT, rules, count, error);
	else if (!in_file)
		result = error_usage(error, options->expires, "is past");
	free(rules);
	return result;
}

static int put_default(struct work *work, const char *verdict, const struct xdp_rule_options *options,
		       struct error *error)
{
	bool unset = !strcmp(verdict, "unset");
	struct rules_record *rules;
	size_t count;
	int result;

	if (xdp_default_parse(unset ? "pass" : verdict, options->interfaces, options->interface_count, &rules, &count,
			      error))
		return -1;
	result = put_all(&work->change.changes, unset ? CHANGE_DELETE : CHANGE_PUT, rules, count, error);
	free(rules);
	return result;
}

static int change(struct work *work, struct error *error)
{
	struct pins pins;

	work->change.dry_run = work->common.dry_run;
	work->change.force = is_given(&work->request, ROW_FORCE);
	if (pins_open(&pins, work->common.pin_dir, PINS_XDP, !work->common.dry_run, error))
		return -1;
	return xdp_rules_change(&pins, &work->change, error);
}

#define LINE_ROWS ((1u << (ROW_MASK + 1)) - 1)

static int add_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct work *work = context;
	struct request request = { 0 };
	int count = options_parse(&command, argc, argv, NULL, take_option, &request, error);
	char **operands = argv + argc - count;

	(void)line;
	if (count < 0)
		return -1;
	if (request.given & ~LINE_ROWS)
		return error_usage(error, operands[0], "an option of this line is for the command line");
	if (count == 2 && !strcmp(operands[0], "default")) {
		xdp_rule_options_inherit(&request.options, &work->request.options);
		return put_default(work, operands[1], &request.options, error);
	}
	if (count && !strcmp(operands[0], "add")) {
		operands++;
		count--;
	}
	if (xdp_rule_operands(&request.options, operands, count, error))
		return -1;
	xdp_rule_options_inherit(&request.options, &work->request.options);
	return put_rules(work, &request.options, true, error);
}

static int run_add(struct work *work, struct error *error)
{
	struct request *request = &work->request;
	struct xdp_change *change_ = &work->change;
	int result;

	change_->changes.replace = is_given(request, ROW_REPLACE);
	change_->all = is_given(request, ROW_ALL);
	if (request->options.service) {
		change_->has_service = true;
		if (rule_parse_service(request->options.service, change_->service, error))
			return -1;
	}
	if (xdp_rule_operands(&request->options, work->operands, work->count, error))
		return -1;
	if (!work->common.file && change_->changes.replace)
		return error_usage(error, "--replace", "needs -f with all the rules there are to be");
	result = work->common.file ? batch_read_list(work->common.file, add_line, work, error)
				   : put_rules(work, &request->options, false, error);
	return result ? -1 : change(work, error);
}

/* ---- the others ---- */

static int run_delete(struct work *work, struct error *error)
{
	struct rules_record *rules;
	size_t count;
	int result;

	if (xdp_rule_operands(&work->request.options, work->operands, work->count, error) ||
	    xdp_rule_parse(&work->request.options, &rules, &count, error))
		return -1;
	result = put_all(&work->change.changes, CHANGE_DELETE, rules, count, error);
	free(rules);
	return result ? -1 : change(work, error);
}

static int run_flush(struct work *work, struct error *error)
{
	work->change.changes.replace = true;
	work->change.all = is_given(&work->request, ROW_ALL);
	return change(work, error);
}

static int run_default(struct work *work, struct error *error)
{
	if (put_default(work, work->operands[0], &work->request.options, error))
		return -1;
	return change(work, error);
}

static int run_list(struct work *work, struct error *error)
{
	struct rules_record rule;
	struct rule_place *places;
	struct ruleset set;
	struct pins pins;
	size_t count;

	if (pins_open(&pins, work->common.pin_dir, PINS_XDP, false, error) ||
	    ruleset_open(&set, &pins, &pin_xdp_rules, false, error) || arena_map_whole(&set.arena, error) ||
	    ruleset_order(&set, &places, &count, error))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (ruleset_read(&set, &places[i], &rule))
			xdp_rule_print_line(&rule);
	return 0;
}

static const struct verb {
	const char *name;
	int (*run)(struct work *work, struct error *error);
} verbs[] = {
	{ "add", run_add },     { "delete", run_delete },   { "list", run_list },
	{ "flush", run_flush }, { "default", run_default },
};

static int run(struct work *work, int argc, char **argv, struct error *error)
{
	int count = options_parse(&command, argc, argv, &work->common, take_option, &work->request, error);

	if (count < 0)
		return -1;
	work->operands = argv + argc - count;
	work->count = count;
	if (!count && work->common.file)
		return run_add(work, error);
	if (!count)
		return error_usage(error, "command", "expected add, delete, list, flush or default (see --help)");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(work->operands[0], verbs[i].name)) {
			work->operands++;
			work->count--;
			return verbs[i].run(work, error);
		}
	}
	return error_usage(error, work->operands[0], "unknown command (add, delete, list, flush, default)");
}

int main(int argc, char **argv)
{
	static struct work work;
	struct error error;
	int failed = run(&work, argc, argv, &error);

	changes_note_repair(&work.common, &work.change.changes);
	free(work.change.changes.items);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
