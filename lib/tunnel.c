/* SPDX-License-Identifier: GPL-2.0-only */
#include "tunnel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct splicer_tunnel key_of(uint32_t ifindex, const struct prefix *source)
{
	struct splicer_tunnel key = {
		.prefix_len = SPLICER_TUNNEL_BITS + source->len,
		.ifindex = ifindex,
		.family = source->family,
	};

	memcpy(key.addr, source->addr, sizeof(key.addr));
	return key;
}

/* A key that no tool of this version makes is none of anybody's. */
static int key_take(const struct splicer_tunnel *key, struct table *out)
{
	struct tunnel tunnel = { .ifindex = key->ifindex, .source = { .family = (uint8_t)key->family } };

	if ((key->family != 4 && key->family != 6) || key->prefix_len < SPLICER_TUNNEL_BITS ||
	    key->prefix_len > SPLICER_TUNNEL_BITS + prefix_bits(tunnel.source.family))
		return 0;
	tunnel.source.len = (uint8_t)(key->prefix_len - SPLICER_TUNNEL_BITS);
	memcpy(tunnel.source.addr, key->addr, sizeof(tunnel.source.addr));
	return table_add(out, &tunnel);
}

/* Bounded: a key that goes while they are walked makes the walk begin anew. */
static int keys_walk(int map, struct table *out)
{
	struct splicer_tunnel key, *previous = NULL;

	for (int i = 0; i < 2 * SPLICER_TUNNELS_MAX && !bpf_map_get_next_key(map, previous, &key); i++) {
		if (key_take(&key, out))
			return -1;
		previous = &key;
	}
	return 0;
}

int tunnels_read(const struct pins *pins, struct table *out, struct error *error)
{
	int map = pin_open(pins, &pin_tunnels, error), result = 0;

	*out = (struct table){ .size = sizeof(struct tunnel) };
	if (map < 0)
		return -1;
	if (keys_walk(map, out)) {
		result = error_errno(error, SPLICER_TUNNELS);
		free(out->items);
		out->items = NULL;
	}
	close(map);
	return result;
}

int tunnels_add(int map, uint32_t ifindex, const struct prefix_list *list, const struct prefix_list *other)
{
	__u32 one = 1;

	for (size_t i = 0; i < list->count; i++) {
		struct splicer_tunnel key = key_of(ifindex, &list->items[i]);

		if (!prefix_list_has(other, &list->items[i]) && bpf_map_update_elem(map, &key, &one, BPF_ANY))
			return -1;
	}
	return 0;
}

int tunnels_remove(int map, uint32_t ifindex, const struct prefix_list *list, const struct prefix_list *other)
{
	for (size_t i = 0; i < list->count; i++) {
		struct splicer_tunnel key = key_of(ifindex, &list->items[i]);

		if (!prefix_list_has(other, &list->items[i]) && bpf_map_delete_elem(map, &key) && errno != ENOENT)
			return -1;
	}
	return 0;
}
