/* SPDX-License-Identifier: GPL-2.0-only */
/* What one TCP connection of iperf3 carries. */
#include "iperf.h"
#include "lb.h"

#include <stdio.h>
#include <sys/types.h>

#define IPERF_ROUNDS 3

/* ---- both ends ---- */

static pid_t server_start(const struct lb_bench *lb, enum lb_way way, uint32_t family)
{
	const char *address = family == RULES_IPV4 ? "198.51.100.2" : "2001:db8:1::2", *port = "5061";

	if (way == WAY_ROUTED) {
		address = family == RULES_IPV4 ? "203.0.113.1" : "2001:db8:2::1";
		port = "5060";
	}
	return iperf_serve(lb->places[way].server, address, port);
}

static double throughput(const struct lb_bench *lb, enum lb_way way, uint32_t family, const char *output)
{
	const char *address = family == RULES_IPV4 ? "203.0.113.1" : "2001:db8:2::1";

	return iperf_run(&lb->bench, lb->places[way].client, address, "5060", "1", output);
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
		iperf_stop(servers[way]);
	}
}

void lb_measure_iperf(struct lb_bench *lb, const char *scratch)
{
	char output[256];

	snprintf(output, sizeof(output), "%s/iperf", scratch);
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
		iperf_family(lb, family, output);
}
