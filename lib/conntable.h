/* SPDX-License-Identifier: GPL-2.0-only */
/* The two tables of tracked connections (abi/conns.h) as maps. */
#ifndef SPLICER_CONNTABLE_H
#define SPLICER_CONNTABLE_H

#include "abi/conns.h"
#include "error.h"
#include "flowtable.h"

extern const struct flow_shape conn_shape;

/* flow_table_open of a descriptor of pin_conns. */
int conn_map_open(int outer, enum conn_table table, struct flow_table *map, struct error *error);

/* One entry, as it was when it was read; -1 with errno ends the reading. */
typedef int conn_callback(void *context, const struct conn_key *key, const struct conn *conn);

/*
 * Hands over all entries, in no order, each key once. What comes or goes meanwhile may be among them or not. Does not
 * count as use: the least recently used one stays that. -1 with errno.
 */
int conn_map_each(int fd, conn_callback *take, void *context);

#endif
