/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sessions of generations, as rows: each copied in one piece, and where it has a record in several generations, these
 * put together.
 */
#ifndef SPLICER_FLOWROW_H
#define SPLICER_FLOWROW_H

#include "abi/flow.h"
#include "error.h"
#include "flowgen.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What tells sessions apart. */
struct flow_id {
	struct flow_key key;
	uint64_t start;
};

/* A generation as its rows need it. */
struct flow_part {
	uint64_t generation;
	struct flow_settings settings; /* with defaults */
	uint64_t now;                  /* of the clock of the settings; see flowrows_read */
};

struct flow_row {
	struct flow_id id; /* first: rows are found by it */
	const struct flow *flow;
	struct flow *own;             /* the same, where it is a copy that may be changed */
	const struct flow_part *part; /* the newest one */
};

/* What generations counted beside sessions. */
struct flow_losses {
	uint64_t evicted, evicted_packets, evicted_bytes; /* sessions that gave their place up, and what they had */
	struct flow_tally missed, not_ip, malformed;
};

/* Memory for copies, in pieces that do not move. */
struct flow_store {
	struct flow **pieces;
	size_t count; /* of flows */
};

struct flowrows {
	struct flow_row *rows;
	size_t count;
	struct flow_losses losses;
	struct flow_part parts[FLOW_GENERATIONS]; /* newest first */
	uint32_t part_count;
	int64_t offset; /* from CLOCK_MONOTONIC to ns since the epoch */
	struct flow_store store;
};

/* Whether a session is wanted; what is not wanted takes no memory. Its counters may be a part of all. */
typedef bool flow_wanted(const void *context, const struct flow *flow);

/*
 * Reads all generations from gens->item[first] on. With `merge` a session has one row, whose counters are the sum of
 * its records: others of it are those of the newest one. Otherwise each of its records has one, and tells its
 * generation. Sessions by the clock of packets are looked at when the last of all packets came. What was read of
 * generations that have ended stays where it is: gens must stay open as long as the rows are used. Released with
 * flowrows_free, whatever it returns.
 */
int flowrows_read(struct flowrows *rows, const struct flowgens *gens, uint32_t first, bool merge, flow_wanted *wanted,
		  const void *context, struct error *error);

void flowrows_free(struct flowrows *rows);

/* ns since the epoch of a time of the row. */
uint64_t flowrows_epoch(const struct flowrows *rows, const struct flow_row *row, uint64_t time);

/* Adds an older record of the same session to a newer one. */
void flow_merge(struct flow *flow, const struct flow *older);

/* Address (16 bytes, IPv4 in the first 4) and port (host byte order) of the originator, 0, or the responder, 1. */
const uint8_t *flow_address(const struct flow *flow, unsigned int side);
uint16_t flow_port(const struct flow *flow, unsigned int side);

/* Whether those are ports. */
bool flow_has_ports(const struct flow *flow);

#endif
