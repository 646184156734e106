/* SPDX-License-Identifier: GPL-2.0-only */
/* conn_delete: forgets tracked connections, and destroys local sockets. */
#include "conndelete.h"
#include "connout.h"
#include "connselect.h"
#include "connview.h"
#include "option.h"
#include "pin.h"

#include <stdio.h>
#include <string.h>

enum { ROW_ALL = CONN_SELECT_ROWS, ROW_SOCKETS };

static const struct option_row rows[] = {
	CONN_SELECT_OPTION_ROWS,
	{ "all", 0, NULL, "all that match, also none; without selectors every tracked connection" },
	{ "sockets", 0, NULL, "with --all and no selector: destroy all local sockets too" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]... [PREFIX]", "[OPTION]... --all [--sockets]", NULL };

static const struct command command = {
	.name = "conn_delete",
	.synopsis = synopsis,
	.summary =
		"Forget connections, and destroy the local sockets that they belong to. PREFIX (an address,\n"
		"ADDRESS/LEN, or a range A-B) is where one of the two ends is. A selector that is not given matches\n"
		"anything. The SSH session that this is run from is left alone.",
	.options = rows,
	.common = "nvqj",
};

struct request {
	struct conn_selector selector;
	bool selected, all, sockets;
	char named[256]; /* the selectors as the user wrote them, for messages */
};

static void name_add(struct request *request, const char *word, const char *value)
{
	size_t used = strlen(request->named);

	snprintf(request->named + used, sizeof(request->named) - used, "%s%s%s%.60s", used ? " " : "", word,
		 *word ? " " : "", value);
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;
	char word[32];

	if (row == ROW_ALL) {
		request->all = true;
		return 0;
	}
	if (row == ROW_SOCKETS) {
		request->sockets = true;
		return 0;
	}
	request->selected = true;
	snprintf(word, sizeof(word), "--%s", rows[row].name);
	name_add(request, word, value);
	return conn_selector_option(&request->selector, row, value, error);
}

static int read_input(int argc, char **argv, struct common_options *common, struct request *request,
		      struct error *error)
{
	int count = options_parse(&command, argc, argv, common, take_option, request, error);
	char **operands = argv + argc - count;

	if (count < 0 || conn_selector_operands(&request->selector, operands, count, error))
		return -1;
	if (count)
		name_add(request, "", operands[0]);
	request->selected |= count > 0;
	if (request->sockets && !request->all)
		return error_usage(error, "--sockets", "goes with --all; selectors take sockets anyway");
	if (!request->selected && !request->all)
		return error_usage(error, "operands", "which connections? expected a selector or --all");
	return 0;
}

static int delete_selected(const struct pins *pins, const struct request *request, const struct common_options *common,
			   struct connview *view, struct error *error)
{
	struct conn_deletion deletion = {
		.sockets = request->selected || request->sockets,
		.overdue = !request->selected,
		.dry_run = common->dry_run,
	};
	size_t found = view->count;
	int result;

	if (!found && !request->all)
		return error_state(error, request->named, "no such connection");
	result = connections_delete(pins, view, &deletion, error);
	if (deletion.spared && !common->quiet)
		note_print("the SSH session that this is run from is left alone");
	if (!result && deletion.spared == found && !request->all)
		return error_state(error, request->named, "no other connection");
	return result;
}

/* Under the lock from the reading on: while a table is exchanged, some connections are in neither for a moment. */
static int find_and_delete(const struct pins *pins, const struct request *request, const struct common_options *common,
			   struct connview *view, struct error *error)
{
	int result;

	if (!common->dry_run && pins_lock(pins, error))
		return -1;
	result = connview_open(view, pins, &request->selector, error) ||
				 delete_selected(pins, request, common, view, error)
			 ? -1
			 : 0;
	if (!common->dry_run)
		pins_unlock(pins);
	return result;
}

static void print_json(const struct connview *view)
{
	struct out out;

	out_open(&out, OUT_JSON);
	for (size_t i = 0; i < view->count; i++) {
		out_begin(&out);
		out_text(&out, "change", NULL, "D");
		conn_out(&out, view, &view->rows[i]);
		out_end(&out);
	}
	out_again(&out);
}

static void print_deleted(const struct connview *view, const struct common_options *common)
{
	if (common->json) {
		print_json(view);
		return;
	}
	for (size_t i = 0; i < view->count && (common->verbose || common->dry_run); i++) {
		fputs("D ", stdout);
		conn_print_line(&view->rows[i]);
	}
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct connview view = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &request, &error) ||
		     pins_open(&pins, common.pin_dir, PINS_SPLICER, !common.dry_run, &error) ||
		     find_and_delete(&pins, &request, &common, &view, &error);

	/* what was deleted before an error is told too */
	if (!failed || view.count)
		print_deleted(&view, &common);
	connview_close(&view);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
