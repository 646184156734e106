/* SPDX-License-Identifier: GPL-2.0-only */
#include "array.h"

#include <stdlib.h>

/* Room is doubled when the count is a power of two, so how much there is need not be remembered. */
void *array_room(void *items, size_t count, size_t size)
{
	if (count & (count - 1))
		return items;
	return reallocarray(items, count ? 2 * count : 1, size);
}
