/* SPDX-License-Identifier: GPL-2.0-only */
/* The results as tables, one for each question, or as JSON Lines. */
#include "cells.h"
#include "lb.h"

#include <stdio.h>

static const char notes[] =
	"\n+NET: of an empty program with the same packets, which are restored before each run; dsr: runs by "
	"themselves,\n"
	"as a packet goes into a tunnel once. \"passes\": that hook leaves them to the other. ROUTED: a router "
	"between\n"
	"the same hosts that only routes; NFT: one where nft does the same (dnat in prerouting, connection tracking).\n"
	"Rates are of one processor that is client, router and server; SHARE: of ROUTED.";

/* ---- test runs ---- */

static void run_print(struct out *out, const struct lb_run *run)
{
	out_begin(out);
	out_text(out, "part", NULL, "lb");
	out_text(out, "block", NULL, "run");
	out_text(out, "packet", "TEST RUN, NS PER PACKET", run->packet);
	cell_whole(out, "empty", "EMPTY", run->ns[0]);
	cell_whole(out, "gross", "LB.O", run->ns[1]);
	cell_net(out, "net", "+NET", run->ns[1], run->ns[0]);
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

static double mega_per_second(double ns)
{
	return ns > 0 ? 1e3 / ns : NONE;
}

static double micro(double ns)
{
	return ns > 0 ? ns / 1e3 : NONE;
}

static double giga(double value)
{
	return value > 0 ? value / 1e9 : NONE;
}

static void row_print(struct out *out, const struct lb_row *row, const char *block, const char *heading,
		      value_function value, bool is_rate)
{
	double routed = value(row->value[WAY_ROUTED]), lb = value(row->value[WAY_LB]), nft = value(row->value[WAY_NFT]);

	out_begin(out);
	out_text(out, "part", NULL, "lb");
	out_text(out, "block", NULL, block);
	out_text(out, "packet", heading, row->packet);
	cell_number(out, "routed", "ROUTED", routed);
	cell_number(out, "lb", "LB.O", lb);
	cell_number(out, "nft", "NFT", nft);
	cell_share(out, "lb_share", is_rate ? "SHARE" : "OF ROUTED", lb, routed);
	cell_share(out, "nft_share", is_rate ? "NFT SHARE" : "NFT OF ROUTED", nft, routed);
	out_end(out);
}

static void block_print(const struct lb_block *rows, bool json, const char *block, const char *heading,
			value_function value, bool is_rate)
{
	struct out out;

	if (!json)
		putchar('\n');
	out_open(&out, json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < rows->count; i++)
			row_print(&out, &rows->rows[i], block, heading, value, is_rate);
	} while (out_again(&out));
}

void lb_report_live(const struct lb_bench *lb, bool json)
{
	block_print(&lb->flood, json, "flood", "FLOOD, MPPS", mega_per_second, true);
	block_print(&lb->p50, json, "p50", "ROUND TRIP, US, MEDIAN", micro, false);
	block_print(&lb->p99, json, "p99", "ROUND TRIP, US, 99%", micro, false);
	block_print(&lb->requests, json, "requests", "REQUESTS/S, A CONNECTION EACH", per_second, true);
	block_print(&lb->iperf, json, "iperf", "IPERF3, GBIT/S", giga, true);
	if (!json)
		puts(notes);
}
