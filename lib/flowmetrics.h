/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums over sessions as OpenMetrics text. */
#ifndef SPLICER_FLOWMETRICS_H
#define SPLICER_FLOWMETRICS_H

#include "error.h"
#include "flowcols.h"
#include "flowgen.h"

/* Of the rows, and, of all that was counted, what never falls but when it is handed out. On -1 nothing was printed. */
int flowmetrics_print(const struct flowgens *gens, const struct flow_scene *scene, struct error *error);

#endif
