/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbstat.h"

#include "array.h"
#include "clock.h"
#include "conn.h"
#include "lbtable.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- rows ---- */

static int row_add(struct lb_rows *rows, const struct lb_item *item, const struct lb_backend *backend)
{
	struct lb_row *items = array_room(rows->items, rows->count, sizeof(*items));

	if (!items)
		return -1;
	rows->items = items;
	items[rows->count++] = (struct lb_row){ .item = item, .backend = backend };
	return 0;
}

static int item_add(struct lb_rows *rows, const struct lb_item *item)
{
	uint16_t order[LB_BACKENDS_MAX];
	size_t count = lb_item_order(item, order);

	if (!count)
		return row_add(rows, item, NULL);
	for (size_t i = 0; i < count; i++)
		if (row_add(rows, item, &item->backends[order[i]]))
			return -1;
	return 0;
}

static int rows_make(const struct lbset *set, const struct lb_name *only, struct lb_rows *out)
{
	for (size_t i = 0; i < set->count; i++)
		if ((!only || !lb_name_order(only, &set->items[i].name)) && item_add(out, &set->items[i]))
			return -1;
	return 0;
}

void lb_rows_free(struct lb_rows *rows)
{
	free(rows->items);
	*rows = (struct lb_rows){ 0 };
}

/* ---- counters ---- */

static void stat_add(const struct lb_stat *from, struct lb_stat *to)
{
	for (size_t i = 0; i < 2; i++) {
		to->packets[i] += from->packets[i];
		to->bytes[i] += from->bytes[i];
	}
	to->flows += from->flows;
}

static int stats_sum(int map, struct lb_rows *rows)
{
	int cpus = libbpf_num_possible_cpus(), result = 0;
	struct lb_stat *cells = cpus > 0 ? calloc((size_t)cpus, sizeof(*cells)) : NULL;

	if (!cells)
		return -1;
	for (size_t i = 0; i < rows->count && !result; i++) {
		struct lb_row *row = &rows->items[i];

		if (!row->backend)
			continue;
		result = bpf_map_lookup_elem(map, &row->backend->stat, cells);
		for (int cpu = 0; cpu < cpus && !result; cpu++)
			stat_add(&cells[cpu], &row->stat);
	}
	free(cells);
	return result;
}

static int stats_read(const struct pins *pins, struct lb_rows *rows, struct error *error)
{
	int map = pin_open(pins, &pin_lb_stats, error), result;

	if (map < 0)
		return -1;
	result = stats_sum(map, rows) ? error_errno(error, LB_STATS) : 0;
	close(map);
	return result;
}

/* ---- flows ---- */

struct counting {
	const struct splicer_config *config;
	uint64_t now;
	struct lb_row **by_stat; /* of each backend, by its place in LB_STATS */
};

/* Both ends have said their last. */
static bool is_over(const struct lb_flow *flow)
{
	const uint8_t both = CONN_FIN_FORWARD | CONN_FIN_BACK;

	return flow->state == CONN_CLOSED || (flow->flags & both) == both;
}

static bool is_active(const struct counting *counting, const struct lb_key *key, const struct lb_flow *flow)
{
	return flow->kind == LB_FORWARD && !is_over(flow) &&
	       !timeout_is_over(counting->config, key->proto, flow->state, flow->last, counting->now);
}

/* Its place may be another's by now. */
static bool is_of(const struct lb_row *row, const struct lb_flow *flow)
{
	const struct lb_backend *backend = row->backend;

	return row->item->index == flow->service && backend - row->item->backends == flow->place &&
	       !memcmp(backend->addr, flow->dst, sizeof(flow->dst)) &&
	       (flow->mode == LB_DSR || !backend->port || backend->port == flow->dport);
}

static int flow_take(void *context, const void *key, const void *value)
{
	const struct counting *counting = context;
	const struct lb_flow *flow = value;
	struct lb_row *row = flow->stat < LB_STATS_MAX ? counting->by_stat[flow->stat] : NULL;

	if (row && is_of(row, flow) && is_active(counting, key, flow))
		row->active++;
	return 0;
}

static int tables_read(int outer, struct counting *counting, struct error *error)
{
	int result = 0;

	for (int table = 0; table < CONN_TABLES && !result; table++) {
		struct flow_table map;

		if (flow_table_open(&lb_shape, outer, (enum conn_table)table, &map, error))
			return -1;
		result = flow_table_each(&lb_shape, map.fd, flow_take, counting) ? error_errno(error, LB_FLOWS) : 0;
		close(map.fd);
	}
	return result;
}

static int flows_count(const struct pins *pins, struct lb_rows *rows, struct error *error)
{
	struct counting counting = { .config = pins->config, .now = clock_now() };
	int outer = pin_open(pins, &pin_lb_flows, error), result;

	if (outer < 0)
		return -1;
	counting.by_stat = calloc(LB_STATS_MAX, sizeof(struct lb_row *));
	for (size_t i = 0; counting.by_stat && i < rows->count; i++)
		if (rows->items[i].backend && rows->items[i].backend->stat < LB_STATS_MAX)
			counting.by_stat[rows->items[i].backend->stat] = &rows->items[i];
	result = counting.by_stat ? tables_read(outer, &counting, error) : error_errno(error, LB_FLOWS);
	free(counting.by_stat);
	close(outer);
	return result;
}

int lb_rows_read(const struct pins *pins, const struct lbset *set, const struct lb_name *only, struct lb_rows *out,
		 struct error *error)
{
	*out = (struct lb_rows){ 0 };
	if (rows_make(set, only, out))
		return error_errno(error, LB_SERVICES);
	return stats_read(pins, out, error) || flows_count(pins, out, error) ? -1 : 0;
}
