/* SPDX-License-Identifier: GPL-2.0-only */
#include "auditloss.h"

#include "clock.h"

#include <string.h>

void audit_loss_add(struct audit_loss *loss, uint64_t count, int reason)
{
	uint64_t now = clock_now();

	if (!count)
		return;
	if (!loss->count) {
		loss->from = now;
		loss->reason = reason;
	}
	loss->to = now;
	loss->count += count;
}

const char *audit_loss_reason(const struct audit_loss *loss)
{
	if (loss->reason == AUDIT_UNSUBSCRIBED)
		return "not subscribed";
	return loss->reason == AUDIT_RING_FULL ? "the ring was full" : strerror(loss->reason);
}

static void loss_put_line(const struct audit_loss *loss, const char *what, struct event_view *view, struct text *text)
{
	event_view_time(view, clock_now(), text);
	text_put(text, " LOST ");
	if (loss->reason != AUDIT_UNSUBSCRIBED) {
		text_number(text, loss->count);
		text_char(text, ' ');
	}
	text_put(text, what);
	text_put(text, " from ");
	event_view_time(view, loss->from, text);
	text_put(text, " to ");
	event_view_time(view, loss->to, text);
	text_put(text, ": ");
	text_put(text, audit_loss_reason(loss));
	text_char(text, '\n');
}

/* The key, and seconds since the epoch. */
static void time_put_json(const struct event_view *view, const char *key, uint64_t time, struct text *text)
{
	uint64_t us = event_view_epoch_us(view, time);

	text_put(text, key);
	text_number(text, us / 1000000);
	text_char(text, '.');
	text_digits(text, us % 1000000, 6);
}

static void loss_put_json(const struct audit_loss *loss, const char *what, struct event_view *view, struct text *text)
{
	time_put_json(view, "{\"time\":", clock_now(), text);
	text_put(text, ",\"lost\":");
	if (loss->reason == AUDIT_UNSUBSCRIBED)
		text_put(text, "null");
	else
		text_number(text, loss->count);
	text_put(text, ",\"what\":");
	text_json(text, what);
	time_put_json(view, ",\"from\":", loss->from, text);
	time_put_json(view, ",\"to\":", loss->to, text);
	text_put(text, ",\"why\":");
	text_json(text, audit_loss_reason(loss));
	text_put(text, "}\n");
}

void audit_loss_put(const struct audit_loss *loss, const char *what, bool json, struct event_view *view,
		    struct text *text)
{
	if (loss->count || loss->reason == AUDIT_UNSUBSCRIBED)
		(json ? loss_put_json : loss_put_line)(loss, what, view, text);
}
