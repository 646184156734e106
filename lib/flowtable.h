/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two tables of tracked connections (abi/conns.h) and the two of the load balancer's flows (abi/lb.h) have in
 * common: a map of maps, by enum conn_table, of LRU_HASHes that tools may put others of another size in the place of.
 */
#ifndef SPLICER_FLOWTABLE_H
#define SPLICER_FLOWTABLE_H

#include "abi/config.h"
#include "abi/conns.h"
#include "error.h"
#include "mapread.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOW_KEY_MAX 64 /* bytes */
#define FLOW_VALUE_MAX 256
#define FLOW_TABLE_MAX (1u << 24) /* connections or flows of a table */

struct flow_shape {
	const struct pin_shape *pin;
	const char *map_names[CONN_TABLES]; /* of maps that are made, as the kernel takes them: 15 bytes */
	size_t key_size, value_size;        /* multiples of 8 */
	const char *unit;                   /* what is counted: "connections" */
	uint32_t entries;                   /* that one of them has room with */
	size_t created, last;               /* where an entry has these __u64, ns of CLOCK_MONOTONIC */
	bool (*is_overdue)(const struct splicer_config *config, const void *key, const void *value, uint64_t now);

	/* Whether one of two values of a key is the later, with the same `last`. */
	bool (*is_further)(const void *value, const void *than);

	/* Whether a flow is counted by this one of its entries; NULL: by each. */
	bool (*is_counted)(const void *value);

	/* The key of the other entry of the same flow; false: it has no other. NULL: none has. */
	bool (*make_other)(const void *key, const void *value, void *other);
};

/* The table in force, verified: another may be put in its place by a tool while this one is open. */
struct flow_table {
	int fd;
	uint32_t id;   /* of the map */
	uint32_t size; /* entries there is room for */
};

/* Opens the table of a descriptor of shape->pin; closed with close(out->fd). */
int flow_table_open(const struct flow_shape *shape, int outer, enum conn_table table, struct flow_table *out,
		    struct error *error);

/* map_each of a table. */
int flow_table_each(const struct flow_shape *shape, int fd, map_callback *take, void *context);

/* Gets one entry of a table, as map_callback. */
typedef int flow_callback(void *context, enum conn_table table, const void *key, const void *value);

/* Before each reading: forgets what an earlier one found, during which a table was exchanged. */
typedef int flow_begin(void *context, struct error *error);

/*
 * Hands over the entries of both tables, those of the confirmed one last: what moves there meanwhile is handed over
 * twice, but none is missed. When a table is exchanged meanwhile (flowresize.h), begins anew. -1 with *error.
 */
int flow_tables_each(const struct flow_shape *shape, const struct pins *pins, flow_begin *begin, flow_callback *take,
		     void *context, struct error *error);

#endif
