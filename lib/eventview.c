/* SPDX-License-Identifier: GPL-2.0-only */
#include "eventview.h"

#include "clock.h"

#include <stdio.h>
#include <time.h>

void event_view_refresh(struct event_view *view)
{
	view->offset = clock_epoch_offset();
	view->round++;
}

void event_view_interface(struct event_view *view, uint32_t ifindex, char buf[INTERFACE_TEXT_MAX])
{
	unsigned int place = ifindex % EVENT_VIEW_NAMES;

	if (view->names[place].ifindex != ifindex || view->names[place].round != view->round) {
		interface_format(ifindex, view->names[place].text);
		view->names[place].ifindex = ifindex;
		view->names[place].round = view->round;
	}
	memcpy(buf, view->names[place].text, INTERFACE_TEXT_MAX);
}

/* ---- time ---- */

uint64_t event_view_epoch_us(const struct event_view *view, uint64_t time)
{
	uint64_t us = clock_to_epoch_by(time, view->offset) / 1000;

	return us ? us : 1;
}

/* "+01:00" */
static void zone_format(const struct tm *tm, char text[8])
{
	long minutes = tm->tm_gmtoff / 60;
	char sign = minutes < 0 ? '-' : '+';

	minutes = minutes < 0 ? -minutes : minutes;
	snprintf(text, 8, "%c%02u:%02u", sign, (unsigned int)(minutes / 60) % 100, (unsigned int)(minutes % 60));
}

/* The text of a second is kept: many events are of the same one. */
static void second_format(struct event_view *view, int64_t second)
{
	time_t seconds = (time_t)second;
	struct tm tm = { 0 };

	if (view->time_known && view->second == second)
		return;
	localtime_r(&seconds, &tm);
	strftime(view->time, sizeof(view->time), view->absolute ? "%Y-%m-%dT%H:%M:%S." : "%H:%M:%S.", &tm);
	zone_format(&tm, view->zone);
	view->second = second;
	view->time_known = true;
}

void event_view_time(struct event_view *view, uint64_t time, struct text *text)
{
	uint64_t us = event_view_epoch_us(view, time);

	second_format(view, (int64_t)(us / 1000000));
	text_put(text, view->time);
	text_digits(text, us % 1000000, 6);
	if (view->absolute)
		text_put(text, view->zone);
}

/* ---- columns ---- */

/* Characters of UTF-8 text: bytes that do not continue one. */
static unsigned int width_of(const char *bytes, size_t count)
{
	unsigned int width = 0;

	for (size_t i = 0; i < count; i++)
		width += (bytes[i] & 0xc0) != 0x80;
	return width;
}

void event_view_align(struct event_view *view, unsigned int column, size_t begin, struct text *text)
{
	unsigned int width;

	if (!view->aligned)
		return;
	width = width_of(text->data + begin, text->length - begin);
	if (width > view->width[column])
		view->width[column] = width;
	text_blanks(text, view->width[column] - width);
}
