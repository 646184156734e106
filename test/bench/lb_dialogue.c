/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients and servers that wait for each other. One thread is both, so that what is measured is the way, and not how
 * long the machine takes to wake somebody.
 */
#include "lb.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#define SAMPLES_MAX (1 << 20)

struct dialogue {
	struct lb_bench *lb;
	uint32_t family;
	int client[LB_WAYS], server[LB_WAYS];
	double *samples[LB_WAYS]; /* ns of round trips */
	size_t sample_count[LB_WAYS];
};

static void dialogue_open(struct dialogue *dialogue, struct lb_bench *lb, uint32_t family)
{
	*dialogue = (struct dialogue){ .lb = lb, .family = family };
	for (enum lb_way way = 0; way < LB_WAYS; way++) {
		dialogue->client[way] = dialogue->server[way] = -1;
		dialogue->samples[way] = calloc(SAMPLES_MAX, sizeof(double));
		if (!dialogue->samples[way])
			bench_fail("samples");
	}
}

static void dialogue_close(struct dialogue *dialogue)
{
	for (enum lb_way way = 0; way < LB_WAYS; way++) {
		if (dialogue->client[way] >= 0)
			close(dialogue->client[way]);
		if (dialogue->server[way] >= 0)
			close(dialogue->server[way]);
		free(dialogue->samples[way]);
	}
}

/* Where nothing is there yet, it is waited for. */
static size_t receive(int fd, char *bytes, size_t size, struct sockaddr_storage *from)
{
	socklen_t from_size = sizeof(*from);
	ssize_t got;

	for (;;) {
		got = recvfrom(fd, bytes, size, MSG_DONTWAIT, (struct sockaddr *)from, &from_size);
		if (got >= 0)
			return (size_t)got;
		if (errno != EAGAIN)
			bench_fail("recv");
		lb_wait(fd);
	}
}

/* ---- round trips ---- */

static void round_trip(int client, int server)
{
	struct sockaddr_storage from;
	char bytes[64] = "splicer";
	size_t size;

	if (send(client, bytes, sizeof(bytes), 0) < 0)
		bench_fail("send");
	size = receive(server, bytes, sizeof(bytes), &from);
	if (sendto(server, bytes, size, 0, (struct sockaddr *)&from, sizeof(from)) < 0)
		bench_fail("sendto");
	receive(client, bytes, sizeof(bytes), &from);
}

static double run_round_trips(void *context, uint32_t way, int repeat)
{
	struct dialogue *dialogue = context;
	double start = bench_now(), last = start;

	for (int i = 0; i < repeat; i++) {
		double now;

		round_trip(dialogue->client[way], dialogue->server[way]);
		now = bench_now();
		if (dialogue->sample_count[way] < SAMPLES_MAX)
			dialogue->samples[way][dialogue->sample_count[way]++] = (now - last) * 1e9;
		last = now;
	}
	return (last - start) * 1e9 / repeat;
}

/* Of all round trips, whatever round they were in. */
static void percentiles(struct dialogue *dialogue, struct lb_row *p50, struct lb_row *p99)
{
	for (enum lb_way way = 0; way < LB_WAYS; way++) {
		size_t count = dialogue->sample_count[way];

		if (!count)
			continue;
		p50->value[way] = bench_median(dialogue->samples[way], count);
		p99->value[way] = dialogue->samples[way][count * 99 / 100];
	}
}

static void round_trips(struct lb_bench *lb, uint32_t family)
{
	struct lb_row *p50 = lb_row_add(&lb->p50, "%s UDP", lb_family_names[family]);
	struct lb_row *p99 = lb_row_add(&lb->p99, "%s UDP", lb_family_names[family]);
	struct dialogue dialogue;

	dialogue_open(&dialogue, lb, family);
	for (enum lb_way way = 0; way < LB_WAYS; way++) {
		if (!lb->places[way].is_there)
			continue;
		dialogue.server[way] = lb_server_socket(lb, way, family, SOCK_DGRAM);
		dialogue.client[way] = lb_client_socket(lb, way, family, SOCK_DGRAM, 0);
	}
	lb_row_measure(lb, p50, run_round_trips, &dialogue);
	percentiles(&dialogue, p50, p99);
	dialogue_close(&dialogue);
}

void lb_measure_round_trips(struct lb_bench *lb)
{
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
		round_trips(lb, family);
}

/* ---- requests ---- */

/* A connection for each. The server closes first, so that the client has its port again. */
static void request(const struct dialogue *dialogue, enum lb_way way)
{
	int client = lb_client_socket(dialogue->lb, way, dialogue->family, SOCK_STREAM | SOCK_NONBLOCK, 0), server;
	struct sockaddr_storage from;
	char bytes[256] = "GET /";

	lb_wait(dialogue->server[way]);
	server = accept(dialogue->server[way], NULL, NULL);
	if (server < 0 || send(client, bytes, 64, 0) != 64)
		bench_fail("request");
	if (receive(server, bytes, sizeof(bytes), &from) != 64 || send(server, bytes, 256, 0) != 256)
		bench_fail("response");
	close(server);
	while (receive(client, bytes, sizeof(bytes), &from)) {
	}
	close(client);
}

static double run_requests(void *context, uint32_t way, int repeat)
{
	double start = bench_now();

	for (int i = 0; i < repeat; i++)
		request(context, way);
	return (bench_now() - start) * 1e9 / repeat;
}

void lb_measure_requests(struct lb_bench *lb)
{
	struct dialogue dialogue;

	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++) {
		struct lb_row *row = lb_row_add(&lb->requests, "%s TCP", lb_family_names[family]);

		dialogue_open(&dialogue, lb, family);
		for (enum lb_way way = 0; way < LB_WAYS; way++)
			if (lb->places[way].is_there)
				dialogue.server[way] = lb_server_socket(lb, way, family, SOCK_STREAM);
		lb_row_measure(lb, row, run_requests, &dialogue);
		dialogue_close(&dialogue);
	}
}
