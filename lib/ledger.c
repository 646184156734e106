/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger.h"

#include "array.h"

#include <stdlib.h>
#include <string.h>

void *ledger_at(const struct ledger *ledger, size_t place)
{
	return (uint8_t *)ledger->items + place * ledger->index.stride;
}

void *ledger_find(const struct ledger *ledger, const void *key)
{
	size_t place = keyindex_find(&ledger->index, ledger->items, key);

	return place == KEYINDEX_NONE ? NULL : ledger_at(ledger, place);
}

static int index_rebuild(struct ledger *ledger)
{
	keyindex_free(&ledger->index);
	for (size_t i = 0; i < ledger->count; i++)
		if (keyindex_add(&ledger->index, ledger->items, i))
			return -1;
	return 0;
}

int ledger_sort(struct ledger *ledger, ledger_order *order)
{
	if (ledger->count)
		qsort(ledger->items, ledger->count, ledger->index.stride, order);
	return index_rebuild(ledger);
}

/* A quarter at a time, so that each item that comes pays only a little of the sorting. */
static int ledger_thin(struct ledger *ledger)
{
	size_t less = ledger->most / 4 ? ledger->most / 4 : 1;

	qsort(ledger->items, ledger->count, ledger->index.stride, ledger->worth);
	ledger->count -= less;
	ledger->dropped += less;
	return index_rebuild(ledger);
}

static int ledger_room(struct ledger *ledger)
{
	void *items;

	if (ledger->items && ledger->count >= ledger->most && ledger_thin(ledger))
		return -1;
	items = array_room(ledger->items, ledger->count, ledger->index.stride);
	if (!items)
		return -1;
	ledger->items = items;
	return 0;
}

void *ledger_put(struct ledger *ledger, const void *key)
{
	uint8_t *item = ledger_find(ledger, key);

	if (item)
		return item;
	if (ledger_room(ledger))
		return NULL;
	item = ledger_at(ledger, ledger->count);
	memset(item, 0, ledger->index.stride);
	memcpy(item, key, ledger->index.key_size);
	if (keyindex_add(&ledger->index, ledger->items, ledger->count))
		return NULL;
	ledger->count++;
	return item;
}

void ledger_clear(struct ledger *ledger)
{
	free(ledger->items);
	ledger->items = NULL;
	ledger->count = 0;
	keyindex_free(&ledger->index);
}
