/* SPDX-License-Identifier: GPL-2.0-only */
/* What one TCP connection of iperf3 carries. */
#include "lb.h"
#include "process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IPERF_ROUNDS 3
#define IPERF_LIMIT 20.0 /* seconds */

/* ---- the server ---- */

static pid_t server_start(const struct lb_bench *lb, enum lb_way way, uint32_t family)
{
	const char *address = family == RULES_IPV4 ? "198.51.100.2" : "2001:db8:1::2", *port = "5061";
	pid_t pid;

	if (way == WAY_ROUTED) {
		address = family == RULES_IPV4 ? "203.0.113.1" : "2001:db8:2::1";
		port = "5060";
	}
	bench_enter(lb->places[way].server);
	pid = process_start((const char *const[]){ "iperf3", "-s", "-B", address, "-p", port, NULL }, "/dev/null",
			    true);
	if (pid < 0)
		bench_fail("iperf3");
	return pid;
}

/* ---- a client ---- */

/* Bits per second that came to the server; -1: there is no such number. */
static double result_read(const char *path)
{
	static char text[1 << 16];
	FILE *file = fopen(path, "r");
	double bits = -1;
	char *sum;

	if (!file)
		bench_fail(path);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	sum = strstr(text, "\"sum_received\"");
	sum = sum ? strstr(sum, "\"bits_per_second\":") : NULL;
	if (sum)
		sscanf(sum, "\"bits_per_second\": %lf", &bits);
	return bits;
}

/* Below 0: the server is not ready. */
static double client_run(const struct lb_bench *lb, enum lb_way way, uint32_t family, const char *output)
{
	bool quick = lb->bench.quick;
	const char *const argv[] = { "iperf3",
				     "-J",
				     "-p",
				     "5060",
				     "-c",
				     family == RULES_IPV4 ? "203.0.113.1" : "2001:db8:2::1",
				     quick ? "-n" : "-t",
				     quick ? "20M" : "1",
				     NULL };
	pid_t pid;

	bench_enter(lb->places[way].client);
	pid = process_start(argv, output, false);
	if (pid < 0)
		bench_fail("iperf3");
	return process_stop(pid, 0, IPERF_LIMIT) ? result_read(output) : -1;
}

/* A server that was just started, or is still busy with the client before, is tried again. */
static double throughput(const struct lb_bench *lb, enum lb_way way, uint32_t family, const char *output)
{
	double start = bench_now(), bits;

	do {
		bits = client_run(lb, way, family, output);
		if (bits > 0)
			return bits;
		usleep(20000);
	} while (bench_now() - start < IPERF_LIMIT);
	fprintf(stderr, "bench: iperf3 comes to no end through the router\n");
	exit(1);
}

/* ---- a row ---- */

static void iperf_family(struct lb_bench *lb, uint32_t family, const char *output)
{
	struct lb_row *row = lb_row_add(&lb->iperf, "%s TCP", lb_family_names[family]);
	size_t rounds = lb->bench.quick ? 1 : IPERF_ROUNDS;
	double bits[LB_WAYS][IPERF_ROUNDS];
	pid_t servers[LB_WAYS];

	for (enum lb_way way = 0; way < LB_WAYS; way++)
		if (lb->places[way].is_there)
			servers[way] = server_start(lb, way, family);
	for (size_t round = 0; round < rounds; round++)
		for (enum lb_way way = 0; way < LB_WAYS; way++)
			if (lb->places[way].is_there)
				bits[way][round] = throughput(lb, way, family, output);
	for (enum lb_way way = 0; way < LB_WAYS; way++) {
		if (!lb->places[way].is_there)
			continue;
		row->value[way] = bench_median(bits[way], rounds);
		process_stop(servers[way], SIGTERM, IPERF_LIMIT);
	}
}

void lb_measure_iperf(struct lb_bench *lb, const char *scratch)
{
	char output[256];

	snprintf(output, sizeof(output), "%s/iperf", scratch);
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
		iperf_family(lb, family, output);
}
