/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet costs in splicer.o, beside an empty program and one exact hash probe in the same run.
 * path_bench [-j] SPLICER.o WRAP.o PIN_DIR TOOLS_DIR; run by scripts/bench in a box of its own.
 */
#include "frames.h"
#include "out.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_ROWS_MAX 32
#define RULES_SOME 100000
#define RULES_MAX 1000000

struct path_row {
	char name[64];
	uint32_t rules;
	double ns[3]; /* empty, probe, splicer */
};

struct path {
	struct bench bench;
	const char *tools;
	struct path_row rows[PATH_ROWS_MAX];
	size_t count;
};

static struct set_packet packet_at(void *context, uint32_t i)
{
	struct set_packet packet = { .port = 5060, .proto = IPPROTO_UDP };
	uint32_t family = *(uint32_t *)context;

	inet_pton(family == RULES_IPV6 ? AF_INET6 : AF_INET, family == RULES_IPV6 ? "2001:db8:f::2" : "192.0.2.2",
		  packet.src);
	set_address(family, i, packet.dst);
	return packet;
}

static struct path_row *row_run(struct path *path, const char *name, const struct bench_frame *frame)
{
	int programs[] = { bench_program(&path->bench, "empty"), bench_program(&path->bench, "probe"),
			   bench_program(&path->bench, "splicer_ingress") };
	struct path_row *row = &path->rows[path->count++];

	snprintf(row->name, sizeof(row->name), "%s", name);
	bench_run(&path->bench, frame, programs, row->ns, 3);
	return row;
}

/* ---- new flows ---- */

/* Hosts: one tuple. */
static void rules_load(const struct path *path, uint32_t family, uint32_t count)
{
	char command[512], text[INET6_ADDRSTRLEN];
	FILE *input;

	snprintf(command, sizeof(command), "%s/map_update -f -", path->tools);
	input = popen(command, "w");
	if (!input)
		bench_fail(command);
	for (uint32_t i = 0; i < count; i++) {
		struct set_packet packet = packet_at(&family, i);

		inet_ntop(family == RULES_IPV6 ? AF_INET6 : AF_INET, packet.dst, text, sizeof(text));
		fprintf(input, "%s %d 5060 5060 0 udp\n", text, family == RULES_IPV6 ? 128 : 32);
	}
	if (pclose(input))
		bench_fail("map_update");
}

static void new_flow_run(struct path *path, uint32_t family, uint32_t rules, uint32_t choose)
{
	struct set_packet packet = packet_at(&family, 0);
	struct bench_frame frame;
	char name[64];

	snprintf(name, sizeof(name), "%snew UDP flow, %u rules, %s destination", family == RULES_IPV6 ? "IPv6 " : "",
		 rules, choose == 1 ? "one" : "any");
	bench_frame(&frame, family, &packet, 4000);
	bench_choose(&path->bench, family, choose);
	row_run(path, name, &frame)->rules = rules;
}

static void new_flows_of(struct path *path, uint32_t family, uint32_t rules)
{
	bench_room(&path->bench, family, rules);
	bench_prepare(&path->bench, family, rules, packet_at, &family);
	rules_load(path, family, rules);
	new_flow_run(path, family, rules, 1);
	new_flow_run(path, family, rules, rules);
}

static void new_flow_without(struct path *path)
{
	struct set_packet packet = packet_at(&(uint32_t){ RULES_IPV4 }, 0);
	struct bench_frame frame;

	bench_frame(&frame, RULES_IPV4, &packet, 4000);
	row_run(path, "new UDP flow, no rule", &frame);
}

static void new_flows(struct path *path)
{
	static const uint32_t sizes[] = { 10, 1000, RULES_SOME, RULES_MAX };
	size_t count = path->bench.quick ? 2 : 4;

	new_flow_without(path);
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
		for (size_t i = 0; i < count; i++)
			new_flows_of(path, family, sizes[i]);
}

static void budgets(struct path *path)
{
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
		new_flows_of(path, family, path->bench.quick ? 1000 : RULES_SOME);
}

/* ---- what is printed ---- */

static void row_print(struct out *out, const struct path_row *row)
{
	out_begin(out);
	out_text(out, "part", NULL, "path");
	out_text(out, "packet", "PATH, NS PER PACKET", row->name);
	out_integer(out, "empty", "EMPTY", (int64_t)row->ns[0]);
	out_integer(out, "probe", "+PROBE", (int64_t)(row->ns[1] - row->ns[0]));
	out_integer(out, "gross", "SPLICER", (int64_t)row->ns[2]);
	out_integer(out, "net", "+NET", (int64_t)(row->ns[2] - row->ns[0]));
	out_number(out, "rules", NULL, row->rules);
	out_number(out, "rounds", NULL, BENCH_ROUNDS);
	out_end(out);
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "-j");
	static struct path path;
	struct bench_frame frame;
	struct out out;

	argv += json;
	if (argc - json != 5) {
		fprintf(stderr, "usage: path_bench [-j] SPLICER.o WRAP.o PIN_DIR TOOLS_DIR\n");
		return 2;
	}
	path.tools = argv[4];
	bench_open(&path.bench, argv[1], argv[2], argv[3], "wan0");
	bench_room(&path.bench, RULES_IPV4, 1);
	frame_make_connected(&frame, RULES_IPV4, IPPROTO_TCP);
	bench_choose(&path.bench, RULES_IPV4, 0);
	row_run(&path, "established TCP, by socket lookup", &frame);
	if (path.bench.budgets)
		budgets(&path);
	else
		new_flows(&path);
	out_open(&out, json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < path.count; i++)
			row_print(&out, &path.rows[i]);
	} while (out_again(&out));
	return 0;
}
