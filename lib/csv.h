/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of comma-separated values on stdout, as RFC 4180 has them. */
#ifndef SPLICER_CSV_H
#define SPLICER_CSV_H

#include <stdbool.h>

/* One field: in quotes where it has a quote, a comma or an end of line. */
void csv_field(const char *text, bool is_first);

/* The end of a line: CR and LF. */
void csv_end(void);

#endif
