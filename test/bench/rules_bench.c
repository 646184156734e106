/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a set of rules costs, over its kind and size: new flows, changes, lists, memory.
 * rules_bench [-j] SPLICER.o WRAP.o PIN_DIR TOOLS_DIR SCRATCH_DIR; run by scripts/bench in a box of its own.
 * BENCH_QUICK=1: small sets and short runs, to see that all works.
 */
#include "rules.h"

#include <stdio.h>
#include <unistd.h>

#define LOADS_FEW 3 /* of as many rules as take seconds */
#define LOADS_FEW_FROM 100000

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

/* Into tables that are empty; they stay full after the last. */
static void loads_run(struct rules_bench *bench, struct rules_result *result, const char *file)
{
	double ours[LOADS_MAX], nft[NFT_WAYS][LOADS_MAX];

	result->loads = bench->bench.quick ? 1 : result->rules > LOADS_FEW_FROM ? LOADS_FEW : LOADS_MAX;
	for (size_t i = 0; i < result->loads; i++) {
		rules_clear(bench);
		nft_unload(result);
		ours[i] = rules_load(bench, file, false);
		nft_load(bench, result);
		for (enum nft_way way = 0; way < NFT_WAYS; way++)
			nft[way][i] = result->nft[way].load;
	}
	result->load = bench_median(ours, result->loads);
	/* one that took too long is below 0, as are those after it, and the way is left out */
	for (enum nft_way way = 0; way < NFT_WAYS; way++)
		if (result->nft[way].load >= 0)
			result->nft[way].load = bench_median(nft[way], result->loads);
}

/* What no budget is of. */
static void rest_run(struct rules_bench *bench, struct rules_result *result, const struct bench_frame *frame,
		     const char *file)
{
	progress(result, "live frames");
	live_run(bench, result, frame);
	progress(result, "lists");
	lists_run(bench, result);
	nft_run(result);
	progress(result, "replacing");
	rules_write(result, file, 100);
	result->replace = rules_load(bench, file, true);
}

static void sets_run(struct rules_bench *bench, struct rules_result *result, const struct bench_frame *frame)
{
	char file[256];

	snprintf(file, sizeof(file), "%s/rules", bench->scratch);
	progress(result, "filling");
	rules_write(result, file, 0);
	loads_run(bench, result, file);
	result->memory = maps_memory(bench->bench.splicer);
	progress(result, "new flows");
	flows_run(bench, result, frame);
	progress(result, "tools");
	one_rule_run(bench, result);
	if (!bench->bench.budgets)
		rest_run(bench, result, frame, file);
	nft_unload(result);
	remove(file);
}

static struct rules_result *result_add(struct rules_bench *bench, enum set_kind kind, uint32_t family, uint32_t rules)
{
	struct rules_result *result = &bench->results[bench->count++];

	*result = (struct rules_result){ .kind = kind,
					 .family = family,
					 .rules = rules,
					 .memory_empty = bench->memory_empty,
					 .live_empty = NONE,
					 .live_splicer = NONE,
					 .replace = NONE,
					 .list = NONE,
					 .save = NONE,
					 .json = NONE,
					 .flow = { { .no_rule = NONE }, { .no_rule = NONE } } };
	for (enum nft_way way = 0; way < NFT_WAYS; way++)
		result->nft[way] = (struct nft_cost){ NONE, NONE, NONE, NONE, NONE };
	return result;
}

static void one_run(struct rules_bench *bench, enum set_kind kind, uint32_t family, uint32_t rules)
{
	struct rules_result *result = result_add(bench, kind, family, rules);
	struct bench_frame frame;
	struct set_packet packet;

	progress(result, "packets");
	rules_clear(bench);
	bench_room(&bench->bench, family, rules);
	bench_prepare(&bench->bench, family, rules, packet_of, result);
	packet = packet_of(result, 0);
	bench_frame(&frame, family, &packet, 40000);
	if (!bench->bench.budgets)
		flows_run_bare(bench, result, &frame);
	sets_run(bench, result, &frame);
}

/* What a call costs where there is no other rule. */
static void none_run(struct rules_bench *bench, enum set_kind kind, uint32_t family)
{
	struct rules_result *result = result_add(bench, kind, family, 0);

	progress(result, "tools");
	rules_clear(bench);
	one_rule_run(bench, result);
}

static void kind_run(struct rules_bench *bench, enum set_kind kind, uint32_t family)
{
	bool quick = bench->bench.quick;
	size_t count = quick ? sizeof(quick_sizes) / sizeof(*sizes) : sizeof(sizes) / sizeof(*sizes);

	memset(bench->nft_limit, 0, sizeof(bench->nft_limit));
	none_run(bench, kind, family);
	for (size_t i = 0; i < count; i++)
		one_run(bench, kind, family, quick ? quick_sizes[i] : sizes[i]);
}

/* Each at the size that its budget is for. */
static void budgets_run(struct rules_bench *bench)
{
	uint32_t some = bench->bench.quick ? quick_sizes[1] : 100000,
		 many = bench->bench.quick ? quick_sizes[2] : 1000000;

	/* it would take longer than it is given */
	bench->nft_limit[NFT_SET] = bench->nft_limit[NFT_SPLIT] = many;
	none_run(bench, SET_ROUTER, RULES_IPV4);
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++) {
		one_run(bench, SET_ROUTER, family, some);
		one_run(bench, SET_FIREWALL, family, many);
	}
}

static void all_run(struct rules_bench *bench)
{
	for (enum set_kind kind = 0; kind < SET_KINDS; kind++)
		kind_run(bench, kind, RULES_IPV4);
	kind_run(bench, SET_ROUTER, RULES_IPV6);
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
	bench = (struct rules_bench){ .tools = argv[4], .scratch = argv[5] };
	bench_open(&bench.bench, argv[1], argv[2], argv[3], "wan0");
	bench_room(&bench.bench, RULES_IPV4, 1);
	live_attach(&bench);
	bench.memory_empty = maps_memory(bench.bench.splicer);
	if (bench.bench.budgets)
		budgets_run(&bench);
	else
		all_run(&bench);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%60s\r", "");
	report_print(&bench, json);
	return 0;
}
