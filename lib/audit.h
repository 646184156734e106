/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An audit log: each line is in the file as a whole, or counted as lost, and the log itself says how many were and why.
 * A line that the disk does not take is lost; when writing works again, a line says from when to when, and why.
 */
#ifndef SPLICER_AUDIT_H
#define SPLICER_AUDIT_H

#include "abi/event.h"
#include "auditfile.h"
#include "auditloss.h"
#include "error.h"
#include "eventview.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_SYNC_ALWAYS 0
#define AUDIT_SYNC_NEVER UINT64_MAX
#define AUDIT_SYNC_DEFAULT 1

struct audit {
	struct audit_path path;
	int file;
	bool json;
	struct event_view view;
	uint64_t sync; /* seconds, or one of AUDIT_SYNC_* */
	char *buffer;  /* room for what is told first, then lines */
	size_t used;   /* bytes of lines */
	bool torn;     /* the file does not end with a whole line */
	struct audit_loss lines, events;
	uint64_t events_lost;      /* since the beginning */
	bool unsynced, sync_fails; /* since the last that succeeded */
	bool sync_failed;          /* ever */
	uint64_t synced;           /* when it was last tried, ns of clock_now() */
};

/* "never", "always" (after each writing), or the seconds between two: 1 to 86400. -1 with *error. */
int audit_sync_parse(const char *text, uint64_t *sync, struct error *error);

/*
 * Opens the log as audit_file_open does, whose errors come back. A file that ends with a torn line gets a newline
 * first. From then on SIGXFSZ is ignored: a limit on file sizes counts as a full disk.
 */
int audit_open(struct audit *audit, const char *path, uint64_t sync, bool json, struct error *error);

/* An event, as a line with date and zone or as JSON. Written at the latest by the next audit_round. */
void audit_event(struct audit *audit, const struct event *event);

/* A line, its newline included, of at most AUDIT_LINE_MAX bytes. */
#define AUDIT_LINE_MAX 4096
void audit_line(struct audit *audit, const char *line, size_t size);

/* So many events, since the beginning, found the ring full: the log shall say so of those that it has not told yet. */
void audit_events_lost(struct audit *audit, uint64_t lost);

/* Nobody was subscribed from one clock_now() to another: an entry says so. */
void audit_gap(struct audit *audit, uint64_t from, uint64_t to);

/* Writes all lines and what there is to tell of losses, and has the disk take it (fdatasync) when it is time. To be
 * called at least as often as the log is to be brought to the disk. Begin and end of losses are told on stderr. */
void audit_round(struct audit *audit);

/*
 * After a rotation: all that came until now goes to the file as it was, what follows to the one that has the path's
 * name now. When that is refused, the old one stays, and stderr says why.
 */
void audit_reopen(struct audit *audit);

/* Writes the rest and closes it. -1 with *error when lines are lost of which the log does not tell, or when the disk
 * failed to take some at some time. */
int audit_close(struct audit *audit, struct error *error);

#endif
