/* SPDX-License-Identifier: GPL-2.0-only */
/* Text to rules as map_update reads a file: batch lines, options, operands. */
#ifndef SPLICER_TEST_RULE_LINE_H
#define SPLICER_TEST_RULE_LINE_H

#include "batch.h"
#include "option.h"
#include "rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row rule_rows[] = {
	{ "source", 's', "PREFIX", "" },      { "iface", 'i', "NAME", "" },
	{ "action", 'a', "ACTION", "" },      { "priority", 'P', "NUMBER", "" },
	{ "service", 'S', "TAG", "" },        { "ttl", 0, "SECONDS", "" },
	{ "expires", 0, "TIME", "" },         { "route", 0, NULL, "" },
	{ "direction", 0, "DIRECTION", "" },  { "mode", 0, "MODE", "" },
	{ "max-duration", 0, "SECONDS", "" }, { 0 },
};

static const char *const rule_synopsis[] = { NULL };

static const struct command rule_command = {
	.name = "rules", .synopsis = rule_synopsis, .summary = "", .options = rule_rows, .common = ""
};

struct rule_lines {
	struct rules_record *items; /* released with free() */
	size_t count;
};

static inline int rule_line_option(void *context, size_t row, const char *value, struct error *error)
{
	struct rule_options *options = context;

	switch (rule_rows[row].name[0]) {
	case 'i':
		if (options->interface_count == RULE_INTERFACES_MAX)
			return error_usage(error, value, "more than %d interfaces", RULE_INTERFACES_MAX);
		options->interfaces[options->interface_count++] = value;
		return 0;
	case 'a':
		options->action = value;
		return 0;
	case 'p':
		options->priority = value;
		return 0;
	case 't':
		options->ttl = value;
		return 0;
	case 'e':
		options->expires = value;
		return 0;
	case 'r':
		options->route = true;
		return 0;
	case 'd':
		options->direction = value;
		return 0;
	case 'm':
		*(rule_rows[row].name[1] == 'o' ? &options->mode : &options->max_duration) = value;
		return 0;
	}
	if (rule_rows[row].letter == 's')
		options->source = value;
	else
		options->service = value;
	return 0;
}

static inline int rule_lines_add(struct rule_lines *lines, const struct rules_record *rules, size_t count)
{
	struct rules_record *items = reallocarray(lines->items, lines->count + count, sizeof(*items));

	if (!items)
		return -1;
	memcpy(items + lines->count, rules, count * sizeof(*items));
	lines->items = items;
	lines->count += count;
	return 0;
}

static inline int rule_line_take(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct rule_options options = { 0 };
	int operands = options_parse(&rule_command, argc, argv, NULL, rule_line_option, &options, error), result;
	struct rules_record *rules;
	size_t count;

	(void)line;
	if (operands < 0)
		return -1;
	if (operands != RULE_OPERANDS)
		return error_usage(error, "rules", "%d operands", operands);
	if (rule_parse(argv + argc - operands, &options, &rules, &count, error))
		return -1;
	result = rule_lines_add(context, rules, count);
	free(rules);
	return result ? error_errno(error, "rules") : 0;
}

/* The rules of a text; standard input is used up. */
static inline int rule_lines_read(const char *text, size_t size, struct rule_lines *out, struct error *error)
{
	int result;

	*out = (struct rule_lines){ 0 };
	stdin = fmemopen((void *)(uintptr_t)text, size, "r");
	if (!stdin)
		return error_errno(error, "fmemopen");
	result = batch_read("-", rule_line_take, out, error);
	fclose(stdin);
	stdin = NULL;
	return result;
}

#endif
