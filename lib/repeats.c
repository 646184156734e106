/* SPDX-License-Identifier: GPL-2.0-only */
#include "repeats.h"

#include "array.h"
#include "keyindex.h"

#include <stdlib.h>

#define TIDY_LEAST 1024

struct repeat {
	struct repeat_key key; /* first: it is found by it */
	uint64_t time;
};

struct repeats {
	struct repeat *items;
	size_t count, tidy; /* tidy: to be looked through when there are so many */
	struct keyindex index;
};

struct repeats *repeats_new(void)
{
	struct repeats *repeats = calloc(1, sizeof(*repeats));

	if (!repeats)
		return NULL;
	repeats->index.key_size = sizeof(struct repeat_key);
	repeats->index.stride = sizeof(struct repeat);
	repeats->tidy = TIDY_LEAST;
	return repeats;
}

void repeats_free(struct repeats *repeats)
{
	if (!repeats)
		return;
	keyindex_free(&repeats->index);
	free(repeats->items);
	free(repeats);
}

static bool is_past(uint64_t time, uint64_t now, uint64_t again)
{
	return now >= time && now - time >= again;
}

/* What could be said again by now need not be remembered. */
static void repeats_tidy(struct repeats *repeats, uint64_t now, uint64_t again)
{
	size_t kept = 0;

	for (size_t i = 0; i < repeats->count; i++)
		if (!is_past(repeats->items[i].time, now, again))
			repeats->items[kept++] = repeats->items[i];
	repeats->count = kept;
	keyindex_free(&repeats->index);
	for (size_t i = 0; i < kept; i++)
		if (keyindex_add(&repeats->index, repeats->items, i))
			repeats->count = kept = i;
	repeats->tidy = kept < TIDY_LEAST / 2 ? TIDY_LEAST : 2 * kept;
}

static void repeat_add(struct repeats *repeats, const struct repeat_key *key, uint64_t now)
{
	struct repeat *items = array_room(repeats->items, repeats->count, sizeof(*items));

	if (!items)
		return;
	repeats->items = items;
	items[repeats->count] = (struct repeat){ .key = *key, .time = now };
	if (!keyindex_add(&repeats->index, items, repeats->count))
		repeats->count++;
}

bool repeats_take(struct repeats *repeats, const struct repeat_key *key, uint64_t now, uint64_t again)
{
	size_t place;

	if (repeats->count >= repeats->tidy)
		repeats_tidy(repeats, now, again);
	place = keyindex_find(&repeats->index, repeats->items, key);
	if (place == KEYINDEX_NONE) {
		repeat_add(repeats, key, now);
		return true;
	}
	if (!is_past(repeats->items[place].time, now, again))
		return false;
	repeats->items[place].time = now;
	return true;
}
