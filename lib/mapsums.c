/* SPDX-License-Identifier: GPL-2.0-only */
#include "mapsums.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64

static int labels_compare(const struct map_sum *a, const struct map_sum *b)
{
	size_t shorter = a->size < b->size ? a->size : b->size;
	int order = memcmp(a->labels, b->labels, shorter);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int sums_compare(const void *a, const void *b)
{
	return labels_compare(*(struct map_sum *const *)a, *(struct map_sum *const *)b);
}

static void totals_add(const struct mapsums *sums, struct map_sum *sum, const union map_total *totals)
{
	for (size_t i = 0; i < sums->slots; i++)
		if (sums->real)
			sum->totals[i].real += totals[i].real;
		else
			sum->totals[i].number += totals[i].number;
}

void mapsums_merge(struct mapsums *sums)
{
	size_t kept = 0;

	if (!sums->count)
		return;
	qsort(sums->items, sums->count, sizeof(struct map_sum *), sums_compare);
	for (size_t i = 1; i < sums->count; i++) {
		if (labels_compare(sums->items[i], sums->items[kept])) {
			sums->items[++kept] = sums->items[i];
			continue;
		}
		totals_add(sums, sums->items[kept], sums->items[i]->totals);
		free(sums->items[i]);
	}
	sums->count = kept + 1;
}

/* Equal ones are put together now and then: what is held is never more than twice what there is. */
static int room_make(struct mapsums *sums)
{
	struct map_sum **items;
	size_t room;

	if (sums->count < sums->room)
		return 0;
	mapsums_merge(sums);
	if (sums->count < sums->room / 2)
		return 0;
	room = sums->room ? 2 * sums->room : ROOM_FIRST;
	items = reallocarray(sums->items, room, sizeof(struct map_sum *));
	if (!items)
		return -1;
	sums->items = items;
	sums->room = room;
	return 0;
}

int mapsums_add(struct mapsums *sums, const char *labels, size_t size, const union map_total *totals)
{
	size_t numbers = sums->slots * sizeof(union map_total);
	struct map_sum *sum;
	char *text;

	if (room_make(sums))
		return -1;
	sum = malloc(sizeof(*sum) + numbers + size);
	if (!sum)
		return -1;
	text = (char *)sum->totals + numbers;
	memcpy(text, labels, size);
	memcpy(sum->totals, totals, numbers);
	sum->labels = text;
	sum->size = size;
	sums->items[sums->count++] = sum;
	return 0;
}

void mapsums_free(struct mapsums *sums)
{
	for (size_t i = 0; i < sums->count; i++)
		free(sums->items[i]);
	free(sums->items);
	sums->items = NULL;
	sums->count = sums->room = 0;
}
