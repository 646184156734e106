/* SPDX-License-Identifier: GPL-2.0-only */
#include "age.h"

#include "clock.h"

#include <stdio.h>

char *age_format(double seconds, char text[AGE_TEXT_MAX])
{
	if (seconds < 120)
		snprintf(text, AGE_TEXT_MAX, "%.1fs", seconds);
	else if (seconds < 7200)
		snprintf(text, AGE_TEXT_MAX, "%.0fm", seconds / 60);
	else
		snprintf(text, AGE_TEXT_MAX, "%.0fh", seconds / 3600);
	return text;
}

double seconds_between(uint64_t from, uint64_t to)
{
	return to > from ? (double)(to - from) / (double)CLOCK_SECOND : 0;
}
