/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocklists and the tool: all of a list at once, and one prefix in and out again; beside nft with a set of intervals.
 * Three of four prefixes are hosts, the fourth is a /24, and none overlaps another: nft would refuse it.
 */
#include "process.h"
#include "xdp.h"

#include <stdio.h>

#define RUNS_LIMIT 2.0 /* seconds; runs of commands that are slow */
#define NFT_LIMIT 30.0 /* seconds; what nft takes longer for is left out */
#define ONE "192.0.2.7"
#define CHANGED 100 /* every so many is another in the list that replaces */

typedef void (*line_function)(FILE *file, uint32_t number, uint32_t length, bool first);

/* ---- lists ---- */

/* The first 16 bits of hosts are less than 0x4000, those of networks not: an odd factor spreads them without repeat. */
static void prefix_write(FILE *file, uint32_t i, line_function line, bool first)
{
	uint32_t spread = i * 2654435761u;

	if (i & 3)
		line(file, spread & 0x3fffffff, 32, first);
	else
		line(file, 0x40000000u | (spread << 6 & 0x3fffff00), 24, first);
}

static void list_write(FILE *file, uint32_t prefixes, uint32_t changed, line_function line)
{
	for (uint32_t i = 0; i < prefixes; i++)
		prefix_write(file, changed && i % changed == 0 ? prefixes + i : i, line, !i);
}

static void plain_line(FILE *file, uint32_t number, uint32_t length, bool first)
{
	(void)first;
	fprintf(file, "%u.%u.%u.%u/%u\n", number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255, length);
}

static void nft_line(FILE *file, uint32_t number, uint32_t length, bool first)
{
	fprintf(file, "%s%u.%u.%u.%u/%u", first ? "" : ", ", number >> 24, number >> 16 & 255, number >> 8 & 255,
		number & 255, length);
}

static FILE *list_open(const struct xdp_bench *bench, const char *name, char path[300])
{
	FILE *file;

	snprintf(path, 300, "%s/%s", bench->scratch, name);
	file = fopen(path, "w");
	if (!file)
		bench_fail(path);
	return file;
}

static void list_close(FILE *file, const char *path)
{
	if (fclose(file))
		bench_fail(path);
}

/* ---- commands in turn ---- */

/* A command, and where its median and its worst go (NULL: nowhere). */
struct command {
	const char *const *argv;
	double *median, *worst;
	double took[PROCESS_RUNS];
};

/* Of a tool; tools NULL: of any program, whose median is NONE when it fails. */
static bool command_run(const char *tools, struct command *command, size_t run)
{
	command->took[run] =
		tools ? process_tool_time(tools, command->argv) : process_time(command->argv, NFT_LIMIT, true);
	return command->took[run] >= 0;
}

static void commands_run(const char *tools, struct command *commands, size_t count)
{
	double start = bench_now();
	bool failed = false;
	size_t runs = 0;

	while (runs < PROCESS_RUNS && !failed && (!runs || bench_now() - start < RUNS_LIMIT)) {
		for (size_t i = 0; i < count && !failed; i++)
			failed = !command_run(tools, &commands[i], runs);
		runs++;
	}
	for (size_t i = 0; i < count; i++) {
		*commands[i].median = failed ? NONE : bench_median(commands[i].took, runs);
		if (commands[i].worst)
			*commands[i].worst = failed ? NONE : commands[i].took[runs - 1];
	}
}

static void command_time(const char *tools, const char *const argv[], double *took)
{
	struct command command = { .argv = argv, .median = took };

	commands_run(tools, &command, 1);
}

/* ---- xdp_rule ---- */

static void tool_load(struct xdp_bench *bench, struct xdp_times *times, uint32_t changed)
{
	char path[300];
	const char *flush[] = { "xdp_rule", "flush", "--all", NULL }, *load[] = { "xdp_rule", "-qf", path, NULL },
		   *replace[] = { "xdp_rule", "--replace", "-qf", path, NULL };
	FILE *file = list_open(bench, "list", path);

	list_write(file, times->prefixes, changed, plain_line);
	list_close(file, path);
	if (!changed)
		process_tool_time(bench->tools, flush);
	*(changed ? &times->all.replace : &times->all.load) = process_tool_time(bench->tools, changed ? replace : load);
	remove(path);
}

static void tool_run(struct xdp_bench *bench, struct xdp_times *times)
{
	const char *add[] = { "xdp_rule", "add", ONE, NULL }, *delete[] = { "xdp_rule", "delete", ONE, NULL },
		   *list[] = { "xdp_rule", "list", NULL }, *save[] = { "xdp_rule", "list", "--save", NULL },
		   *json[] = { "xdp_rule", "list", "-j", NULL }, *nothing[] = { "/bin/true", NULL };
	struct command one[] = { { add, &times->one.add, &times->one.add_worst, { 0 } },
				 { delete, &times->one.remove, &times->one.remove_worst, { 0 } } };

	command_time(NULL, nothing, &times->bin_true);
	commands_run(bench->tools, one, 2);
	command_time(bench->tools, list, &times->all.list);
	command_time(bench->tools, save, &times->save);
	command_time(bench->tools, json, &times->json);
}

/* ---- nft ---- */

static double nft_load(struct xdp_bench *bench, const struct xdp_times *times, uint32_t changed)
{
	char path[300];
	const char *argv[] = { "nft", "-f", path, NULL };
	FILE *file = list_open(bench, "list.nft", path);
	double took;

	if (changed)
		fputs("flush set netdev xdp_times banned\nadd element netdev xdp_times banned { ", file);
	else
		fputs("table netdev xdp_times {\n\tset banned {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements "
		      "= "
		      "{ ",
		      file);
	list_write(file, times->prefixes, changed, nft_line);
	fputs(changed ? " }\n" : " }\n\t}\n}\n", file);
	list_close(file, path);
	took = process_time(argv, NFT_LIMIT, true);
	remove(path);
	return took;
}

#define NFT_ELEMENT "netdev", "xdp_times", "banned", "{ " ONE " }"

static void nft_run(struct xdp_bench *bench, struct xdp_times *times)
{
	const char *add[] = { "nft", "add", "element", NFT_ELEMENT, NULL },
		   *delete[] = { "nft", "delete", "element", NFT_ELEMENT, NULL },
		   *list[] = { "nft", "list", "set", "netdev", "xdp_times", "banned", NULL },
		   *gone[] = { "nft", "delete", "table", "netdev", "xdp_times", NULL };
	struct command one[] = { { add, &times->nft_one.add, &times->nft_one.add_worst, { 0 } },
				 { delete, &times->nft_one.remove, &times->nft_one.remove_worst, { 0 } } };

	times->nft_one = (struct xdp_one){ NONE, NONE, NONE, NONE };
	times->nft_all = (struct xdp_all){ nft_load(bench, times, 0), NONE, NONE };
	if (times->nft_all.load >= 0) {
		commands_run(NULL, one, 2);
		command_time(NULL, list, &times->nft_all.list);
		times->nft_all.replace = nft_load(bench, times, CHANGED);
	}
	/* also one that was only loaded after its time was up */
	process_time(gone, PROCESS_LIMIT, true);
}

void xdp_times_run(struct xdp_bench *bench, uint32_t prefixes)
{
	struct xdp_times *times = &bench->times[bench->time_count++];

	*times = (struct xdp_times){ .prefixes = prefixes };
	tool_load(bench, times, 0);
	tool_run(bench, times);
	tool_load(bench, times, CHANGED);
	nft_run(bench, times);
}
