/* SPDX-License-Identifier: GPL-2.0-only */
/* trace_tail: follows decisions as they happen. */
#include "eventout.h"
#include "eventselect.h"
#include "follow.h"
#include "num.h"
#include "option.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum row { ROW_ABSOLUTE = EVENT_SELECT_ROWS, ROW_COUNT, ROW_BUFFER };

static const struct option_row rows[] = {
	EVENT_SELECT_OPTION_ROWS,
	{ "absolute", 't', NULL, "times with date and zone" },
	{ "count", 'c', "NUMBER", "end after that many events" },
	{ "buffer", 0, "KIB", "room for events that were not read yet; a power of two (1024)" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]... [PREFIX]...", NULL };

static const struct command command = {
	.name = "trace_tail",
	.synopsis = synopsis,
	.summary =
		"Print a line for each decision: what a rule passed or spliced, a new SSH connection, a drop. PREFIX "
		"(an\n"
		"address, ADDRESS/LEN, or a range A-B) is where one of the two ends is. What is given several times\n"
		"are alternatives; a selector that is not given matches anything. Up to 16 readers may follow at once.",
	.options = rows,
	.common = "qj",
};

#define BUFFER_KIB_MAX (1u << 20) /* 1 GiB */

struct tail {
	struct event_select select;
	struct event_view view;
	struct follow follow;
	struct text text;
	bool json;
};

/* ---- output ---- */

static char output[1 << 16];

static void tail_flush(struct tail *tail)
{
	fwrite(tail->text.data, 1, tail->text.length, stdout);
	fflush(stdout);
	tail->text.length = 0;
}

static void tail_event(void *context, const struct event *event)
{
	struct tail *tail = context;

	if (text_room(&tail->text) < EVENT_TEXT_MAX)
		tail_flush(tail);
	(tail->json ? event_put_json : event_put_line)(event, &tail->view, &tail->text);
}

static int tail_round(void *context, struct error *error)
{
	struct tail *tail = context;

	if (tail->text.length)
		tail_flush(tail);
	event_view_refresh(&tail->view);
	return ferror(stdout) ? error_state(error, "stdout", "cannot be written") : 0;
}

/* On a terminal that can, unless the environment says otherwise (https://no-color.org). */
static bool wants_colour(void)
{
	const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(refused && *refused) && !(terminal && !strcmp(terminal, "dumb"));
}

/* ---- options ---- */

static int take_buffer(struct tail *tail, const char *value, struct error *error)
{
	uint64_t kib;

	if (num_parse(value, 4, BUFFER_KIB_MAX, &kib, error))
		return -1;
	if (kib & (kib - 1))
		return error_usage(error, value, "not a power of two");
	tail->follow.ring_bytes = (uint32_t)(kib * 1024);
	return 0;
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct tail *tail = context;

	switch (row) {
	case ROW_ABSOLUTE:
		tail->view.absolute = true;
		return 0;
	case ROW_COUNT:
		return num_parse(value, 1, UINT64_MAX, &tail->follow.count, error);
	case ROW_BUFFER:
		return take_buffer(tail, value, error);
	default:
		return event_select_option(&tail->select, row, value, error);
	}
}

/* ---- all of it ---- */

static void losses_print(const struct follow *follow)
{
	if (follow->lost)
		note_print("%" PRIu64 " events, %" PRIu64 " lost", follow->seen, follow->lost);
	if (follow->skipped)
		note_print("%" PRIu64 " records of another version were skipped", follow->skipped);
}

static int tail_run(struct tail *tail, const struct common_options *common, struct error *error)
{
	struct follow *follow = &tail->follow;
	int result;

	tail->json = common->json;
	tail->view.aligned = true;
	tail->view.colour = wants_colour();
	follow->pin_dir = common->pin_dir;
	follow->filter = tail->select.filter;
	event_view_refresh(&tail->view);
	if (follow_open(follow, error))
		return -1;
	result = follow_run(follow, error);
	follow_close(follow);
	if (!common->quiet)
		losses_print(follow);
	return result;
}

int main(int argc, char **argv)
{
	static struct tail tail; /* 10 KiB */
	struct common_options common = { 0 };
	struct error error;
	int count;

	tail.text = TEXT_OF(output);
	tail.follow = (struct follow){ .ring_bytes = SUBSCRIPTION_RING,
				       .output = STDOUT_FILENO,
				       .event = tail_event,
				       .round = tail_round,
				       .context = &tail };
	count = options_parse(&command, argc, argv, &common, take_option, &tail, &error);
	if (count < 0 || event_select_operands(&tail.select, argv + argc - count, count, &error) ||
	    event_select_finish(&tail.select, &error) || tail_run(&tail, &common, &error))
		return error_print(&error);
	return output_finish(EXIT_DONE);
}
