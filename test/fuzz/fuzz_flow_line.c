/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as a file of conn_update, or of lb_flow add where the first one is 'L'. What is taken is printed and read
 * again, and must print the same.
 */
#include "../unit/flow_lines.h"
#include "fuzz.h"

/* What was printed fits, and is read as one line. */
static void require_line(const struct text *text, batch_callback *take, void *again)
{
	struct error error;

	FUZZ_REQUIRE(text->length < text->size);
	if (flow_lines_read(text->data, text->length, take, again, &error)) {
		fprintf(stderr, "%.*s: %s\n", (int)text->length, text->data, error.text);
		abort();
	}
}

static void require_same(const struct text *text, const struct text *again)
{
	if (text->length == again->length && !memcmp(text->data, again->data, text->length))
		return;
	fprintf(stderr, "%.*s\n%.*s\n", (int)text->length, text->data, (int)again->length, again->data);
	abort();
}

static void conn_again(const struct conn_row *row)
{
	char one[CONN_LINE_MAX], two[CONN_LINE_MAX];
	struct text text = TEXT_OF(one), other = TEXT_OF(two);
	struct conn_updates again = { 0 };

	text_conn_line(&text, row);
	require_line(&text, conn_lines_take, &again);
	FUZZ_REQUIRE(again.count == 1);
	text_conn_line(&other, &again.items[0]);
	require_same(&text, &other);
	FUZZ_REQUIRE(!memcmp(row, &again.items[0], sizeof(*row)));
	conn_updates_free(&again);
}

static void flow_again(const struct lb_flow_line *line)
{
	char one[LB_FLOW_LINE_MAX], two[LB_FLOW_LINE_MAX];
	struct text text = TEXT_OF(one), other = TEXT_OF(two);
	struct lb_flow_lines again = { 0 };

	text_lb_flow_line(&text, line);
	require_line(&text, lb_flow_lines_take, &again);
	FUZZ_REQUIRE(again.count == 1);
	text_lb_flow_line(&other, &again.items[0]);
	require_same(&text, &other);
	free(again.items);
}

static void read_conns(const char *text, size_t size)
{
	struct conn_updates rows = { 0 };
	struct error error;

	if (flow_lines_read(text, size, conn_lines_take, &rows, &error))
		fuzz_require_file_message(&error);
	for (size_t i = 0; i < rows.count; i++)
		conn_again(&rows.items[i]);
	conn_updates_free(&rows);
}

static void read_flows(const char *text, size_t size)
{
	struct lb_flow_lines lines = { 0 };
	struct error error;

	if (flow_lines_read(text, size, lb_flow_lines_take, &lines, &error))
		fuzz_require_file_message(&error);
	for (size_t i = 0; i < lines.count; i++)
		flow_again(&lines.items[i]);
	free(lines.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (*data == 'L')
		read_flows((const char *)data + 1, size - 1);
	else
		read_conns((const char *)data, size);
	return 0;
}
