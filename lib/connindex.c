/* SPDX-License-Identifier: GPL-2.0-only */
#include "connindex.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_LEAST 1024

static uint64_t key_hash(const struct conn_key *key)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)], hash = 0;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	return hash;
}

static const struct conn_key *key_at(const void *items, size_t stride, size_t place)
{
	return (const struct conn_key *)((const uint8_t *)items + place * stride);
}

/* The slot that has the key, or the free one where it would be. */
static uint32_t *slot_of(const struct connindex *index, const void *items, size_t stride, const struct conn_key *key)
{
	for (uint64_t i = key_hash(key);; i++) {
		uint32_t *slot = &index->slots[i & (index->size - 1)];

		if (!*slot || !memcmp(key_at(items, stride, *slot - 1), key, sizeof(*key)))
			return slot;
	}
}

size_t connindex_find(const struct connindex *index, const void *items, size_t stride, const struct conn_key *key)
{
	const uint32_t *slot;

	if (!index->used)
		return CONNINDEX_NONE;
	slot = slot_of(index, items, stride, key);
	return *slot ? *slot - 1 : CONNINDEX_NONE;
}

static int index_grow(struct connindex *index, const void *items, size_t stride)
{
	struct connindex grown = { .size = index->size ? 2 * index->size : SIZE_LEAST, .used = index->used };

	grown.slots = calloc(grown.size, sizeof(*grown.slots));
	if (!grown.slots)
		return -1;
	for (size_t i = 0; i < index->size; i++)
		if (index->slots[i])
			*slot_of(&grown, items, stride, key_at(items, stride, index->slots[i] - 1)) = index->slots[i];
	free(index->slots);
	*index = grown;
	return 0;
}

int connindex_add(struct connindex *index, const void *items, size_t stride, size_t place)
{
	if (2 * index->used >= index->size && index_grow(index, items, stride))
		return -1;
	*slot_of(index, items, stride, key_at(items, stride, place)) = (uint32_t)place + 1;
	index->used++;
	return 0;
}

void connindex_free(struct connindex *index)
{
	free(index->slots);
	*index = (struct connindex){ 0 };
}
