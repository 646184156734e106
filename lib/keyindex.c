/* SPDX-License-Identifier: GPL-2.0-only */
#include "keyindex.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_LEAST 1024

static uint64_t key_hash(const uint8_t *key, size_t size)
{
	uint64_t word, hash = 0;

	for (size_t i = 0; i < size; i += sizeof(word)) {
		memcpy(&word, key + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	return hash;
}

static const void *key_at(const struct keyindex *index, const void *items, size_t place)
{
	return (const uint8_t *)items + place * index->stride;
}

/* The slot that has the key, or the free one where it would be. */
static uint32_t *slot_of(const struct keyindex *index, const void *items, const void *key)
{
	for (uint64_t i = key_hash(key, index->key_size);; i++) {
		uint32_t *slot = &index->slots[i & (index->size - 1)];

		if (!*slot || !memcmp(key_at(index, items, *slot - 1), key, index->key_size))
			return slot;
	}
}

size_t keyindex_find(const struct keyindex *index, const void *items, const void *key)
{
	const uint32_t *slot;

	if (!index->used)
		return KEYINDEX_NONE;
	slot = slot_of(index, items, key);
	return *slot ? *slot - 1 : KEYINDEX_NONE;
}

static int index_grow(struct keyindex *index, const void *items)
{
	struct keyindex grown = {
		.key_size = index->key_size,
		.stride = index->stride,
		.size = index->size ? 2 * index->size : SIZE_LEAST,
	};

	grown.slots = calloc(grown.size, sizeof(*grown.slots));
	if (!grown.slots)
		return -1;
	for (size_t i = 0; i < index->size; i++)
		if (index->slots[i])
			*slot_of(&grown, items, key_at(index, items, index->slots[i] - 1)) = index->slots[i];
	free(index->slots);
	index->slots = grown.slots;
	index->size = grown.size;
	return 0;
}

int keyindex_add(struct keyindex *index, const void *items, size_t place)
{
	if (2 * index->used >= index->size && index_grow(index, items))
		return -1;
	*slot_of(index, items, key_at(index, items, place)) = (uint32_t)place + 1;
	index->used++;
	return 0;
}

void keyindex_free(struct keyindex *index)
{
	free(index->slots);
	index->slots = NULL;
	index->size = index->used = 0;
}
