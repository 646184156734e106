/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers as operands: decimal digits only, no sign, no blanks, no leading zeros, no trailing characters. */
#ifndef SPLICER_NUM_H
#define SPLICER_NUM_H

#include "error.h"

#include <stdint.h>

/* A number from min to max. -1 with *error (EXIT_USAGE) that names the operand and the range. */
int num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out, struct error *error);

/* The same with an optional leading '-'. */
int num_parse_signed(const char *text, int64_t min, int64_t max, int64_t *out, struct error *error);

/*
 * Seconds with up to three decimals, "2" or "0.25", from a millisecond to max seconds; as milliseconds. -1 with *error
 * (EXIT_USAGE).
 */
int num_parse_seconds(const char *text, uint64_t max, uint64_t *milliseconds, struct error *error);

#endif
