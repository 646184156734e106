/* SPDX-License-Identifier: GPL-2.0-only */
/* Generations of flow.o's maps, made and read as tools do. */
#ifndef TEST_GENERATION_H
#define TEST_GENERATION_H

#include "abi/flow.h"
#include "harness.h"

struct generation {
	int sessions, packets; /* maps */
	struct flow_head *head;
	struct flow_bucket *buckets;
	struct flow_packets_head *packets_head;
	struct flow_packet *records; /* that of entry 1 is records[0] */
	uint32_t bucket_count, room;
};

/* An empty one with a number and a size of its own; its clock is that of packets. */
struct generation *generation_new(uint64_t number, uint32_t buckets, uint32_t room);
/* Empties it. */
void generation_clear(struct generation *generation, uint64_t number);
void generation_free(struct generation *generation);

/* Makes it the one that programs write to, the one before, or both. */
void generation_place(const struct fixture *fixture, const struct generation *generation, uint32_t slot);
void generation_remove(const struct fixture *fixture, uint32_t slot);

/* Sessions that are there, by the time of their start. */
#define SESSIONS_MAX 4096
size_t generation_sessions(const struct generation *generation, const struct flow *sessions[SESSIONS_MAX]);

struct flow_tally generation_total(const struct generation *generation); /* of sessions */

/* What buckets gave away, or did not get. */
struct generation_lost {
	uint64_t evicted;
	struct flow_tally evicted_tally, missed;
};
struct generation_lost generation_lost(const struct generation *generation);

/* All locks are free. */
bool generation_is_free(const struct generation *generation);

#endif
