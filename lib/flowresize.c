/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowresize.h"

#include "array.h"
#include "clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_ENTRIES 4096

/* ---- the entries that there are ---- */

static uint8_t *key_at(const struct flow_resize *resize, size_t place)
{
	return resize->was + place * resize->index.stride;
}

static uint8_t *value_at(const struct flow_resize *resize, size_t place)
{
	return key_at(resize, place) + resize->shape->key_size;
}

static uint64_t time_at(const void *value, size_t offset)
{
	uint64_t time;

	memcpy(&time, (const uint8_t *)value + offset, sizeof(time));
	return time;
}

static uint64_t last_of(const struct flow_resize *resize, const void *value)
{
	return time_at(value, resize->shape->last);
}

static bool is_overdue(const struct flow_resize *resize, const void *key, const void *value)
{
	return resize->shape->is_overdue(resize->config, key, value, clock_now());
}

static size_t place_of(const struct flow_resize *resize, const void *key)
{
	return keyindex_find(&resize->index, resize->was, key);
}

static int entry_take(void *context, const void *key, const void *value)
{
	struct flow_resize *resize = context;
	uint8_t *entries;

	if (is_overdue(resize, key, value))
		return 0;
	entries = array_room(resize->was, resize->count, resize->index.stride);
	if (!entries)
		return -1;
	resize->was = entries;
	memcpy(key_at(resize, resize->count), key, resize->shape->key_size);
	memcpy(value_at(resize, resize->count), value, resize->shape->value_size);
	return keyindex_add(&resize->index, resize->was, resize->count++);
}

static int table_each(const struct flow_resize *resize, int map, map_callback *take, void *context)
{
	return flow_table_each(resize->shape, map, take, context);
}

/* ---- in which order they were used ---- */

/* The entries of a flow stand side by side, by the last packet of either. */
struct turn {
	uint64_t last;
	size_t flow; /* the lowest place of its entries */
	size_t place;
};

static int turn_order(const void *left, const void *right)
{
	const struct turn *a = left, *b = right;

	if (a->last != b->last)
		return a->last < b->last ? -1 : 1;
	return (a->flow > b->flow) - (a->flow < b->flow);
}

/* The place of the other entry of the same flow, not of one that has come in its place; or KEYINDEX_NONE. */
static size_t other_place(const struct flow_resize *resize, size_t place)
{
	const struct flow_shape *shape = resize->shape;
	uint64_t key[FLOW_KEY_MAX / sizeof(uint64_t)];
	size_t other;

	if (!shape->make_other || !shape->make_other(key_at(resize, place), value_at(resize, place), key))
		return KEYINDEX_NONE;
	other = place_of(resize, key);
	if (other == KEYINDEX_NONE || !shape->make_other(key_at(resize, other), value_at(resize, other), key))
		return KEYINDEX_NONE;
	return memcmp(key, key_at(resize, place), shape->key_size) ? KEYINDEX_NONE : other;
}

static struct turn turn_of(const struct flow_resize *resize, size_t place)
{
	struct turn turn = { .last = last_of(resize, value_at(resize, place)), .flow = place, .place = place };
	size_t other = other_place(resize, place);

	if (other == KEYINDEX_NONE)
		return turn;
	if (last_of(resize, value_at(resize, other)) > turn.last)
		turn.last = last_of(resize, value_at(resize, other));
	if (other < place)
		turn.flow = other;
	return turn;
}

/* Least recently used first; released with free(). */
static struct turn *turns_make(const struct flow_resize *resize)
{
	struct turn *turns = malloc((resize->count + 1) * sizeof(*turns));

	for (size_t i = 0; turns && i < resize->count; i++)
		turns[i] = turn_of(resize, i);
	if (turns)
		qsort(turns, resize->count, sizeof(*turns), turn_order);
	return turns;
}

/* From which turn on there is room for all; no flow is kept by half. */
static size_t turns_skipped(const struct flow_resize *resize, const struct turn *turns)
{
	size_t first = resize->count > resize->size ? resize->count - resize->size : 0;

	if (first && first < resize->count && turns[first].flow == turns[first - 1].flow)
		first++;
	return first;
}

/* ---- filling ---- */

struct batch {
	uint8_t *keys, *values;
	__u32 count;
};

static int batch_write(const struct flow_resize *resize, struct batch *batch)
{
	__u32 count = batch->count;

	batch->count = 0;
	return count ? bpf_map_update_batch(resize->next, batch->keys, batch->values, &count, NULL) : 0;
}

static int batch_add(const struct flow_resize *resize, struct batch *batch, size_t place)
{
	const struct flow_shape *shape = resize->shape;

	memcpy(batch->keys + batch->count * shape->key_size, key_at(resize, place), shape->key_size);
	memcpy(batch->values + batch->count * shape->value_size, value_at(resize, place), shape->value_size);
	return ++batch->count == BATCH_ENTRIES ? batch_write(resize, batch) : 0;
}

/* The most recently used ones, of these the oldest first: so the new table has its entries in the same order of use. */
static int entries_write(const struct flow_resize *resize)
{
	struct turn *turns = turns_make(resize);
	struct batch batch = {
		.keys = calloc(BATCH_ENTRIES, resize->shape->key_size),
		.values = calloc(BATCH_ENTRIES, resize->shape->value_size),
	};
	int result = turns && batch.keys && batch.values ? 0 : -1;

	for (size_t i = result ? 0 : turns_skipped(resize, turns); i < resize->count && !result; i++)
		result = batch_add(resize, &batch, turns[i].place);
	if (!result)
		result = batch_write(resize, &batch);
	free(batch.keys);
	free(batch.values);
	free(turns);
	return result;
}

static int resize_fail(const struct flow_resize *resize, struct error *error)
{
	const struct flow_shape *shape = resize->shape;

	if (errno == ENOMEM || errno == E2BIG)
		return error_state(error, shape->pin->name, "no memory for a table of %u %s: %s",
				   resize->size / shape->entries, shape->unit, strerror(errno));
	return error_errno(error, shape->pin->name);
}

int flow_resize_begin(struct flow_resize *resize, const struct flow_shape *shape, const struct pins *pins, int outer,
		      enum conn_table table, uint32_t size, struct error *error)
{
	struct flow_table old;

	*resize = (struct flow_resize){
		.shape = shape,
		.config = pins->config,
		.outer = outer,
		.table = table,
		.old = -1,
		.next = -1,
		.size = size,
		.index = { .key_size = shape->key_size, .stride = shape->key_size + shape->value_size },
	};
	if (flow_table_open(shape, outer, table, &old, error))
		return -1;
	resize->old = old.fd;
	resize->next = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, shape->map_names[table], (__u32)shape->key_size,
				      (__u32)shape->value_size, size, NULL);
	if (resize->next < 0 || table_each(resize, resize->old, entry_take, resize) || entries_write(resize))
		return resize_fail(resize, error);
	return 0;
}

/* ---- what changes meanwhile ---- */

/* Within one tick of the clock, the one that has got further is the later. */
static bool is_newer(const struct flow_resize *resize, const void *value, const void *than)
{
	uint64_t last = last_of(resize, value), than_last = last_of(resize, than);

	return last != than_last ? last > than_last : resize->shape->is_further(value, than);
}

static bool is_as_it_was(const struct flow_resize *resize, size_t place, const void *value)
{
	return place != KEYINDEX_NONE && !memcmp(value_at(resize, place), value, resize->shape->value_size);
}

/* Packets may use the new table already: what they wrote there later stays. */
static int entry_carry(void *context, const void *key, const void *value)
{
	const struct flow_resize *resize = context;
	uint64_t there[FLOW_VALUE_MAX / sizeof(uint64_t)];
	int result;

	if (is_as_it_was(resize, place_of(resize, key), value) || is_overdue(resize, key, value))
		return 0;
	if (bpf_map_lookup_elem(resize->next, key, there))
		result = bpf_map_update_elem(resize->next, key, value, BPF_NOEXIST);
	else if (is_newer(resize, value, there))
		result = bpf_map_update_elem(resize->next, key, value, BPF_EXIST);
	else
		return 0;
	/* a packet was faster: it made the entry, or took it away */
	return result && (errno == EEXIST || errno == ENOENT) ? 0 : result;
}

static int entry_forget(const struct flow_resize *resize, const void *key)
{
	return bpf_map_delete_elem(resize->next, key) && errno != ENOENT ? -1 : 0;
}

/* What was confirmed since the unconfirmed table was copied must not stay there as it was. */
static int confirmed_forget(void *context, const void *key, const void *value)
{
	const struct flow_resize *resize = context;

	if (place_of(resize, key) == KEYINDEX_NONE || is_overdue(resize, key, value))
		return 0;
	return entry_forget(resize, key);
}

/* What was copied, unless a packet has used it since. */
static int copy_forget(const struct flow_resize *resize, size_t place)
{
	uint64_t there[FLOW_VALUE_MAX / sizeof(uint64_t)];

	if (place == KEYINDEX_NONE || bpf_map_lookup_elem(resize->next, key_at(resize, place), there) ||
	    !is_as_it_was(resize, place, there))
		return 0;
	return entry_forget(resize, key_at(resize, place));
}

/* Nor in the confirmed table what has begun anew since that was copied: it would be found first. */
static int begun_forget(void *context, const void *key, const void *value)
{
	const struct flow_resize *resize = context;
	size_t place = place_of(resize, key), created = resize->shape->created;

	if (place == KEYINDEX_NONE || time_at(value, created) <= time_at(value_at(resize, place), created))
		return 0;
	return copy_forget(resize, place) || copy_forget(resize, other_place(resize, place)) ? -1 : 0;
}

/* A flow is in one of the tables: what has moved to the other one must not stay in this one as it was. */
static int forget_moved(struct flow_resize *resize, struct error *error)
{
	bool confirmed = resize->table == CONNS_CONFIRMED;
	struct flow_table other;
	int result;

	if (!resize->count)
		return 0;
	if (flow_table_open(resize->shape, resize->outer, confirmed ? CONNS_UNCONFIRMED : CONNS_CONFIRMED, &other,
			    error))
		return -1;
	result = table_each(resize, other.fd, confirmed ? begun_forget : confirmed_forget, resize);
	close(other.fd);
	return result ? error_errno(error, resize->shape->pin->name) : 0;
}

/* ---- what had no room ---- */

struct counting {
	const struct flow_shape *shape;
	size_t count;
};

static int entry_count(void *context, const void *key, const void *value)
{
	struct counting *counting = context;

	(void)key;
	counting->count += !counting->shape->is_counted || counting->shape->is_counted(value);
	return 0;
}

/* A full table of the kernel's may forget some more than it must. */
static int dropped_count(struct flow_resize *resize)
{
	struct counting had = { resize->shape, 0 }, kept = had;

	for (size_t i = 0; i < resize->count; i++)
		entry_count(&had, key_at(resize, i), value_at(resize, i));
	if (table_each(resize, resize->next, entry_count, &kept))
		return -1;
	resize->dropped = had.count > kept.count ? had.count - kept.count : 0;
	return 0;
}

/*
 * Filling took a while, so what changed is carried over once before the exchange, to have little to do after it; and
 * again when the exchange has waited for the last packet that used the old table.
 */
int flow_resize_commit(struct flow_resize *resize, struct error *error)
{
	__u32 slot = resize->table;

	if (dropped_count(resize) || table_each(resize, resize->old, entry_carry, resize) ||
	    bpf_map_update_elem(resize->outer, &slot, &resize->next, BPF_ANY) ||
	    table_each(resize, resize->old, entry_carry, resize))
		return resize_fail(resize, error);
	return forget_moved(resize, error);
}

void flow_resize_end(struct flow_resize *resize)
{
	if (resize->old >= 0)
		close(resize->old);
	if (resize->next >= 0)
		close(resize->next);
	free(resize->was);
	keyindex_free(&resize->index);
}
