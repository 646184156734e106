/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowcols.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 64

/* ---- found ---- */

static const struct flow_column *find_in(const struct flow_column *columns, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(columns[i].name, name))
			return &columns[i];
	return NULL;
}

const struct flow_column *flow_column_find(const char *name, struct error *error)
{
	const struct flow_column *column = find_in(flow_columns, flow_column_count, name);

	if (!column)
		column = find_in(flow_cic_columns, flow_cic_column_count, name);
	if (!column)
		error_usage(error, name, "no such column; --list-columns has them");
	return column;
}

/* ---- chosen ---- */

static int add_column(struct flow_choice *choice, const struct flow_column *column, struct error *error)
{
	for (size_t i = 0; i < choice->count; i++)
		if (choice->items[i] == column)
			return error_usage(error, column->name, "a column stands there twice");
	choice->items[choice->count++] = column;
	return 0;
}

/* Those that have all of these traits. */
static int add_columns(struct flow_choice *choice, const struct flow_column *columns, size_t count, unsigned int traits,
		       struct error *error)
{
	for (size_t i = 0; i < count; i++)
		if ((columns[i].traits & traits) == traits && add_column(choice, &columns[i], error))
			return -1;
	return 0;
}

/* A column, or a set of columns; what needs detail and is asked for by name is told of where detail is not kept. */
static int add_name(struct flow_choice *choice, const char *name, struct error *error)
{
	const struct flow_column *column;

	if (!strcmp(name, "all"))
		return add_columns(choice, flow_columns, flow_column_count, 0, error);
	if (!strcmp(name, "common"))
		return add_columns(choice, flow_columns, flow_column_count, COLUMN_COMMON, error);
	if (!strcmp(name, "cic")) {
		choice->asks_detail = true;
		return add_columns(choice, flow_cic_columns, flow_cic_column_count, 0, error);
	}
	column = flow_column_find(name, error);
	if (!column)
		return -1;
	choice->asks_detail = choice->asks_detail || column->traits & COLUMN_DETAIL;
	return add_column(choice, column, error);
}

int flow_choice_parse(const char *text, struct flow_choice *choice, struct error *error)
{
	char name[NAME_MAX_LENGTH];

	*choice = (struct flow_choice){ 0 };
	for (;; text++) {
		size_t length = strcspn(text, ",");

		snprintf(name, sizeof(name), "%.*s", length < sizeof(name) ? (int)length : (int)sizeof(name), text);
		if (add_name(choice, name, error)) {
			error->operand = text;
			return -1;
		}
		text += length;
		if (!*text)
			return 0;
	}
}

static void choose(struct flow_choice *choice, unsigned int traits)
{
	struct error ignored;

	*choice = (struct flow_choice){ 0 };
	add_columns(choice, flow_columns, flow_column_count, traits, &ignored);
}

void flow_choice_all(struct flow_choice *choice)
{
	choose(choice, 0);
}

void flow_choice_common(struct flow_choice *choice)
{
	choose(choice, COLUMN_COMMON);
}
