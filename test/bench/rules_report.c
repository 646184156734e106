/* SPDX-License-Identifier: GPL-2.0-only */
/* The results as tables, one for each question, or as JSON Lines. */
#include "out.h"
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

/* NONE is "-" in a table and null in JSON. */
static void whole_print(struct out *out, const char *key, const char *header, double value)
{
	if (value < 0)
		out_number_or(out, key, header, -1, "-");
	else
		out_integer(out, key, header, (int64_t)(value + 0.5));
}

static void micro_print(struct out *out, const char *key, const char *header, double seconds)
{
	whole_print(out, key, header, seconds < 0 ? NONE : seconds * 1e6);
}

static void milli_print(struct out *out, const char *key, const char *header, double seconds)
{
	char shown[32];

	snprintf(shown, sizeof(shown), "%.1f", seconds * 1e3);
	out_seconds(out, key, header, seconds < 0 ? NONE : seconds * 1e3, seconds < 0 ? "-" : shown);
}

static void net_print(struct out *out, const char *key, const char *header, double gross, double empty)
{
	if (gross < 0)
		out_number_or(out, key, header, -1, "-");
	else
		out_integer(out, key, header, (int64_t)(gross - empty));
}

static void ratio_print(struct out *out, const char *key, const char *header, double a, double b)
{
	char shown[32];
	bool known = a >= 0 && b > 0;

	snprintf(shown, sizeof(shown), "%.2f", known ? a / b : 0);
	out_seconds(out, key, header, known ? a / b : NONE, known ? shown : "-");
}

static void flow_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	const struct flow_cost *cost = &result->flow[choice];

	set_print(out, result, "flow", "NEW FLOW, NS");
	out_text(out, "packets", "PACKETS", choice == COLD ? "random" : "one");
	whole_print(out, "empty", "EMPTY", cost->empty);
	net_print(out, "probe", "+PROBE", cost->probe, cost->empty);
	net_print(out, "no_rule", "+NO RULE", cost->no_rule, cost->empty);
	whole_print(out, "gross", "SPLICER", cost->splicer);
	net_print(out, "net", "+NET", cost->splicer, cost->empty);
	ratio_print(out, "net_over_probe", "NET/PROBE", cost->splicer - cost->empty, cost->probe - cost->empty);
	out_end(out);
}

static void live_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	(void)choice;
	set_print(out, result, "live", "FRAME UP THE STACK, NS");
	whole_print(out, "empty", "EMPTY", result->live_empty);
	net_print(out, "splicer", "+SPLICER", result->live_splicer, result->live_empty);
	net_print(out, "nft_set", "+NFT SET", result->nft[NFT_SET].live, result->live_empty);
	net_print(out, "nft_split", "+NFT SPLIT", result->nft[NFT_SPLIT].live, result->live_empty);
	whole_print(out, "nft_elements", "NFT ELEMENTS", result->nft[NFT_SET].elements);
	out_end(out);
}

static void change_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	(void)choice;
	set_print(out, result, "change", "ONE RULE, US");
	micro_print(out, "true", "/BIN/TRUE", result->bin_true);
	micro_print(out, "insert", "INSERT", result->insert);
	micro_print(out, "insert_worst", "WORST", result->insert_worst);
	micro_print(out, "delete", "DELETE", result->remove);
	micro_print(out, "delete_worst", "WORST", result->remove_worst);
	ratio_print(out, "insert_over_true", "INSERT/TRUE", result->insert, result->bin_true);
	micro_print(out, "nft_set_insert", "NFT SET INSERT", result->nft[NFT_SET].insert);
	micro_print(out, "nft_set_delete", "DELETE", result->nft[NFT_SET].remove);
	micro_print(out, "nft_split_insert", "NFT SPLIT INSERT", result->nft[NFT_SPLIT].insert);
	micro_print(out, "nft_split_delete", "DELETE", result->nft[NFT_SPLIT].remove);
	out_end(out);
}

static void bulk_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	(void)choice;
	set_print(out, result, "bulk", "ALL RULES, MS");
	milli_print(out, "load_ms", "LOAD", result->load);
	whole_print(out, "load_rate", "RULES/S", result->rules / result->load);
	milli_print(out, "replace_ms", "REPLACE", result->replace);
	milli_print(out, "list_ms", "LIST", result->list);
	milli_print(out, "save_ms", "LIST --SAVE", result->save);
	milli_print(out, "json_ms", "LIST -J", result->json);
	milli_print(out, "nft_set_load_ms", "NFT SET LOAD", result->nft[NFT_SET].load);
	milli_print(out, "nft_split_load_ms", "NFT SPLIT LOAD", result->nft[NFT_SPLIT].load);
	out_end(out);
}

static void memory_print(struct out *out, const struct rules_result *result, enum choice choice)
{
	double more = result->memory - result->memory_empty;

	(void)choice;
	set_print(out, result, "memory", "MEMORY");
	whole_print(out, "bytes_empty", "BYTES, NO RULE", result->memory_empty);
	whole_print(out, "bytes", "BYTES", result->memory);
	whole_print(out, "bytes_per_rule", "PER RULE", more / result->rules);
	out_end(out);
}

static void block_print(const struct rules_bench *bench, enum out_form form, row_function print, size_t choices)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < bench->count; i++)
			for (size_t choice = 0; choice < choices; choice++) {
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
