/* SPDX-License-Identifier: GPL-2.0-only */
/* What xdp_filter.o counts: of rules that share a cell of the tally, on two CPUs, over a change of all rules. */
#include "harness.h"
#include "xdp_rules.h"

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RULES (RULES_TALLIES + 16) /* so that some share a cell */
#define FRAMES 2000
#define TICKS 30000 /* us: some ticks */

static void source_of(unsigned int i, char text[FRAME_ADDRESS_TEXT])
{
	snprintf(text, FRAME_ADDRESS_TEXT, "10.1.%u.%u", i >> 8, i & 255);
}

/* Rule i is of the address i. */
static void open_many(struct fixture *fixture, struct rules_record rules[RULES])
{
	memset(rules, 0, RULES * sizeof(*rules));
	for (unsigned int i = 0; i < RULES; i++) {
		rules[i].head.high = 65535;
		rules[i].head.decision = rules_decision(0, RULES_DROP, 0, 0);
		rules[i].proto = RULES_PROTO_ANY;
		rules[i].src_len = 32;
		rules[i].src[0] = 10;
		rules[i].src[1] = 1;
		rules[i].src[2] = (uint8_t)(i >> 8);
		rules[i].src[3] = (uint8_t)i;
	}
	fixture_open(fixture);
	if (xdp_rules_put(fixture, rules, RULES))
		errx(2, "rules");
}

static void frame_of(unsigned int i, size_t payload, struct frame *frame)
{
	char source[FRAME_ADDRESS_TEXT];
	struct spec spec = { .family = 4, .src = source, .proto = IPPROTO_UDP, .dport = 53, .payload = payload };

	source_of(i, source);
	spec_build(&spec, frame);
}

/* Where there is no such CPU it stays where it is. */
static void cpu_set_to(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) && errno != EINVAL)
		err(2, "sched_setaffinity");
}

/* One frame, by a rule drawn at random: that rule alone counts it, with its bytes. */
static bool run_one(struct fixture *fixture, const struct rules_record *rules, unsigned int i, size_t payload)
{
	struct rules_counted counted;
	struct outcome outcome;
	struct frame frame;

	frame_of(i, payload, &frame);
	fixture_run(fixture, ON_VETH, &frame, &outcome);
	counted = xdp_rules_counted(fixture);
	return outcome_is(&outcome, REASON_RULE_DROP, &frame) && counted.rules == 1 && counted.packets == 1 &&
	       counted.bytes == frame.len && counted.last && counted.last <= state_now() &&
	       counted.sequence == rules_decision_sequence(rules[i].head.decision);
}

/* Half of the time one of those that share a cell. */
static unsigned int draw(struct numbers *numbers)
{
	unsigned int i = (unsigned int)numbers_below(numbers, RULES - RULES_TALLIES);

	if (numbers_below(numbers, 2))
		return i + (numbers_below(numbers, 2) ? RULES_TALLIES : 0);
	return (unsigned int)numbers_below(numbers, RULES);
}

static void shared_cells(struct fixture *fixture, const struct rules_record *rules)
{
	static const char name[] = "count: rules that share a cell, on both CPUs";
	struct numbers numbers = numbers_seeded();
	cpu_set_t before;

	if (sched_getaffinity(0, sizeof(before), &before))
		err(2, "sched_getaffinity");
	for (unsigned int frame = 0; frame < FRAMES; frame++) {
		unsigned int i = draw(&numbers);

		cpu_set_to((unsigned int)numbers_below(&numbers, 2));
		if (run_one(fixture, rules, i, numbers_below(&numbers, 1200)))
			continue;
		tap_not_ok("one packet of its rule", "another", "%s: frame %u, rule %u", name, frame, i);
		sched_setaffinity(0, sizeof(before), &before);
		return;
	}
	sched_setaffinity(0, sizeof(before), &before);
	tap_ok("%s", name);
}

/* What one CPU still has of a rule is older than what the rule has: its last packet stays what it was. */
static void settled_late(struct fixture *fixture, const struct rules_record *rules)
{
	static const char name[] = "count: the last packet of a rule is the last on any CPU";
	cpu_set_t before;
	bool late;

	if (sched_getaffinity(0, sizeof(before), &before))
		err(2, "sched_getaffinity");
	for (unsigned int cpu = 2; cpu-- > 0; usleep(TICKS)) {
		cpu_set_to(cpu);
		run_one(fixture, rules, 0, 10);
	}
	late = run_one(fixture, rules, RULES_TALLIES, 10);
	cpu_set_to(1);
	late = late && run_one(fixture, rules, RULES_TALLIES, 10);
	sched_setaffinity(0, sizeof(before), &before);
	if (late)
		tap_ok("%s", name);
	else
		tap_not_ok("one packet of its rule", "another", "%s", name);
}

/* The same rules again and one more: another arena, and what was counted is in it. */
static void carried(struct fixture *fixture, struct rules_record *rules)
{
	struct rules_counted before, after;
	struct rules_record more[2] = { rules[0], rules[1] };

	run_one(fixture, rules, 2, 10);
	before = xdp_rules_total(fixture);
	more[0].src[1] = more[1].src[1] = 2;
	if (xdp_rules_put(fixture, more, 2))
		errx(2, "rules");
	after = xdp_rules_total(fixture);
	if (before.packets >= FRAMES && after.packets == before.packets && after.bytes == before.bytes &&
	    after.last == before.last)
		tap_ok("count: nothing is lost where all rules move");
	else
		tap_not_ok("as many as before", "others", "count: nothing is lost where all rules move");
	if (run_one(fixture, rules, 1, 10))
		tap_ok("count: they go on from there");
	else
		tap_not_ok("one packet of its rule", "another", "count: they go on from there");
}

void xdp_count_cases(struct fixture *fixture)
{
	static struct rules_record rules[RULES];

	open_many(fixture, rules);
	shared_cells(fixture, rules);
	settled_late(fixture, rules);
	carried(fixture, rules);
	fixture_close(fixture);
}
