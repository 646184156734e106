/* SPDX-License-Identifier: GPL-2.0-only */
/* The results as tables, one for each question, or as JSON Lines. */
#include "out.h"
#include "xdp.h"

#include <stdio.h>

static const char notes[] =
	"\n+: net of an empty program with the same packets. XDP-TOOLS: xdp-filter of xdp-tools with all features and\n"
	"policy allow; 10K: with 10,000 hosts, all that it holds; SAME: its object with a table for as many as there "
	"are\n"
	"rules. RATIO: of XDP_FILTER.O to XDP-TOOLS 10K, both net. MPPS: over veth, in a second of the processor that\n"
	"takes the packets in, or that makes and sends them too; SHARE: of what a program drops that does nothing "
	"else.\n"
	"NFT SET: a chain at ingress that drops what is in a set of hosts.";

static void set_print(struct out *out, const struct xdp_set *set, const char *block, const char *heading)
{
	out_text(out, "part", NULL, "xdp");
	out_text(out, "block", NULL, block);
	out_text(out, "kind", heading, xdp_kinds[set->kind]);
	out_integer(out, "ip", "IP", set->family == RULES_IPV6 ? 6 : 4);
	out_number(out, "rules", "RULES", set->rules);
}

static bool is_known(double value)
{
	return value > NONE;
}

/* What was not measured is "-" in a table and null in JSON. */
static void whole_print(struct out *out, const char *key, const char *header, double value, bool known)
{
	if (known)
		out_integer(out, key, header, (int64_t)(value + 0.5));
	else
		out_number_or(out, key, header, -1, "-");
}

static void net_print(struct out *out, const char *key, const char *header, double gross, double empty)
{
	whole_print(out, key, header, gross > empty ? gross - empty : 0, is_known(gross));
}

static void ratio_print(struct out *out, const char *key, const char *header, double a, double b, bool known)
{
	char shown[32];

	snprintf(shown, sizeof(shown), "%.2f", known ? a / b : 0);
	out_seconds(out, key, header, known ? a / b : NONE, known ? shown : "-");
}

static void run_print(struct out *out, const struct xdp_run *run)
{
	const struct xdp_cost *cost = &run->cost;
	double tools = cost->tools_10k - cost->empty_10k;

	out_begin(out);
	set_print(out, &run->set, "run", "TEST RUN, NS");
	out_text(out, "match", "MATCH", run->set.hit ? "hit" : "miss");
	out_text(out, "packets", "PACKETS", run->choice == XDP_COLD ? "random" : "one");
	whole_print(out, "empty", "EMPTY", cost->empty, true);
	net_print(out, "tools_10k", "+XDP-TOOLS 10K", cost->tools_10k, cost->empty_10k);
	net_print(out, "tools_same", "+SAME", cost->tools_same, cost->empty);
	whole_print(out, "gross", "XDP_FILTER.O", cost->splicer, true);
	net_print(out, "net", "+NET", cost->splicer, cost->empty);
	ratio_print(out, "ratio", "RATIO", cost->splicer - cost->empty, tools, is_known(cost->tools_10k) && tools > 0);
	out_end(out);
}

static void runs_print(const struct xdp_bench *bench, enum out_form form)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < bench->run_count; i++)
			run_print(&out, &bench->runs[i]);
	} while (out_again(&out));
}

static void rate_print(struct out *out, const char *key, const char *header, double rate)
{
	char shown[32];

	snprintf(shown, sizeof(shown), "%.2f", rate / 1e6);
	out_seconds(out, key, header, is_known(rate) ? rate / 1e6 : NONE, is_known(rate) ? shown : "-");
}

static void share_print(struct out *out, const char *key, const double rate[XDP_WAYS], enum xdp_way way)
{
	char shown[32];
	double share = rate[way] / rate[WAY_BARE];
	bool known = is_known(rate[way]);

	snprintf(shown, sizeof(shown), "%.0f%%", 100 * share);
	out_seconds(out, key, "SHARE", known ? share : NONE, known ? shown : "-");
}

static void flood_print(struct out *out, const struct xdp_flood *flood, enum xdp_rate which)
{
	static const char *const blocks[XDP_RATES] = { "drop", "send_and_drop" }, *const headings[XDP_RATES] = {
		"DROPS, MPPS", "SENT AND DROPPED, MPPS"
	};
	const double *rate = flood->rate[which];

	out_begin(out);
	set_print(out, &flood->set, blocks[which], headings[which]);
	out_text(out, "packets", "PACKETS", flood->choice == XDP_COLD ? "random" : "one");
	rate_print(out, "bare", "XDP_DROP", rate[WAY_BARE]);
	rate_print(out, "splicer", "XDP_FILTER.O", rate[WAY_SPLICER]);
	share_print(out, "splicer_share", rate, WAY_SPLICER);
	rate_print(out, "tools_10k", "XDP-TOOLS 10K", rate[WAY_TOOLS]);
	share_print(out, "tools_share", rate, WAY_TOOLS);
	rate_print(out, "nft", "NFT SET", rate[WAY_NFT]);
	share_print(out, "nft_share", rate, WAY_NFT);
	out_end(out);
}

static void floods_print(const struct xdp_bench *bench, enum out_form form, enum xdp_rate which)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < bench->flood_count; i++)
			flood_print(&out, &bench->floods[i], which);
	} while (out_again(&out));
}

void xdp_report(const struct xdp_bench *bench, bool json)
{
	enum out_form form = json ? OUT_JSON_LINES : OUT_TABLE;

	runs_print(bench, form);
	for (enum xdp_rate which = 0; which < XDP_RATES; which++) {
		if (!json)
			putchar('\n');
		floods_print(bench, form, which);
	}
	if (!json)
		puts(notes);
}
