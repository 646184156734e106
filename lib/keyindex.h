/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds a struct by its key in an array of structs that begin with one. */
#ifndef SPLICER_KEYINDEX_H
#define SPLICER_KEYINDEX_H

#include <stddef.h>
#include <stdint.h>

/* Empty: only the sizes are set. The array may move and grow between calls; what is in the index stays in its place. */
struct keyindex {
	size_t key_size, stride; /* bytes of a key, a multiple of 8, and of a struct of the array */
	uint32_t *slots;         /* place in the array + 1; 0: free */
	size_t size;             /* a power of two, or 0 */
	size_t used;
};

#define KEYINDEX_NONE SIZE_MAX

/* The place of the key in the array, or KEYINDEX_NONE. */
size_t keyindex_find(const struct keyindex *index, const void *items, const void *key);

/* Adds the struct at a place, whose key is not in the index yet; -1 with errno. */
int keyindex_add(struct keyindex *index, const void *items, size_t place);

void keyindex_free(struct keyindex *index);

#endif
