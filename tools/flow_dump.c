/* SPDX-License-Identifier: GPL-2.0-only */
/* flow_dump: shows sessions that flow.o has counted, or hands them out. */
#include "flowipfix.h"
#include "flowselect.h"
#include "flowview.h"
#include "mapview.h"
#include "num.h"
#include "option.h"
#include "pin.h"
#include "screen.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	ROW_COLUMNS = FLOW_SELECT_ROWS,
	ROW_CSV,
	ROW_DEBUG,
	ROW_IPFIX,
	ROW_JSON_LINES,
	ROW_LIST_COLUMNS,
	ROW_MAP,
	ROW_METRICS,
	ROW_OPENMETRICS,
	ROW_PACKETS,
	ROW_RESET,
	ROW_RESULT,
	ROW_SORT,
	ROW_SUMMARY,
	ROW_TOP,
	ROW_WATCH,
	ROW_ZEEK
};

static const struct option_row rows[] = {
	FLOW_SELECT_OPTION_ROWS,
	{ "columns", 0, "LIST", "these columns, or sets of them (all, common, cic), with commas between" },
	{ "csv", 0, NULL, "print comma-separated values (RFC 4180)" },
	{ "debug", 0, "DIR", "write each sampled packet to a file in DIR" },
	{ "ipfix", 0, "TO", "send them as IPFIX biflows to HOST:PORT, or write them to a file, as in ./FILE" },
	{ "json-lines", 0, NULL, "print one JSON object a line" },
	{ "list-columns", 0, NULL, "say what columns there are (with --columns: these), and exit" },
	{ "map", 0, "PATH", "print the pinned map PATH instead, by the types that it came with" },
	{ "metrics", 0, "FILE", "with --map: print OpenMetrics, which FILE describes" },
	{ "openmetrics", 0, NULL, "print sums for Prometheus and the like" },
	{ "packets", 0, NULL, "print sampled packets instead of sessions" },
	{ "reset", 0, NULL, "hand out what was counted: it counts no more once it is printed" },
	{ "result", 0, "FILE",
	  "write sampled packets to FILE (-: standard output) as eBPF_TrafficAnalyzer's result.json" },
	{ "sort", 0, "COLUMN", "in the order of this column: largest first, names from A on (bytes)" },
	{ "summary", 0, NULL, "print only sums" },
	{ "top", 0, "NUMBER", "print at most so many" },
	{ "watch", 0, "SECONDS", "show sessions and their rates again and again, busiest first" },
	{ "zeek", 0, NULL, "print them as Zeek's conn.log" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]... [PREFIX]", "[OPTION]... --watch SECONDS [PREFIX]",
					"[OPTION]... --reset", "[-j] [--columns LIST] --list-columns", NULL };

static const struct command command = {
	.name = "flow_dump",
	.synopsis = synopsis,
	.summary = "Show the sessions that flow.o has counted, those with most bytes first. PREFIX (an address, "
		   "ADDRESS/LEN,\n"
		   "or a range A-B) is where one of the two ends is. A selector that is not given matches anything.",
	.options = rows,
	.common = "jq",
};

struct dump {
	struct flow_request request;
	uint32_t given;   /* options, by row */
	uint64_t seconds; /* of --watch */
	struct mapview map;
	bool json;
};

static int take_sort(struct flow_request *request, const char *value, struct error *error)
{
	request->sort = flow_column_find(value, error);
	return request->sort ? 0 : -1;
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct dump *dump = context;
	struct flow_request *request = &dump->request;

	dump->given |= 1u << row;
	switch (row) {
	case ROW_COLUMNS:
		return flow_choice_parse(value, &request->choice, error);
	case ROW_DEBUG:
		request->debug_path = value;
		return 0;
	case ROW_IPFIX:
		request->ipfix = value;
		return flowipfix_check(value, error);
	case ROW_MAP:
		dump->map.path = value;
		return 0;
	case ROW_METRICS:
		dump->map.metrics = value;
		return 0;
	case ROW_RESULT:
		request->result_path = value;
		return 0;
	case ROW_SORT:
		return take_sort(request, value, error);
	case ROW_TOP:
		return num_parse(value, 1, UINT32_MAX, &request->top, error);
	case ROW_WATCH:
		return num_parse(value, 1, SCREEN_SECONDS_MAX, &dump->seconds, error);
	default:
		return row < FLOW_SELECT_ROWS ? flow_selector_option(&request->selector, row, value, error) : 0;
	}
}

static bool is_given(const struct dump *dump, unsigned int row)
{
	return dump->given >> row & 1;
}

/* ---- what does not go together ---- */

#define BIT(row) (1u << (row))
#define SELECTORS (BIT(FLOW_SELECT_ROWS) - 1)
#define OF_SESSIONS (BIT(FLOW_SELECT_STATE) | BIT(FLOW_SELECT_END) | BIT(FLOW_SELECT_BYTES))
#define SAMPLES (BIT(ROW_PACKETS) | BIT(ROW_RESULT) | BIT(ROW_DEBUG))
#define SELECTORS_OF_PACKETS (SELECTORS & ~OF_SESSIONS)

/* What goes with an option that is given; the first row that applies decides. */
static const struct {
	unsigned int row;
	uint32_t taken;
	const char *where;
} company[] = {
	{ ROW_LIST_COLUMNS, BIT(ROW_COLUMNS), "--list-columns" },
	{ ROW_METRICS, BIT(ROW_MAP), "--metrics" },
	{ ROW_MAP, BIT(ROW_CSV) | BIT(ROW_JSON_LINES), "--map" },
	{ ROW_RESET,
	  BIT(ROW_COLUMNS) | BIT(ROW_CSV) | BIT(ROW_JSON_LINES) | BIT(ROW_ZEEK) | BIT(ROW_IPFIX) | BIT(ROW_SORT) |
		  BIT(ROW_RESULT) | BIT(ROW_DEBUG),
	  "--reset, by which nothing may be lost" },
	{ ROW_WATCH, SELECTORS | BIT(ROW_COLUMNS) | BIT(ROW_JSON_LINES), "--watch" },
	{ ROW_SUMMARY, SELECTORS | BIT(ROW_JSON_LINES), "--summary" },
	{ ROW_PACKETS, SELECTORS_OF_PACKETS | SAMPLES | BIT(ROW_JSON_LINES), "--packets" },
	{ ROW_RESULT, SELECTORS_OF_PACKETS | SAMPLES, "--result" },
	{ ROW_DEBUG, SELECTORS_OF_PACKETS | SAMPLES, "--debug" },
	{ ROW_OPENMETRICS, SELECTORS, "--openmetrics" },
	{ ROW_ZEEK, SELECTORS | BIT(ROW_SORT) | BIT(ROW_TOP), "--zeek" },
	{ ROW_IPFIX, SELECTORS | BIT(ROW_SORT) | BIT(ROW_TOP), "--ipfix" },
};

static int check_company(const struct dump *dump, struct error *error)
{
	for (size_t i = 0; i < sizeof(company) / sizeof(company[0]); i++)
		if (is_given(dump, company[i].row))
			return options_refuse(&command, dump->given, company[i].taken | BIT(company[i].row),
					      company[i].where, error);
	return 0;
}

static const struct {
	unsigned int row;
	enum flow_form form;
	const char *option;
} forms[] = {
	{ ROW_JSON_LINES, FLOW_AS_JSON_LINES, "--json-lines" },
	{ ROW_CSV, FLOW_AS_CSV, "--csv" },
	{ ROW_ZEEK, FLOW_AS_ZEEK, "--zeek" },
	{ ROW_IPFIX, FLOW_AS_IPFIX, "--ipfix" },
	{ ROW_OPENMETRICS, FLOW_AS_OPENMETRICS, "--openmetrics" },
};

static int choose_form(struct dump *dump, struct error *error)
{
	enum flow_form *form = &dump->request.form;

	if (is_given(dump, ROW_RESET) && is_given(dump, ROW_RESULT) && !strcmp(dump->request.result_path, "-"))
		return error_usage(error, "--result", "does not go to standard output together with sessions");
	*form = dump->json ? FLOW_AS_JSON : FLOW_AS_TABLE;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!is_given(dump, forms[i].row))
			continue;
		if (*form != FLOW_AS_TABLE)
			return error_usage(error, forms[i].option, "does not go with another form of output");
		*form = forms[i].form;
	}
	return 0;
}

static int take_operands(struct dump *dump, char *const *operands, int count, struct error *error)
{
	if (count && is_given(dump, ROW_RESET))
		return error_usage(error, operands[0], "is not for --reset, by which nothing may be lost");
	if (count && is_given(dump, ROW_LIST_COLUMNS))
		return error_usage(error, operands[0], "is not for --list-columns");
	if (count && is_given(dump, ROW_MAP))
		return error_usage(error, operands[0], "is not for --map");
	return flow_selector_operands(&dump->request.selector, operands, count, error);
}

/* ---- done ---- */

static void list_columns(const struct dump *dump)
{
	struct flow_choice choice = dump->request.choice;

	if (!choice.count)
		flow_choice_all(&choice);
	flow_columns_print(&choice, dump->json ? OUT_JSON : OUT_TABLE);
}

static int run(const char *pin_dir, const struct dump *dump, struct error *error)
{
	struct pins pins;

	if (is_given(dump, ROW_LIST_COLUMNS)) {
		list_columns(dump);
		return 0;
	}
	if (dump->map.path)
		return mapview_print(&dump->map, dump->request.form, error);
	if (pins_open(&pins, pin_dir, PINS_FLOW, false, error))
		return -1;
	if (is_given(dump, ROW_RESET))
		return flowview_reset(&pins, &dump->request, error);
	if (dump->seconds)
		return flowview_watch(&pins, &dump->request, dump->seconds, error);
	return flowview_print(&pins, &dump->request, error);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct dump dump = { 0 };
	struct error error;
	int count = options_parse(&command, argc, argv, &common, take_option, &dump, &error);

	dump.json = common.json;
	dump.request.quiet = common.quiet;
	dump.request.packets = is_given(&dump, ROW_PACKETS);
	dump.request.summary = is_given(&dump, ROW_SUMMARY);
	if (count < 0 || take_operands(&dump, argv + argc - count, count, &error) || check_company(&dump, &error) ||
	    choose_form(&dump, &error) || run(common.pin_dir, &dump, &error))
		return output_finish(error_print(&error));
	return output_finish(EXIT_DONE);
}
