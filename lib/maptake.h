/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Empty on read: what a map held when it was read is taken out of it once that has been handed out, and not before.
 * What programs counted in the meantime stays: counters are lowered by what was read, a gauge goes if it is what was
 * read. splicer.metrics(5) says what each kind of map can lose by that.
 */
#ifndef SPLICER_MAPTAKE_H
#define SPLICER_MAPTAKE_H

#include "mapspec.h"
#include "usermap.h"

struct maptake {
	const struct usermap *map;
	const struct mapspec *spec;
	int lock;
	uint8_t *memory; /* of a mmapable array, else NULL */
	size_t memory_bytes;
	uint8_t *entries; /* key and value of each one that was read */
	size_t count, room, entry_bytes;
	uint8_t *found; /* room for a value, and for a second one */
};

/* Before reading. -1 with *error: this map cannot be emptied, or another process does it now. */
int maptake_open(struct maptake *take, const struct usermap *map, const struct mapspec *spec, struct error *error);

/* An entry was read. -1 with errno. */
int maptake_keep(struct maptake *take, const void *key, const void *value);

/* All that was kept was handed out. -1 with *error: some of it could not be taken out, or what came since not be kept.
 */
int maptake_finish(struct maptake *take, struct error *error);

void maptake_close(struct maptake *take);

#endif
