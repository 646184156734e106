/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What headers decide in xdp_filter.o: the rows of splicer.o, and then random frames of which both must say the same.
 * A packet to port 22 of TCP is let in by a rule here, and all other that no header decides is dropped by the default.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_RUNS 20000
#define OTHER_PINS "/sys/fs/bpf/tc/other"

/* The same row, by the rules of this object. */
static struct row row_of_filter(const struct row *row)
{
	struct row own = *row;

	if (row->reason == REASON_SSH_ANY) {
		own.reason = REASON_RULE_PASS;
		own.by = "ssh";
	} else if (row->reason == REASON_FRAGMENT_EARLY) {
		own.reason = REASON_NO_RULE;
		own.by = "default";
	} else if (row->reason == REASON_NO_RULE) {
		own.by = "default";
	}
	return own;
}

static void rows_run_here(struct fixture *fixture, const struct row *rows)
{
	for (const struct row *row = rows; row->name; row++) {
		const struct row own[] = { row_of_filter(row), { 0 } };

		rows_run(fixture, own);
	}
}

static void allow_ssh(struct fixture *fixture)
{
	for (int family = 4; family <= 6; family += 2)
		rule_insert(fixture, family, "pass -p tcp --dport 22 -S ssh");
	rule_insert(fixture, 4, "default drop");
}

/* ---- two objects ---- */

static bool is_malformed(const struct outcome *outcome)
{
	return outcome->reason == REASON_TRUNCATED || outcome->reason == REASON_BAD_HEADER ||
	       outcome->reason == REASON_TOO_MANY_HEADERS;
}

/* What one finds wrong with a frame the other does, and nothing else. */
static bool outcomes_agree(const struct outcome *a, const struct outcome *b)
{
	if (a->error || b->error)
		return false;
	return is_malformed(a) || is_malformed(b) ? a->reason == b->reason : true;
}

static void report(const char *name, unsigned long run, const struct frame *frame, const struct outcome outcomes[2])
{
	char expected[256], got[256], hex[2 * FRAME_MAX + 1] = "";

	outcome_print(&outcomes[0], frame, expected, sizeof(expected));
	outcome_print(&outcomes[1], frame, got, sizeof(got));
	tap_not_ok(expected, got, "%s", name);
	for (size_t i = 0; i < frame->len; i++)
		snprintf(hex + 2 * i, 3, "%02x", frame->data[i]);
	tap_note("run %lu, frame %s", run, hex);
}

/* splicer.o has pins of its own meanwhile. */
static void compare(struct fixture *fixture, struct fixture *other)
{
	static const char name[] = "random bytes: malformed to both objects, or to none";
	struct numbers numbers = numbers_seeded();
	unsigned long runs = numbers_setting("PACKET_TEST_RUNS", DEFAULT_RUNS), malformed = 0;
	struct outcome outcomes[2];
	struct frame frame;

	for (unsigned long run = 0; run < runs; run++) {
		mutation_draw(&numbers, &frame);
		fixture_run(other, ON_VETH, &frame, &outcomes[0]);
		fixture_run(fixture, ON_VETH, &frame, &outcomes[1]);
		malformed += is_malformed(&outcomes[1]);
		if (!outcomes_agree(&outcomes[0], &outcomes[1]) || !outcomes[1].same || outcomes[1].moved != 1) {
			report(name, run, &frame, outcomes);
			return;
		}
	}
	if (malformed > runs / 10 && malformed < runs - runs / 10)
		tap_ok("%s", name);
	else
		tap_not_ok("some of each", "nearly all alike", "%s", name);
}

static void compare_with_splicer(struct fixture *fixture)
{
	struct fixture other = { .tested = SPLICER,
				 .object_path = { [SPLICER] = fixture->object_path[SPLICER] },
				 .pin_dir = OTHER_PINS,
				 .veth = fixture->veth,
				 .veth_peer = fixture->veth_peer };

	fixture_open(&other);
	compare(fixture, &other);
	fixture_close(&other);
}

void xdp_header_cases(struct fixture *fixture)
{
	fixture_open(fixture);
	allow_ssh(fixture);
	rows_run_here(fixture, header_malformed);
	rows_run_here(fixture, header_neighbour);
	rows_run_here(fixture, header_dhcp);
	rows_run_here(fixture, header_reach);
	rows_run_here(fixture, truncation_shapes);
	rows_run_here(fixture, truncation_without_length);
	truncation_cuts(fixture);
	compare_with_splicer(fixture);
	fixture_close(fixture);
}
