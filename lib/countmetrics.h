/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_COUNTMETRICS_H
#define SPLICER_COUNTMETRICS_H

#include "countselect.h"
#include "error.h"
#include "pin.h"

/* Prints the selected counters, the rules there are and the subscribers to events as OpenMetrics text. On -1 nothing
 * was printed. */
int countmetrics_print(const struct pins *pins, const struct count_selector *selector, struct error *error);

#endif
