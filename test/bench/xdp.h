/* SPDX-License-Identifier: GPL-2.0-only */
/* The part "xdp" of the bench: what xdp_filter.o costs, beside the xdp-filter of xdp-tools. Times are in seconds or ns.
 */
#ifndef SPLICER_BENCH_XDP_H
#define SPLICER_BENCH_XDP_H

#include "bench.h"
#include "cells.h"

#define XDP_TOOLS_MAX 10000 /* addresses that the xdp-filter of xdp-tools has room for */
#define XDP_DEVICE "wan0"   /* that packets of test runs are said to come in by */

/*
 * hosts: addresses, any protocol, to anywhere: one tuple. mixed: 32 tuples, 8 source lengths from a host to a /22, TCP
 * or any protocol, to anywhere or to a /24. Of IPv6 lengths that do the same.
 */
enum xdp_kind { XDP_HOSTS, XDP_MIXED, XDP_KINDS };
extern const char *const xdp_kinds[XDP_KINDS];

/* A set of rules, all of them drops, and whether packets are of sources in it. */
struct xdp_set {
	enum xdp_kind kind;
	uint32_t family, rules;
	bool hit;
};

/* Which packets: any of as many as there are rules, or always the same one. */
/* Of which sources packets are: any, a thousand (all there are, where there are less), one. */
enum xdp_choice { XDP_COLD, XDP_WARM, XDP_HOT, XDP_CHOICES };
#define XDP_WARM_SOURCES 1000

/* How many of so many sources. */
static inline uint32_t xdp_choose(enum xdp_choice choice, uint32_t sources)
{
	if (choice == XDP_HOT)
		return 1;
	return choice == XDP_WARM && sources > XDP_WARM_SOURCES ? XDP_WARM_SOURCES : sources;
}

/* ns per packet under BPF_PROG_TEST_RUN, in turns. Those of one list of packets are net of `empty` beside them. */
struct xdp_cost {
	double empty, splicer, tools_same; /* packets for all rules of the set */
	double empty_10k, tools_10k;       /* packets for the first 10,000 hosts at most */
};

struct xdp_run {
	struct xdp_set set;
	enum xdp_choice choice;
	struct xdp_cost cost;
};

/* What drops all that comes in by a veth. */
enum xdp_way {
	WAY_BARE,    /* a program that does nothing else */
	WAY_SPLICER, /* xdp_filter.o */
	WAY_TOOLS,   /* xdp-filter of xdp-tools, with 10,000 hosts at most */
	WAY_NFT,     /* a chain at ingress with one set of the hosts */
	XDP_WAYS
};

/* Packets in a second of one processor; NONE: cannot be had. */
enum xdp_rate {
	RATE_RECEIVER, /* that takes them in and does nothing else */
	RATE_BOTH,     /* that makes and sends them as well */
	XDP_RATES
};

struct xdp_flood {
	struct xdp_set set;
	enum xdp_choice choice;
	double rate[XDP_RATES][XDP_WAYS];
};

/* Whole processes, and their worst. NONE: nft is not here, or takes too long. */
struct xdp_one {
	double add, add_worst, remove, remove_worst;
};
struct xdp_all {
	double load, replace, list;
};

struct xdp_times {
	uint32_t prefixes;
	double bin_true;
	struct xdp_one one, nft_one;
	struct xdp_all all, nft_all;
	double save, json;
};

#define XDP_SIZES 3 /* of sets */
#define XDP_SETS (XDP_KINDS * 2 * XDP_SIZES)

/* The programs of xdp-tools with hosts of the set: the first 10,000 at most, and all. NULL: not to be had. */
struct xdp_tools {
	struct bpf_object *first, *all;
};

/* Frames that become any packet of the set, or of its first 10,000 hosts. */
struct xdp_frames {
	struct bench_frame all, first;
};

struct xdp_bench {
	struct bench bench;
	struct bench first;   /* the same with packets for the first 10,000 */
	uint32_t first_hosts; /* fewer than 10,000 when quick */
	/* directories; devices: what the names of those of the flood end in */
	const char *tools, *pin_dir, *scratch, *devices;
	struct xdp_run runs[XDP_SETS * 2 * XDP_CHOICES];
	struct xdp_flood floods[XDP_SETS * XDP_CHOICES];
	struct xdp_times times[XDP_SIZES];
	size_t run_count, flood_count, time_count;
};

/* ---- xdp_sets.c ---- */

struct rules_record xdp_set_rule(const struct xdp_set *set, uint32_t i);
struct set_packet xdp_set_packet(const struct xdp_set *set, uint32_t i);

/* Packets of the set, so many as there are rules, or a few where there are none; wrap.o is loaded anew. */
void xdp_set_prepare(const struct xdp_set *set, struct bench *bench, struct bench_frame *frame);
uint32_t xdp_set_packets(const struct xdp_set *set);

/* Makes the set that of the pinned maps, in place of what was there. */
void xdp_set_load(const struct xdp_set *set, const char *pin_dir);

/* ---- xdp_tools_filter.c: the xdp-filter of xdp-tools ---- */

/*
 * Its program with all features and policy allow, with so many hosts of the set as sources. Loaded by libbpf from the
 * object that xdp-filter itself loads, without the dispatcher, and its maps filled directly: that takes seconds where
 * the tool, which adds one address a call, takes minutes. Its tables are made larger where that is wanted. NULL where
 * xdp-tools is not installed.
 */
struct bpf_object *xdp_tools_load(uint32_t family, uint32_t hosts);
int xdp_tools_program(const struct bpf_object *object);

/* ---- xdp_run.c: test runs ---- */

void xdp_run_sets(struct xdp_bench *bench, const struct xdp_set *set, const struct xdp_tools *tools,
		  const struct xdp_frames *frames);

/* ---- xdp_flood.c: drops over veth ---- */

void xdp_flood_open(struct xdp_bench *bench);
void xdp_flood_run(struct xdp_bench *bench, const struct xdp_set *set, const struct xdp_tools *tools,
		   const struct xdp_frames *frames);

/* ---- xdp_times.c: the tool, with lists of so many prefixes ---- */

void xdp_times_run(struct xdp_bench *bench, uint32_t prefixes);

/* ---- xdp_report.c ---- */

void xdp_report(const struct xdp_bench *bench, bool json);

#endif
