/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit.h"

#include "clock.h"
#include "eventout.h"
#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTICES_MAX 1024 /* bytes: a newline, and two lines that tell of losses */
#define LINES_MAX (1u << 18)
#define SYNC_SECONDS_MAX 86400

int audit_sync_parse(const char *text, uint64_t *sync, struct error *error)
{
	if (!strcmp(text, "never"))
		*sync = AUDIT_SYNC_NEVER;
	else if (!strcmp(text, "always"))
		*sync = AUDIT_SYNC_ALWAYS;
	else if (num_parse(text, 1, SYNC_SECONDS_MAX, sync, error))
		return error_usage(error, text, "is none of: never, always, 1 to %d seconds", SYNC_SECONDS_MAX);
	return 0;
}

/* ---- what is told of the file, on stderr ---- */

static void __attribute__((format(printf, 2, 3))) file_note(const struct audit *audit, const char *format, ...)
{
	va_list arguments;
	struct error error;
	char text[256];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	error_state(&error, audit->path.text, "%s", text);
	error_print(&error);
}

/* ---- writing ---- */

static char *lines_of(const struct audit *audit)
{
	return audit->buffer + NOTICES_MAX;
}

static uint64_t lines_count(const char *text, size_t size)
{
	uint64_t count = 0;

	for (const char *at = text; (at = memchr(at, '\n', size - (size_t)(at - text))); at++)
		count++;
	return count;
}

/* Puts what is to be told right before the lines; returns where it begins. */
static char *notices_put(struct audit *audit)
{
	char notices[NOTICES_MAX], *begin;
	struct text text = TEXT_OF(notices);

	if (audit->torn)
		text_char(&text, '\n');
	event_view_refresh(&audit->view);
	audit_loss_put(&audit->lines, "lines", audit->json, &audit->view, &text);
	audit_loss_put(&audit->events, "events", audit->json, &audit->view, &text);
	begin = lines_of(audit) - text.length;
	memcpy(begin, notices, text.length);
	return begin;
}

/* As much as the file takes; *reason is the errno, if that was not all. */
static size_t file_write(int file, const char *text, size_t size, int *reason)
{
	size_t done = 0;

	*reason = 0;
	while (done < size && !*reason) {
		ssize_t written = write(file, text + done, size - done);

		if (written > 0)
			done += (size_t)written;
		else if (written == 0)
			*reason = EIO;
		else if (errno != EINTR)
			*reason = errno;
	}
	return done;
}

/* Bytes of the whole lines among the first `size`. */
static size_t whole_lines(const char *text, size_t size)
{
	const char *end = memrchr(text, '\n', size);

	return end ? (size_t)(end - text) + 1 : 0;
}

/* What shall stay in the file of `text`, of which only the first `written` bytes went in: whole lines. While lines are
 * being lost it is all or nothing: a disk that is full to the last block has room for the notice, time and again. */
static size_t kept_of(const struct audit *audit, const char *text, size_t written)
{
	size_t notices = (size_t)(lines_of(audit) - text);
	size_t kept = audit->lines.count ? 0 : whole_lines(text, written);

	return kept < notices ? 0 : kept;
}

/* Returns what stays: more than it should where the file can only grow (chattr(1), a). */
static size_t file_cut(struct audit *audit, const char *text, size_t written)
{
	size_t kept = kept_of(audit, text, written);
	off_t end = lseek(audit->file, 0, SEEK_END);

	if (written == kept || (end >= (off_t)written && !ftruncate(audit->file, end - (off_t)(written - kept))))
		return kept;
	kept = whole_lines(text, written);
	audit->torn = kept < written;
	return kept;
}

static void lines_lose(struct audit *audit, uint64_t count, int reason)
{
	if (!audit->lines.count && count)
		file_note(audit, "%s: lines are being lost", strerror(reason));
	audit_loss_add(&audit->lines, count, reason);
}

static void losses_told(struct audit *audit)
{
	if (audit->lines.count)
		file_note(audit, "%" PRIu64 " lines were lost: %s", audit->lines.count,
			  audit_loss_reason(&audit->lines));
	audit->lines = audit->events = (struct audit_loss){ 0 };
	audit->torn = false;
}

static void lines_write(struct audit *audit)
{
	char *text = notices_put(audit), *lines = lines_of(audit);
	size_t notices = (size_t)(lines - text), size = notices + audit->used, kept;
	int reason;

	if (!size)
		return;
	kept = file_write(audit->file, text, size, &reason);
	if (kept < size)
		kept = file_cut(audit, text, kept);
	audit->unsynced |= kept > 0;
	if (notices && kept >= notices)
		losses_told(audit);
	if (kept < size) {
		kept = kept > notices ? kept - notices : 0;
		lines_lose(audit, lines_count(lines + kept, audit->used - kept), reason);
	}
	audit->used = 0;
}

/* ---- to the disk ---- */

static void file_sync(struct audit *audit)
{
	bool failed = fdatasync(audit->file);

	audit->synced = clock_now();
	audit->unsynced = failed;
	if (failed && !audit->sync_fails)
		file_note(audit, "%s: the disk did not take all lines", strerror(errno));
	audit->sync_fails = failed;
	audit->sync_failed |= failed;
}

static bool sync_is_due(const struct audit *audit)
{
	if (!audit->unsynced || audit->sync == AUDIT_SYNC_NEVER)
		return false;
	return clock_now() - audit->synced >= audit->sync * CLOCK_SECOND;
}

/* ---- the log ---- */

int audit_open(struct audit *audit, const char *path, uint64_t sync, bool json, struct error *error)
{
	*audit = (struct audit){ .file = -1, .sync = sync, .json = json, .synced = clock_now(), .view.absolute = true };
	event_view_refresh(&audit->view);
	if (audit_path_open(&audit->path, path, error))
		return -1;
	audit->file = audit_file_open(&audit->path, -1, error);
	audit->buffer = audit->file >= 0 ? malloc(NOTICES_MAX + LINES_MAX) : NULL;
	if (audit->file >= 0 && !audit->buffer)
		error_errno(error, path);
	if (!audit->buffer) {
		if (audit->file >= 0)
			close(audit->file);
		audit_path_close(&audit->path);
		return -1;
	}
	audit->torn = audit_file_is_torn(audit->file);
	signal(SIGXFSZ, SIG_IGN);
	return 0;
}

void audit_event(struct audit *audit, const struct event *event)
{
	char line[EVENT_TEXT_MAX];
	struct text text = TEXT_OF(line);

	(audit->json ? event_put_json : event_put_line)(event, &audit->view, &text);
	audit_line(audit, text.data, text.length);
}

void audit_line(struct audit *audit, const char *line, size_t size)
{
	if (audit->used + size > LINES_MAX)
		lines_write(audit);
	memcpy(lines_of(audit) + audit->used, line, size);
	audit->used += size;
}

void audit_events_lost(struct audit *audit, uint64_t lost)
{
	audit_loss_add(&audit->events, lost - audit->events_lost, AUDIT_RING_FULL);
	audit->events_lost = lost;
}

void audit_gap(struct audit *audit, uint64_t from, uint64_t to)
{
	struct audit_loss gap = { .from = from, .to = to, .reason = AUDIT_UNSUBSCRIBED };
	char line[EVENT_TEXT_MAX];
	struct text text = TEXT_OF(line);

	audit_loss_put(&gap, "events", audit->json, &audit->view, &text);
	audit_line(audit, text.data, text.length);
}

void audit_round(struct audit *audit)
{
	lines_write(audit);
	if (sync_is_due(audit))
		file_sync(audit);
}

void audit_reopen(struct audit *audit)
{
	struct error error;
	int file;

	lines_write(audit);
	if (audit->unsynced && audit->sync != AUDIT_SYNC_NEVER)
		file_sync(audit);
	file = audit_file_open(&audit->path, audit->file, &error);
	if (file < 0) {
		error_print(&error);
		file_note(audit, "not opened anew, the old file is written on");
		return;
	}
	if (file == audit->file)
		return;
	close(audit->file);
	audit->file = file;
	audit->unsynced = false;
	audit->torn = audit_file_is_torn(file);
}

/* The first of what went wrong. */
static int losses_left(const struct audit *audit, struct error *error)
{
	if (audit->lines.count)
		return error_state(error, audit->path.text, "%" PRIu64 " lines are lost: %s", audit->lines.count,
				   audit_loss_reason(&audit->lines));
	if (audit->events.count)
		return error_state(error, audit->path.text, "does not tell of %" PRIu64 " lost events",
				   audit->events.count);
	if (audit->sync_failed)
		return error_state(error, audit->path.text, "the disk did not take all lines");
	return 0;
}

int audit_close(struct audit *audit, struct error *error)
{
	int result;

	lines_write(audit);
	if (audit->unsynced && audit->sync != AUDIT_SYNC_NEVER)
		file_sync(audit);
	result = losses_left(audit, error);
	if (close(audit->file) && !result)
		result = error_errno(error, audit->path.text);
	free(audit->buffer);
	audit_path_close(&audit->path);
	return result;
}
