/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Datagrams that clients send through the router as fast as one processor can. The other end of a veth takes them on
 * the same processor, so the sender is as slow as the way. Counted is what comes to the server.
 */
#include "lb.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLOOD_BATCH 64
#define ETHERNET_SIZE 14

struct flood {
	struct lb_bench *lb;
	struct bench_frame *frames;
	uint32_t family, count;
	struct flood_end {
		int client, server;
		int counters; /* what came to the server */
		uint32_t next;
	} ends[LB_WAYS];
};

/* ---- what comes to the server ---- */

/* A file that tells it of the namespace where it was opened. */
static int counters_open(const struct lb_bench *lb, enum lb_way way)
{
	int fd;

	bench_enter(lb->places[way].server);
	fd = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		bench_fail("/proc/thread-self/net/dev");
	return fd;
}

/* "  out1: BYTES PACKETS ..." */
static unsigned long packets_came(int counters)
{
	char text[4096], *line;
	unsigned long packets = 0;
	ssize_t size = pread(counters, text, sizeof(text) - 1, 0);

	if (size < 0)
		bench_fail("counters");
	text[size] = '\0';
	line = strstr(text, "out1:");
	if (!line || sscanf(line, "out1: %*u %lu", &packets) != 1)
		bench_fail("counters of out1");
	return packets;
}

/* ---- what is sent ---- */

static void send_packets(struct flood *flood, struct flood_end *end, size_t count)
{
	struct mmsghdr messages[FLOOD_BATCH];
	struct iovec packets[FLOOD_BATCH];

	memset(messages, 0, sizeof(messages));
	for (size_t i = 0; i < count; i++) {
		struct bench_frame *frame = &flood->frames[end->next++ % flood->count];

		packets[i].iov_base = frame->bytes + ETHERNET_SIZE;
		packets[i].iov_len = frame->size - ETHERNET_SIZE;
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &packets[i], .msg_iovlen = 1 };
	}
	if (sendmmsg(end->client, messages, (unsigned int)count, 0) != (int)count)
		bench_fail("sendmmsg");
}

static double run_flood(void *context, uint32_t way, int repeat)
{
	struct flood *flood = context;
	struct flood_end *end = &flood->ends[way];
	unsigned long before = packets_came(end->counters), came;
	double start = bench_now(), took;

	for (int sent = 0; sent < repeat; sent += FLOOD_BATCH)
		send_packets(flood, end, FLOOD_BATCH);
	took = bench_now() - start;
	came = packets_came(end->counters) - before;
	if (!came)
		bench_fail("nothing comes through the router");
	return took * 1e9 / (double)came;
}

/* ---- many flows ---- */

/* The server answers all that came, but for so many clients there is nobody who takes it. */
static void answer_all(int server)
{
	struct sockaddr_storage client;
	socklen_t size = sizeof(client);
	char byte;

	while (recvfrom(server, &byte, sizeof(byte), MSG_DONTWAIT, (struct sockaddr *)&client, &size) >= 0) {
		if (sendto(server, &byte, sizeof(byte), 0, (struct sockaddr *)&client, size) < 0)
			bench_fail("answer");
		size = sizeof(client);
	}
}

/* Each flow is answered and goes on, as in a conversation. */
static void flows_establish(struct flood *flood, struct flood_end *end)
{
	for (uint32_t sent = 0; sent < flood->count; sent += FLOOD_BATCH) {
		uint32_t first = end->next;

		send_packets(flood, end, FLOOD_BATCH);
		lb_wait(end->server);
		answer_all(end->server);
		end->next = first;
		send_packets(flood, end, FLOOD_BATCH);
		answer_all(end->server);
	}
}

/* ---- a row ---- */

static void ends_open(struct flood *flood)
{
	for (enum lb_way way = 0; way < LB_WAYS; way++) {
		struct flood_end *end = &flood->ends[way];

		if (!flood->lb->places[way].is_there)
			continue;
		end->server = lb_server_socket(flood->lb, way, flood->family, SOCK_DGRAM);
		end->client = lb_client_socket(flood->lb, way, flood->family, SOCK_RAW, IPPROTO_RAW);
		end->counters = counters_open(flood->lb, way);
	}
}

static void ends_close(struct flood *flood)
{
	for (enum lb_way way = 0; way < LB_WAYS; way++) {
		if (!flood->lb->places[way].is_there)
			continue;
		close(flood->ends[way].server);
		close(flood->ends[way].client);
		close(flood->ends[way].counters);
	}
}

/* `first`: number of the first client; rows have clients of their own. */
static void frames_make(struct flood *flood, uint32_t first, uint32_t count)
{
	flood->count = count;
	flood->frames = calloc(count, sizeof(*flood->frames));
	if (!flood->frames)
		bench_fail("frames");
	for (uint32_t i = 0; i < count; i++) {
		struct set_packet packet = lb_packet(flood->family, IPPROTO_UDP, LB_NAT, first + i);

		lb_frame(&flood->frames[i], flood->family, &packet, BENCH_SPORT, 0);
	}
}

static void flood_row(struct lb_bench *lb, uint32_t family, uint32_t first, uint32_t count, bool establish,
		      const char *name)
{
	struct lb_row *row = lb_row_add(&lb->flood, "%s UDP, %s", lb_family_names[family], name);
	struct flood flood = { .lb = lb, .family = family };

	frames_make(&flood, first, count);
	ends_open(&flood);
	for (enum lb_way way = 0; establish && way < LB_WAYS; way++)
		if (lb->places[way].is_there)
			flows_establish(&flood, &flood.ends[way]);
	lb_row_measure(lb, row, run_flood, &flood);
	ends_close(&flood);
	free(flood.frames);
}

void lb_measure_flood(struct lb_bench *lb)
{
	uint32_t many = lb->bench.quick ? 1024 : LB_FLOWS_MANY, new = lb->bench.quick ? 20000 : LB_FLOWS_NEW;

	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++) {
		flood_row(lb, family, 0, 1, true, "one flow");
		flood_row(lb, family, 1, many, true, "64k flows");
		flood_row(lb, family, 1 + many, new, false, "new flows");
	}
}
