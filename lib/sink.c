/* SPDX-License-Identifier: GPL-2.0-only */
#include "sink.h"

#include "eventout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- lines ---- */

static char output[1 << 16];

static void lines_flush(struct sink *sink)
{
	fwrite(sink->text.data, 1, sink->text.length, stdout);
	fflush(stdout);
	sink->text.length = 0;
}

static void lines_event(void *context, const struct event *event)
{
	struct sink *sink = context;

	if (text_room(&sink->text) < EVENT_TEXT_MAX)
		lines_flush(sink);
	(sink->json ? event_put_json : event_put_line)(event, &sink->view, &sink->text);
}

static int lines_round(void *context, struct error *error)
{
	struct sink *sink = context;

	if (sink->text.length)
		lines_flush(sink);
	event_view_refresh(&sink->view);
	return ferror(stdout) ? error_state(error, "stdout", "cannot be written") : 0;
}

/* On a terminal that can, unless the environment says otherwise (https://no-color.org). */
static bool wants_colour(void)
{
	const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(refused && *refused) && !(terminal && !strcmp(terminal, "dumb"));
}

static int lines_open(struct sink *sink, struct error *error)
{
	(void)error;
	sink->text = TEXT_OF(output);
	sink->view.absolute = sink->absolute;
	sink->view.aligned = true;
	sink->view.colour = wants_colour();
	event_view_refresh(&sink->view);
	return 0;
}

static int lines_close(struct sink *sink, struct error *error)
{
	(void)sink;
	(void)error;
	return 0;
}

/* ---- an audit log ---- */

static int log_open(struct sink *sink, struct error *error)
{
	return audit_open(&sink->audit, sink->audit_path, sink->sync, sink->json, error);
}

static void log_event(void *context, const struct event *event)
{
	struct sink *sink = context;

	audit_event(&sink->audit, event);
}

static int log_round(void *context, struct error *error)
{
	struct sink *sink = context;

	(void)error;
	follow_lost(sink->follow);
	audit_events_lost(&sink->audit, sink->follow->lost);
	if (sink->follow->gap_to)
		audit_gap(&sink->audit, sink->follow->gap_from, sink->follow->gap_to);
	sink->follow->gap_to = 0;
	audit_round(&sink->audit);
	if (sink->follow->hangup)
		audit_reopen(&sink->audit);
	sink->follow->hangup = false;
	return 0;
}

static int log_close(struct sink *sink, struct error *error)
{
	return audit_close(&sink->audit, error);
}

/* ---- sums ---- */

static int sums_open(struct sink *sink, struct error *error)
{
	return summary_open(&sink->summary, sink->seconds, sink->json, error);
}

static void sums_event(void *context, const struct event *event)
{
	struct sink *sink = context;

	summary_take(&sink->summary, event);
}

static int sums_round(void *context, struct error *error)
{
	struct sink *sink = context;

	follow_lost(sink->follow);
	summary_round(&sink->summary, sink->follow->lost);
	sink->follow->due = summary_due(&sink->summary);
	sink->follow->over = sink->blocks && sink->summary.blocks == sink->blocks;
	return ferror(stdout) ? error_state(error, "stdout", "cannot be written") : 0;
}

static int sums_close(struct sink *sink, struct error *error)
{
	(void)error;
	if (!sink->follow->over)
		summary_finish(&sink->summary, sink->follow->lost);
	summary_close(&sink->summary);
	return 0;
}

/* ---- one of them ---- */

struct sink_kind {
	int (*open)(struct sink *sink, struct error *error);
	follow_event *event;
	follow_round *round;
	int (*close)(struct sink *sink, struct error *error);
};

static const struct sink_kind kind_lines = { lines_open, lines_event, lines_round, lines_close };
static const struct sink_kind kind_log = { log_open, log_event, log_round, log_close };
static const struct sink_kind kind_sums = { sums_open, sums_event, sums_round, sums_close };

void sink_choose(struct sink *sink, struct follow *follow)
{
	sink->follow = follow;
	sink->kind = sink->seconds ? &kind_sums : sink->audit_path ? &kind_log : &kind_lines;
	follow->context = sink;
	follow->event = sink->kind->event;
	follow->round = sink->kind->round;
	follow->output = sink->audit_path ? -1 : STDOUT_FILENO;
	follow->hangup_goes_on = sink->audit_path;
	if (sink->seconds) {
		sink->blocks = follow->count;
		follow->count = 0;
	}
	if (!follow->ring_bytes)
		follow->ring_bytes = sink->audit_path ? SINK_LOG_RING : SUBSCRIPTION_RING;
}

int sink_open(struct sink *sink, struct error *error)
{
	return sink->kind->open(sink, error);
}

int sink_close(struct sink *sink, struct error *error)
{
	return sink->kind->close(sink, error);
}
