/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowput.h"

#include "array.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- tables ---- */

void flow_put_close(struct flow_put *put)
{
	for (int table = 0; table < CONN_TABLES; table++)
		if (put->fd[table] >= 0)
			close(put->fd[table]);
}

static int tables_open(struct flow_put *put, int outer, struct error *error)
{
	for (int table = 0; table < CONN_TABLES; table++) {
		struct flow_table map;

		if (flow_table_open(put->shape, outer, (enum conn_table)table, &map, error))
			return -1;
		put->fd[table] = map.fd;
		put->size[table] = map.size;
	}
	return 0;
}

int flow_put_open(struct flow_put *put, const struct flow_shape *shape, const struct pins *pins, bool dry_run,
		  struct error *error)
{
	int outer = pin_open(pins, shape->pin, error), result;

	*put = (struct flow_put){ .shape = shape, .config = pins->config, .fd = { -1, -1 }, .dry_run = dry_run };
	if (outer < 0)
		return -1;
	result = tables_open(put, outer, error);
	close(outer);
	if (result)
		flow_put_close(put);
	return result;
}

/* ---- what is there ---- */

int flow_put_find(const struct flow_put *put, const void *key, void *value, enum conn_table *table, struct error *error)
{
	for (int i = 0; i < CONN_TABLES; i++) {
		*table = (enum conn_table)i;
		if (!bpf_map_lookup_elem(put->fd[i], key, value))
			return 0;
		if (errno != ENOENT)
			return error_errno(error, put->shape->pin->name);
	}
	return 1;
}

static uint64_t time_at(const void *value, size_t offset)
{
	uint64_t time;

	memcpy(&time, (const uint8_t *)value + offset, sizeof(time));
	return time;
}

static bool is_same_time(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= FLOW_PUT_SAME_NS;
}

bool flow_put_is_newer(const struct flow_put *put, const void *value, const void *than)
{
	const struct flow_shape *shape = put->shape;
	uint64_t last = time_at(value, shape->last), created = time_at(value, shape->created);
	uint8_t other[FLOW_VALUE_MAX] __attribute__((aligned(8)));

	if (!is_same_time(last, time_at(than, shape->last)))
		return last > time_at(than, shape->last);
	/* is_further may look at times too */
	memcpy(other, than, shape->value_size);
	if (is_same_time(created, time_at(than, shape->created)))
		memcpy(other + shape->created, &created, sizeof(created));
	return shape->is_further(value, other);
}

/* ---- writing ---- */

static int write_fail(const struct flow_put *put, struct error *error)
{
	return error_errno(error, put->shape->pin->name);
}

/* A packet that came in between has made it, moved it, or ended it: then that is newer. */
static int entry_write(const struct flow_put *put, enum conn_table table, const void *key, const void *value,
		       uint64_t flags, char *letter, struct error *error)
{
	if (put->dry_run || !bpf_map_update_elem(put->fd[table], key, value, flags))
		return 0;
	if (errno != EEXIST && errno != ENOENT)
		return write_fail(put, error);
	*letter = '=';
	return 0;
}

static int entry_delete(const struct flow_put *put, enum conn_table table, const void *key, struct error *error)
{
	if (put->dry_run || !bpf_map_delete_elem(put->fd[table], key) || errno == ENOENT)
		return 0;
	return write_fail(put, error);
}

/* An older one stays where it is if it is confirmed, unless another flow has begun in its place. */
static enum conn_table table_for(const struct flow_put *put, enum conn_table table, const void *value,
				 enum conn_table found, const void *there)
{
	if (found == CONNS_CONFIRMED && time_at(value, put->shape->created) <= time_at(there, put->shape->last))
		return CONNS_CONFIRMED;
	return table;
}

/* The time between looking and writing is that of a call: a packet that comes just then is not taken note of. */
static int entry_renew(const struct flow_put *put, enum conn_table table, const void *key, const void *value,
		       enum conn_table found, char *letter, struct error *error)
{
	if (entry_write(put, table, key, value, table == found ? BPF_EXIST : BPF_NOEXIST, letter, error))
		return -1;
	return table != found && *letter == 'C' ? entry_delete(put, found, key, error) : 0;
}

int flow_put_entry(const struct flow_put *put, enum conn_table table, const void *key, const void *value, char *letter,
		   struct error *error)
{
	uint8_t there[FLOW_VALUE_MAX] __attribute__((aligned(8)));
	enum conn_table found;
	int absent = flow_put_find(put, key, there, &found, error);

	if (absent < 0)
		return -1;
	*letter = absent ? 'A' : 'C';
	if (absent)
		return entry_write(put, table, key, value, BPF_NOEXIST, letter, error);
	if (flow_put_is_newer(put, value, there))
		return entry_renew(put, table_for(put, table, value, found, there), key, value, found, letter, error);
	*letter = '=';
	return 0;
}

/* ---- in which order ---- */

static int turn_order(const void *left, const void *right)
{
	const struct flow_turn *a = left, *b = right;

	if (a->last != b->last)
		return a->last < b->last ? -1 : 1;
	return (a->item > b->item) - (a->item < b->item);
}

int flow_turns_add(struct flow_turns *turns, uint64_t last, enum conn_table table, struct error *error)
{
	struct flow_turn *items = array_room(turns->items, turns->count, sizeof(*items));

	if (!items)
		return error_errno(error, "order");
	turns->items = items;
	items[turns->count] = (struct flow_turn){ .last = last, .item = turns->count, .table = table };
	turns->count++;
	turns->left[table]++;
	return 0;
}

void flow_turns_sort(struct flow_turns *turns)
{
	if (turns->count)
		qsort(turns->items, turns->count, sizeof(*turns->items), turn_order);
}

void flow_turns_free(struct flow_turns *turns)
{
	free(turns->items);
	*turns = (struct flow_turns){ 0 };
}

bool flow_turn_has_room(const struct flow_put *put, struct flow_turns *turns, const struct flow_turn *turn)
{
	return turns->left[turn->table]-- * put->shape->entries <= put->size[turn->table];
}
