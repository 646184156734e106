/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdpverb.h"

#include "batch.h"
#include "num.h"
#include "ruleout.h"
#include "screen.h"
#include "xdpout.h"
#include "xdpselect.h"
#include "xdpview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_given(const struct xdp_work *work, enum xdp_row row)
{
	return work->request.given & XDP_BIT(row);
}

static int take_interface(struct xdp_rule_options *options, const char *value, struct error *error)
{
	if (options->interface_count == RULE_INTERFACES_MAX)
		return error_usage(error, value, "more than %d interfaces", RULE_INTERFACES_MAX);
	options->interfaces[options->interface_count++] = value;
	return 0;
}

int xdp_take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct xdp_request *request = context;
	struct xdp_rule_options *options = &request->options;
	const char **const texts[] = {
		[XDP_ROW_SOURCE] = &options->source,   [XDP_ROW_DESTINATION] = &options->destination,
		[XDP_ROW_PROTO] = &options->proto,     [XDP_ROW_DPORT] = &options->dport,
		[XDP_ROW_ICMP] = &options->icmp,       [XDP_ROW_PRIORITY] = &options->priority,
		[XDP_ROW_SERVICE] = &options->service, [XDP_ROW_TTL] = &options->ttl,
		[XDP_ROW_EXPIRES] = &options->expires, [XDP_ROW_RATE] = &options->rate,
		[XDP_ROW_WATCH] = &request->watch,
	};

	request->given |= XDP_BIT(row);
	options->mask |= row == XDP_ROW_MASK;
	if (row == XDP_ROW_INTERFACE)
		return take_interface(options, value, error);
	if (value && texts[row])
		*texts[row] = value;
	return 0;
}

static int open_pins(struct xdp_work *work, bool claim, struct error *error)
{
	return pins_open(&work->pins, work->common.pin_dir, PINS_XDP, claim && !work->common.dry_run, error);
}

static int change_rules(struct xdp_work *work, struct error *error)
{
	if (open_pins(work, true, error) || xdp_rules_change(&work->pins, &work->change, error))
		return -1;
	xdp_changes_print(&work->common, &work->change.changes);
	return 0;
}

/* ---- a rule: an operand and options, in the command line or in a line ---- */

/* Splits a line in operands, whose number it returns, and options. */
static int line_split(const struct xdp_work *work, struct xdp_request *request, int argc, char **argv,
		      struct error *error)
{
	int count = options_parse(work->command, argc, argv, NULL, xdp_take_option, request, error);

	return count < 0 || options_refuse(work->command, request->given, XDP_OF_RULES, "a line of a file", error)
		       ? -1
		       : count;
}

/* An action that the command line names is that of all lines: a list from elsewhere can only do that. */
static int check_action(const struct xdp_work *work, const char *action, struct error *error)
{
	const char *meant = work->request.options.action;

	if (!meant || !action || !strcmp(meant, action))
		return 0;
	return error_usage(error, action, "the command line says %s for all lines", meant);
}

/* [add] [PREFIX] [ACTION]. What the line does not say is as the command line says. */
static int line_take(const struct xdp_work *work, struct xdp_request *request, char **operands, int count,
		     struct error *error)
{
	if (count && !strcmp(operands[0], "add")) {
		operands++;
		count--;
	}
	if (xdp_rule_operands(&request->options, operands, count, error) ||
	    check_action(work, request->options.action, error))
		return -1;
	if (!request->options.source && !(request->given & XDP_OF_PACKETS))
		return error_usage(error, count ? operands[0] : "line", "expected a PREFIX");
	xdp_rule_options_inherit(&request->options, &work->request.options);
	return 0;
}

/* ---- add ---- */

static int default_line(struct xdp_work *work, struct xdp_request *request, char **operands, int count,
			struct error *error)
{
	if (count != 2)
		return error_usage(error, operands[0], "expected default ACTION [-i NAME]...");
	if (options_refuse(work->command, request->given, XDP_BIT(XDP_ROW_INTERFACE), "a default", error) ||
	    check_action(work, operands[0], error))
		return -1;
	xdp_rule_options_inherit(&request->options, &work->request.options);
	return xdp_change_default(&work->change, operands[1], &request->options, error);
}

int xdp_add_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct xdp_work *work = context;
	struct xdp_request request = { 0 };
	int count = line_split(work, &request, argc, argv, error);
	char **operands = argv + argc - count;

	(void)line;
	work->lines++;
	if (count < 0)
		return -1;
	if (count && !strcmp(operands[0], "default"))
		return default_line(work, &request, operands, count, error);
	if (line_take(work, &request, operands, count, error))
		return -1;
	return xdp_change_add(&work->change, &request.options, true, error);
}

/* Defaults and never-drop rules outlive the replacement of a list, and so does what is of another service. */
static int scope_of(const struct xdp_work *work, struct selector *scope, struct error *error)
{
	const char *service = work->request.options.service;

	scope->no_default = scope->no_never_drop = !is_given(work, XDP_ROW_ALL);
	return service ? selector_option(scope, SELECT_SERVICE, service, error) : 0;
}

static int check_add(const struct xdp_work *work, struct error *error)
{
	if (is_given(work, XDP_ROW_REPLACE) && !work->common.file)
		return error_usage(error, "--replace", "needs -f with all the rules there are to be");
	if (is_given(work, XDP_ROW_ALL) && !is_given(work, XDP_ROW_REPLACE))
		return error_usage(error, "--all", "needs --replace");
	if (work->common.file && work->request.options.source)
		return error_usage(error, work->request.options.source, "the file has the prefixes");
	return 0;
}

static int file_take(struct xdp_work *work, const char *file, struct error *error)
{
	if (batch_read_list(file, xdp_add_line, work, error))
		return -1;
	if (work->change.changes.replace && !work->lines)
		work->change.nothing = strcmp(file, "-") ? file : "stdin";
	return 0;
}

int xdp_verb_add(struct xdp_work *work, struct error *error)
{
	struct xdp_rule_options *options = &work->request.options;
	struct xdp_change *change = &work->change;

	if (xdp_rule_operands(options, work->operands, work->count, error) || check_add(work, error))
		return -1;
	change->changes.replace = is_given(work, XDP_ROW_REPLACE);
	if (change->changes.replace && scope_of(work, &change->scope, error))
		return -1;
	if (work->common.file ? file_take(work, work->common.file, error)
			      : xdp_change_add(change, options, false, error))
		return -1;
	return change_rules(work, error);
}

/* ---- delete, flush ---- */

static int candidates_print(struct ruleset *set, const struct rule_place *places, size_t count, struct error *error)
{
	return rules_print_aside(set, places, count, xdp_rule_print_line, error);
}

static int delete_wanted(struct xdp_work *work, struct error *error)
{
	struct xdp_deletion deletion = { work->wanted.items, work->wanted.count, candidates_print };

	if (open_pins(work, true, error) || xdp_rules_delete(&work->pins, &deletion, &work->change, error))
		return -1;
	xdp_changes_print(&work->common, &work->change.changes);
	return 0;
}

static int want(struct xdp_work *work, const struct xdp_rule_options *options, unsigned long line,
		char *const *operands, int count, struct error *error)
{
	struct rule_wanted wanted = {
		.which = is_given(work, XDP_ROW_ALL) ? RULE_ALL : RULE_ONLY,
		.or_none = line,
	};
	char *nameless[] = { "selectors" };

	return wanted_name(&wanted, work->common.file, line, count ? operands : nameless, count ? count : 1, error) ||
			       xdp_wanted_add(&work->wanted, options, &wanted, error)
		       ? -1
		       : 0;
}

static int refuse_default(char *const *operands, int count, struct error *error)
{
	if (!count || strcmp(operands[0], "default") != 0)
		return 0;
	return error_usage(error, operands[0], "is taken away by 'default unset'");
}

static int delete_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct xdp_work *work = context;
	struct xdp_request request = { 0 };
	int count = line_split(work, &request, argc, argv, error);
	char **operands = argv + argc - count;

	if (count < 0 || refuse_default(operands, count, error) || line_take(work, &request, operands, count, error))
		return -1;
	return want(work, &request.options, line, operands, count, error);
}

int xdp_verb_delete(struct xdp_work *work, struct error *error)
{
	struct xdp_rule_options *options = &work->request.options;
	const char *file = work->common.file;
	bool selects = work->count || work->request.given & (XDP_SELECTORS & ~XDP_BIT(XDP_ROW_MASK));

	if (!file && !selects && !is_given(work, XDP_ROW_ALL))
		return error_usage(error, "operands", "expected a PREFIX, selectors or --all");
	if (refuse_default(work->operands, work->count, error) ||
	    xdp_rule_operands(options, work->operands, work->count, error))
		return -1;
	if (file ? batch_read_list(file, delete_line, work, error)
		 : want(work, options, 0, work->operands, work->count, error))
		return -1;
	return delete_wanted(work, error);
}

/* A replacement by nothing. */
int xdp_verb_flush(struct xdp_work *work, struct error *error)
{
	struct selector *scope = &work->change.scope;

	if (xdp_selector_fill(&work->request.options, scope, error) || scope_of(work, scope, error))
		return -1;
	work->change.changes.replace = true;
	return change_rules(work, error);
}

/* ---- list, default ---- */

static int show(struct xdp_work *work, enum xdpview_mode mode, struct error *error)
{
	struct xdpview_request view = { .mode = mode, .json = work->common.json };

	if (work->request.watch && num_parse(work->request.watch, 1, SCREEN_SECONDS_MAX, &view.seconds, error))
		return -1;
	if (xdp_selector_fill(&work->request.options, &view.selector, error) || open_pins(work, false, error))
		return -1;
	return xdpview_run(&work->pins, &view, error);
}

int xdp_verb_list(struct xdp_work *work, struct error *error)
{
	bool save = is_given(work, XDP_ROW_SAVE), watch = work->request.watch;

	if (save && (watch || work->common.json))
		return error_usage(error, "--save", "prints lines of xdp_rule -f, once");
	if (xdp_rule_operands(&work->request.options, work->operands, work->count, error))
		return -1;
	return show(work, save ? XDPVIEW_SAVE : watch ? XDPVIEW_WATCH : XDPVIEW_RULES, error);
}

int xdp_verb_default(struct xdp_work *work, struct error *error)
{
	if (!work->count)
		return show(work, XDPVIEW_DEFAULTS, error);
	if (!strcmp(work->operands[0], "unset"))
		return xdp_wanted_defaults(&work->wanted, &work->request.options, error) ? -1
											 : delete_wanted(work, error);
	if (xdp_change_default(&work->change, work->operands[0], &work->request.options, error))
		return -1;
	return change_rules(work, error);
}

/* ---- all of them ---- */

int xdp_verb_run(const struct xdp_verb *verb, struct xdp_work *work, struct error *error)
{
	if (work->count > verb->operands)
		return error_usage(error, work->operands[verb->operands], "unexpected operand (see --help)");
	if (work->common.file && !verb->file)
		return error_usage(error, "-f", "is not for %s", verb->name);
	if (options_refuse(work->command, work->request.given, verb->rows, verb->name, error))
		return -1;
	work->change.dry_run = work->common.dry_run;
	work->change.force = is_given(work, XDP_ROW_FORCE);
	return verb->run(work, error);
}

void xdp_work_end(struct xdp_work *work)
{
	changes_note_repair(&work->common, &work->change.changes);
	free(work->change.changes.items);
	free(work->wanted.items);
}
