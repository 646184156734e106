/* SPDX-License-Identifier: GPL-2.0-only */
/* Any pinned map that carries BTF, decoded: for programs that users wrote themselves. */
#ifndef SPLICER_MAPVIEW_H
#define SPLICER_MAPVIEW_H

#include "error.h"
#include "flowout.h"

/* What is to be shown. */
struct mapview {
	const char *path;    /* of the pin; NULL: nothing */
	const char *metrics; /* a file that says what the map's values are as OpenMetrics, NULL: none */
};

/*
 * As a table, JSON, JSON Lines or CSV, which are printed as the map is read; with a file of metrics as OpenMetrics, of
 * which nothing is printed unless the map was read to its end.
 */
int mapview_print(const struct mapview *view, enum flow_form form, struct error *error);

#endif
