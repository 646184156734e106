/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of frames: running their rows, and telling whether each was as it says. */
#include "harness.h"
#include "xdp_rules.h"

#include <stdio.h>
#include <string.h>

/* Just the rule that the row names has counted the frame; got tells which did. */
static bool rule_holds(struct fixture *fixture, const struct row *row, const struct frame *frame, char *got,
		       size_t size)
{
	struct rules_counted counted = xdp_rules_counted(fixture);

	snprintf(got, size, ", counted by %zu rules, %s with %llu packets, %llu bytes", counted.rules, counted.name,
		 (unsigned long long)counted.packets, (unsigned long long)counted.bytes);
	if (!row->by)
		return !counted.rules;
	return counted.rules == 1 && !strcmp(counted.name, row->by) && counted.packets == 1 &&
	       counted.bytes == frame->len;
}

/* Everything that a row says of it; got tells what was. */
static bool row_holds(struct fixture *fixture, const struct row *row, const struct outcome *outcome,
		      const struct frame *frame, char *got, size_t size)
{
	enum verdict verdict = row->verdict ? row->verdict : reason_verdict(row->reason);
	char conn[CONN_TEXT_MAX] = "";
	size_t used;

	outcome_print(outcome, frame, got, size);
	used = strlen(got);
	if (row->conn) {
		conn_print(fixture, frame, conn);
		snprintf(got + used, size - used, ", connection %s", conn);
	}
	if (fixture->tested == XDP_FILTER && !rule_holds(fixture, row, frame, got + used, size - used))
		return false;
	return outcome_has(outcome, row->reason, verdict, frame) && (!row->conn || !strcmp(row->conn, conn));
}

static void row_expected(const struct row *row, char *text, size_t size)
{
	int action = action_of(row->verdict ? row->verdict : reason_verdict(row->reason));

	snprintf(text, size, "%s (%d) %s%s%s%s%s", action_name(action), action, reason_name(row->reason),
		 row->conn ? ", connection " : "", row->conn ? row->conn : "", row->by ? ", counted by " : "",
		 row->by ? row->by : "");
}

static bool row_prepare(struct fixture *fixture, const struct row *row, int family)
{
	if (row->before)
		row->before(fixture, family);
	return !row->rule || !rule_insert(fixture, family, row->rule);
}

void row_run(struct fixture *fixture, const struct row *row, int family)
{
	struct spec spec = row->spec;
	struct outcome outcome;
	struct frame frame;
	char expected[192], got[512];

	spec.family = family;
	spec_build(&spec, &frame);
	if (!row_prepare(fixture, row, family)) {
		tap_not_ok("exit 0", "another", "%s: rule %s (IPv%d)", row->name, row->rule, family);
		return;
	}
	fixture_run(fixture, row->context, &frame, &outcome);
	if (row_holds(fixture, row, &outcome, &frame, got, sizeof(got))) {
		tap_ok("%s (IPv%d)", row->name, family);
		return;
	}
	row_expected(row, expected, sizeof(expected));
	tap_not_ok(expected, got, "%s (IPv%d)", row->name, family);
}

static int row_applies(const struct row *row, int family)
{
	return !row->spec.family || row->spec.family == family;
}

void rows_run(struct fixture *fixture, const struct row *rows)
{
	for (const struct row *row = rows; row->name; row++)
		for (int family = 4; family <= 6; family += 2)
			if (row_applies(row, family))
				row_run(fixture, row, family);
}

static void scenario_skip(const struct scenario *scenario, int family)
{
	for (const struct row *row = scenario->rows; row->name; row++)
		tap_skip("no map_update", "%s: %s (IPv%d)", scenario->name, row->name, family);
}

static int scenario_rules(struct fixture *fixture, const struct scenario *scenario, int family)
{
	for (size_t i = 0; i < SCENARIO_RULES && scenario->rules[i]; i++) {
		int status = rule_insert(fixture, family, scenario->rules[i]);
		char got[32];

		if (!status)
			continue;
		snprintf(got, sizeof(got), "exit %d", status);
		tap_not_ok("exit 0", got, "%s: rule %s (IPv%d)", scenario->name, scenario->rules[i], family);
		return -1;
	}
	return 0;
}

static void scenario_rows(struct fixture *fixture, const struct scenario *scenario, int family)
{
	char name[256];

	for (const struct row *row = scenario->rows; row->name; row++) {
		struct row copy = *row;
		/* a case of one family names rows of the other expressly; both: rows may be for one only */
		int own = row->spec.family ? row->spec.family : family;

		if (!scenario->family && own != family)
			continue;
		snprintf(name, sizeof(name), "%s: %s", scenario->name, row->name);
		copy.name = name;
		row_run(fixture, &copy, own);
	}
}

static void scenario_run(struct fixture *fixture, const struct scenario *scenario, int family)
{
	if (fixture->tested == SPLICER && !fixture->map_update) {
		scenario_skip(scenario, family);
		return;
	}
	fixture_open(fixture);
	if (!scenario_rules(fixture, scenario, family))
		scenario_rows(fixture, scenario, family);
	fixture_close(fixture);
}

void scenarios_run(struct fixture *fixture, const struct scenario *scenarios, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (int family = 4; family <= 6; family += 2)
			if (!scenarios[i].family || scenarios[i].family == family)
				scenario_run(fixture, &scenarios[i], family);
}
