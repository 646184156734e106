/* SPDX-License-Identifier: GPL-2.0-only */
/* Spans of time for people. */
#ifndef SPLICER_AGE_H
#define SPLICER_AGE_H

#include <stdint.h>

#define AGE_TEXT_MAX 32

/* "12.3s", "5m", "30h" to text; returns text. */
char *age_format(double seconds, char text[AGE_TEXT_MAX]);

/* Seconds from one time to another of the same clock, in ns; 0 when the other is earlier. */
double seconds_between(uint64_t from, uint64_t to);

#endif
