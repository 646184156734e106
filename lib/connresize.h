/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another table of another size in the place of one of tracked connections, while packets use both: made, filled, put
 * in the place by one store, and then given what the old one has got in between. Killed at any moment, a process leaves
 * the old table or the new one. The caller holds pins_lock throughout.
 */
#ifndef SPLICER_CONNRESIZE_H
#define SPLICER_CONNRESIZE_H

#include "abi/conns.h"
#include "connindex.h"
#include "error.h"
#include "pin.h"

#include <stddef.h>
#include <stdint.h>

#define CONN_TABLE_SIZE_MAX (1u << 24) /* entries */

struct conn_entry {
	struct conn_key key;
	struct conn conn;
};

struct conn_resize {
	const struct splicer_config *config;
	int outer;
	enum conn_table table;
	int old, next;          /* maps */
	uint32_t size;          /* entries of the new one */
	struct conn_entry *was; /* what the old one had when the new one was filled, least recently used first */
	size_t count;
	struct connindex index; /* of them */
	size_t dropped;         /* for want of room, after the exchange */
};

/* Makes the new table and fills it. Nothing has changed yet. conn_resize_end afterwards, also after an error. */
int conn_resize_begin(struct conn_resize *resize, const struct pins *pins, int outer, enum conn_table table,
		      uint32_t size, struct error *error);

/* Puts it in the place of the old one. */
int conn_resize_commit(struct conn_resize *resize, struct error *error);

void conn_resize_end(struct conn_resize *resize);

#endif
