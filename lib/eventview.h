/* SPDX-License-Identifier: GPL-2.0-only */
/* How events are shown, and what need not be looked up anew for each of them. */
#ifndef SPLICER_EVENTVIEW_H
#define SPLICER_EVENTVIEW_H

#include "rule.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

#define EVENT_VIEW_COLUMNS 6 /* of a line that are aligned */
#define EVENT_VIEW_NAMES 64  /* interfaces that are remembered */
#define EVENT_VIEW_TIME 40   /* bytes of a time, at most */

/* All zero: plain lines, of the time of day. */
struct event_view {
	bool absolute; /* times with date and zone, RFC 3339 */
	bool aligned;  /* columns, which grow to the widest that came */
	bool colour;   /* of the verdict */
	/* The rest is its own. */
	int64_t offset;
	unsigned int width[EVENT_VIEW_COLUMNS];
	uint32_t round;
	struct {
		uint32_t ifindex, round;
		char text[INTERFACE_TEXT_MAX];
	} names[EVENT_VIEW_NAMES];
	int64_t second; /* whose text these are */
	char time[EVENT_VIEW_TIME], zone[8];
	bool time_known;
};

/* Looks at clocks and interfaces anew. To be called before the first event, and before those that came later. */
void event_view_refresh(struct event_view *view);

/* As interface_format. */
void event_view_interface(struct event_view *view, uint32_t ifindex, char buf[INTERFACE_TEXT_MAX]);

/* us since the epoch of ns of CLOCK_MONOTONIC; at least 1. */
uint64_t event_view_epoch_us(const struct event_view *view, uint64_t time);

/* The time as a line has it. */
void event_view_time(struct event_view *view, uint64_t time, struct text *text);

/* Pads to the width of a column what was put since `begin`. */
void event_view_align(struct event_view *view, unsigned int column, size_t begin, struct text *text);

#endif
