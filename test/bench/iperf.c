/* SPDX-License-Identifier: GPL-2.0-only */
#include "iperf.h"

#include "process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IPERF_LIMIT 20.0 /* seconds */

pid_t iperf_serve(int netns, const char *address, const char *port)
{
	pid_t pid;

	bench_enter(netns);
	pid = process_start((const char *const[]){ "iperf3", "-s", "-B", address, "-p", port, NULL }, "/dev/null",
			    true);
	if (pid < 0)
		bench_fail("iperf3");
	return pid;
}

void iperf_stop(pid_t server)
{
	process_stop(server, SIGTERM, IPERF_LIMIT);
}

/* -1: there is no such number. */
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
static double client_run(int netns, const char *const argv[], const char *output)
{
	pid_t pid;

	bench_enter(netns);
	pid = process_start(argv, output, false);
	if (pid < 0)
		bench_fail("iperf3");
	return process_stop(pid, 0, IPERF_LIMIT) ? result_read(output) : -1;
}

/* A server that was just started, or is still busy with the client before, is tried again. */
double iperf_run(const struct bench *bench, int netns, const char *address, const char *port, const char *streams,
		 const char *output)
{
	const char *const argv[] = { "iperf3",
				     "-J",
				     "-P",
				     streams,
				     "-p",
				     port,
				     "-c",
				     address,
				     bench->quick ? "-n" : "-t",
				     bench->quick ? "20M" : "1",
				     NULL };
	double start = bench_now(), bits;

	do {
		bits = client_run(netns, argv, output);
		if (bits > 0)
			return bits;
		usleep(20000);
	} while (bench_now() - start < IPERF_LIMIT);
	fprintf(stderr, "bench: iperf3 comes to no end\n");
	exit(1);
}
