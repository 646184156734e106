/* SPDX-License-Identifier: GPL-2.0-only */
#include "arena.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define WINDOW_CELLS 1024u /* 64 KiB: a multiple of every page size in use */
#define WINDOW_BYTES ((size_t)WINDOW_CELLS * RULES_CELL_SIZE)

static size_t arena_bytes(const struct arena *arena)
{
	return (size_t)arena->count * RULES_CELL_SIZE;
}

static uint32_t arena_windows(const struct arena *arena)
{
	return (arena->count + WINDOW_CELLS - 1) / WINDOW_CELLS;
}

int arena_open(struct arena *arena, int fd, uint32_t count, bool writable, struct error *error)
{
	*arena = (struct arena){ .count = count, .fd = fd, .writable = writable };
	arena->windows = calloc(arena_windows(arena) / 8 + 1, 1);
	arena->cells = mmap(NULL, arena_windows(arena) * WINDOW_BYTES, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena->windows && arena->cells != MAP_FAILED)
		return 0;
	return error_errno(error, "rules");
}

int arena_allocate(struct arena *arena, uint32_t count, struct error *error)
{
	*arena = (struct arena){ .count = count, .fd = -1, .writable = true, .whole = true };
	arena->cells = mmap(NULL, arena_bytes(arena), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return arena->cells == MAP_FAILED ? error_errno(error, "rules") : 0;
}

static int arena_map(struct arena *arena, size_t offset, size_t bytes)
{
	int protection = arena->writable ? PROT_READ | PROT_WRITE : PROT_READ;

	if (offset + bytes > arena_bytes(arena))
		bytes = arena_bytes(arena) - offset;
	return mmap((char *)arena->cells + offset, bytes, protection, MAP_SHARED | MAP_FIXED, arena->fd,
		    (off_t)offset) == MAP_FAILED;
}

int arena_map_whole(struct arena *arena, struct error *error)
{
	if (arena->whole)
		return 0;
	if (arena_map(arena, 0, arena_bytes(arena)))
		return error_errno(error, "rules");
	arena->whole = true;
	return 0;
}

void *arena_at(struct arena *arena, uint32_t cell, uint32_t cells)
{
	if (cell >= arena->count || cells > arena->count - cell)
		abort();
	for (uint32_t w = cell / WINDOW_CELLS; !arena->whole && w <= (cell + cells - 1) / WINDOW_CELLS; w++) {
		struct error error;

		if (arena->windows[w / 8] & 1 << w % 8)
			continue;
		if (arena_map(arena, w * WINDOW_BYTES, WINDOW_BYTES)) {
			error_errno(&error, "rules");
			_exit(error_print(&error));
		}
		arena->windows[w / 8] |= (uint8_t)(1 << w % 8);
	}
	return arena->cells + cell;
}

void arena_close(struct arena *arena)
{
	if (arena->fd >= 0)
		close(arena->fd);
	if (arena->cells)
		munmap(arena->cells, arena->fd < 0 ? arena_bytes(arena) : arena_windows(arena) * WINDOW_BYTES);
	free(arena->windows);
	*arena = (struct arena){ .fd = -1 };
}
