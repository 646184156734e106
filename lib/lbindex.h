/* SPDX-License-Identifier: GPL-2.0-only */
/* LB_VIPS and LB_BACKENDS: what they should have for the services that there are, and making it so. */
#ifndef SPLICER_LBINDEX_H
#define SPLICER_LBINDEX_H

#include "error.h"
#include "lbset.h"
#include "pin.h"

#include <stddef.h>
#include <stdint.h>

struct lb_index_entry {
	uint8_t key[24]; /* struct lb_vip or struct lb_end */
	uint32_t value;
	const struct lb_item *item;
};

struct lb_index {
	struct lb_index_entry *items; /* in the order of the keys' bytes, without doubles */
	size_t count;
};

/* Both for all services that are not gone; each has its index. -1 with *error, also where there would be too many. */
int lb_index_vips(const struct lbset *set, struct lb_index *out, struct error *error);
int lb_index_ends(const struct lbset *set, struct lb_index *out, struct error *error);
void lb_index_free(struct lb_index *index);

/* Compares what is in the map with what should be, and writes what differs; entries that come are before those that
 * go, while there is room. */
int lb_index_write(const struct pins *pins, const struct pin_shape *shape, const struct lb_index *wanted,
		   struct error *error);

#endif
