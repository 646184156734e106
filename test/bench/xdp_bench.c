/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What xdp_filter.o costs by its rules: a packet in test runs, how many it drops that come in by a veth, and the tool.
 * xdp_bench [-j] XDP_FILTER.o WRAP.o PIN_DIR TOOLS_DIR SCRATCH_DIR DEVICES; run by scripts/bench in a box of its own.
 */
#include "xdp.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <unistd.h>

static const uint32_t sizes[XDP_SIZES] = { 0, XDP_TOOLS_MAX, 1000000 }, quick_sizes[XDP_SIZES] = { 0, 1000, 10000 };

static void progress(const struct xdp_set *set, const char *what)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s, IPv%d, %u rules: %-20s", xdp_kinds[set->kind], set->family == RULES_IPV6 ? 6 : 4,
			set->rules, what);
}

static void packets_run(struct xdp_bench *bench, const struct xdp_set *set, const struct xdp_tools *tools)
{
	struct xdp_set first = { XDP_HOSTS, set->family, bench->first_hosts, set->hit };
	struct xdp_frames frames;

	progress(set, "packets");
	xdp_set_prepare(set, &bench->bench, &frames.all);
	xdp_set_prepare(&first, &bench->first, &frames.first);
	progress(set, set->hit ? "hit" : "miss");
	xdp_run_sets(bench, set, tools, &frames);
	if (!set->hit)
		return;
	progress(set, "flood");
	xdp_flood_run(bench, set, tools, &frames);
}

static void set_run(struct xdp_bench *bench, struct xdp_set set)
{
	struct xdp_tools tools = { .first = xdp_tools_load(set.family, set.rules ? bench->first_hosts : 0) };

	progress(&set, "loading");
	if (set.kind == XDP_HOSTS && !bench->bench.budgets)
		tools.all = xdp_tools_load(set.family, set.rules);
	xdp_set_load(&set, bench->pin_dir);
	for (int hit = set.rules != 0; hit >= bench->bench.budgets; hit--) {
		set.hit = hit;
		packets_run(bench, &set, &tools);
	}
	bpf_object__close(tools.first);
	bpf_object__close(tools.all);
}

static void sets_run(struct xdp_bench *bench)
{
	const uint32_t *chosen = bench->bench.quick ? quick_sizes : sizes;
	enum xdp_kind last = bench->bench.budgets ? XDP_HOSTS : XDP_KINDS - 1;

	for (enum xdp_kind kind = 0; kind <= last; kind++)
		for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
			for (size_t i = bench->bench.budgets ? XDP_SIZES - 1 : 0; i < XDP_SIZES; i++)
				set_run(bench, (struct xdp_set){ kind, family, chosen[i], false });
}

static void times_run(struct xdp_bench *bench)
{
	for (size_t i = 1; i < XDP_SIZES; i++) {
		uint32_t prefixes = (bench->bench.quick ? quick_sizes : sizes)[i];

		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\rlists of %u prefixes %-30s", prefixes, "");
		xdp_times_run(bench, prefixes);
	}
}

static void programs_open(struct xdp_bench *bench, char **objects)
{
	bench_open(&bench->bench, objects[0], objects[1], bench->pin_dir, XDP_DEVICE);
	bench_room(&bench->bench, RULES_IPV4, 1);
	/* a run of an XDP program costs grace periods, however short it is */
	if (bench->bench.quick)
		bench->bench.rounds = 1;
	bench->first = bench->bench;
	bench->first.wrap = NULL;
	bench->first_hosts = bench->bench.quick ? quick_sizes[1] : XDP_TOOLS_MAX;
	/* no frame can be said to come in where there is no program */
	if (bpf_xdp_attach((int)bench->bench.ifindex, bench_program(&bench->bench, "pass"), XDP_FLAGS_DRV_MODE, NULL))
		bench_fail("XDP program");
}

int main(int argc, char **argv)
{
	static struct xdp_bench bench;
	bool json = argc > 1 && !strcmp(argv[1], "-j");

	argv += json;
	if (argc - json != 7) {
		fprintf(stderr, "usage: xdp_bench [-j] XDP_FILTER.o WRAP.o PIN_DIR TOOLS_DIR SCRATCH_DIR DEVICES\n");
		return 2;
	}
	bench = (struct xdp_bench){ .pin_dir = argv[3], .tools = argv[4], .scratch = argv[5], .devices = argv[6] };
	programs_open(&bench, argv + 1);
	xdp_flood_open(&bench);
	sets_run(&bench);
	if (!bench.bench.budgets)
		times_run(&bench);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%60s\r", "");
	xdp_report(&bench, json);
	return 0;
}
