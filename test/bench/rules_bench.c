/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a set of rules costs, over its kind and size: new flows, changes, lists, memory.
 * rules_bench [-j] SPLICER.o WRAP.o PIN_DIR TOOLS_DIR SCRATCH_DIR; run by scripts/bench in a box of its own.
 * BENCH_QUICK=1: small sets and short runs, to see that all works.
 */
#include "rules.h"

#include <stdio.h>
#include <unistd.h>

static const uint32_t sizes[] = { 10, 1000, 100000, 1000000 }, quick_sizes[] = { 10, 1000, 10000 };

/* BPF_PROG_TEST_RUN has no listener to find and cannot splice; a test run of the lookup is what is wanted. */
struct rules_record bench_rule(const struct rules_result *result, uint32_t i)
{
	struct rules_record rule = set_rule(result->kind, result->family, i);

	if (rules_decision_action(rule.head.decision) == RULES_SPLICE)
		rule.head.decision = rules_decision(0, RULES_PASS, 0, 0);
	return rule;
}

static struct set_packet packet_of(void *context, uint32_t i)
{
	const struct rules_result *result = context;

	return set_packet(result->kind, result->family, i, set_mix(i));
}

/* ---- new flows ---- */

static void flows_run(struct rules_bench *bench, struct rules_result *result, const struct bench_frame *frame)
{
	const int programs[] = { bench_program(&bench->bench, "empty"), bench_program(&bench->bench, "probe"),
				 bench_program(&bench->bench, "splicer_ingress") };

	for (enum choice choice = 0; choice < CHOICES; choice++) {
		double ns[3];

		bench_choose(&bench->bench, result->family, choice == HOT ? 1 : result->rules);
		bench_run(&bench->bench, frame, programs, ns, 3);
		result->flow[choice].empty = ns[0];
		result->flow[choice].probe = ns[1];
		result->flow[choice].splicer = ns[2];
	}
}

/* The same packets before there are rules: what of the cost is not the rules'. */
static void flows_run_bare(struct rules_bench *bench, struct rules_result *result, const struct bench_frame *frame)
{
	const int program = bench_program(&bench->bench, "splicer_ingress");

	for (enum choice choice = 0; choice < CHOICES; choice++) {
		bench_choose(&bench->bench, result->family, choice == HOT ? 1 : result->rules);
		bench_run(&bench->bench, frame, &program, &result->flow[choice].no_rule, 1);
	}
}

/* ---- one kind and size ---- */

static void progress(const struct rules_result *result, const char *what)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s, IPv%d, %u rules: %-20s", set_names[result->kind],
			result->family == RULES_IPV6 ? 6 : 4, result->rules, what);
}

static void sets_run(struct rules_bench *bench, struct rules_result *result, const struct bench_frame *frame)
{
	char file[256];

	snprintf(file, sizeof(file), "%s/rules", bench->scratch);
	progress(result, "filling");
	rules_write(result, file, 0);
	result->load = rules_load(bench, file, false);
	result->memory = maps_memory(bench->pin_dir);
	progress(result, "new flows");
	flows_run(bench, result, frame);
	progress(result, "nft");
	nft_load(bench, result);
	progress(result, "live frames");
	live_run(bench, result, frame);
	progress(result, "tools");
	tools_run(bench, result);
	nft_run(result);
	nft_unload(result);
	progress(result, "replacing");
	rules_write(result, file, 100);
	result->replace = rules_load(bench, file, true);
	remove(file);
}

static void one_run(struct rules_bench *bench, enum set_kind kind, uint32_t family, uint32_t rules)
{
	struct rules_result *result = &bench->results[bench->count++];
	struct bench_frame frame;
	struct set_packet packet;

	*result = (struct rules_result){ .kind = kind, .family = family, .rules = rules };
	progress(result, "packets");
	rules_clear(bench);
	bench_room(&bench->bench, family, rules);
	bench_prepare(&bench->bench, family, rules, packet_of, result);
	packet = packet_of(result, 0);
	bench_frame(&frame, family, &packet, 40000);
	flows_run_bare(bench, result, &frame);
	result->memory_empty = bench->memory_empty;
	sets_run(bench, result, &frame);
}

static void kind_run(struct rules_bench *bench, enum set_kind kind, uint32_t family)
{
	bool quick = bench->bench.quick;
	size_t count = quick ? sizeof(quick_sizes) / sizeof(*sizes) : sizeof(sizes) / sizeof(*sizes);

	memset(bench->nft_limit, 0, sizeof(bench->nft_limit));
	for (size_t i = 0; i < count; i++)
		one_run(bench, kind, family, quick ? quick_sizes[i] : sizes[i]);
}

int main(int argc, char **argv)
{
	static struct rules_bench bench;
	bool json = argc > 1 && !strcmp(argv[1], "-j");

	argv += json;
	if (argc - json != 6) {
		fprintf(stderr, "usage: rules_bench [-j] SPLICER.o WRAP.o PIN_DIR TOOLS_DIR SCRATCH_DIR\n");
		return 2;
	}
	bench = (struct rules_bench){ .pin_dir = argv[3], .tools = argv[4], .scratch = argv[5] };
	bench_open(&bench.bench, argv[1], argv[2], argv[3], "wan0");
	bench_room(&bench.bench, RULES_IPV4, 1);
	live_attach(&bench);
	bench.memory_empty = maps_memory(bench.pin_dir);
	for (enum set_kind kind = 0; kind < SET_KINDS; kind++)
		kind_run(&bench, kind, RULES_IPV4);
	kind_run(&bench, SET_ROUTER, RULES_IPV6);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%60s\r", "");
	report_print(&bench, json);
	return 0;
}
