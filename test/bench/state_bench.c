/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a stateful filter costs: splicer.o in test runs beside an empty program; and forwarded packets and a flood over
 * veth with no filter, with splicer.o on both hooks of both interfaces, and with nft and its connection tracking.
 * state_bench [-j] SPLICER.o WRAP.o PIN_DIR TOOLS_DIR; run by scripts/bench, which makes the boxes.
 */
#include "out.h"
#include "state.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

const char *const state_ways[STATE_WAYS] = { "none", "splicer", "nft" };

static const char *const family_names[] = { [RULES_IPV4] = "IPv4", [RULES_IPV6] = "IPv6" };

/* ---- frames ---- */

static void client_and_server(uint32_t family, uint8_t *client, uint8_t *server)
{
	memset(client, 0, 16);
	memset(server, 0, 16);
	if (family == RULES_IPV4) {
		inet_pton(AF_INET, "192.0.2.2", client);
		inet_pton(AF_INET, "198.51.100.2", server);
	} else {
		inet_pton(AF_INET6, "2001:db8::2", client);
		inet_pton(AF_INET6, "2001:db8:1::2", server);
	}
}

void state_frame(struct bench_frame *frame, uint32_t family, uint8_t proto, uint16_t port, bool back, uint8_t flags)
{
	struct set_packet packet = { .proto = proto, .port = back ? BENCH_SPORT : port };

	client_and_server(family, back ? packet.dst : packet.src, back ? packet.src : packet.dst);
	bench_frame(frame, family, &packet, back ? port : BENCH_SPORT);
	if (proto == IPPROTO_TCP)
		frame->bytes[14 + (family == RULES_IPV6 ? 40 : 20) + 13] = flags;
}

struct flood_source {
	uint32_t family;
	uint16_t port;
};

static struct set_packet flood_packet(void *context, uint32_t i)
{
	const struct flood_source *source = context;
	struct set_packet packet = { .proto = IPPROTO_UDP, .port = source->port };
	uint32_t number = htonl(i);

	client_and_server(source->family, packet.src, packet.dst);
	if (source->family == RULES_IPV4) {
		packet.src[0] = 10;
		memcpy(packet.src + 1, (uint8_t *)&number + 1, 3);
	} else {
		memcpy(packet.src + 8, &number, sizeof(number));
	}
	return packet;
}

void state_prepare(struct state *state, uint32_t family, uint16_t port)
{
	struct flood_source source = { .family = family, .port = port };
	uint32_t count = state->bench.quick ? 1000 : STATE_FLOWS;

	bench_room(&state->bench, family, count);
	bench_prepare(&state->bench, family, count, flood_packet, &source);
	bench_choose(&state->bench, family, count);
}

/* ---- test runs ---- */

/* A connection over loopback; a frame of it that comes in elsewhere is that of a connected socket. */
static void socket_frame(struct bench_frame *frame, uint32_t family, uint8_t proto)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} server = { 0 }, client;
	struct set_packet packet = { .proto = proto };
	int kind = proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM, domain = family == RULES_IPV4 ? AF_INET : AF_INET6;
	int end = socket(domain, kind, 0), other = socket(domain, kind, 0);
	socklen_t size = family == RULES_IPV4 ? sizeof(server.v4) : sizeof(server.v6);

	server.any.sa_family = (sa_family_t)domain;
	if (family == RULES_IPV4)
		server.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		server.v6.sin6_addr = in6addr_loopback;
	client = server;
	if (bind(other, &server.any, size) || (kind == SOCK_STREAM && listen(other, 1)) ||
	    getsockname(other, &server.any, &size) || connect(end, &server.any, size) ||
	    getsockname(end, &client.any, &size) || (kind == SOCK_STREAM && accept(other, NULL, NULL) < 0))
		bench_fail("connection");
	memcpy(packet.dst, family == RULES_IPV4 ? (void *)&client.v4.sin_addr : &client.v6.sin6_addr, 16);
	if (family == RULES_IPV4)
		memset(packet.dst + 4, 0, 12);
	memcpy(packet.src, packet.dst, 16);
	/* the ports stand at the same place in both */
	packet.port = ntohs(client.v4.sin_port);
	bench_frame(frame, family, &packet, ntohs(server.v4.sin_port));
	if (proto == IPPROTO_TCP)
		frame->bytes[14 + (family == RULES_IPV6 ? 40 : 20) + 13] = TCP_ACK;
}

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

	state_frame(&opening, family, proto, STATE_PORT, false, TCP_SYN);
	state_frame(&answer, family, proto, STATE_PORT, true, TCP_SYN | TCP_ACK);
	state_frame(&packet, family, proto, STATE_PORT, false, TCP_ACK);
	run_once(state, &opening, "splicer_ingress");
	run_once(state, &answer, "splicer_egress");
	run_add(state, &packet, "splicer_ingress", family,
		proto == IPPROTO_TCP ? "established TCP, by table" : "established UDP, by table");
	state_frame(&answer, family, proto, STATE_PORT, true, TCP_ACK);
	run_add(state, &answer, "splicer_egress", family,
		proto == IPPROTO_TCP ? "its reply, leaving" : "its reply, leaving");
}

static void measure_runs(struct state *state, uint32_t family)
{
	struct bench_frame frame;

	bench_choose(&state->bench, family, 0);
	socket_frame(&frame, family, IPPROTO_TCP);
	run_add(state, &frame, "splicer_ingress", family, "established TCP, by socket");
	socket_frame(&frame, family, IPPROTO_UDP);
	run_add(state, &frame, "splicer_ingress", family, "established UDP, by socket");
	run_tracked(state, family, IPPROTO_TCP);
	run_tracked(state, family, IPPROTO_UDP);
	state_frame(&frame, family, IPPROTO_UDP, STATE_PORT, false, 0);
	state_prepare(state, family, STATE_PORT);
	run_add(state, &frame, "splicer_ingress", family, "new UDP flow, passes");
	state_prepare(state, family, STATE_OTHER_PORT);
	run_add(state, &frame, "splicer_ingress", family, "new UDP flow, dropped");
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
	out_end(out);
}

/* Its share of the packets per second that there are without a filter. */
static void share_print(struct out *out, const struct state_row *row, enum state_way way, const char *key,
			const char *header)
{
	char text[16];

	if (row->ns[way] < 0) {
		out_text(out, key, header, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%.0f%%", 100 * row->ns[WAY_NONE] / row->ns[way]);
	out_seconds(out, key, header, row->ns[WAY_NONE] / row->ns[way], text);
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
	share_print(out, row, WAY_SPLICER, "splicer_share", "SHARE");
	share_print(out, row, WAY_NFT, "nft_share", "NFT SHARE");
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
	state_measure_live(&state);
	if (!json)
		putchar('\n');
	table_print(form, state.live, state.lives, "live", "FORWARDED, NS PER PACKET");
	state_measure_flood(&state);
	if (!json)
		putchar('\n');
	table_print(form, state.flood, state.floods, "flood", "FLOOD TO A SOCKET, NS PER PACKET");
	return 0;
}
