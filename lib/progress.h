/* SPDX-License-Identifier: GPL-2.0-only */
/* How far long work is, on a terminal that stands at standard error; elsewhere nothing. */
#ifndef SPLICER_PROGRESS_H
#define SPLICER_PROGRESS_H

/* Shows a line in the place of the last, at most ten a second. */
void progress_show(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes the line away, before anything else is printed. */
void progress_end(void);

/* No progress from now on (-q). */
void progress_quiet(void);

#endif
