/* SPDX-License-Identifier: GPL-2.0-only */
/* Cells that the parts of the bench print. What was not measured is "-" in a table and null in JSON. */
#ifndef SPLICER_BENCH_CELLS_H
#define SPLICER_BENCH_CELLS_H

#include "out.h"

#define NONE (-1.0) /* not measured: there is nothing to measure it with, or it took too long */

void cell_whole(struct out *out, const char *key, const char *header, double value);
void cell_micro(struct out *out, const char *key, const char *header, double seconds);
void cell_milli(struct out *out, const char *key, const char *header, double seconds);

/* Two digits after the point. */
void cell_number(struct out *out, const char *key, const char *header, double value);
void cell_ratio(struct out *out, const char *key, const char *header, double a, double b);

/* Part of a whole; a table shows per cent. */
void cell_share(struct out *out, const char *key, const char *header, double part, double whole);

/* May come out below 0: the difference of two measurements. */
void cell_net(struct out *out, const char *key, const char *header, double gross, double empty);

#endif
