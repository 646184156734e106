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
