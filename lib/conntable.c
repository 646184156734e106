/* SPDX-License-Identifier: GPL-2.0-only */
#include "conntable.h"

#include "mapread.h"

#include <bpf/bpf.h>
#include <unistd.h>

static int shape_check(const struct bpf_map_info *info, struct error *error)
{
	if (info->type == BPF_MAP_TYPE_LRU_HASH && info->key_size == sizeof(struct conn_key) &&
	    info->value_size == sizeof(struct conn))
		return 0;
	return error_state(error, SPLICER_CONNS,
			   "holds a map of another kind: type %u key %u value %u, expected type %u key %zu value %zu",
			   info->type, info->key_size, info->value_size, BPF_MAP_TYPE_LRU_HASH, sizeof(struct conn_key),
			   sizeof(struct conn));
}

int conn_map_open(int outer, enum conn_table table, struct conn_map *map, struct error *error)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	map->fd = pin_inner_open(outer, table);
	if (map->fd < 0)
		return error_errno(error, SPLICER_CONNS);
	if (bpf_obj_get_info_by_fd(map->fd, &info, &size))
		error_errno(error, SPLICER_CONNS);
	else if (!shape_check(&info, error)) {
		map->id = info.id;
		map->size = info.max_entries;
		return 0;
	}
	close(map->fd);
	return -1;
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

	return map_each(fd, sizeof(struct conn_key), sizeof(struct conn), entry_take, &reading);
}
