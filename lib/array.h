/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_ARRAY_H
#define SPLICER_ARRAY_H

#include <stddef.h>

/*
 * Makes room for one item of `size` bytes more in an array of `count`, which began as NULL and grew by this function
 * only. Returns the array, perhaps moved, or NULL with errno and the array as it was.
 */
void *array_room(void *items, size_t count, size_t size);

#endif
