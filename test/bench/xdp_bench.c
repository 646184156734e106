/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What xdp_filter.o costs by its rules: a packet in test runs.
 * xdp_bench [-j] XDP_FILTER.o WRAP.o PIN_DIR TOOLS_DIR SCRATCH_DIR; run by scripts/bench in a box of its own.
 */
#include "xdp.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	static struct xdp_bench bench;
	bool json = argc > 1 && !strcmp(argv[1], "-j");

	argv += json;
	if (argc - json != 6) {
		fprintf(stderr, "usage: xdp_bench [-j] XDP_FILTER.o WRAP.o PIN_DIR TOOLS_DIR SCRATCH_DIR\n");
		return 2;
	}
	bench = (struct xdp_bench){ .pin_dir = argv[3], .tools = argv[4], .scratch = argv[5] };
	bench_open(&bench.bench, argv[1], argv[2], argv[3], XDP_DEVICE);
	bench_room(&bench.bench, RULES_IPV4, 1);
	bench.first = bench.bench;
	bench.first.wrap = NULL;
	xdp_measure_runs(&bench);
	xdp_report_runs(&bench, json);
	return 0;
}
