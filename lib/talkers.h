/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sends most, in bounded memory however many sources there are (they may be forged, each packet with another).
 *
 * A table holds the sources seen, each with a credit of the events that it sent. When it is full, the median of the
 * credits is taken off each of them, and those that have nothing left go: at least half. What was taken off so far is
 * the error: no source that is missing sent more. A source in the table is counted exactly since it came there,
 * and sent at most the error of then before. The error is at most twice all events over the places of the table (Misra
 * and Gries, 1982; with the median: Anderson et al., "A High-Performance Algorithm for Identifying Frequent Items in
 * Data Streams", 2017).
 */
#ifndef SPLICER_TALKERS_H
#define SPLICER_TALKERS_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALKERS_PLACES 16384 /* about 2 MiB */
#define TALKER_PORTS 16      /* different ports that are remembered of each */

struct source {
	uint8_t family;   /* 4 or 6 */
	uint8_t addr[16]; /* network byte order; IPv4 in the first 4 bytes, the rest zero */
};

/* What a source did: given for one event, and kept as sums. */
struct talk {
	uint64_t events, blocked, bytes;
	int32_t port; /* of the destination, host byte order; of sums that of the last event that had one; -1: none */
};

struct talker {
	struct source source;
	struct talk sum; /* since it has its place */
	uint64_t missed; /* events that it sent before, at most */
	uint64_t credit;
	uint16_t ports[TALKER_PORTS];
	uint8_t port_count; /* different ones, in ports */
	bool more_ports;    /* than these */
};

struct talkers {
	struct talker *items;
	uint32_t *index;   /* hash table of item + 1; 0: free */
	uint64_t *credits; /* for their median */
	uint32_t places, count, index_mask;
	uint64_t seed[2];
	uint64_t error; /* events that a source may have sent that is not in the table, at most */
};

/* A table for so many sources, a power of two of at least 2. -1 with *error when there is no memory. */
int talkers_open(struct talkers *talkers, uint32_t places, struct error *error);

/* Adds what a source did; talk->events is at least 1. */
void talkers_add(struct talkers *talkers, const struct source *source, const struct talk *talk);

/* Puts those with most events first, as many as top says, and returns how many these are. The rest is in any order. */
size_t talkers_sort(struct talkers *talkers, size_t top);

/* Forgets all. */
void talkers_clear(struct talkers *talkers);
void talkers_close(struct talkers *talkers);

#endif
