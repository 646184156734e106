/* SPDX-License-Identifier: GPL-2.0-only */
/* The results as tables, one for each question, or as JSON Lines. */
#include "xdp.h"

#include <stdio.h>

static const char notes[] =
	"\n+: net of an empty program with the same packets. XDP-TOOLS: xdp-filter of xdp-tools with all features and\n"
	"policy allow; 10K: with 10,000 hosts, all that it holds; SAME: its object with a table for as many as there "
	"are\n"
	"rules. RATIO: of XDP_FILTER.O to XDP-TOOLS 10K, both net. MPPS: over veth, in a second of the processor that\n"
	"takes the packets in, or that makes and sends them too; SHARE: of what a program drops that does nothing "
	"else.\n"
	"NFT SET: a chain at ingress that drops what is in a set of hosts; NFT ADD and such:\n"
	"one of intervals. -: cannot be had, or takes longer than 30 s.";

static void set_print(struct out *out, const struct xdp_set *set, const char *block, const char *heading)
{
	out_text(out, "part", NULL, "xdp");
	out_text(out, "block", NULL, block);
	out_text(out, "kind", heading, xdp_kinds[set->kind]);
	out_integer(out, "ip", "IP", set->family == RULES_IPV6 ? 6 : 4);
	out_number(out, "rules", "RULES", set->rules);
}

static const char *choice_name(enum xdp_choice choice)
{
	static const char *const names[] = { [XDP_COLD] = "any", [XDP_WARM] = "thousand", [XDP_HOT] = "one" };

	return names[choice];
}

static void run_print(struct out *out, const struct xdp_bench *bench, size_t i)
{
	const struct xdp_run *run = &bench->runs[i];
	const struct xdp_cost *cost = &run->cost;
	double tools = cost->tools_10k < 0 ? NONE : cost->tools_10k - cost->empty_10k;

	set_print(out, &run->set, "run", "TEST RUN, NS");
	out_text(out, "match", "MATCH", run->set.hit ? "hit" : "miss");
	out_text(out, "packets", "PACKETS", choice_name(run->choice));
	cell_whole(out, "empty", "EMPTY", cost->empty);
	cell_net(out, "tools_10k", "+XDP-TOOLS 10K", cost->tools_10k, cost->empty_10k);
	cell_net(out, "tools_same", "+SAME", cost->tools_same, cost->empty);
	cell_whole(out, "gross", "XDP_FILTER.O", cost->splicer);
	cell_net(out, "net", "+NET", cost->splicer, cost->empty);
	cell_ratio(out, "ratio", "RATIO", cost->splicer - cost->empty, tools);
	out_number(out, "rounds", NULL, bench_rounds(&bench->bench));
}

static void rate_print(struct out *out, const char *key, const char *header, double rate)
{
	cell_number(out, key, header, rate < 0 ? NONE : rate / 1e6);
}

static void flood_print(struct out *out, const struct xdp_bench *bench, size_t i, enum xdp_rate of, const char *block,
			const char *heading)
{
	const struct xdp_flood *flood = &bench->floods[i];
	const double *rate = flood->rate[of];

	set_print(out, &flood->set, block, heading);
	out_text(out, "packets", "PACKETS", choice_name(flood->choice));
	rate_print(out, "bare", "XDP_DROP", rate[WAY_BARE]);
	rate_print(out, "splicer", "XDP_FILTER.O", rate[WAY_SPLICER]);
	cell_share(out, "splicer_share", "SHARE", rate[WAY_SPLICER], rate[WAY_BARE]);
	rate_print(out, "tools_10k", "XDP-TOOLS 10K", rate[WAY_TOOLS]);
	cell_share(out, "tools_share", "SHARE", rate[WAY_TOOLS], rate[WAY_BARE]);
	rate_print(out, "nft", "NFT SET", rate[WAY_NFT]);
	cell_share(out, "nft_share", "SHARE", rate[WAY_NFT], rate[WAY_BARE]);
	out_number(out, "rounds", NULL, bench_rounds(&bench->bench));
}

static void drop_print(struct out *out, const struct xdp_bench *bench, size_t i)
{
	flood_print(out, bench, i, RATE_RECEIVER, "drop", "DROPPED, MPPS");
}

static void send_print(struct out *out, const struct xdp_bench *bench, size_t i)
{
	flood_print(out, bench, i, RATE_BOTH, "send", "SENT AND DROPPED, MPPS");
}

static void times_print(struct out *out, const struct xdp_times *times, const char *block, const char *heading)
{
	out_text(out, "part", NULL, "xdp");
	out_text(out, "block", NULL, block);
	out_number(out, "prefixes", heading, times->prefixes);
}

static void one_print(struct out *out, const struct xdp_bench *bench, size_t i)
{
	const struct xdp_times *times = &bench->times[i];

	times_print(out, times, "one", "ONE PREFIX, US, BESIDE");
	cell_micro(out, "true", "/BIN/TRUE", times->bin_true);
	cell_micro(out, "add", "ADD", times->one.add);
	cell_micro(out, "add_worst", "WORST", times->one.add_worst);
	cell_micro(out, "delete", "DELETE", times->one.remove);
	cell_micro(out, "delete_worst", "WORST", times->one.remove_worst);
	cell_ratio(out, "add_over_true", "ADD/TRUE", times->one.add, times->bin_true);
	cell_micro(out, "nft_add", "NFT ADD", times->nft_one.add);
	cell_micro(out, "nft_delete", "NFT DELETE", times->nft_one.remove);
}

static void all_print(struct out *out, const struct xdp_bench *bench, size_t i)
{
	const struct xdp_times *times = &bench->times[i];

	times_print(out, times, "all", "ALL PREFIXES, MS");
	cell_milli(out, "load_ms", "LOAD", times->all.load);
	cell_whole(out, "load_rate", "PREFIXES/S", times->prefixes / times->all.load);
	cell_milli(out, "replace_ms", "REPLACE", times->all.replace);
	cell_milli(out, "list_ms", "LIST", times->all.list);
	cell_milli(out, "save_ms", "LIST --SAVE", times->save);
	cell_milli(out, "json_ms", "LIST -J", times->json);
	cell_milli(out, "nft_load_ms", "NFT LOAD", times->nft_all.load);
	cell_milli(out, "nft_replace_ms", "NFT REPLACE", times->nft_all.replace);
	cell_milli(out, "nft_list_ms", "NFT LIST", times->nft_all.list);
}

typedef void (*row_function)(struct out *out, const struct xdp_bench *bench, size_t i);

static void block_print(const struct xdp_bench *bench, enum out_form form, row_function print, size_t count)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < count; i++) {
			out_begin(&out);
			print(&out, bench, i);
			out_end(&out);
		}
	} while (out_again(&out));
}

void xdp_report(const struct xdp_bench *bench, bool json)
{
	const struct {
		row_function print;
		size_t rows;
	} blocks[] = { { run_print, bench->run_count },
		       { drop_print, bench->flood_count },
		       { send_print, bench->flood_count },
		       { one_print, bench->time_count },
		       { all_print, bench->time_count } };

	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		if (i && !json)
			putchar('\n');
		block_print(bench, json ? OUT_JSON_LINES : OUT_TABLE, blocks[i].print, blocks[i].rows);
	}
	if (!json)
		puts(notes);
}
