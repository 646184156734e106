/* SPDX-License-Identifier: GPL-2.0-only */
/* The part "rules" of the bench: what a set of rules costs, over its kind and size. Times are in seconds or ns. */
#ifndef SPLICER_BENCH_RULES_H
#define SPLICER_BENCH_RULES_H

#include "bench.h"
#include "cells.h"

/* Which packets: any of as many as there are rules, or always the same one. */
enum choice { COLD, HOT, CHOICES };

/* ns per packet under BPF_PROG_TEST_RUN, all with the same packets. */
struct flow_cost {
	double empty;   /* a program that does nothing */
	double probe;   /* one exact hash probe */
	double no_rule; /* splicer.o without any rule */
	double splicer;
};

/* How nft holds the same rules. */
enum nft_way {
	NFT_SET,   /* all in one set with intervals */
	NFT_SPLIT, /* hosts in a hash set, networks in a set with intervals */
	NFT_WAYS
};

struct nft_cost {
	double elements; /* without those that overlap another: nft refuses them */
	double load, insert, remove;
	double live; /* ns per frame that goes up the stack */
};

struct rules_result {
	enum set_kind kind;
	uint32_t family, rules;
	struct flow_cost flow[CHOICES];
	double live_empty, live_splicer;                             /* ns per frame that goes up the stack */
	double bin_true, insert, insert_worst, remove, remove_worst; /* medians of PROCESS_RUNS, and the worst */
	double load, replace, list, save, json;
	size_t loads;                /* of which that and nft's is the median */
	double memory_empty, memory; /* bytes */
	struct nft_cost nft[NFT_WAYS];
};

#define LOADS_MAX 5

struct rules_bench {
	struct bench bench;
	const char *tools, *scratch; /* directories */
	struct rules_result results[SET_KINDS * 2 * 5];
	size_t count;
	double memory_empty;
	double nft_limit[NFT_WAYS]; /* rules from which on it takes too long */
};

/* Rule i as the bench puts it: without splices, which test runs cannot do. */
struct rules_record bench_rule(const struct rules_result *result, uint32_t i);

/* rules_tools.c: the tools as whole processes */

/* Writes the rules for map_update -f; unless 0, every `changed`-th is one that the set does not have. */
void rules_write(const struct rules_result *result, const char *file, uint32_t changed);

/* Seconds that map_update takes for the file. */
double rules_load(const struct rules_bench *bench, const char *file, bool replace);
void rules_clear(const struct rules_bench *bench);

/* One rule in and out again. */
void one_rule_run(struct rules_bench *bench, struct rules_result *result);

void lists_run(struct rules_bench *bench, struct rules_result *result);

/* rules_memory.c: bytes that the kernel accounts for all maps of the object's programs, those in maps of maps
 * included. */
double maps_memory(const struct bpf_object *object);

/* rules_nft.c */
void nft_load(struct rules_bench *bench, struct rules_result *result);
void nft_run(struct rules_result *result);
void nft_unload(const struct rules_result *result);
uint32_t nft_device(enum nft_way way);

/* rules_live.c: attaches what frames meet on each interface. */
void live_attach(struct rules_bench *bench);
void live_run(struct rules_bench *bench, struct rules_result *result, const struct bench_frame *frame);

/* rules_report.c */
void report_print(const struct rules_bench *bench, bool json);

#endif
