/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowout.h"

#include "csv.h"
#include "flowdetail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(FLOW_COLUMNS_MAX <= OUT_COLUMNS_MAX, "all columns can be shown");

/* ---- rows ---- */

static struct flow_value value_at(const struct flow_scene *scene, const struct flow_row *row,
				  const struct flow_column *column)
{
	return column->value(scene, row, column);
}

static void words_out(struct out *out, const struct flow_column *column, const struct flow_value *value)
{
	char text[FLOW_VALUE_SHOWN_MAX];

	flow_value_format(value, VALUE_AS_JSON, text);
	out_text(out, column->name, column->heading, value->kind == VALUE_NONE ? NULL : text);
}

static void number_out(struct out *out, const struct flow_column *column, const struct flow_value *value)
{
	char text[FLOW_VALUE_SHOWN_MAX];
	enum flow_value_form form = out->form == OUT_TABLE ? VALUE_AS_CELL : VALUE_AS_JSON;

	flow_value_format(value, form, text);
	out_made(out, column->name, column->heading, text, text);
}

void flow_out(struct out *out, const struct flow_scene *scene, const struct flow_row *row,
	      const struct flow_choice *choice)
{
	for (size_t i = 0; i < choice->count; i++) {
		const struct flow_column *column = choice->items[i];
		struct flow_value value = value_at(scene, row, column);

		if (column->traits & COLUMN_WORDS)
			words_out(out, column, &value);
		else
			number_out(out, column, &value);
	}
}

static void csv_header_print(const struct flow_choice *choice)
{
	for (size_t i = 0; i < choice->count; i++)
		csv_field(choice->items[i]->name, i == 0);
	csv_end();
}

static void csv_row_print(const struct flow_scene *scene, const struct flow_row *row, const struct flow_choice *choice)
{
	char text[FLOW_VALUE_SHOWN_MAX];

	for (size_t i = 0; i < choice->count; i++) {
		struct flow_value value = value_at(scene, row, choice->items[i]);

		csv_field(flow_value_format(&value, VALUE_AS_FIELD, text), i == 0);
	}
	csv_end();
}

static void csv_print(const struct flow_scene *scene, size_t count, const struct flow_choice *choice)
{
	csv_header_print(choice);
	for (size_t i = 0; i < count; i++)
		csv_row_print(scene, &scene->rows->rows[i], choice);
}

static enum out_form out_form_of(enum flow_form form)
{
	return form == FLOW_AS_JSON ? OUT_JSON : form == FLOW_AS_JSON_LINES ? OUT_JSON_LINES : OUT_TABLE;
}

void flows_print(const struct flow_scene *scene, size_t count, const struct flow_choice *choice, enum flow_form form)
{
	struct out out;

	if (form == FLOW_AS_CSV) {
		csv_print(scene, count, choice);
		return;
	}
	out_open(&out, out_form_of(form));
	do {
		for (size_t i = 0; i < count; i++) {
			out_begin(&out);
			flow_out(&out, scene, &scene->rows->rows[i], choice);
			out_end(&out);
		}
	} while (out_again(&out));
}

/* ---- order ---- */

struct place {
	struct flow_value value;
	size_t row;
};

static int place_order(const void *left, const void *right, void *context)
{
	const struct flow_row *rows = context;
	const struct place *a = left, *b = right;
	int order = flow_value_order(&a->value, &b->value);

	if (!order)
		order = memcmp(&rows[a->row].id, &rows[b->row].id, sizeof(rows->id));
	if (order)
		return order;
	return (a->row > b->row) - (a->row < b->row);
}

static void rows_arrange(struct flowrows *rows, struct flow_row *arranged, const struct place *places)
{
	for (size_t i = 0; i < rows->count; i++)
		arranged[i] = rows->rows[places[i].row];
	free(rows->rows);
	rows->rows = arranged;
}

int flows_sort(const struct flow_scene *scene, struct flowrows *rows, const struct flow_column *column,
	       struct error *error)
{
	struct place *places = calloc(rows->count + 1, sizeof(*places));
	struct flow_row *arranged = calloc(rows->count + 1, sizeof(*arranged));

	if (!places || !arranged) {
		free(places);
		free(arranged);
		return error_errno(error, "sessions");
	}
	for (size_t i = 0; i < rows->count; i++)
		places[i] = (struct place){ value_at(scene, &rows->rows[i], column), i };
	qsort_r(places, rows->count, sizeof(*places), place_order, rows->rows);
	rows_arrange(rows, arranged, places);
	free(places);
	return 0;
}

/* ---- sums ---- */

static struct flow_tally total(const struct flowrows *rows)
{
	struct flow_tally sum = { 0 };

	for (size_t i = 0; i < rows->count; i++) {
		const struct flow_side *side = rows->rows[i].flow->side;

		sum.packets += side[0].packets + side[1].packets;
		sum.bytes += side[0].bytes + side[1].bytes;
	}
	return sum;
}

#define LOSS_TEXT_MAX 128

/* "missed: 3 packets, 180 bytes" */
static char *tally_format(const char *what, const struct flow_tally *tally, char text[LOSS_TEXT_MAX])
{
	snprintf(text, LOSS_TEXT_MAX, "%s: %llu packet%s, %llu bytes", what, tally->packets,
		 tally->packets == 1 ? "" : "s", tally->bytes);
	return text;
}

static char *evicted_format(const struct flow_losses *losses, char text[LOSS_TEXT_MAX])
{
	snprintf(text, LOSS_TEXT_MAX, "evicted: %" PRIu64 " session%s, %" PRIu64 " packet%s, %" PRIu64 " bytes",
		 losses->evicted, losses->evicted == 1 ? "" : "s", losses->evicted_packets,
		 losses->evicted_packets == 1 ? "" : "s", losses->evicted_bytes);
	return text;
}

/* What there was none of is not said. */
static void losses_say(const struct flow_losses *losses, void (*say)(const char *line))
{
	char text[LOSS_TEXT_MAX];

	if (losses->evicted)
		say(evicted_format(losses, text));
	if (losses->missed.packets)
		say(tally_format("missed", &losses->missed, text));
	if (losses->not_ip.packets)
		say(tally_format("not IP", &losses->not_ip, text));
	if (losses->malformed.packets)
		say(tally_format("malformed", &losses->malformed, text));
}

static void say_line(const char *line)
{
	puts(line);
}

static void say_note(const char *line)
{
	note_print("%s", line);
}

void flows_print_totals(const struct flowrows *rows, size_t shown)
{
	struct flow_tally sum = total(rows);

	printf("%zu session%s", rows->count, rows->count == 1 ? "" : "s");
	if (shown < rows->count)
		printf(" (%zu shown)", shown);
	printf(", %llu packet%s, %llu bytes\n", sum.packets, sum.packets == 1 ? "" : "s", sum.bytes);
	losses_say(&rows->losses, say_line);
}

void flows_note_losses(const struct flowrows *rows)
{
	losses_say(&rows->losses, say_note);
}

static void tally_out(struct out *out, const char *packets, const char *bytes, const struct flow_tally *tally)
{
	out_number(out, packets, NULL, tally->packets);
	out_number(out, bytes, NULL, tally->bytes);
}

void flows_print_summary(const struct flowrows *rows, enum out_form form)
{
	const struct flow_losses *losses = &rows->losses;
	struct flow_tally sum = total(rows);
	struct out out;

	if (form == OUT_TABLE) {
		flows_print_totals(rows, rows->count);
		return;
	}
	out_open(&out, form);
	out_begin(&out);
	out_number(&out, "sessions", NULL, rows->count);
	tally_out(&out, "packets", "bytes", &sum);
	out_number(&out, "evicted", NULL, losses->evicted);
	out_number(&out, "evicted_packets", NULL, losses->evicted_packets);
	out_number(&out, "evicted_bytes", NULL, losses->evicted_bytes);
	tally_out(&out, "missed_packets", "missed_bytes", &losses->missed);
	tally_out(&out, "not_ip_packets", "not_ip_bytes", &losses->not_ip);
	tally_out(&out, "malformed_packets", "malformed_bytes", &losses->malformed);
	out_end(&out);
	out_again(&out);
}

/* ---- what is not kept ---- */

void flows_note_details(const struct flowrows *rows, size_t count, const struct flow_choice *choice)
{
	size_t without = 0;

	if (!choice->asks_detail)
		return;
	for (size_t i = 0; i < count; i++)
		without += !flow_is_detailed(rows->rows[i].flow);
	if (without)
		note_print("no details were kept of %zu of %zu session%s; flow_set --details on has them kept of those "
			   "that begin then",
			   without, count, count == 1 ? "" : "s");
}

/* ---- the columns ---- */

void flow_columns_print(const struct flow_choice *choice, enum out_form form)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < choice->count; i++) {
			out_begin(&out);
			out_text(&out, "name", "NAME", choice->items[i]->name);
			out_text(&out, "heading", "HEADING", choice->items[i]->heading);
			out_text(&out, "unit", "UNIT", choice->items[i]->unit);
			out_text(&out, "formula", "FORMULA", choice->items[i]->formula);
			out_end(&out);
		}
	} while (out_again(&out));
}
