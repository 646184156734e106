/* SPDX-License-Identifier: GPL-2.0-only */
#include "conntable.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
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

#define BATCH_ENTRIES 4096

struct batch {
	struct conn_key *keys;
	struct conn *conns;
	__u32 room;
	__u32 place; /* the kernel's: a bucket */
	int begun;
};

static int batch_make(struct batch *batch, __u32 room)
{
	free(batch->keys);
	free(batch->conns);
	batch->keys = calloc(room, sizeof(*batch->keys));
	batch->conns = calloc(room, sizeof(*batch->conns));
	batch->room = room;
	return batch->keys && batch->conns ? 0 : -1;
}

/* Reads on: 1 there may be more, 0 that was all, -1 with errno. */
static int batch_read_on(int fd, struct batch *batch, __u32 *count)
{
	int result;

	for (;;) {
		__u32 next = batch->place;

		*count = batch->room;
		result = bpf_map_lookup_batch(fd, batch->begun ? &batch->place : NULL, &next, batch->keys, batch->conns,
					      count, NULL);
		if (!result) {
			batch->begun = 1;
			batch->place = next;
			return 1;
		}
		if (errno == EINTR)
			continue;
		/* a bucket that has more entries than there is room for: nothing was read */
		if (errno != ENOSPC)
			break;
		if (batch_make(batch, 2 * batch->room))
			return -1;
	}
	return errno == ENOENT ? 0 : -1;
}

int conn_map_each(int fd, conn_callback *take, void *context)
{
	struct batch batch = { 0 };
	int more = batch_make(&batch, BATCH_ENTRIES) ? -1 : 1;

	while (more > 0) {
		__u32 count;

		more = batch_read_on(fd, &batch, &count);
		for (__u32 i = 0; more >= 0 && i < count; i++)
			if (take(context, &batch.keys[i], &batch.conns[i]))
				more = -1;
	}
	free(batch.keys);
	free(batch.conns);
	return more;
}
