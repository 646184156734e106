/* SPDX-License-Identifier: GPL-2.0-only */
#include "out.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CELL_MAX 1024 /* bytes of a cell that is not shown as it is */

void json_string(const char *text)
{
	putchar('"');
	for (;;) {
		size_t plain = json_plain_length(text);
		char form[JSON_ESCAPE_MAX];

		fwrite(text, 1, plain, stdout);
		text += plain;
		if (!*text)
			break;
		text += json_escape(text, form);
		fputs(form, stdout);
	}
	putchar('"');
}

void out_open(struct out *out, enum out_form form)
{
	*out = (struct out){ .form = form, .measuring = form == OUT_TABLE };
}

/* One cell of a line. The blanks after the last one's text are never printed. */
static void cell_print(struct out *out, unsigned int i, const char *text, unsigned int size)
{
	bool right = out->right[i];

	for (unsigned int blanks = out->pending + (right ? out->width[i] - size : 0); blanks; blanks--)
		putchar(' ');
	fputs(text, stdout);
	out->pending = 2 + (right ? 0 : out->width[i] - size);
}

static void header_print(struct out *out)
{
	out->pending = 0;
	for (unsigned int i = 0; i < out->columns; i++)
		if (out->shown[i])
			cell_print(out, i, out->header[i], (unsigned int)strlen(out->header[i]));
	putchar('\n');
	out->header_done = true;
}

void out_begin(struct out *out)
{
	if (out->form == OUT_TABLE && !out->measuring && !out->header_done)
		header_print(out);
	if (out->form == OUT_JSON)
		fputs(out->records ? ",\n " : "[", stdout);
	if (out->form != OUT_TABLE)
		putchar('{');
	out->column = out->fields = out->pending = 0;
}

void out_end(struct out *out)
{
	if (out->form == OUT_TABLE && out->measuring)
		out->columns = out->column;
	if (out->form == OUT_TABLE && !out->measuring)
		putchar('\n');
	if (out->form != OUT_TABLE)
		putchar('}');
	if (out->form == OUT_JSON_LINES) {
		putchar('\n');
		fflush(stdout);
	}
	out->records++;
}

bool out_again(struct out *out)
{
	bool again = out->measuring && out->records;

	if (out->form == OUT_JSON)
		puts(out->records ? "]" : "[]");
	out->measuring = false;
	return again;
}

/* Characters of UTF-8 text: bytes that do not continue one. */
static unsigned int text_width(const char *text)
{
	unsigned int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

void out_rare(struct out *out, bool has)
{
	out->dispensable = !has;
}

/* A cell of the table: measured, or printed. */
static void cell(struct out *out, const char *header, const char *string, bool right)
{
	char form[CELL_MAX];
	const char *text = text_cell(string, form, sizeof(form));
	unsigned int i = out->column++, size = text_width(text), least = (unsigned int)strlen(header);
	bool dispensable = out->dispensable;

	out->dispensable = false;
	if (i >= OUT_COLUMNS_MAX)
		return;
	if (out->measuring) {
		out->header[i] = header;
		out->right[i] = right;
		out->shown[i] |= !dispensable;
		if (out->width[i] < least)
			out->width[i] = least;
		if (out->width[i] < size)
			out->width[i] = size;
		return;
	}
	if (!out->shown[i])
		return;
	if (size > out->width[i])
		out->width[i] = size; /* grew since it was measured */
	cell_print(out, i, text, size);
}

/* True when the field is to be printed as JSON; its key is then. */
static bool field(struct out *out, const char *key)
{
	if (out->form == OUT_TABLE || !key)
		return false;
	if (out->fields++)
		putchar(',');
	json_string(key);
	putchar(':');
	return true;
}

void out_text(struct out *out, const char *key, const char *header, const char *value)
{
	if (field(out, key)) {
		if (value)
			json_string(value);
		else
			fputs("null", stdout);
	} else if (out->form == OUT_TABLE && header) {
		cell(out, header, value && *value ? value : "-", false);
	}
}

void out_made(struct out *out, const char *key, const char *header, const char *json, const char *shown)
{
	if (field(out, key))
		fputs(json, stdout);
	else if (out->form == OUT_TABLE && header)
		cell(out, header, shown, true);
}

static void number(struct out *out, const char *key, const char *header, const char *text)
{
	out_made(out, key, header, text, text);
}

void out_number(struct out *out, const char *key, const char *header, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	number(out, key, header, text);
}

void out_integer(struct out *out, const char *key, const char *header, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	number(out, key, header, text);
}

void out_number_or(struct out *out, const char *key, const char *header, int64_t value, const char *none)
{
	if (value >= 0)
		out_number(out, key, header, (uint64_t)value);
	else if (field(out, key))
		fputs("null", stdout);
	else if (out->form == OUT_TABLE && header)
		cell(out, header, none, true);
}

void out_seconds(struct out *out, const char *key, const char *header, double value, const char *shown)
{
	if (field(out, key)) {
		if (value < 0)
			fputs("null", stdout);
		else
			printf("%.6f", value);
	} else if (out->form == OUT_TABLE && header) {
		cell(out, header, shown, true);
	}
}

void out_bool(struct out *out, const char *key, int value)
{
	if (field(out, key))
		fputs(value < 0 ? "null" : value ? "true" : "false", stdout);
}
