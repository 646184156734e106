/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cells of a rule arena as memory. Mapping a large one costs more than a single change, so it is mapped in
 * windows as it is touched, or whole for work on all of it. Tests use plain memory.
 */
#ifndef SPLICER_ARENA_H
#define SPLICER_ARENA_H

#include "abi/rules.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

struct arena {
	struct rules_cell *cells; /* address range of the whole arena */
	uint32_t count;           /* cells */
	int fd;                   /* of the map; -1: plain memory */
	bool writable;
	bool whole;       /* all of it is mapped */
	uint8_t *windows; /* bit per window that is mapped */
};

/* Takes over fd, the map, of count cells. */
int arena_open(struct arena *arena, int fd, uint32_t count, bool writable, struct error *error);

/* A zeroed arena in plain memory, released with arena_close. */
int arena_allocate(struct arena *arena, uint32_t count, struct error *error);

/* Maps what is not yet mapped. */
int arena_map_whole(struct arena *arena, struct error *error);

/* The cells from `cell` on; 'cells' of them may be used. Ends the process when the kernel cannot map them: a window
 * is 64 KiB, and what was begun the next writer repairs. Out of range is a program error (abort). */
void *arena_at(struct arena *arena, uint32_t cell, uint32_t cells);

void arena_close(struct arena *arena);

#endif
