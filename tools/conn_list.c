/* SPDX-License-Identifier: GPL-2.0-only */
/* conn_list: shows tracked connections, and local sockets that have a peer. */
#include "connout.h"
#include "connselect.h"
#include "connview.h"
#include "option.h"
#include "pin.h"

enum { ROW_COUNT = CONN_SELECT_ROWS, ROW_SAVE };

static const struct option_row rows[] = {
	CONN_SELECT_OPTION_ROWS,
	{ "count", 0, NULL, "print only how many there are" },
	{ "save", 0, NULL, "print the lines that conn_update -f reads; of tracked ones only" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]... [PREFIX]", NULL };

static const struct command command = {
	.name = "conn_list",
	.synopsis = synopsis,
	.summary =
		"List connections that the packet program tracks, oldest first, then those that it only knows from a\n"
		"local socket. PREFIX (an address, ADDRESS/LEN, or a range A-B) is where one of the two ends is. A\n"
		"selector that is not given matches anything.",
	.options = rows,
	.common = "j",
};

struct listing {
	struct conn_selector selector;
	bool count, save;
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct listing *listing = context;

	if (row < CONN_SELECT_ROWS)
		return conn_selector_option(&listing->selector, row, value, error);
	if (row == ROW_COUNT)
		listing->count = true;
	else
		listing->save = true;
	return 0;
}

static int read_input(int argc, char **argv, struct common_options *common, struct listing *listing,
		      struct error *error)
{
	int count = options_parse(&command, argc, argv, common, take_option, listing, error);

	if (count < 0 || conn_selector_operands(&listing->selector, argv + argc - count, count, error))
		return -1;
	if (listing->save && (listing->count || common->json))
		return error_usage(error, "--save", "prints lines of conn_update -f, neither JSON nor a count");
	return 0;
}

static int list(const char *pin_dir, const struct listing *listing, enum out_form form, struct error *error)
{
	struct connview view;
	struct pins pins;

	if (pins_open(&pins, pin_dir, PINS_SPLICER, false, error) ||
	    connview_open(&view, &pins, &listing->selector, error))
		return -1;
	if (listing->save)
		connview_print_lines(&view);
	else if (listing->count)
		connview_print_count(&view, form);
	else
		connview_print(&view, form);
	connview_close(&view);
	return 0;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct listing listing = { 0 };
	struct error error;
	int failed = read_input(argc, argv, &common, &listing, &error) ||
		     list(common.pin_dir, &listing, common.json ? OUT_JSON : OUT_TABLE, &error);

	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
