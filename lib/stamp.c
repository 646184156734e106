/* SPDX-License-Identifier: GPL-2.0-only */
#include "stamp.h"

#include "age.h"
#include "clock.h"

void stamp_out(struct out *out, const struct stamp *stamp, const char *key, const char *header, uint64_t time)
{
	uint64_t epoch = stamp->now_epoch + (time - stamp->now); /* modulo 2^64, also where it is past */
	double span = time < stamp->now ? seconds_between(time, stamp->now) : seconds_between(stamp->now, time);
	char text[AGE_TEXT_MAX] = "-";

	if (time && out->form == OUT_TABLE)
		age_format(span, text);
	out_seconds(out, key, header, time ? (double)epoch / (double)CLOCK_SECOND : -1, text);
}
