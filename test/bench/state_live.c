/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets that go through the stack of a box, or come over a veth from a host. */
#include "state.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOOD_BATCH 64
#define FLOOD_SECONDS 0.2 /* of a round */

/* ---- boxes ---- */

static uint32_t device_index(const char *name)
{
	uint32_t ifindex = if_nametoindex(name);

	if (!ifindex)
		bench_fail(name);
	return ifindex;
}

/* Live frames are let in only by an interface that has an XDP program of its own. */
static uint32_t device_ready(const struct bench *bench, const char *name)
{
	uint32_t ifindex = device_index(name);

	if (bpf_xdp_attach((int)ifindex, bench_program(bench, "pass"), XDP_FLAGS_DRV_MODE, NULL))
		bench_fail("XDP program");
	return ifindex;
}

void state_boxes_open(struct state *state)
{
	for (size_t way = 0; way < STATE_WAYS; way++) {
		state->boxes[way].netns = bench_netns(state_ways[way]);
		bench_enter(state->boxes[way].netns);
		state->boxes[way].ifindex = device_ready(&state->bench, "in0");
		state->out[way] = device_ready(&state->bench, "out0");
	}
	state->bench.boxes = state->boxes;
	state->bench.box_count = STATE_WAYS;
}

/* ---- forwarded ---- */

static void live_add(struct state *state, const struct bench_frame *frame, uint32_t family, const char *packet)
{
	struct state_row *row = &state->live[state->lives++];

	snprintf(row->packet, sizeof(row->packet), "%s %s", family == RULES_IPV4 ? "IPv4" : "IPv6", packet);
	bench_run_boxes(&state->bench, frame, row->ns);
}

static void live_established(struct state *state, uint32_t family, uint8_t proto)
{
	struct bench_frame opening, answer, packet;

	frame_make(&opening, family, proto, FRAME_PORT, false, TCP_SYN);
	frame_make(&answer, family, proto, FRAME_PORT, true, TCP_SYN | TCP_ACK);
	frame_make(&packet, family, proto, FRAME_PORT, false, TCP_ACK);
	for (uint32_t way = 0; way < STATE_WAYS; way++) {
		bench_send(&state->bench, &opening, way, state->boxes[way].ifindex);
		bench_send(&state->bench, &answer, way, state->out[way]);
		bench_send(&state->bench, &packet, way, state->boxes[way].ifindex);
	}
	live_add(state, &packet, family, proto == IPPROTO_TCP ? "established TCP" : "established UDP");
}

static void live_new(struct state *state, uint32_t family, uint16_t port, const char *packet)
{
	struct bench_frame frame;

	frame_make(&frame, family, IPPROTO_UDP, port, false, 0);
	state_prepare(state, family, port);
	live_add(state, &frame, family, packet);
	bench_choose(&state->bench, family, 0);
}

void state_measure_live(struct state *state)
{
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++) {
		bench_choose(&state->bench, family, 0);
		live_established(state, family, IPPROTO_TCP);
		live_established(state, family, IPPROTO_UDP);
		live_new(state, family, FRAME_PORT, "new UDP flow, passes");
		live_new(state, family, FRAME_OTHER_PORT, "new UDP flow, not allowed");
	}
}

/* ---- flood ---- */

static socklen_t flood_address(uint32_t family, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (family == RULES_IPV4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(FRAME_PORT);
		inet_pton(AF_INET, "192.0.2.1", &v4->sin_addr);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(FRAME_PORT);
	inet_pton(AF_INET6, "2001:db8::1", &v6->sin6_addr);
	return sizeof(*v6);
}

/* A socket of the box that nobody reads: what matters is that packets get to it. */
static int flood_sink(const struct state *state, enum state_way way, uint32_t family)
{
	struct sockaddr_storage address;
	socklen_t size = flood_address(family, &address);
	int sink;

	bench_enter(state->boxes[way].netns);
	sink = socket(address.ss_family, SOCK_DGRAM, 0);
	if (bind(sink, (struct sockaddr *)&address, size))
		bench_fail("sink");
	return sink;
}

static int flood_socket(const char *host, uint32_t family)
{
	struct sockaddr_storage address;
	socklen_t size = flood_address(family, &address);
	int netns = bench_netns(host), fd;

	bench_enter(netns);
	close(netns);
	fd = socket(address.ss_family, SOCK_DGRAM, 0);
	if (connect(fd, (struct sockaddr *)&address, size))
		bench_fail("host");
	return fd;
}

/* Nanoseconds per datagram. The other end of a veth takes it on the same CPU, so the sender is as slow as the box. */
static double flood_round(int fd, double seconds)
{
	struct mmsghdr messages[FLOOD_BATCH];
	struct iovec payload = { .iov_base = (char[]){ "splicer" }, .iov_len = 8 };
	double start = bench_now(), now = start;
	unsigned long sent = 0;

	memset(messages, 0, sizeof(messages));
	for (size_t i = 0; i < FLOOD_BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &payload, .msg_iovlen = 1 };
	while (now - start < seconds) {
		int done = sendmmsg(fd, messages, FLOOD_BATCH, 0);

		if (done < 0)
			bench_fail("sendmmsg");
		sent += (unsigned long)done;
		now = bench_now();
	}
	return (now - start) * 1e9 / (double)sent;
}

static void flood_family(struct state *state, uint32_t family)
{
	double took[STATE_WAYS][BENCH_ROUNDS], seconds = state->bench.quick ? 0.02 : FLOOD_SECONDS;
	struct state_row *row = &state->flood[state->floods++];
	int sockets[STATE_WAYS], sinks[STATE_WAYS];
	char host[32];

	snprintf(row->packet, sizeof(row->packet), "%s UDP over veth", family == RULES_IPV4 ? "IPv4" : "IPv6");
	for (size_t way = 0; way < STATE_WAYS; way++) {
		snprintf(host, sizeof(host), "host_%s", state_ways[way]);
		sinks[way] = flood_sink(state, (enum state_way)way, family);
		sockets[way] = flood_socket(host, family);
	}
	for (size_t round = 0; round < bench_rounds(&state->bench); round++)
		for (size_t way = 0; way < STATE_WAYS; way++)
			took[way][round] = flood_round(sockets[way], seconds);
	for (size_t way = 0; way < STATE_WAYS; way++) {
		row->ns[way] = bench_median(took[way], bench_rounds(&state->bench));
		close(sockets[way]);
		close(sinks[way]);
	}
}

void state_measure_flood(struct state *state)
{
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
		flood_family(state, family);
}
