/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbindex.h"

#include "array.h"
#include "mapread.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct lb_vip) == 24 && sizeof(struct lb_end) == 24, "an entry has room for either");

#define PORT_BITS 16

static int index_add(struct lb_index *index, const void *key, uint32_t value, const struct lb_item *item)
{
	struct lb_index_entry *items = array_room(index->items, index->count, sizeof(*items));

	if (!items)
		return -1;
	index->items = items;
	items[index->count] = (struct lb_index_entry){ .value = value, .item = item };
	memcpy(items[index->count++].key, key, sizeof(items->key));
	return 0;
}

void lb_index_free(struct lb_index *index)
{
	free(index->items);
	*index = (struct lb_index){ 0 };
}

static int key_order(const struct lb_index_entry *a, const struct lb_index_entry *b)
{
	return memcmp(a->key, b->key, sizeof(a->key));
}

static uint32_t ports_of(const struct lb_index_entry *entry)
{
	return entry->item ? (uint32_t)(entry->item->name.high - entry->item->name.low) : 0;
}

/* Of equal keys, that of fewer ports first, then the lower value. */
static int entry_order(const void *left, const void *right)
{
	const struct lb_index_entry *a = left, *b = right;
	int order = key_order(a, b);

	if (!order)
		order = (ports_of(a) > ports_of(b)) - (ports_of(a) < ports_of(b));
	return order ? order : (a->value > b->value) - (a->value < b->value);
}

static void index_sort(struct lb_index *index)
{
	if (index->count)
		qsort(index->items, index->count, sizeof(*index->items), entry_order);
}

static int index_finish(struct lb_index *index, const char *map, struct error *error)
{
	if (index->count <= LB_ENDS_MAX)
		return 0;
	return error_state(error, map, "full: %zu entries would be needed, at most %d", index->count, LB_ENDS_MAX);
}

/* ---- where VIPs lead ---- */

/* The largest aligned block of ports that starts at low and does not go past high: its bits that are not fixed. */
static unsigned int block_zeros(uint32_t low, uint32_t high)
{
	unsigned int zeros = 0;

	while (zeros < PORT_BITS && !(low & 1u << zeros) && low + (2u << zeros) - 1 <= high)
		zeros++;
	return zeros;
}

static int vips_add(const struct lb_item *item, struct lb_index *out)
{
	struct lb_vip vip = { .family = item->name.family, .proto = item->name.proto };
	uint32_t low = item->name.low;

	memcpy(vip.addr, item->name.addr, sizeof(vip.addr));
	while (low <= item->name.high) {
		unsigned int zeros = block_zeros(low, item->name.high);

		vip.prefix_len = LB_VIP_BITS + PORT_BITS - zeros;
		vip.port[0] = (uint8_t)(low >> 8);
		vip.port[1] = (uint8_t)low;
		if (index_add(out, &vip, item->index, item))
			return -1;
		low += 1u << zeros;
	}
	return 0;
}

/* Sorted, the first of equal ones is of the service with fewer ports, which has it. */
static void keep_first(struct lb_index *sorted)
{
	size_t kept = 0;

	for (size_t i = 0; i < sorted->count; i++)
		if (!i || key_order(&sorted->items[i], &sorted->items[kept - 1]))
			sorted->items[kept++] = sorted->items[i];
	sorted->count = kept;
}

int lb_index_vips(const struct lbset *set, struct lb_index *out, struct error *error)
{
	*out = (struct lb_index){ 0 };
	for (size_t i = 0; i < set->count; i++)
		if (!set->items[i].gone && vips_add(&set->items[i], out))
			return error_errno(error, LB_VIPS);
	index_sort(out);
	keep_first(out);
	return index_finish(out, LB_VIPS, error);
}

/* ---- what backends send ---- */

static int ends_add(const struct lb_item *item, struct lb_index *out)
{
	bool one = item->name.low == item->name.high;

	for (size_t i = 0; i < item->places; i++) {
		const struct lb_backend *backend = &item->backends[i];
		struct lb_end end = { .port = backend->port, .proto = item->name.proto, .family = backend->family };

		if (!backend->family || (backend->port && !one))
			continue;
		if (one && !backend->port)
			end.port = htons(item->name.low);
		memcpy(end.addr, backend->addr, sizeof(end.addr));
		if (index_add(out, &end, lb_where(item->index, (__u32)i), item))
			return -1;
	}
	return 0;
}

static const struct lb_end *end_of(const struct lb_index_entry *entry)
{
	return (const struct lb_end *)entry->key;
}

static bool same_host(const struct lb_end *a, const struct lb_end *b)
{
	return a->family == b->family && a->proto == b->proto && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

/*
 * Whether what a backend sends from the port of this entry may also be of a service for many ports. It is not where
 * that is around the service of the entry and the port is the one that was asked for.
 */
static bool is_also_of(const struct lb_index_entry *exact, const struct lb_index_entry *many)
{
	const struct lb_name *name = &many->item->name, *own = &exact->item->name;
	uint16_t port = ntohs(end_of(exact)->port);

	if (!same_host(end_of(exact), end_of(many)) || port < name->low || port > name->high)
		return false;
	return lb_name_overlap(own, name) != LB_INSIDE || own->low != port;
}

/* In the order of keys, those of one address stand together, and the ones without a port are first of them. */
static void mark_ambiguous(struct lb_index *sorted)
{
	size_t first = 0;

	for (size_t i = 0; i < sorted->count; i++) {
		struct lb_index_entry *entry = &sorted->items[i];
		const struct lb_end *end = end_of(entry);

		if (memcmp(end->addr, end_of(&sorted->items[first])->addr, sizeof(end->addr)) != 0)
			first = i;
		for (size_t other = first; end->port && !end_of(&sorted->items[other])->port; other++)
			if (is_also_of(entry, &sorted->items[other]))
				entry->value = LB_AMBIGUOUS;
	}
}

static void merge_equal(struct lb_index *sorted)
{
	size_t kept = 0;

	for (size_t i = 0; i < sorted->count; i++) {
		struct lb_index_entry *last = kept ? &sorted->items[kept - 1] : NULL;

		if (!last || key_order(&sorted->items[i], last))
			sorted->items[kept++] = sorted->items[i];
		else if (last->item != sorted->items[i].item)
			last->value = LB_AMBIGUOUS;
	}
	sorted->count = kept;
}

int lb_index_ends(const struct lbset *set, struct lb_index *out, struct error *error)
{
	*out = (struct lb_index){ 0 };
	for (size_t i = 0; i < set->count; i++)
		if (!set->items[i].gone && set->items[i].mode == LB_NAT && ends_add(&set->items[i], out))
			return error_errno(error, LB_BACKENDS);
	index_sort(out);
	mark_ambiguous(out);
	merge_equal(out);
	return index_finish(out, LB_BACKENDS, error);
}

/* ---- the maps ---- */

static int entry_take(void *context, const void *key, const void *value)
{
	uint32_t index;

	memcpy(&index, value, sizeof(index));
	return index_add(context, key, index, NULL);
}

static bool has_entry(const struct lb_index *sorted, const struct lb_index_entry *entry, bool same_value)
{
	size_t low = 0, high = sorted->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = key_order(&sorted->items[middle], entry);

		if (!order)
			return !same_value || sorted->items[middle].value == entry->value;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int entries_put(int map, const struct lb_index *wanted, const struct lb_index *there)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (!has_entry(there, &wanted->items[i], true) &&
		    bpf_map_update_elem(map, wanted->items[i].key, &wanted->items[i].value, BPF_ANY))
			return -1;
	return 0;
}

static int entries_delete(int map, const struct lb_index *wanted, const struct lb_index *there)
{
	for (size_t i = 0; i < there->count; i++)
		if (!has_entry(wanted, &there->items[i], false) && bpf_map_delete_elem(map, there->items[i].key) &&
		    errno != ENOENT)
			return -1;
	return 0;
}

static size_t entries_together(const struct lb_index *wanted, const struct lb_index *there)
{
	size_t count = there->count;

	for (size_t i = 0; i < wanted->count; i++)
		count += !has_entry(there, &wanted->items[i], false);
	return count;
}

static int difference_write(int map, const struct lb_index *wanted, const struct lb_index *there)
{
	if (entries_together(wanted, there) > LB_ENDS_MAX && entries_delete(map, wanted, there))
		return -1;
	return entries_put(map, wanted, there) || entries_delete(map, wanted, there) ? -1 : 0;
}

int lb_index_write(const struct pins *pins, const struct pin_shape *shape, const struct lb_index *wanted,
		   struct error *error)
{
	struct lb_index there = { 0 };
	int map = pin_open(pins, shape, error), result;

	if (map < 0)
		return -1;
	result = map_each(map, shape->key_size, shape->value_size, entry_take, &there);
	index_sort(&there);
	if (!result)
		result = difference_write(map, wanted, &there);
	close(map);
	lb_index_free(&there);
	return result ? error_errno(error, shape->name) : 0;
}
