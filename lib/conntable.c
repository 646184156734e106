/* SPDX-License-Identifier: GPL-2.0-only */
#include "conntable.h"

#include "conn.h"

_Static_assert(sizeof(struct conn_key) <= FLOW_KEY_MAX && sizeof(struct conn) <= FLOW_VALUE_MAX, "flowtable.h");

static bool is_overdue(const struct splicer_config *config, const void *key, const void *conn, uint64_t now)
{
	return conn_is_overdue(config, key, conn, now);
}

static bool has_more_packets(const void *left, const void *right)
{
	const struct conn *conn = left, *than = right;

	return conn->packets[0] + conn->packets[1] > than->packets[0] + than->packets[1];
}

const struct flow_shape conn_shape = {
	.pin = &pin_conns,
	.map_names = { [CONNS_CONFIRMED] = "conns_confirmed", [CONNS_UNCONFIRMED] = "conns_unconf" },
	.key_size = sizeof(struct conn_key),
	.value_size = sizeof(struct conn),
	.unit = "connections",
	.entries = 1,
	.created = offsetof(struct conn, created),
	.last = offsetof(struct conn, last),
	.is_overdue = is_overdue,
	.is_further = has_more_packets,
};

int conn_map_open(int outer, enum conn_table table, struct flow_table *map, struct error *error)
{
	return flow_table_open(&conn_shape, outer, table, map, error);
}

/* ---- reading ---- */

struct reading {
	conn_callback *take;
	void *context;
};

static int entry_take(void *context, const void *key, const void *conn)
{
	const struct reading *reading = context;

	return reading->take(reading->context, key, conn);
}

int conn_map_each(int fd, conn_callback *take, void *context)
{
	struct reading reading = { take, context };

	return flow_table_each(&conn_shape, fd, entry_take, &reading);
}
