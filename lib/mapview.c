/* SPDX-License-Identifier: GPL-2.0-only */
#include "mapview.h"

#include "csv.h"
#include "mapinner.h"
#include "mapmetrics.h"
#include "out.h"
#include "usermap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A map on its way to standard output. */
struct printing {
	const struct usermap *map;
	struct btf_fields fields; /* of forms with columns */
	struct out out;
	struct text text; /* room for one field, with a terminator */
};

/* ---- forms with columns ---- */

static const char *field_text(struct printing *print, const struct btf_field *field, const void *key, const void *value,
			      enum text_escape escape)
{
	print->text.length = 0;
	btf_field_text(field, field->of_key ? key : value, escape, &print->text);
	print->text.data[print->text.length] = '\0';
	return print->text.data;
}

static void row_out(struct printing *print, const void *key, const void *value, uint32_t cpu)
{
	out_begin(&print->out);
	if (print->map->per_cpu)
		out_number(&print->out, NULL, "cpu", cpu);
	for (size_t i = 0; i < print->fields.count; i++) {
		const struct btf_field *field = &print->fields.items[i];
		const char *text = field_text(print, field, key, value, ESCAPE_NONE);

		if (btf_field_is_right(field))
			out_made(&print->out, NULL, field->name, NULL, text);
		else
			out_text(&print->out, NULL, field->name, text);
	}
	out_end(&print->out);
}

static int take_rows(void *context, const void *key, const void *value)
{
	struct printing *print = context;

	for (uint32_t cpu = 0; cpu < print->map->copies; cpu++)
		row_out(print, key, usermap_copy(print->map, value, cpu), cpu);
	return 0;
}

static void csv_row(struct printing *print, const void *key, const void *value, uint32_t cpu)
{
	char number[16];

	if (print->map->per_cpu) {
		snprintf(number, sizeof(number), "%u", cpu);
		csv_field(number, true);
	}
	for (size_t i = 0; i < print->fields.count; i++)
		csv_field(field_text(print, &print->fields.items[i], key, value, ESCAPE_CONTROLS),
			  !i && !print->map->per_cpu);
	csv_end();
}

static int take_csv(void *context, const void *key, const void *value)
{
	struct printing *print = context;

	for (uint32_t cpu = 0; cpu < print->map->copies; cpu++)
		csv_row(print, key, usermap_copy(print->map, value, cpu), cpu);
	return 0;
}

static void csv_head(const struct printing *print)
{
	if (print->map->per_cpu)
		csv_field("cpu", true);
	for (size_t i = 0; i < print->fields.count; i++)
		csv_field(print->fields.items[i].name, !i && !print->map->per_cpu);
	csv_end();
}

/* ---- JSON ---- */

/* What its BTF describes, behind a key: it is no string, so it is printed by itself. */
static int member_out(struct printing *print, const char *key, uint32_t type, const void *bytes)
{
	out_made(&print->out, key, NULL, "", NULL);
	return btf_value_json(print->map->btf, type, bytes);
}

static int copies_out(struct printing *print, const void *value)
{
	const struct usermap *map = print->map;

	out_made(&print->out, "values", NULL, "[", NULL);
	for (uint32_t cpu = 0; cpu < map->copies; cpu++) {
		if (cpu)
			putchar(',');
		if (btf_value_json(map->btf, map->value_type, usermap_copy(map, value, cpu)))
			return -1;
	}
	putchar(']');
	return 0;
}

static int take_json(void *context, const void *key, const void *value)
{
	struct printing *print = context;
	const struct usermap *map = print->map;

	out_begin(&print->out);
	if (map->key_type && member_out(print, "key", map->key_type, key))
		return -1;
	if (map->per_cpu ? copies_out(print, value) : member_out(print, "value", map->value_type, value))
		return -1;
	out_end(&print->out);
	return 0;
}

/* ---- all of it ---- */

static int each(struct printing *print, map_callback *take, struct error *error)
{
	return usermap_each(print->map, take, print) ? error_errno(error, print->map->path) : 0;
}

static int columns_find(struct printing *print, enum flow_form form, struct error *error)
{
	const struct usermap *map = print->map;

	if (usermap_fields(map, &print->fields, error))
		return -1;
	if (form == FLOW_AS_TABLE && print->fields.count + map->per_cpu > OUT_COLUMNS_MAX)
		return error_state(error, map->path, "has %zu fields, a table %d columns: print it with --csv or -j",
				   print->fields.count, OUT_COLUMNS_MAX);
	print->text.size = btf_fields_room(&print->fields);
	print->text.data = malloc(print->text.size + 1);
	return print->text.data ? 0 : error_errno(error, map->path);
}

static int csv_print(struct printing *print, struct error *error)
{
	csv_head(print);
	return each(print, take_csv, error);
}

/* A table is emitted twice; the map is read twice for it, and not held. */
static int records_print(struct printing *print, enum flow_form form, struct error *error)
{
	out_open(&print->out, form == FLOW_AS_TABLE        ? OUT_TABLE
			      : form == FLOW_AS_JSON_LINES ? OUT_JSON_LINES
							   : OUT_JSON);
	do {
		if (each(print, form == FLOW_AS_TABLE ? take_rows : take_json, error))
			return -1;
	} while (out_again(&print->out));
	return 0;
}

static int contents_print(const struct usermap *map, enum flow_form form, struct error *error)
{
	struct printing print = { .map = map };
	bool has_columns = form == FLOW_AS_TABLE || form == FLOW_AS_CSV;
	int result = has_columns ? columns_find(&print, form, error) : 0;

	if (!result)
		result = form == FLOW_AS_CSV ? csv_print(&print, error) : records_print(&print, form, error);
	btf_fields_free(&print.fields);
	free(print.text.data);
	return result;
}

static int open_print(const struct mapview *view, struct usermap *map, enum flow_form form, struct error *error)
{
	if (usermap_open(map, view->path, error))
		return -1;
	if (view->metrics)
		return mapmetrics_print(map, view->metrics, error);
	return map->of_maps ? mapinner_print(map, form, error) : contents_print(map, form, error);
}

int mapview_print(const struct mapview *view, enum flow_form form, struct error *error)
{
	struct usermap map;
	int result;

	if (view->metrics && form != FLOW_AS_TABLE)
		return error_usage(error, "--metrics", "does not go with another form of output");
	result = open_print(view, &map, form, error);
	usermap_close(&map);
	return result;
}
