/* SPDX-License-Identifier: GPL-2.0-only */
/* An event as text: a line for people, or one of JSON. Both are made of the same values, in the same order. */
#ifndef SPLICER_EVENTOUT_H
#define SPLICER_EVENTOUT_H

#include "abi/event.h"
#include "eventview.h"
#include "text.h"

#define EVENT_TEXT_MAX 2048 /* bytes of an event as text, at most: so much room each of the two wants */

/* Puts the event, with the newline at its end. Whatever bytes the event has, it is one line without control characters,
 * but for the colour. */
void event_put_line(const struct event *event, struct event_view *view, struct text *text);
void event_put_json(const struct event *event, struct event_view *view, struct text *text);

#endif
