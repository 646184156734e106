/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of connections as they are pinned: LRU maps of the kernel within a map. */
#ifndef SPLICER_TEST_TABLES_H
#define SPLICER_TEST_TABLES_H

#include "abi/conns.h"
#include "tap.h"

#include <bpf/bpf.h>
#include <unistd.h>

enum { TABLE_SIZE = 4096 }; /* entries */

static inline int table_make(__u32 key_size, __u32 value_size, __u32 size)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "table", key_size, value_size, size, NULL);

	if (fd < 0)
		bail_out("map");
	return fd;
}

/* The map that they are in; it has none yet. */
static inline int tables_make(__u32 key_size, __u32 value_size)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int inner = table_make(key_size, value_size, TABLE_SIZE), outer;

	options.inner_map_fd = (__u32)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outer", sizeof(__u32), sizeof(__u32), CONN_TABLES,
			       &options);
	if (outer < 0)
		bail_out("outer map");
	close(inner);
	return outer;
}

/* Both of them empty. */
static inline void tables_fill(int outer, __u32 key_size, __u32 value_size)
{
	for (__u32 table = 0; table < CONN_TABLES; table++) {
		int inner = table_make(key_size, value_size, TABLE_SIZE);

		if (bpf_map_update_elem(outer, &table, &inner, BPF_ANY))
			bail_out("outer map");
		close(inner);
	}
}

#endif
