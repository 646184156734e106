/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_MATCHOUT_H
#define SPLICER_MATCHOUT_H

#include "abi/rules.h"
#include "error.h"
#include "out.h"
#include "pin.h"

#include <stdbool.h>

/*
 * Prints what becomes of a packet (see question.h) that comes in or leaves, as the attached program says, and the rules
 * that match it by themselves, each with why it lost. A table has the best MATCH_LOSERS that lost unless all are
 * wanted; JSON has all.
 */
#define MATCH_LOSERS 10

int match_print(const struct pins *pins, const char *packet, enum rules_direction direction, enum out_form form,
		bool all, struct error *error);

#endif
