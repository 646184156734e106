/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries put into the tables of connections or flows by a tool that has them from elsewhere, while packets use both.
 * What a packet has made or used since stays as it is, so the same entries may be put in again. The caller holds
 * pins_lock, unless it is a dry run.
 */
#ifndef SPLICER_FLOWPUT_H
#define SPLICER_FLOWPUT_H

#include "error.h"
#include "flowtable.h"
#include "pin.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Times go by way of the time of day and back, by clocks that are read twice, and CLOCK_MONOTONIC_COARSE has ticks of
 * up to 10 ms: what lies no further apart is the same time.
 */
#define FLOW_PUT_SAME_NS 10000000ull

struct flow_put {
	const struct flow_shape *shape;
	const struct splicer_config *config;
	int fd[CONN_TABLES];
	uint32_t size[CONN_TABLES]; /* entries that there is room for */
	bool dry_run;
};

int flow_put_open(struct flow_put *put, const struct flow_shape *shape, const struct pins *pins, bool dry_run,
		  struct error *error);
void flow_put_close(struct flow_put *put);

/*
 * The entry that the programs would find, to value, and in which table; overdue or not. 1: there is none. -1 with
 * *error.
 */
int flow_put_find(const struct flow_put *put, const void *key, void *value, enum conn_table *table,
		  struct error *error);

/* Whether a value is of a later packet than the other of the same key, or with the same time knows more. */
bool flow_put_is_newer(const struct flow_put *put, const void *value, const void *than);

/* Puts an entry in its table. *letter: 'A' added, 'C' it was older, '=' what is there is as new, or newer, and stays.
 */
int flow_put_entry(const struct flow_put *put, enum conn_table table, const void *key, const void *value, char *letter,
		   struct error *error);

/*
 * The order in which they are put: the oldest first, for these go first when a table is full. What is sure to have no
 * room, as so many that are younger come after it, need not be put at all.
 */
struct flow_turn {
	uint64_t last; /* of the connection or flow, in any clock */
	size_t item;   /* its place in the caller's list */
	enum conn_table table;
};

struct flow_turns {
	struct flow_turn *items;
	size_t count;
	size_t left[CONN_TABLES]; /* that have not had their turn */
};

int flow_turns_add(struct flow_turns *turns, uint64_t last, enum conn_table table, struct error *error);
void flow_turns_sort(struct flow_turns *turns);
void flow_turns_free(struct flow_turns *turns);

/* To be asked of each, in their order: each takes shape->entries. */
bool flow_turn_has_room(const struct flow_put *put, struct flow_turns *turns, const struct flow_turn *turn);

#endif
