/* SPDX-License-Identifier: GPL-2.0-only */
/* A link between two namespaces, with something or nothing that observes one end of it. */
#include "flow.h"
#include "iperf.h"
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIVE_ROUNDS 5
#define STOP_LIMIT 10.0 /* seconds */
#define FLOOD_PORT "9"
#define FLOOD_MAC "02:00:00:00:00:00" /* scripts/bench knows it too */

const char *const flow_ways[FLOW_WAYS_COUNT] = { "bare", "flow", "softflowd" };
const char *const flow_family_names[] = { [RULES_IPV4] = "IPv4", [RULES_IPV6] = "IPv6" };

static const char *address_of(uint32_t family)
{
	return family == RULES_IPV4 ? "192.0.2.1" : "2001:db8::1";
}

/* ---- the ways ---- */

static bool is_there(enum flow_way way)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/netns/%s", flow_ways[way]);
	return !access(path, F_OK);
}

static int end_open(const char *kind, enum flow_way way)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%s", kind, flow_ways[way]);
	return bench_netns(name);
}

static struct flow_row *row_add(struct flow_block *block, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static struct flow_row *row_add(struct flow_block *block, const char *format, ...)
{
	struct flow_row *row = &block->rows[block->count++];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(row->packet, sizeof(row->packet), format, arguments);
	va_end(arguments);
	for (enum flow_way way = 0; way < FLOW_WAYS_COUNT; way++)
		row->value[way] = -1;
	return row;
}

/* What is measured once of a way. */
typedef double (*live_function)(const struct flow_bench *flow, enum flow_way way, const void *context);

/* Ways take turns, so that a slow moment of the machine hits them alike; medians. */
static void row_measure(struct flow_bench *flow, struct flow_row *row, live_function measure, const void *context)
{
	size_t rounds = flow->bench.quick ? 1 : LIVE_ROUNDS;
	double values[FLOW_WAYS_COUNT][LIVE_ROUNDS];

	for (size_t round = 0; round < rounds; round++)
		for (enum flow_way way = 0; way < FLOW_WAYS_COUNT; way++)
			if (is_there(way))
				values[way][round] = measure(flow, way, context);
	for (enum flow_way way = 0; way < FLOW_WAYS_COUNT; way++)
		if (is_there(way))
			row->value[way] = bench_median(values[way], rounds);
}

/* ---- throughput ---- */

struct streams {
	uint32_t family;
	const char *count;
};

static double iperf_measure(const struct flow_bench *flow, enum flow_way way, const void *context)
{
	const struct streams *streams = context;
	int client = end_open("peer_", way), server = end_open("", way);
	pid_t pid = iperf_serve(server, address_of(streams->family), "5201");
	char output[256];
	double bits;

	snprintf(output, sizeof(output), "%s/iperf", flow->scratch);
	bits = iperf_run(&flow->bench, client, address_of(streams->family), "5201", streams->count, output);
	iperf_stop(pid);
	close(client);
	close(server);
	return bits;
}

void flow_measure_iperf(struct flow_bench *flow)
{
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++) {
		const struct streams one = { family, "1" }, ten = { family, "10" };

		row_measure(flow, row_add(&flow->iperf, "%s TCP, 1 stream", flow_family_names[family]), iperf_measure,
			    &one);
		row_measure(flow, row_add(&flow->iperf, "%s TCP, 10 streams", flow_family_names[family]), iperf_measure,
			    &ten);
	}
}

/* ---- small packets ---- */

struct flood {
	uint32_t family, sessions, times;
};

/* Nanoseconds of a packet: of the sender's, whose processor takes it in at the other end too. */
static double flood_measure(const struct flow_bench *flow, enum flow_way way, const void *context)
{
	const struct flood *flood = context;
	char path[256], count[16], times[16];
	const char *argv[] = { path,       "eth0", FLOOD_MAC, "udp", address_of(flood->family),
			       FLOOD_PORT, "0",    count,     times, NULL };
	int sender = end_open("peer_", way);
	double took;

	snprintf(path, sizeof(path), "%s/test/flood", flow->tools);
	snprintf(count, sizeof(count), "%u", flood->sessions);
	snprintf(times, sizeof(times), "%u", flood->times);
	bench_enter(sender);
	close(sender);
	took = process_time(argv, PROCESS_LIMIT, false);
	if (took < 0) {
		fprintf(stderr, "bench: flood failed\n");
		exit(1);
	}
	return took * 1e9 / flood->sessions / flood->times;
}

/* Rounds after the first find the sessions that there is room for. */
void flow_measure_flood(struct flow_bench *flow)
{
	bool quick = flow->bench.quick;

	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++) {
		const struct flood some = { family, quick ? 1000 : 20000, 20 };
		const struct flood many = { family, quick ? 20000 : 1000000, 1 };

		row_measure(flow, row_add(&flow->flood, "%s UDP, 20k sessions in turn", flow_family_names[family]),
			    flood_measure, &some);
		row_measure(flow, row_add(&flow->flood, "%s UDP, 1M sessions in turn", flow_family_names[family]),
			    flood_measure, &many);
	}
}
