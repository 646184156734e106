/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions as Zeek's conn.log: tab-separated values with a header that names columns and their types. */
#ifndef SPLICER_FLOWZEEK_H
#define SPLICER_FLOWZEEK_H

#include "flowcols.h"

#include <stddef.h>

/* The first `count` rows, on stdout, header and footer around them. */
void flowzeek_print(const struct flow_scene *scene, size_t count);

#endif
