/* SPDX-License-Identifier: GPL-2.0-only */
/* All entries of a hash, an array or an LPM trie, by bpf(2)'s batches. */
#ifndef SPLICER_MAPREAD_H
#define SPLICER_MAPREAD_H

#include <stddef.h>

/* One entry, as it was when it was read; -1 with errno ends the reading. */
typedef int map_callback(void *context, const void *key, const void *value);

/*
 * Hands over all entries, in no order, each key once. What comes or goes meanwhile may be among them or not. Does not
 * count as use: the least recently used one stays that. Of a map that has values per CPU, value_size is that of all of
 * them. An LPM trie may hand over some twice when entries are deleted meanwhile. -1 with errno.
 */
int map_each(int fd, size_t key_size, size_t value_size, map_callback *take, void *context);

#endif
