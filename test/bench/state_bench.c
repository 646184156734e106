/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a stateful filter costs: splicer.o in test runs beside an empty program; and forwarded packets and a flood over
 * veth with no filter, with splicer.o on both hooks of both interfaces, and with nft and its connection tracking.
 * state_bench [-j] SPLICER.o WRAP.o PIN_DIR TOOLS_DIR; run by scripts/bench, which makes the boxes.
 */
#include "cells.h"
#include "state.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

const char *const state_ways[STATE_WAYS] = { "none", "splicer", "nft" };

static const char *const family_names[] = { [RULES_IPV4] = "IPv4", [RULES_IPV6] = "IPv6" };

void state_prepare(struct state *state, uint32_t family, uint16_t port)
{
	frames_prepare(&state->bench, family, port, state->bench.quick ? 1000 : STATE_FLOWS);
}

/* ---- test runs ---- */

static void run_add(struct state *state, const struct bench_frame *frame, const char *program, uint32_t family,
		    const char *packet)
{
	int programs[] = { bench_program(&state->bench, "empty"), bench_program(&state->bench, program) };
	struct state_row *row = &state->run[state->runs++];

	snprintf(row->packet, sizeof(row->packet), "%s %s", family_names[family], packet);
	bench_run(&state->bench, frame, programs, row->ns, 2);
	row->ns[WAY_NFT] = -1;
}

static void run_once(struct state *state, const struct bench_frame *frame, const char *program)
{
	int programs[] = { bench_program(&state->bench, program) };
	double ns;

	bench_run(&state->bench, frame, programs, &ns, 1);
}

/* Opened from outside, answered, and confirmed. */
static void run_tracked(struct state *state, uint32_t family, uint8_t proto)
{
	struct bench_frame opening, answer, packet;

	frame_make(&opening, family, proto, FRAME_PORT, false, TCP_SYN);
	frame_make(&answer, family, proto, FRAME_PORT, true, TCP_SYN | TCP_ACK);
	frame_make(&packet, family, proto, FRAME_PORT, false, TCP_ACK);
	run_once(state, &opening, "splicer_ingress");
	run_once(state, &answer, "splicer_egress");
	run_add(state, &packet, "splicer_ingress", family,
		proto == IPPROTO_TCP ? "established TCP, by table" : "established UDP, by table");
	frame_make(&answer, family, proto, FRAME_PORT, true, TCP_ACK);
	run_add(state, &answer, "splicer_ingress", family,
		proto == IPPROTO_TCP ? "reply of TCP, by table" : "reply of UDP, by table");
}

static void run_connected(struct state *state, uint32_t family, uint8_t proto)
{
	struct bench_frame frame;

	frame_make_connected(&frame, family, proto);
	run_add(state, &frame, "splicer_ingress", family,
		proto == IPPROTO_TCP ? "established TCP, by socket" : "established UDP, by socket");
}

static void run_new(struct state *state, uint32_t family)
{
	struct bench_frame frame;

	frame_make(&frame, family, IPPROTO_UDP, FRAME_PORT, false, 0);
	state_prepare(state, family, FRAME_PORT);
	run_add(state, &frame, "splicer_ingress", family, "new UDP flow, passes");
	state_prepare(state, family, FRAME_OTHER_PORT);
	run_add(state, &frame, "splicer_ingress", family, "new UDP flow, dropped");
}

static void measure_runs(struct state *state, uint32_t family)
{
	bench_choose(&state->bench, family, 0);
	run_connected(state, family, IPPROTO_TCP);
	run_connected(state, family, IPPROTO_UDP);
	run_tracked(state, family, IPPROTO_TCP);
	run_tracked(state, family, IPPROTO_UDP);
	if (!state->bench.budgets)
		run_new(state, family);
}

/* ---- what is printed ---- */

static void run_print(struct out *out, const struct state_row *row)
{
	out_begin(out);
	out_text(out, "part", NULL, "state");
	out_text(out, "block", NULL, "run");
	out_text(out, "packet", "STATE, NS PER PACKET", row->packet);
	out_integer(out, "empty", "EMPTY", (int64_t)row->ns[WAY_NONE]);
	out_integer(out, "gross", "SPLICER", (int64_t)row->ns[WAY_SPLICER]);
	out_integer(out, "net", "+NET", (int64_t)(row->ns[WAY_SPLICER] - row->ns[WAY_NONE]));
	out_number(out, "rounds", NULL, BENCH_ROUNDS);
	out_end(out);
}

static void way_print(struct out *out, const struct state_row *row, enum state_way way, const char *header)
{
	out_number_or(out, state_ways[way], header, row->ns[way] < 0 ? -1 : (int64_t)row->ns[way], "-");
}

static void live_print(struct out *out, const struct state_row *row, const char *block, const char *title)
{
	out_begin(out);
	out_text(out, "part", NULL, "state");
	out_text(out, "block", NULL, block);
	out_text(out, "packet", title, row->packet);
	way_print(out, row, WAY_NONE, "NO FILTER");
	way_print(out, row, WAY_SPLICER, "SPLICER");
	way_print(out, row, WAY_NFT, "NFT");
	/* of the packets per second that there are without a filter */
	cell_share(out, "splicer_share", "SHARE", row->ns[WAY_NONE], row->ns[WAY_SPLICER]);
	cell_share(out, "nft_share", "NFT SHARE", row->ns[WAY_NONE], row->ns[WAY_NFT]);
	out_number(out, "rounds", NULL, BENCH_ROUNDS);
	out_end(out);
}

static void table_print(enum out_form form, const struct state_row *rows, size_t count, const char *block,
			const char *title)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < count; i++) {
			if (title)
				live_print(&out, &rows[i], block, title);
			else
				run_print(&out, &rows[i]);
		}
	} while (out_again(&out));
}

static void live_report(enum out_form form, const struct state_row *rows, size_t count, const char *block,
			const char *title)
{
	if (form == OUT_TABLE)
		putchar('\n');
	table_print(form, rows, count, block, title);
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "-j");
	enum out_form form = json ? OUT_JSON_LINES : OUT_TABLE;
	static struct state state;

	argv += json;
	if (argc - json != 5) {
		fprintf(stderr, "usage: state_bench [-j] SPLICER.o WRAP.o PIN_DIR TOOLS_DIR\n");
		return 2;
	}
	bench_open(&state.bench, argv[1], argv[2], argv[3], "in0");
	bench_room(&state.bench, RULES_IPV4, 1);
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
		measure_runs(&state, family);
	table_print(form, state.run, state.runs, "run", NULL);
	state_boxes_open(&state);
	if (!state.bench.budgets) {
		state_measure_live(&state);
		live_report(form, state.live, state.lives, "live", "FORWARDED, NS PER PACKET");
	}
	state_measure_flood(&state);
	live_report(form, state.flood, state.floods, "flood", "FLOOD TO A SOCKET, NS PER PACKET");
	return 0;
}
