/* SPDX-License-Identifier: GPL-2.0-only */
#include "mapread.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_ENTRIES 4096
#define PLACE_MAX 64 /* bytes: of a hash the kernel's place is a bucket, of others a key */

struct batch {
	size_t key_size, value_size;
	uint8_t *keys, *values;
	__u32 room;
	uint8_t place[PLACE_MAX];
	int begun;
};

static int batch_make(struct batch *batch, __u32 room)
{
	free(batch->keys);
	free(batch->values);
	batch->keys = calloc(room, batch->key_size);
	batch->values = calloc(room, batch->value_size);
	batch->room = room;
	return batch->keys && batch->values ? 0 : -1;
}

/* Reads on: 1 there may be more, 0 that was all, -1 with errno. */
static int batch_read_on(int fd, struct batch *batch, __u32 *count)
{
	int result;

	for (;;) {
		uint8_t next[PLACE_MAX];

		memcpy(next, batch->place, sizeof(next));
		*count = batch->room;
		result = bpf_map_lookup_batch(fd, batch->begun ? batch->place : NULL, next, batch->keys, batch->values,
					      count, NULL);
		if (!result) {
			batch->begun = 1;
			memcpy(batch->place, next, sizeof(next));
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

int map_each(int fd, size_t key_size, size_t value_size, map_callback *take, void *context)
{
	struct batch batch = { .key_size = key_size, .value_size = value_size };
	int more = batch_make(&batch, BATCH_ENTRIES) ? -1 : 1;

	while (more > 0) {
		__u32 count;

		more = batch_read_on(fd, &batch, &count);
		for (__u32 i = 0; more >= 0 && i < count; i++)
			if (take(context, batch.keys + i * key_size, batch.values + i * value_size))
				more = -1;
	}
	free(batch.keys);
	free(batch.values);
	return more;
}
