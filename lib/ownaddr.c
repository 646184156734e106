/* SPDX-License-Identifier: GPL-2.0-only */
#include "ownaddr.h"

#include "table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct own_address) == sizeof(struct splicer_addr), "a key of the map is an own_address");

static int address_order(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct own_address));
}

static int addresses_add(int map, const struct own_addresses *own, struct error *error)
{
	__u32 one = 1;

	for (size_t i = 0; i < own->count; i++) {
		if (!bpf_map_update_elem(map, &own->items[i], &one, BPF_NOEXIST) || errno == EEXIST)
			continue;
		if (errno == E2BIG)
			return error_state(error, SPLICER_ADDRS, "full: %zu interface addresses, at most %d",
					   own->count, SPLICER_ADDRS_MAX);
		return error_errno(error, SPLICER_ADDRS);
	}
	return 0;
}

/* The keys that are in the map and not among own, to *stale; released with free(). */
static int addresses_stale(int map, const struct own_addresses *own, struct own_address **stale, size_t *count)
{
	struct own_address key, *previous = NULL;

	*stale = calloc(SPLICER_ADDRS_MAX, sizeof(key));
	*count = 0;
	if (!*stale)
		return -1;
	while (*count < SPLICER_ADDRS_MAX && !bpf_map_get_next_key(map, previous, &key)) {
		if (!bsearch(&key, own->items, own->count, sizeof(key), address_order))
			(*stale)[(*count)++] = key;
		previous = &key;
	}
	return 0;
}

static int addresses_remove(int map, const struct own_addresses *own, struct error *error)
{
	struct own_address *stale;
	size_t count;

	if (addresses_stale(map, own, &stale, &count))
		return error_errno(error, SPLICER_ADDRS);
	for (size_t i = 0; i < count; i++)
		bpf_map_delete_elem(map, &stale[i]);
	free(stale);
	return 0;
}

/* Added before others are removed, so that none is missing meanwhile; but those that are gone may take all the room. */
static int addresses_replace(int map, const struct own_addresses *own, struct error *error)
{
	if (!addresses_add(map, own, error))
		return addresses_remove(map, own, error);
	return addresses_remove(map, own, error) ? -1 : addresses_add(map, own, error);
}

int own_addresses_sync(const struct pins *pins, struct error *error)
{
	struct own_addresses own = { 0 };
	int map = pin_open(pins, &pin_addrs, error), result = -1;

	if (map < 0)
		return -1;
	if (!netlink_own_addresses(&own, error))
		result = addresses_replace(map, &own, error);
	free(own.items);
	close(map);
	return result;
}

/* A key that goes while they are walked makes the walk begin anew: doubles are taken out, and it has an end. */
static int addresses_walk(int map, struct table *found)
{
	struct own_address key, *previous = NULL;

	while (found->count < 2 * SPLICER_ADDRS_MAX && !bpf_map_get_next_key(map, previous, &key)) {
		if (table_add(found, &key))
			return -1;
		previous = &key;
	}
	table_sort_unique(found);
	return 0;
}

int own_addresses_read(const struct pins *pins, struct own_addresses *out, struct error *error)
{
	struct table found = { .size = sizeof(struct own_address) };
	int map = pin_open(pins, &pin_addrs, error), result = 0;

	*out = (struct own_addresses){ 0 };
	if (map < 0)
		return -1;
	if (addresses_walk(map, &found)) {
		result = error_errno(error, SPLICER_ADDRS);
		free(found.items);
	} else {
		out->items = (struct own_address *)found.items;
		out->count = found.count;
	}
	close(map);
	return result;
}

size_t own_addresses_count(const struct own_addresses *own, uint32_t ifindex)
{
	struct table table = { .items = (uint8_t *)own->items, .size = sizeof(*own->items), .count = own->count };
	size_t first = table_search(&table, ifindex), end = first;

	while (table_match(&table, end, ifindex))
		end++;
	return end - first;
}
