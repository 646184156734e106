/* SPDX-License-Identifier: GPL-2.0-only */
/* Where events go that are followed: lines on standard output, an audit log, or sums every so many seconds. */
#ifndef SPLICER_SINK_H
#define SPLICER_SINK_H

#include "audit.h"
#include "error.h"
#include "eventview.h"
#include "follow.h"
#include "summary.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

#define SINK_LOG_RING (4u << 20) /* bytes: writing to a disk takes its time */

struct sink_kind;

struct sink {
	/* The caller's. */
	bool json, absolute;    /* absolute: lines have times with date and zone; those of a log always */
	const char *audit_path; /* of a log; NULL: none */
	uint64_t sync;          /* of it, see audit_sync_parse */
	uint64_t seconds;       /* between sums; 0: none */
	/* Its own. */
	const struct sink_kind *kind;
	struct follow *follow;
	struct event_view view;
	struct text text;
	struct audit audit;
	struct summary summary;
	uint64_t blocks; /* of sums, then it ends; 0: it does not */
};

/* Has the follower, which is not open yet, hand its events over to the sink. Its count is one of sums where there are
 * sums, and its ring is of a size that suits the sink if it has none. */
void sink_choose(struct sink *sink, struct follow *follow);

/* Opens what it writes to, after follow_open. */
int sink_open(struct sink *sink, struct error *error);

/* Ends it, after follow_close. -1 with *error when an audit log misses something. */
int sink_close(struct sink *sink, struct error *error);

#endif
