/* SPDX-License-Identifier: GPL-2.0-only */
/* The pinned trie of sources whose GENEVE packets are decapsulated: SPLICER_TUNNELS of abi/config.h. */
#ifndef SPLICER_TUNNEL_H
#define SPLICER_TUNNEL_H

#include "error.h"
#include "pin.h"
#include "prefix.h"
#include "table.h"

#include <stdint.h>

struct tunnel {
	uint32_t ifindex;
	struct prefix source;
};

/* All of them, to *out as struct tunnel, in no order and perhaps twice; -1 with *error. */
int tunnels_read(const struct pins *pins, struct table *out, struct error *error);

/* Those of an interface that are in `list`, but not in `other`, added to the map or taken out. -1 with errno. */
int tunnels_add(int map, uint32_t ifindex, const struct prefix_list *list, const struct prefix_list *other);
int tunnels_remove(int map, uint32_t ifindex, const struct prefix_list *list, const struct prefix_list *other);

#endif
