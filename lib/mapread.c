/* SPDX-License-Identifier: GPL-2.0-only */
#include "mapread.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_ENTRIES 4096
#define BATCH_ENTRIES_MIN 16
#define BATCH_BYTES (8u << 20) /* about that much, where values are large */
#define PLACE_MIN 64           /* bytes: of a hash the kernel's place is a bucket, of others a key */

struct batch {
	size_t key_size, value_size;
	uint8_t *keys, *values;
	__u32 room;
	size_t place_size;
	uint8_t *place, *next; /* where the last batch ended, and where this one does */
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

static __u32 batch_entries(const struct batch *batch)
{
	size_t entries = BATCH_BYTES / (batch->key_size + batch->value_size + 1);

	return entries > BATCH_ENTRIES ? BATCH_ENTRIES : entries < BATCH_ENTRIES_MIN ? BATCH_ENTRIES_MIN : entries;
}

static int batch_begin(struct batch *batch)
{
	batch->place_size = batch->key_size > PLACE_MIN ? batch->key_size : PLACE_MIN;
	batch->place = calloc(2, batch->place_size);
	if (!batch->place)
		return -1;
	batch->next = batch->place + batch->place_size;
	return batch_make(batch, batch_entries(batch));
}

static void batch_end(struct batch *batch)
{
	free(batch->keys);
	free(batch->values);
	free(batch->place);
}

/* Reads on: 1 there may be more, 0 that was all, -1 with errno. */
static int batch_read_on(int fd, struct batch *batch, __u32 *count)
{
	int result;

	for (;;) {
		memcpy(batch->next, batch->place, batch->place_size);
		*count = batch->room;
		result = bpf_map_lookup_batch(fd, batch->begun ? batch->place : NULL, batch->next, batch->keys,
					      batch->values, count, NULL);
		if (!result) {
			batch->begun = 1;
			memcpy(batch->place, batch->next, batch->place_size);
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
	int more = batch_begin(&batch) ? -1 : 1;

	while (more > 0) {
		__u32 count;

		more = batch_read_on(fd, &batch, &count);
		for (__u32 i = 0; more >= 0 && i < count; i++)
			if (take(context, batch.keys + i * key_size, batch.values + i * value_size))
				more = -1;
	}
	batch_end(&batch);
	return more;
}
