/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_STATSOUT_H
#define SPLICER_STATSOUT_H

#include "error.h"
#include "out.h"
#include "pin.h"

/* Prints how large the rule set is and what a new flow is expected to cost. */
int stats_print(const struct pins *pins, enum out_form form, struct error *error);

#endif
