/* SPDX-License-Identifier: GPL-2.0-only */
/* Times of day as text: seconds since the epoch, with a fraction. */
#ifndef SPLICER_EPOCH_H
#define SPLICER_EPOCH_H

#include "error.h"
#include "text.h"

#include <stdint.h>

#define EPOCH_DIGITS 9 /* after the point, of whole ns */

/*
 * "1795236126" or "1795236126.362", with at most so many digits after the point, to ns since the epoch; before 2261, so
 * that it fits in 63 bits. -1 with *error (EXIT_USAGE).
 */
int epoch_parse(const char *text, unsigned int digits, uint64_t *epoch, struct error *error);

/* With all nine digits, so that epoch_parse gives the same. */
void text_epoch(struct text *text, uint64_t epoch);

#endif
