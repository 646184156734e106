/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet costs in splicer.o, beside an empty program and one exact hash probe in the same run.
 * path_bench [-j] SPLICER.o WRAP.o PIN_DIR TOOLS_DIR; run by scripts/bench in a box of its own.
 */
#include "frames.h"
#include "out.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_ROWS_MAX 16
#define RULES_MAX 1000000

struct path_row {
	char name[64];
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
	struct set_packet packet = { .src = { 192, 0, 2, 2 }, .port = 5060, .proto = IPPROTO_UDP };

	(void)context;
	set_address(RULES_IPV4, i, packet.dst);
	return packet;
}

static void row_run(struct path *path, const char *name, const struct bench_frame *frame, uint32_t choose)
{
	int programs[] = { bench_program(&path->bench, "empty"), bench_program(&path->bench, "probe"),
			   bench_program(&path->bench, "splicer_ingress") };
	struct path_row *row = &path->rows[path->count++];

	snprintf(row->name, sizeof(row->name), "%s", name);
	bench_choose(&path->bench, RULES_IPV4, choose);
	bench_run(&path->bench, frame, programs, row->ns, 3);
}

static void rules_load(const struct path *path, uint32_t count)
{
	char command[512];
	FILE *input;

	snprintf(command, sizeof(command), "%s/map_update -f -", path->tools);
	input = popen(command, "w");
	if (!input)
		bench_fail(command);
	for (uint32_t i = 0; i < count; i++)
		fprintf(input, "10.%u.%u.%u 32 5060 5060 0 udp\n", i >> 16, i >> 8 & 255, i & 255);
	if (pclose(input))
		bench_fail("map_update");
}

static void new_flows(struct path *path, const struct bench_frame *frame)
{
	static const uint32_t sizes[] = { 10, 1000, 100000, RULES_MAX };
	size_t count = path->bench.quick ? 2 : 4;
	char name[64];

	row_run(path, "new UDP flow, no rule", frame, 0);
	for (size_t i = 0; i < count; i++) {
		bench_room(&path->bench, RULES_IPV4, sizes[i]);
		bench_prepare(&path->bench, RULES_IPV4, sizes[i], packet_at, NULL);
		rules_load(path, sizes[i]);
		snprintf(name, sizeof(name), "new UDP flow, %u rules, one destination", sizes[i]);
		row_run(path, name, frame, 1);
		snprintf(name, sizeof(name), "new UDP flow, %u rules, any destination", sizes[i]);
		row_run(path, name, frame, sizes[i]);
	}
}

static void row_print(struct out *out, const struct path_row *row)
{
	out_begin(out);
	out_text(out, "part", NULL, "path");
	out_text(out, "packet", "PATH, NS PER PACKET", row->name);
	out_integer(out, "empty", "EMPTY", (int64_t)row->ns[0]);
	out_integer(out, "probe", "+PROBE", (int64_t)(row->ns[1] - row->ns[0]));
	out_integer(out, "gross", "SPLICER", (int64_t)row->ns[2]);
	out_integer(out, "net", "+NET", (int64_t)(row->ns[2] - row->ns[0]));
	out_end(out);
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "-j");
	static struct path path;
	struct bench_frame frame;
	struct set_packet packet = packet_at(NULL, 0);
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
	row_run(&path, "established TCP, by socket lookup", &frame, 0);
	bench_frame(&frame, RULES_IPV4, &packet, 4000);
	new_flows(&path, &frame);
	out_open(&out, json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < path.count; i++)
			row_print(&out, &path.rows[i]);
	} while (out_again(&out));
	return 0;
}
