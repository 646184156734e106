/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds a connection by its key in an array of structs that begin with a struct conn_key. */
#ifndef SPLICER_CONNINDEX_H
#define SPLICER_CONNINDEX_H

#include "abi/conns.h"

#include <stddef.h>
#include <stdint.h>

/* All zero: empty. The array may move and grow between calls; what is in the index stays in its place. */
struct connindex {
	uint32_t *slots; /* place in the array + 1; 0: free */
	size_t size;     /* a power of two, or 0 */
	size_t used;
};

#define CONNINDEX_NONE SIZE_MAX

/* The place of the key, or CONNINDEX_NONE. items: structs of `stride` bytes. */
size_t connindex_find(const struct connindex *index, const void *items, size_t stride, const struct conn_key *key);

/* Adds the struct at a place, whose key is not in the index yet; -1 with errno. */
int connindex_add(struct connindex *index, const void *items, size_t stride, size_t place);

void connindex_free(struct connindex *index);

#endif
