/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters and their rates again and again, until SIGINT or SIGTERM. */
#ifndef SPLICER_COUNTWATCH_H
#define SPLICER_COUNTWATCH_H

#include "countselect.h"
#include "error.h"
#include "pin.h"

#include <stdbool.h>
#include <stdint.h>

/* As watch_run (watch.h) does with rules. Opens the counters anew each time, so pins may be replaced meanwhile. */
int countwatch_run(const struct pins *pins, const struct count_selector *selector, uint64_t seconds, bool json,
		   struct error *error);

#endif
