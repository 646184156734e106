/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the load balancer costs: lb.o in test runs beside an empty program; and packets, round trips, requests and
 * throughput between hosts, beside a router that only routes, and nft that does the same.
 * lb_bench [-j] LB.o WRAP.o PIN_DIR SCRATCH_DIR; run by scripts/bench, which makes the boxes.
 */
#include "lb.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

static void measure_live(struct lb_bench *lb, const char *scratch, bool json)
{
	lb_places_open(lb);
	lb_measure_round_trips(lb);
	lb_measure_requests(lb);
	lb_measure_iperf(lb, scratch);
	/* the last, for it fills tables */
	lb_measure_flood(lb);
	lb_report_live(lb, json);
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "-j");
	static struct lb_bench lb;

	argv += json;
	if (argc - json != 5) {
		fprintf(stderr, "usage: lb_bench [-j] LB.o WRAP.o PIN_DIR SCRATCH_DIR\n");
		return 2;
	}
	bench_open(&lb.bench, argv[1], argv[2], argv[3], "in0");
	lb.in = lb.bench.ifindex;
	lb.out = if_nametoindex("out0");
	lb_measure_runs(&lb);
	lb_report_runs(&lb, json);
	if (!lb.bench.budgets)
		measure_live(&lb, argv[4], json);
	return 0;
}
