/* SPDX-License-Identifier: GPL-2.0-only */
#include "table.h"

#include "array.h"

#include <stdlib.h>
#include <string.h>

int table_add(struct table *table, const void *record)
{
	uint8_t *items = array_room(table->items, table->count, table->size);

	if (!items)
		return -1;
	table->items = items;
	memcpy(table->items + table->count++ * table->size, record, table->size);
	return 0;
}

void *table_at(const struct table *table, size_t i)
{
	return table->items + i * table->size;
}

static int record_compare(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(size_t *)size);
}

void table_sort_unique(struct table *table)
{
	size_t i, kept = 1;

	if (table->count < 2)
		return;
	qsort_r(table->items, table->count, table->size, record_compare, &table->size);
	for (i = 1; i < table->count; i++) {
		if (!memcmp(table_at(table, i), table_at(table, kept - 1), table->size))
			continue;
		if (i != kept)
			memcpy(table_at(table, kept), table_at(table, i), table->size);
		kept++;
	}
	table->count = kept;
}

size_t table_search(const struct table *table, uint32_t ifindex)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(table_at(table, middle), &ifindex, sizeof(ifindex)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *table_match(const struct table *table, size_t i, uint32_t ifindex)
{
	return i < table->count && !memcmp(table_at(table, i), &ifindex, sizeof(ifindex)) ? table_at(table, i) : NULL;
}
