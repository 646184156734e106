/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the part "flow" is made of: flow.o in test runs, and on one end of a link between two namespaces, beside the
 * same link with nothing on it, and with softflowd.
 */
#ifndef SPLICER_BENCH_FLOW_H
#define SPLICER_BENCH_FLOW_H

#include "bench.h"
#include "pin.h"

#define FLOW_SESSIONS_SOME 10000u
#define FLOW_SESSIONS_MANY 1000000u
#define FLOW_SESSIONS_NEW 500000u /* prepared; each run takes the next */

/* The ends of each way that have something on them are network namespaces of this name; the others are "peer_" and it.
 */
enum flow_way { WAY_BARE, WAY_FLOW, WAY_SOFTFLOWD, FLOW_WAYS_COUNT };

struct flow_run {
	char packet[64];
	double ns[3]; /* empty, probe, flow.o */
};

struct flow_memory {
	uint64_t capacity, bytes; /* sessions, of the generation in force */
};

/* Below 0: not measured. */
struct flow_row {
	char packet[64];
	double value[FLOW_WAYS_COUNT];
};

#define FLOW_ROWS_MAX 8
struct flow_block {
	struct flow_row rows[FLOW_ROWS_MAX];
	size_t count;
};

struct flow_bench {
	struct bench bench;
	const char *pin_dir, *tools, *scratch;
	struct flow_run runs[64];
	size_t run_count;
	struct flow_memory memory[2];
	size_t memory_count;
	struct flow_block iperf; /* bits per second */
	struct flow_block flood; /* ns per packet */
};

extern const char *const flow_ways[FLOW_WAYS_COUNT];
extern const char *const flow_family_names[];

/* ---- the table ---- */

/* Runs flow_set with these words; NULL ends them. */
void flow_table_set(const struct flow_bench *flow, const char *const words[]);

/* An empty generation like the one in force, and one before that has nothing: what was counted is gone. */
void flow_table_empty(const struct flow_bench *flow);

/* Sessions that are in the generation in force. */
uint64_t flow_table_count(const struct flow_bench *flow);

struct flow_memory flow_table_memory(const struct flow_bench *flow);

/* ---- measurements ---- */

void flow_measure_runs(struct flow_bench *flow);
void flow_measure_iperf(struct flow_bench *flow);
void flow_measure_flood(struct flow_bench *flow);

/* ---- results ---- */

void flow_report_runs(const struct flow_bench *flow, bool json);
void flow_report_live(const struct flow_bench *flow, bool json);

#endif
