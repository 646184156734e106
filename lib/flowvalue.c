/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowvalue.h"

#include "clock.h"
#include "prefix.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- made ---- */

struct flow_value value_none(void)
{
	return (struct flow_value){ .kind = VALUE_NONE };
}

struct flow_value value_word(const char *word)
{
	struct flow_value value = { .kind = VALUE_WORD };

	if (!word || !*word)
		return value_none();
	snprintf(value.word, sizeof(value.word), "%s", word);
	return value;
}

struct flow_value value_of(enum flow_value_kind kind, uint64_t number)
{
	return (struct flow_value){ .kind = kind, .number = number };
}

struct flow_value value_real(double real)
{
	return (struct flow_value){ .kind = VALUE_REAL, .real = real };
}

/* ---- compared ---- */

#define LARGER_FIRST(a, b) (((a) < (b)) - ((a) > (b)))

static int order_of_lists(const struct flow_value *a, const struct flow_value *b)
{
	for (size_t i = 0; i < a->list.count && i < b->list.count; i++)
		if (a->list.items[i] != b->list.items[i])
			return LARGER_FIRST(a->list.items[i], b->list.items[i]);
	return 0;
}

static int order_of_addresses(const struct flow_value *a, const struct flow_value *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->address, b->address, sizeof(a->address));
}

static int order_of_ends(const struct flow_value *a, const struct flow_value *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->ends.address, b->ends.address, sizeof(a->ends.address));
	for (int i = 0; i < 2 && !order; i++)
		order = a->ends.port[i] - b->ends.port[i];
	return order ? order : a->ends.proto - b->ends.proto;
}

int flow_value_order(const struct flow_value *a, const struct flow_value *b)
{
	if (a->kind == VALUE_NONE || b->kind == VALUE_NONE)
		return (a->kind == VALUE_NONE) - (b->kind == VALUE_NONE);
	switch (a->kind) {
	case VALUE_WORD:
		return strcmp(a->word, b->word);
	case VALUE_ADDRESS:
		return order_of_addresses(a, b);
	case VALUE_ENDS:
		return order_of_ends(a, b);
	case VALUE_INTEGER:
		return LARGER_FIRST(a->integer, b->integer);
	case VALUE_WIDE:
		return LARGER_FIRST(a->wide, b->wide);
	case VALUE_REAL:
		return LARGER_FIRST(a->real, b->real);
	case VALUE_LIST:
		return order_of_lists(a, b);
	default:
		return LARGER_FIRST(a->number, b->number);
	}
}

/* ---- as text ---- */

bool flow_value_is_text(const struct flow_value *value)
{
	return value->kind == VALUE_WORD || value->kind == VALUE_ADDRESS || value->kind == VALUE_ENDS ||
	       value->kind == VALUE_TIME || value->kind == VALUE_CIC_TIME;
}

/* Of ns, with so many digits after the point; what a cell leaves out is cut off. */
static void text_seconds(struct text *text, uint64_t ns, bool is_cell)
{
	text_number(text, ns / CLOCK_SECOND);
	text_char(text, '.');
	if (is_cell)
		text_digits(text, ns % CLOCK_SECOND / 1000, 6);
	else
		text_digits(text, ns % CLOCK_SECOND, 9);
}

/* "2026-11-22T03:59:00.123456789Z" */
static void text_time(struct text *text, uint64_t ns)
{
	time_t seconds = (time_t)(ns / CLOCK_SECOND);
	char date[32];
	struct tm utc;

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S.", gmtime_r(&seconds, &utc));
	text_put(text, date);
	text_digits(text, ns % CLOCK_SECOND, 9);
	text_char(text, 'Z');
}

/* "22/11/2026 03:59:00 AM" */
static void text_cic_time(struct text *text, uint64_t ns)
{
	time_t seconds = (time_t)(ns / CLOCK_SECOND);
	char date[32];
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(date, sizeof(date), "%d/%m/%Y %I:%M:%S ", &utc);
	text_put(text, date);
	text_put(text, utc.tm_hour < 12 ? "AM" : "PM");
}

static void text_microseconds(struct text *text, uint64_t ns, bool is_cell)
{
	text_number(text, ns / 1000);
	if (is_cell)
		return;
	text_char(text, '.');
	text_digits(text, ns % 1000, 3);
}

static void text_integer(struct text *text, int64_t integer)
{
	if (integer < 0)
		text_char(text, '-');
	text_number(text, integer < 0 ? -(uint64_t)integer : (uint64_t)integer);
}

static void text_ends(struct text *text, const struct flow_value *value)
{
	for (int i = 0; i < 2; i++) {
		text_address(text, value->family, value->ends.address[i]);
		text_char(text, '-');
	}
	for (int i = 0; i < 2; i++) {
		text_number(text, value->ends.port[i]);
		text_char(text, '-');
	}
	text_number(text, value->ends.proto);
}

static void text_real(struct text *text, double real, bool is_cell)
{
	char digits[64];

	snprintf(digits, sizeof(digits), is_cell ? "%.1f" : "%.6f", real);
	text_put(text, digits);
}

static void text_list(struct text *text, const struct flow_value *value, bool is_json)
{
	if (is_json)
		text_char(text, '[');
	for (size_t i = 0; i < value->list.count; i++) {
		if (i)
			text_char(text, is_json ? ',' : ' ');
		text_number(text, value->list.items[i]);
	}
	if (is_json)
		text_char(text, ']');
}

static void text_none(struct text *text, enum flow_value_form form)
{
	if (form != VALUE_AS_FIELD)
		text_put(text, form == VALUE_AS_JSON ? "null" : "-");
}

static void text_value(struct text *text, const struct flow_value *value, enum flow_value_form form)
{
	switch (value->kind) {
	case VALUE_NONE:
		text_none(text, form);
		break;
	case VALUE_WORD:
		text_put(text, value->word);
		break;
	case VALUE_NUMBER:
		text_number(text, value->number);
		break;
	case VALUE_INTEGER:
		text_integer(text, value->integer);
		break;
	case VALUE_WIDE:
		text_wide(text, value->wide);
		break;
	case VALUE_REAL:
		text_real(text, value->real, form == VALUE_AS_CELL);
		break;
	case VALUE_SECONDS:
		text_seconds(text, value->number, form == VALUE_AS_CELL);
		break;
	case VALUE_MICROSECONDS:
		text_microseconds(text, value->number, form == VALUE_AS_CELL);
		break;
	case VALUE_TIME:
		text_time(text, value->number);
		break;
	case VALUE_CIC_TIME:
		text_cic_time(text, value->number);
		break;
	case VALUE_ADDRESS:
		text_address(text, value->family, value->address);
		break;
	case VALUE_ENDS:
		text_ends(text, value);
		break;
	case VALUE_TRUTH:
		text_put(text, value->number ? "true" : "false");
		break;
	case VALUE_LIST:
		text_list(text, value, form == VALUE_AS_JSON);
		break;
	}
}

char *flow_value_format(const struct flow_value *value, enum flow_value_form form, char buf[FLOW_VALUE_SHOWN_MAX])
{
	struct text text = { .data = buf, .size = FLOW_VALUE_SHOWN_MAX - 1 };

	text_value(&text, value, form);
	buf[text.length] = '\0';
	return buf;
}
