/* SPDX-License-Identifier: GPL-2.0-only */
/* Which maps a map of maps has: they carry types, it does not. */
#ifndef SPLICER_MAPINNER_H
#define SPLICER_MAPINNER_H

#include "flowout.h"
#include "usermap.h"

/* One row for each. -1 with *error. */
int mapinner_print(const struct usermap *map, enum flow_form form, struct error *error);

#endif
