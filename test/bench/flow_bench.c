/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What flow.o costs: in test runs beside an empty program, and on a link between two namespaces, beside the same link
 * with nothing on it and with softflowd.
 * flow_bench [-j] FLOW.o WRAP.o PIN_DIR TOOLS_DIR SCRATCH_DIR; run by scripts/bench, which makes the namespaces.
 */
#include "flow.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "-j");
	static struct flow_bench flow;

	argv += json;
	if (argc - json != 6) {
		fprintf(stderr, "usage: flow_bench [-j] FLOW.o WRAP.o PIN_DIR TOOLS_DIR SCRATCH_DIR\n");
		return 2;
	}
	bench_open(&flow.bench, argv[1], argv[2], argv[3], "wan0");
	flow.pin_dir = argv[3];
	flow.tools = argv[4];
	flow.scratch = argv[5];
	flow_measure_runs(&flow);
	flow_report_runs(&flow, json);
	if (flow.bench.budgets)
		return 0;
	flow_measure_iperf(&flow);
	flow_measure_flood(&flow);
	flow_report_live(&flow, json);
	return 0;
}
