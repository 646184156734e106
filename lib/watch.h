/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules and their rates again and again, until SIGINT or SIGTERM. */
#ifndef SPLICER_WATCH_H
#define SPLICER_WATCH_H

#include "error.h"
#include "pin.h"
#include "select.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Every so many seconds reads the rule set anew and prints the selected rules, busiest first: on a terminal as many as
 * it has lines, elsewhere all, as blocks with a blank line between them or as JSON Lines. Returns 0 also when stdout
 * could not be written: errno and output_finish (error.h) tell.
 */
int watch_run(const struct pins *pins, const struct selector *selector, uint64_t seconds, bool json,
	      struct error *error);

#endif
