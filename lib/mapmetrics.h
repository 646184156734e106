/* SPDX-License-Identifier: GPL-2.0-only */
/* A map as OpenMetrics, as a file says: splicer.metrics(5). */
#ifndef SPLICER_MAPMETRICS_H
#define SPLICER_MAPMETRICS_H

#include "error.h"
#include "usermap.h"

/* Prints it, and empties the map then if the file says so. -1 with *error. */
int mapmetrics_print(const struct usermap *map, const char *file, struct error *error);

#endif
