/* SPDX-License-Identifier: GPL-2.0-only */
/* The results as tables, one for each question, or as JSON Lines. */
#include "cells.h"
#include "lb.h"

#include <stdio.h>

static const char notes[] =
	"\n+: net of an empty program with the same packets, which are restored before each run; dsr: runs by "
	"themselves,\n"
	"as a packet goes into a tunnel once. PROBE: one exact hash probe. \"passes\": that hook leaves it to the "
	"other.\n"
	"ROUTED: a router between the same hosts that only routes; NFT: one where nft does the same (dnat in "
	"prerouting,\n"
	"connection tracking). Rates are of one processor that is client, router and server, but for iperf3;\n"
	"SHARE: of ROUTED.";

/* ---- test runs ---- */

static void run_print(struct out *out, const struct lb_run *run)
{
	out_begin(out);
	out_text(out, "part", NULL, "lb");
	out_text(out, "block", NULL, "run");
	out_text(out, "packet", "TEST RUN, NS PER PACKET", run->packet);
	cell_whole(out, "empty", "EMPTY", run->ns[0]);
	cell_net(out, "probe", "+PROBE", run->ns[1], run->ns[0]);
	cell_whole(out, "gross", "LB.O", run->ns[2]);
	cell_net(out, "net", "+NET", run->ns[2], run->ns[0]);
	out_number(out, "rounds", NULL, BENCH_ROUNDS);
	out_end(out);
}

void lb_report_runs(const struct lb_bench *lb, bool json)
{
	struct out out;

	out_open(&out, json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < lb->run_count; i++)
			run_print(&out, &lb->runs[i]);
	} while (out_again(&out));
}

/* ---- between hosts ---- */

/* How often per second, of nanoseconds, or what else is in a cell. */
typedef double (*value_function)(double value);

static double per_second(double ns)
{
	return ns > 0 ? 1e9 / ns : NONE;
}

static double kilo_per_second(double ns)
{
	return ns > 0 ? 1e6 / ns : NONE;
}

static double micro(double ns)
{
	return ns > 0 ? ns / 1e3 : NONE;
}

static double giga(double value)
{
	return value > 0 ? value / 1e9 : NONE;
}

/* What a block shows, and how. */
struct block {
	const struct lb_block *rows;
	const char *name, *heading;
	value_function value;
	void (*cell)(struct out *out, const char *key, const char *header, double value);
	bool is_rate; /* more is better */
};

static void row_print(struct out *out, const struct block *block, const struct lb_row *row)
{
	double routed = block->value(row->value[WAY_ROUTED]);
	double lb = block->value(row->value[WAY_LB]), nft = block->value(row->value[WAY_NFT]);

	out_begin(out);
	out_text(out, "part", NULL, "lb");
	out_text(out, "block", NULL, block->name);
	out_text(out, "packet", block->heading, row->packet);
	block->cell(out, "routed", "ROUTED", routed);
	block->cell(out, "lb", "LB.O", lb);
	block->cell(out, "nft", "NFT", nft);
	cell_share(out, "lb_share", block->is_rate ? "SHARE" : "OF ROUTED", lb, routed);
	cell_share(out, "nft_share", block->is_rate ? "NFT SHARE" : "NFT OF ROUTED", nft, routed);
	out_end(out);
}

static void block_print(const struct block *block, bool json)
{
	struct out out;

	if (!json)
		putchar('\n');
	out_open(&out, json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < block->rows->count; i++)
			row_print(&out, block, &block->rows->rows[i]);
	} while (out_again(&out));
}

void lb_report_live(const struct lb_bench *lb, bool json)
{
	const struct block blocks[] = {
		{ &lb->p50, "p50", "ROUND TRIP, US, MEDIAN", micro, cell_number, false },
		{ &lb->p99, "p99", "ROUND TRIP, US, 99%", micro, cell_number, false },
		{ &lb->requests, "requests", "REQUESTS/S, A CONNECTION EACH", per_second, cell_whole, true },
		{ &lb->iperf, "iperf", "IPERF3, GBIT/S", giga, cell_number, true },
		{ &lb->flood, "flood", "FLOOD, 1000 PACKETS/S", kilo_per_second, cell_whole, true },
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		block_print(&blocks[i], json);
	if (!json)
		puts(notes);
}
