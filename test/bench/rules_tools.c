/* SPDX-License-Identifier: GPL-2.0-only */
/* The tools as whole processes. */
#include "process.h"
#include "rule.h"
#include "rules.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not an address of any set. */
#define ONE_DST "192.0.2.7", "32"

/* ---- the set ---- */

static struct rules_record rule_changed(const struct rules_result *result, uint32_t i, uint32_t changed)
{
	/* every so many another rule in its place */
	return bench_rule(result, changed && i % changed == 0 ? result->rules + i : i);
}

/* In a process of its own, since the printer of rules prints to standard output. */
void rules_write(const struct rules_result *result, const char *file, uint32_t changed)
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (!freopen(file, "w", stdout))
			bench_fail(file);
		for (uint32_t i = 0; i < result->rules; i++) {
			struct rules_record rule = rule_changed(result, i, changed);

			rule_print_line(&rule);
		}
		_exit(fflush(stdout) ? 1 : 0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		bench_fail(file);
}

double rules_load(const struct rules_bench *bench, const char *file, bool replace)
{
	const char *add[] = { "map_update", "-f", file, NULL },
		   *set[] = { "map_update", "--replace", "-f", file, NULL };

	return process_tool_time(bench->tools, replace ? set : add);
}

void rules_clear(const struct rules_bench *bench)
{
	const char *argv[] = { "map_delete", "--all", NULL };

	process_tool_time(bench->tools, argv);
}

/* ---- one rule, and the list ---- */

void one_rule_run(struct rules_bench *bench, struct rules_result *result)
{
	const char *put[] = { "map_update", ONE_DST, "443", "443", "0", "tcp", NULL },
		   *delete[] = { "map_delete", ONE_DST, "443", "tcp", NULL }, *nothing[] = { "/bin/true", NULL };
	double took[3][PROCESS_RUNS];

	for (int i = 0; i < PROCESS_RUNS; i++) {
		took[0][i] = process_time(nothing, PROCESS_LIMIT, false);
		took[1][i] = process_tool_time(bench->tools, put);
		took[2][i] = process_tool_time(bench->tools, delete);
	}
	result->bin_true = bench_median(took[0], PROCESS_RUNS);
	result->insert = bench_median(took[1], PROCESS_RUNS);
	result->insert_worst = took[1][PROCESS_RUNS - 1];
	result->remove = bench_median(took[2], PROCESS_RUNS);
	result->remove_worst = took[2][PROCESS_RUNS - 1];
}

void lists_run(struct rules_bench *bench, struct rules_result *result)
{
	const char *list[] = { "rule_list", NULL }, *save[] = { "rule_list", "--save", NULL },
		   *json[] = { "rule_list", "-j", NULL };

	result->list = process_tool_time(bench->tools, list);
	result->save = process_tool_time(bench->tools, save);
	result->json = process_tool_time(bench->tools, json);
}
