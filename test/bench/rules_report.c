/* SPDX-License-Identifier: GPL-2.0-only */
/* The results as tables, one for each question, or as JSON Lines. */
#include "process.h"
#include "rules.h"

#include <stdio.h>

static const char notes[] =
	"\n+: net of the empty program. Rules of the router kind pass here: a test run cannot splice.\n"
	"NFT SET: one set with intervals; NFT SPLIT: hosts in a hash set, networks in one with intervals. Neither "
	"knows\n"
	"precedence. -: nft cannot express it, or took longer than 20 s to load it.";

typedef void (*row_function)(struct out *out, const struct rules_result *result, enum choice choice);

static void set_print(struct out *out, const struct rules_result *result, const char *block, const char *heading)
{
	out_text(out, "part", NULL, "rules");
	out_text(out, "block", NULL, block);
	out_text(out, "kind", heading, set_names[result->kind]);
	out_integer(out, "ip", "IP", result->family == RULES_IPV6 ? 6 : 4);
	out_number(out, "rules", "RULES", result->rules);
}

static void flow_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	const struct flow_cost *cost = &result->flow[choice];

	set_print(out, result, "flow", "NEW FLOW, NS");
	out_text(out, "packets", "PACKETS", choice == COLD ? "random" : "one");
	cell_whole(out, "empty", "EMPTY", cost->empty);
	cell_net(out, "probe", "+PROBE", cost->probe, cost->empty);
	cell_net(out, "no_rule", "+NO RULE", cost->no_rule, cost->empty);
	cell_whole(out, "gross", "SPLICER", cost->splicer);
	cell_net(out, "net", "+NET", cost->splicer, cost->empty);
	cell_ratio(out, "net_over_probe", "NET/PROBE", cost->splicer - cost->empty, cost->probe - cost->empty);
	out_number(out, "rounds", NULL, BENCH_ROUNDS);
	out_end(out);
}

static void live_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	(void)choice;
	set_print(out, result, "live", "FRAME UP THE STACK, NS");
	cell_whole(out, "empty", "EMPTY", result->live_empty);
	cell_net(out, "splicer", "+SPLICER", result->live_splicer, result->live_empty);
	cell_net(out, "nft_set", "+NFT SET", result->nft[NFT_SET].live, result->live_empty);
	cell_net(out, "nft_split", "+NFT SPLIT", result->nft[NFT_SPLIT].live, result->live_empty);
	cell_whole(out, "nft_elements", "NFT ELEMENTS", result->nft[NFT_SET].elements);
	out_end(out);
}

static void change_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	(void)choice;
	set_print(out, result, "change", "ONE RULE, US");
	cell_micro(out, "true", "/BIN/TRUE", result->bin_true);
	cell_micro(out, "insert", "INSERT", result->insert);
	cell_micro(out, "insert_worst", "WORST", result->insert_worst);
	cell_micro(out, "delete", "DELETE", result->remove);
	cell_micro(out, "delete_worst", "WORST", result->remove_worst);
	cell_ratio(out, "insert_over_true", "INSERT/TRUE", result->insert, result->bin_true);
	cell_micro(out, "nft_set_insert", "NFT SET INSERT", result->nft[NFT_SET].insert);
	cell_micro(out, "nft_set_delete", "DELETE", result->nft[NFT_SET].remove);
	cell_micro(out, "nft_split_insert", "NFT SPLIT INSERT", result->nft[NFT_SPLIT].insert);
	cell_micro(out, "nft_split_delete", "DELETE", result->nft[NFT_SPLIT].remove);
	out_number(out, "rounds", NULL, PROCESS_RUNS);
	out_end(out);
}

static void bulk_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	(void)choice;
	set_print(out, result, "bulk", "ALL RULES, MS");
	cell_milli(out, "load_ms", "LOAD", result->load);
	cell_whole(out, "load_rate", "RULES/S", result->rules / result->load);
	cell_milli(out, "replace_ms", "REPLACE", result->replace);
	cell_milli(out, "list_ms", "LIST", result->list);
	cell_milli(out, "save_ms", "LIST --SAVE", result->save);
	cell_milli(out, "json_ms", "LIST -J", result->json);
	cell_milli(out, "nft_set_load_ms", "NFT SET LOAD", result->nft[NFT_SET].load);
	cell_milli(out, "nft_split_load_ms", "NFT SPLIT LOAD", result->nft[NFT_SPLIT].load);
	out_number(out, "rounds", NULL, result->loads);
	out_end(out);
}

static void memory_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	double more = result->memory - result->memory_empty;

	(void)choice;
	set_print(out, result, "memory", "MEMORY");
	cell_whole(out, "bytes_empty", "BYTES, NO RULE", result->memory_empty);
	cell_whole(out, "bytes", "BYTES", result->memory);
	cell_whole(out, "bytes_per_rule", "PER RULE", more / result->rules);
	out_end(out);
}

/* Where there are no rules, only a change was measured. */
static bool block_has(row_function print, const struct rules_result *result)
{
	return result->rules || print == change_print;
}

static void block_print(const struct rules_bench *bench, enum out_form form, row_function print, size_t choices)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < bench->count; i++)
			for (size_t choice = 0; choice < choices && block_has(print, &bench->results[i]); choice++) {
				out_begin(&out);
				print(&out, &bench->results[i], choice);
			}
	} while (out_again(&out));
}

void report_print(const struct rules_bench *bench, bool json)
{
	static const struct {
		row_function print;
		size_t choices;
	} blocks[] = {
		{ flow_print, CHOICES }, { live_print, 1 }, { change_print, 1 }, { bulk_print, 1 }, { memory_print, 1 }
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		if (i && !json)
			putchar('\n');
		block_print(bench, json ? OUT_JSON_LINES : OUT_TABLE, blocks[i].print, blocks[i].choices);
	}
	if (!json)
		puts(notes);
}
