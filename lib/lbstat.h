/* SPDX-License-Identifier: GPL-2.0-only */
/* What went to backends, and what still does. */
#ifndef SPLICER_LBSTAT_H
#define SPLICER_LBSTAT_H

#include "abi/lb.h"
#include "error.h"
#include "lbset.h"
#include "pin.h"

#include <stddef.h>
#include <stdint.h>

/* One backend of one service. */
struct lb_row {
	const struct lb_item *item;
	const struct lb_backend *backend; /* NULL: the service has none */
	struct lb_stat stat;              /* of all CPUs */
	uint64_t active;                  /* flows that are neither closed nor overdue */
};

struct lb_rows {
	struct lb_row *items; /* in the order of services and lb_item_order */
	size_t count;
};

/* Makes the rows of a set, or of one service of it (NULL: all), which must outlive them; reads each table once. */
int lb_rows_read(const struct pins *pins, const struct lbset *set, const struct lb_name *only, struct lb_rows *out,
		 struct error *error);
void lb_rows_free(struct lb_rows *rows);

#endif
