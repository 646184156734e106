/* SPDX-License-Identifier: GPL-2.0-only */
/* The results as tables, one for each question, or as JSON Lines. */
#include "cells.h"
#include "flow.h"

#include <stdio.h>

static const char notes[] =
	"\n+: net of an empty program with the same packets. PROBE: one exact hash probe in a table of as many keys.\n"
	"\"a new session each\": in a table that is emptied before each round; \"full\": of 4096 buckets, so that "
	"others "
	"go.\n"
	"BARE: the same link with nothing on it; FLOW.O on both hooks of one end; SOFTFLOWD on that end, which may "
	"miss\n"
	"packets when it is slow. In a flood the sender's processor does all; SHARE: of BARE.";

static void run_print(struct out *out, const struct flow_run *run)
{
	out_begin(out);
	out_text(out, "part", NULL, "flow");
	out_text(out, "block", NULL, "run");
	out_text(out, "packet", "TEST RUN, NS PER PACKET", run->packet);
	cell_whole(out, "empty", "EMPTY", run->ns[0]);
	cell_net(out, "probe", "+PROBE", run->ns[1], run->ns[0]);
	cell_whole(out, "gross", "FLOW.O", run->ns[2]);
	cell_net(out, "net", "+NET", run->ns[2], run->ns[0]);
	out_number(out, "rounds", NULL, BENCH_ROUNDS);
	out_end(out);
}

static void memory_print(struct out *out, const struct flow_memory *memory)
{
	char name[48];

	snprintf(name, sizeof(name), "places for %llu sessions", (unsigned long long)memory->capacity);
	out_begin(out);
	out_text(out, "part", NULL, "flow");
	out_text(out, "block", NULL, "memory");
	out_text(out, "packet", "MEMORY OF A GENERATION", name);
	cell_number(out, "mib", "MIB", (double)memory->bytes / (1 << 20));
	cell_whole(out, "bytes_per_place", "BYTES EACH", (double)memory->bytes / (double)memory->capacity);
	out_end(out);
}

void flow_report_runs(const struct flow_bench *flow, bool json)
{
	struct out out;

	out_open(&out, json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < flow->run_count; i++)
			run_print(&out, &flow->runs[i]);
	} while (out_again(&out));
	if (!json)
		putchar('\n');
	out_open(&out, json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < flow->memory_count; i++)
			memory_print(&out, &flow->memory[i]);
	} while (out_again(&out));
}

/* ---- between namespaces ---- */

static double giga(double value)
{
	return value > 0 ? value / 1e9 : NONE;
}

static double kilo_per_second(double ns)
{
	return ns > 0 ? 1e6 / ns : NONE;
}

static void row_print(struct out *out, const struct flow_row *row, const char *block, const char *heading,
		      double (*value)(double))
{
	double bare = value(row->value[WAY_BARE]), flow = value(row->value[WAY_FLOW]),
	       softflowd = value(row->value[WAY_SOFTFLOWD]);

	out_begin(out);
	out_text(out, "part", NULL, "flow");
	out_text(out, "block", NULL, block);
	out_text(out, "packet", heading, row->packet);
	cell_number(out, "bare", "BARE", bare);
	cell_number(out, "flow", "FLOW.O", flow);
	cell_number(out, "softflowd", "SOFTFLOWD", softflowd);
	cell_share(out, "flow_share", "SHARE", flow, bare);
	cell_share(out, "softflowd_share", "SOFTFLOWD SHARE", softflowd, bare);
	out_end(out);
}

static void block_print(const struct flow_block *block, const char *name, const char *heading, double (*value)(double),
			bool json)
{
	struct out out;

	if (!json)
		putchar('\n');
	out_open(&out, json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < block->count; i++)
			row_print(&out, &block->rows[i], name, heading, value);
	} while (out_again(&out));
}

void flow_report_live(const struct flow_bench *flow, bool json)
{
	block_print(&flow->iperf, "iperf", "IPERF3, GBIT/S", giga, json);
	block_print(&flow->flood, "flood", "FLOOD, 1000 PACKETS/S", kilo_per_second, json);
	if (!json)
		puts(notes);
}
