/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between flowgen.c and flowrotate.c (which puts generations in place): the two maps of maps. They are shelves here,
 * whose slots hold what sessions and what packets of a generation are. Which generation that is, it says itself: where
 * it stands matters only to programs.
 */
#ifndef SPLICER_FLOWSHELF_H
#define SPLICER_FLOWSHELF_H

#include "abi/flow.h"
#include "error.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A map in a slot. */
struct slot {
	__u32 id; /* 0: the slot is empty */
	int fd;
	void *head;     /* a struct flow_head, shared with the programs: to map all of it takes long */
	size_t size;    /* bytes of all entries */
	uint32_t count; /* entries after the head */
};

struct shelf {
	const struct pin_shape *pin;
	size_t entry_size;
	int outer;
	struct slot slots[FLOW_GENERATIONS];
};

struct shelves {
	struct shelf sessions, packets;
};

/* ---- a slot ---- */

static inline uint64_t generation_of(const struct slot *slot)
{
	return __atomic_load_n((const uint64_t *)slot->head, __ATOMIC_RELAXED);
}

/* Of sessions. */
static inline struct flow_head *head_of(const struct slot *slot)
{
	return slot->head;
}

/* The first bytes of a map in memory shared with the programs, or NULL with errno set. */
void *fd_map(int fd, size_t size);

/* Fills in what slot->fd is, a map that fits the shelf; slot_close afterwards, also after an error. */
int slot_look(const struct shelf *shelf, struct slot *slot, struct error *error);

/* Also of an empty slot with fd -1. */
void slot_close(struct slot *slot);

/* ---- both shelves, as they stand at one moment ---- */

/* FLOW_NOW of both is never empty. On error there is nothing to close. */
int shelves_open(struct shelves *shelves, const struct pins *pins, struct error *error);
void shelves_close(struct shelves *shelves);

/* ---- what stands where ---- */

/* A slot from `first` on with this generation, or NULL. */
struct slot *generation_find(struct shelf *shelf, size_t first, uint64_t generation);

/* Whether a tool was killed when packets of the next generation had taken their place, and its sessions had not. */
bool is_unfinished(const struct shelves *shelves);

/* Whether others than the programs need what is in slot i of one, and it stands nowhere from `first` on before. */
bool is_needed(struct shelves *shelves, struct shelf *shelf, size_t first, size_t i);

/* One from `first` on that nobody needs; -1: none. One that has to be emptied anyway is taken first. */
int slot_unneeded(struct shelves *shelves, struct shelf *shelf, size_t first);

#endif
