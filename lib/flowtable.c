/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowtable.h"

#include <bpf/bpf.h>
#include <unistd.h>

static int info_check(const struct flow_shape *shape, const struct bpf_map_info *info, struct error *error)
{
	if (info->type == BPF_MAP_TYPE_LRU_HASH && info->key_size == shape->key_size &&
	    info->value_size == shape->value_size)
		return 0;
	return error_state(error, shape->pin->name,
			   "holds a map of another kind: type %u key %u value %u, expected type %u key %zu value %zu",
			   info->type, info->key_size, info->value_size, BPF_MAP_TYPE_LRU_HASH, shape->key_size,
			   shape->value_size);
}

int flow_table_open(const struct flow_shape *shape, int outer, enum conn_table table, struct flow_table *out,
		    struct error *error)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	out->fd = pin_inner_open(outer, table);
	if (out->fd < 0)
		return error_errno(error, shape->pin->name);
	if (bpf_obj_get_info_by_fd(out->fd, &info, &size))
		error_errno(error, shape->pin->name);
	else if (!info_check(shape, &info, error)) {
		out->id = info.id;
		out->size = info.max_entries;
		return 0;
	}
	close(out->fd);
	return -1;
}

int flow_table_each(const struct flow_shape *shape, int fd, map_callback *take, void *context)
{
	return map_each(fd, shape->key_size, shape->value_size, take, context);
}

/* ---- both tables ---- */

#define READ_ATTEMPTS 8

struct reading {
	enum conn_table table;
	flow_callback *take;
	void *context;
};

static int entry_take(void *context, const void *key, const void *value)
{
	const struct reading *reading = context;

	return reading->take(reading->context, reading->table, key, value);
}

static int table_read(const struct flow_shape *shape, int outer, struct reading *reading, uint32_t *id,
		      struct error *error)
{
	struct flow_table map = { .fd = -1 };
	int result;

	if (flow_table_open(shape, outer, reading->table, &map, error))
		return -1;
	*id = map.id;
	result = flow_table_each(shape, map.fd, entry_take, reading) ? error_errno(error, shape->pin->name) : 0;
	close(map.fd);
	return result;
}

static int is_exchanged(const struct flow_shape *shape, int outer, const uint32_t ids[CONN_TABLES], bool *exchanged,
			struct error *error)
{
	*exchanged = false;
	for (int table = 0; table < CONN_TABLES; table++) {
		struct flow_table map = { .fd = -1 };

		if (flow_table_open(shape, outer, (enum conn_table)table, &map, error))
			return -1;
		close(map.fd);
		*exchanged |= map.id != ids[table];
	}
	return 0;
}

static int tables_read(const struct flow_shape *shape, int outer, struct reading *reading, bool *exchanged,
		       struct error *error)
{
	uint32_t ids[CONN_TABLES];

	reading->table = CONNS_UNCONFIRMED;
	if (table_read(shape, outer, reading, &ids[CONNS_UNCONFIRMED], error))
		return -1;
	reading->table = CONNS_CONFIRMED;
	if (table_read(shape, outer, reading, &ids[CONNS_CONFIRMED], error))
		return -1;
	return is_exchanged(shape, outer, ids, exchanged, error);
}

int flow_tables_each(const struct flow_shape *shape, const struct pins *pins, flow_begin *begin, flow_callback *take,
		     void *context, struct error *error)
{
	struct reading reading = { .take = take, .context = context };
	int outer = pin_open(pins, shape->pin, error), result, attempts = READ_ATTEMPTS;
	bool exchanged;

	if (outer < 0)
		return -1;
	do {
		exchanged = false;
		result = begin(context, error) ? -1 : tables_read(shape, outer, &reading, &exchanged, error);
	} while (!result && exchanged && --attempts);
	close(outer);
	return result;
}
