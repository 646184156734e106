/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same rules in nft, where it can express them: as elements of sets that are looked up once for each packet. A set
 * knows no precedence, and refuses an element that overlaps another; so those are left out, and the hostile kind is.
 */
#include "nft_elements.h"
#include "process.h"
#include "rules.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#define LOAD_LIMIT 20.0 /* seconds; a size at which nft takes longer is left out, and larger ones */
#define RUNS_LIMIT 2.0  /* seconds; runs of one command that is slow */

static const char *const tables[NFT_WAYS] = { "bench_set", "bench_split" };
static const char *const devices[NFT_WAYS] = { "nft0", "nft1" };

static bool way_expresses(enum nft_way way, const struct rules_result *result)
{
	if (result->family != RULES_IPV4 || result->kind == SET_HOSTILE)
		return false;
	return way == NFT_SET || result->kind == SET_ROUTER;
}

static const char *set_type(const struct rules_result *result)
{
	return result->kind == SET_ROUTER ? "ipv4_addr . inet_proto . inet_service"
					  : "ipv4_addr . ipv4_addr . inet_service";
}

static const char *set_fields(const struct rules_result *result)
{
	return result->kind == SET_ROUTER ? "ip daddr . meta l4proto . th dport" : "ip daddr . ip saddr . tcp dport";
}

static void write_sets(FILE *file, enum nft_way way, const struct rules_result *result,
		       const struct nft_elements *elements)
{
	if (way == NFT_SPLIT) {
		fprintf(file, "\tset hosts {\n\t\ttype %s\n", set_type(result));
		nft_elements_write(elements, file, NFT_HOSTS, result->kind == SET_ROUTER);
		fprintf(file, "\t}\n");
	}
	fprintf(file, "\tset ranges {\n\t\ttype %s\n\t\tflags interval\n", set_type(result));
	nft_elements_write(elements, file, way == NFT_SPLIT ? NFT_NETWORKS : NFT_ALL, result->kind == SET_ROUTER);
	fprintf(file, "\t}\n");
}

/* Every frame ends here, as it does behind splicer.o. */
static void write_chain(FILE *file, enum nft_way way, const struct rules_result *result)
{
	fprintf(file, "\tchain ingress {\n\t\ttype filter hook ingress device %s priority 0;\n", devices[way]);
	if (way == NFT_SPLIT)
		fprintf(file, "\t\t%s @hosts drop\n", set_fields(result));
	fprintf(file, "\t\t%s @ranges drop\n\t\tdrop\n\t}\n", set_fields(result));
}

static void write_table(const char *path, enum nft_way way, const struct rules_result *result,
			const struct nft_elements *elements)
{
	FILE *file = fopen(path, "w");

	if (!file)
		bench_fail(path);
	fprintf(file, "table netdev %s {\n", tables[way]);
	write_sets(file, way, result, elements);
	write_chain(file, way, result);
	fprintf(file, "}\n");
	if (fclose(file))
		bench_fail(path);
}

static void way_load(struct rules_bench *bench, struct rules_result *result, enum nft_way way,
		     const struct nft_elements *elements)
{
	struct nft_cost *cost = &result->nft[way];
	char path[256];
	const char *argv[] = { "nft", "-f", path, NULL };

	if (!way_expresses(way, result) || (bench->nft_limit[way] && result->rules >= bench->nft_limit[way]))
		return;
	snprintf(path, sizeof(path), "%s/%s.nft", bench->scratch, tables[way]);
	write_table(path, way, result, elements);
	cost->load = process_time(argv, LOAD_LIMIT, true);
	remove(path);
	if (cost->load < 0)
		bench->nft_limit[way] = result->rules;
	else
		cost->elements = elements->count;
}

static bool nft_is_there(void)
{
	const char *argv[] = { "nft", "list", "tables", NULL };

	return process_time(argv, LOAD_LIMIT, true) >= 0;
}

void nft_load(struct rules_bench *bench, struct rules_result *result)
{
	struct nft_elements elements = { 0 };

	for (enum nft_way way = 0; way < NFT_WAYS; way++)
		result->nft[way] = (struct nft_cost){ NONE, NONE, NONE, NONE, NONE };
	if (!way_expresses(NFT_SET, result) || !nft_is_there())
		return;
	for (uint32_t i = 0; i < result->rules; i++) {
		struct rules_record rule = bench_rule(result, i);

		nft_elements_add(&elements, &rule);
	}
	for (enum nft_way way = 0; way < NFT_WAYS; way++)
		way_load(bench, result, way, &elements);
	nft_elements_free(&elements);
}

/* One element of its own in and out again. */
static void way_run(struct nft_cost *cost, enum nft_way way, const struct rules_result *result)
{
	const char *set = way == NFT_SPLIT ? "hosts" : "ranges";
	const char *element =
		result->kind == SET_ROUTER ? "{ 192.0.2.7 . tcp . 443 }" : "{ 192.0.2.7 . 198.51.100.0/24 . 443 }";
	const char *put[] = { "nft", "add", "element", "netdev", tables[way], set, element, NULL };
	const char *delete[] = { "nft", "delete", "element", "netdev", tables[way], set, element, NULL };
	double took[2][PROCESS_RUNS], start = bench_now();
	size_t runs = 0;

	while (runs < PROCESS_RUNS && (!runs || bench_now() - start < RUNS_LIMIT)) {
		took[0][runs] = process_time(put, LOAD_LIMIT, false);
		took[1][runs++] = process_time(delete, LOAD_LIMIT, false);
	}
	cost->insert = bench_median(took[0], runs);
	cost->remove = bench_median(took[1], runs);
}

void nft_run(struct rules_result *result)
{
	for (enum nft_way way = 0; way < NFT_WAYS; way++)
		if (result->nft[way].load >= 0)
			way_run(&result->nft[way], way, result);
}

void nft_unload(const struct rules_result *result)
{
	for (enum nft_way way = 0; way < NFT_WAYS; way++) {
		const char *argv[] = { "nft", "delete", "table", "netdev", tables[way], NULL };

		/* also one that was only loaded after its time was up */
		if (way_expresses(way, result))
			process_time(argv, 6 * LOAD_LIMIT, true);
	}
}

uint32_t nft_device(enum nft_way way)
{
	uint32_t ifindex = if_nametoindex(devices[way]);

	if (!ifindex)
		bench_fail(devices[way]);
	return ifindex;
}
