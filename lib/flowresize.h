/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another table of another size in the place of one of tracked connections or flows, while packets use both: made,
 * filled, put in the place by one store, and then given what the old one has got in between. Killed at any moment, a
 * process leaves the old table or the new one. The caller holds pins_lock throughout.
 */
#ifndef SPLICER_FLOWRESIZE_H
#define SPLICER_FLOWRESIZE_H

#include "abi/conns.h"
#include "error.h"
#include "flowtable.h"
#include "keyindex.h"
#include "pin.h"

#include <stddef.h>
#include <stdint.h>

struct flow_resize {
	const struct flow_shape *shape;
	const struct splicer_config *config;
	int outer;
	enum conn_table table;
	int old, next;         /* maps */
	uint32_t size;         /* entries of the new one */
	uint8_t *was;          /* what the old one had when the new one was filled: a key and a value each */
	size_t count;          /* of them */
	struct keyindex index; /* likewise */
	size_t dropped;        /* shape->unit, for want of room; after the exchange */
};

/* Makes the new table and fills it. Nothing has changed yet. flow_resize_end afterwards, also after an error. */
int flow_resize_begin(struct flow_resize *resize, const struct flow_shape *shape, const struct pins *pins, int outer,
		      enum conn_table table, uint32_t size, struct error *error);

/* Puts it in the place of the old one. */
int flow_resize_commit(struct flow_resize *resize, struct error *error);

void flow_resize_end(struct flow_resize *resize);

#endif
