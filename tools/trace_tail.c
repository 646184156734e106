/* SPDX-License-Identifier: GPL-2.0-only */
/* trace_tail: follows decisions as they happen. */
#include "eventselect.h"
#include "follow.h"
#include "num.h"
#include "option.h"
#include "sink.h"

#include <inttypes.h>
#include <stdio.h>

enum row { ROW_ABSOLUTE = EVENT_SELECT_ROWS, ROW_COUNT, ROW_BUFFER, ROW_AUDIT, ROW_SYNC, ROW_SUMMARY };

static const struct option_row rows[] = {
	EVENT_SELECT_OPTION_ROWS,
	{ "absolute", 't', NULL, "times with date and zone" },
	{ "count", 'c', "NUMBER", "end after that many events" },
	{ "buffer", 0, "KIB", "room for events that were not read yet; a power of two (1024, or 4096 with --audit)" },
	{ "audit", 0, "FILE", "append the lines to FILE, which only root may write; SIGHUP opens it anew" },
	{ "sync", 0, "WHEN", "bring the audit log to the disk: never, always, or every so many seconds (1)" },
	{ "summary", 0, "SECONDS", "print sums instead: verdicts, reasons, and the sources of most events" },
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
	struct follow follow;
	struct sink sink;
	bool sync_given;
};

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
		tail->sink.absolute = true;
		return 0;
	case ROW_COUNT:
		return num_parse(value, 1, UINT64_MAX, &tail->follow.count, error);
	case ROW_BUFFER:
		return take_buffer(tail, value, error);
	case ROW_AUDIT:
		if (tail->sink.audit_path)
			return error_usage(error, value, "the audit log is given twice");
		tail->sink.audit_path = value;
		return 0;
	case ROW_SYNC:
		tail->sync_given = true;
		return audit_sync_parse(value, &tail->sink.sync, error);
	case ROW_SUMMARY:
		return num_parse(value, 1, SCREEN_SECONDS_MAX, &tail->sink.seconds, error);
	default:
		return event_select_option(&tail->select, row, value, error);
	}
}

/* What goes together. A log is of decisions: packets that are no more than samples come only when asked for by name. */
static int options_check(const struct tail *tail, struct error *error)
{
	const struct event_filter *filter = &tail->select.filter;

	if (tail->sync_given && !tail->sink.audit_path)
		return error_usage(error, "--sync", "goes with --audit only");
	if (!tail->sink.seconds && !tail->sink.audit_path)
		return 0;
	if (tail->sink.seconds && tail->sink.audit_path)
		return error_usage(error, "--summary", "does not go with --audit");
	if (tail->sink.seconds && tail->sink.absolute)
		return error_usage(error, "--absolute", "does not go with --summary");
	if (tail->sink.audit_path && filter->sample && !(filter->types & 1u << EVENT_PACKET))
		return error_usage(error, "--sample", "goes with --audit only where --event packet is given too");
	return 0;
}

/* ---- all of it ---- */

static void losses_print(const struct follow *follow)
{
	if (follow->lost)
		note_print("%" PRIu64 " events, %" PRIu64 " lost", follow->seen, follow->lost);
	if (follow->skipped)
		note_print("%" PRIu64 " records of another version were skipped", follow->skipped);
}

static int tail_run(struct tail *tail, bool quiet, struct error *error)
{
	struct follow *follow = &tail->follow;
	struct error second;
	int result;

	if (follow_open(follow, error))
		return -1;
	if (sink_open(&tail->sink, error)) {
		follow_close(follow);
		return -1;
	}
	result = follow_run(follow, error);
	follow_close(follow);
	if (sink_close(&tail->sink, result ? &second : error))
		result = result ? error_print(&second), -1 : -1;
	if (!quiet)
		losses_print(follow);
	return result;
}

int main(int argc, char **argv)
{
	struct tail tail = { 0 }; /* 10 KiB */
	struct common_options common = { 0 };
	struct error error;
	int count;

	tail.sink.sync = AUDIT_SYNC_DEFAULT;
	count = options_parse(&command, argc, argv, &common, take_option, &tail, &error);
	if (count < 0 || event_select_operands(&tail.select, argv + argc - count, count, &error) ||
	    options_check(&tail, &error) || event_select_finish(&tail.select, &error))
		return error_print(&error);
	tail.sink.json = common.json;
	tail.follow.pin_dir = common.pin_dir;
	tail.follow.filter = tail.select.filter;
	sink_choose(&tail.sink, &tail.follow);
	if (tail_run(&tail, common.quiet, &error))
		return error_print(&error);
	return output_finish(EXIT_DONE);
}
