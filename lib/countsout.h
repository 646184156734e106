/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_COUNTSOUT_H
#define SPLICER_COUNTSOUT_H

#include "error.h"
#include "out.h"
#include "pin.h"

/* Prints how many packets were decided for each reason since the object was first attached; reasons with none are left
 * out. */
int counts_print(const struct pins *pins, enum out_form form, struct error *error);

#endif
