/* SPDX-License-Identifier: GPL-2.0-only */
/* What an audit log does not have, and how the log itself tells of it. */
#ifndef SPLICER_AUDITLOSS_H
#define SPLICER_AUDITLOSS_H

#include "eventview.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* Of one kind, since it was last told. */
struct audit_loss {
	uint64_t count;    /* 0: nothing */
	uint64_t from, to; /* clock_now() when it began, and when it was last added to */
	int reason;        /* errno, of the first, or one of those below */
};

#define AUDIT_RING_FULL 0
#define AUDIT_UNSUBSCRIBED (-1) /* how many there were is not known */

void audit_loss_add(struct audit_loss *loss, uint64_t count, int reason);
const char *audit_loss_reason(const struct audit_loss *loss);

/* As a line of the log, "TIME LOST 17 lines from TIME to TIME: REASON", or of JSON; of nothing, nothing. what: "lines"
 */
void audit_loss_put(const struct audit_loss *loss, const char *what, bool json, struct event_view *view,
		    struct text *text);

#endif
