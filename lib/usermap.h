/* SPDX-License-Identifier: GPL-2.0-only */
/* A pinned map of anybody's, with the types that it was loaded with. */
#ifndef SPLICER_USERMAP_H
#define SPLICER_USERMAP_H

#include "btffield.h"
#include "error.h"
#include "mapread.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct usermap {
	const char *path;
	int fd;
	struct bpf_map_info info;
	bool of_maps;  /* a map of maps: no types */
	bool is_array; /* its entries are always there */
	bool per_cpu;
	uint32_t copies; /* of a value: one, or one for each CPU that there may be */
	size_t stride;   /* bytes from one copy to the next */
	struct btf *btf;
	uint32_t key_type; /* 0: of variables, it has only one entry */
	uint32_t value_type;
};

/*
 * Opens what is pinned at path. -1 with *error: it is no map, one that cannot be listed, or it has no BTF. What was
 * opened goes with usermap_close, which is for a map that could not be opened too.
 */
int usermap_open(struct usermap *map, const char *path, struct error *error);
void usermap_close(struct usermap *map);

/* "hash", "lru_hash"...; NULL: one that is newer. */
const char *usermap_kind(uint32_t type);

/* The fields of the key, "key...", and of the value, "value...". -1 with *error. */
int usermap_fields(const struct usermap *map, struct btf_fields *fields, struct error *error);

/* As map_each (mapread.h): each entry with the copies of its value one after the other. */
int usermap_each(const struct usermap *map, map_callback *take, void *context);

/* Bytes of all copies of a value. */
static inline size_t usermap_value_bytes(const struct usermap *map)
{
	return map->stride * map->copies;
}

/* The i-th copy. */
static inline const uint8_t *usermap_copy(const struct usermap *map, const void *value, uint32_t i)
{
	return (const uint8_t *)value + i * map->stride;
}

#endif
