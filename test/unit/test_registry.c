/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/registry.c: numbers as words and back */
#include "registry.h"

#include "abi/event.h"
#include "abi/reasons.h"
#include "tap.h"

static void test_verdicts(void)
{
	static const char *const words[VERDICT_COUNT][2] = {
		[VERDICT_DROP] = { "BLOCKED", "dropped" },         [VERDICT_PASS] = { "ALLOWED", "passed" },
		[VERDICT_SPLICE] = { "ALLOWED", "spliced" },       [VERDICT_DETECT] = { "DETECTED", "passed" },
		[VERDICT_TRANSLATE] = { "ALLOWED", "translated" },
	};
	struct error error;
	uint32_t mask;

	for (uint32_t i = VERDICT_DROP; i < VERDICT_COUNT; i++) {
		check_text(verdict_name(i), words[i][0], "verdict %u", i);
		check_text(verdict_action(i), words[i][1], "action %u", i);
	}
	check_text(verdict_name(VERDICT_COUNT), "?", "a verdict of a later version");
	check_text(verdict_action(VERDICT_COUNT), "?", "and its action");
	check(verdict_name_first(VERDICT_TRANSLATE), VERDICT_PASS, "the first that is ALLOWED");
	check(verdict_name_first(VERDICT_DETECT), VERDICT_DETECT, "the first that is DETECTED");
	check(verdict_action_first(VERDICT_DETECT), VERDICT_PASS, "the first that passed");
	check(verdict_action_first(VERDICT_TRANSLATE), VERDICT_TRANSLATE, "the first that was translated");
	check(verdict_name_first(VERDICT_COUNT), VERDICT_COUNT, "a verdict of a later version stays");
	check(verdict_name_first(VERDICT_NONE), VERDICT_NONE, "none stays");
	check(verdict_parse("BLOCKED", &mask, &error) ? 0 : mask, 1 << VERDICT_DROP, "BLOCKED");
	check(verdict_parse("allowed", &mask, &error) ? 0 : mask,
	      1 << VERDICT_PASS | 1 << VERDICT_SPLICE | 1 << VERDICT_TRANSLATE, "allowed is several");
	check(verdict_action_parse("passed", &mask, &error) ? 0 : mask, 1 << VERDICT_PASS | 1 << VERDICT_DETECT,
	      "passed is two");
	check(verdict_action_parse("spliced", &mask, &error) ? 0 : mask, 1 << VERDICT_SPLICE, "spliced");
	check(verdict_parse("?", &mask, &error), -1, "no verdict");
	check_text(error.text, "?: unknown verdict (BLOCKED, ALLOWED, DETECTED)", "those that there are, each once");
	check(verdict_parse("ALLOW", &mask, &error), -1, "nor what begins like one");
	check(verdict_parse("", &mask, &error), -1, "nor nothing");
}

/* Each name is one number's, and is read back as that. */
static void test_reasons(void)
{
	unsigned int named = 0;

	for (unsigned int i = 1; i < REASON_COUNT; i++) {
		uint64_t expected[2] = { 0 }, mask[2];
		struct error error;

		if (!strcmp(reason_name(i), "?"))
			continue;
		named++;
		expected[i / 64] = UINT64_C(1) << i % 64;
		if (reason_parse(reason_name(i), mask, &error) || memcmp(mask, expected, sizeof(mask)))
			check_text(reason_name(i), "", "reason %u is read back", i);
	}
	check(named > 30, 1, "reasons have names");
	check_text(reason_name(REASON_FRAGMENT_SPLICE), "fragment-splice", "the newest of them");
	check_text(reason_name(REASON_COUNT), "?", "a reason of a later version");
	check_text(reason_text(REASON_COUNT), "of a later version", "which says so");
}

static void test_others(void)
{
	struct error error;
	uint32_t mask;

	check(hook_parse("ingress", &mask, &error) ? 0 : mask, 1 << EVENT_INGRESS, "ingress");
	check(hook_parse("egress", &mask, &error) ? 0 : mask, 1 << EVENT_EGRESS, "egress");
	check(hook_parse("out", &mask, &error), -1, "no hook");
	check(object_parse("splicer", &mask, &error) ? 0 : mask, 1 << EVENT_SPLICER, "splicer");
	check(object_parse("flow", &mask, &error) ? 0 : mask, 1 << EVENT_FLOW, "flow");
	check(event_type_parse("packet", &mask, &error) ? 0 : mask, 1 << EVENT_PACKET, "packet");
	check(event_type_parse("none", &mask, &error), -1, "no type of event");
	check_text(object_name(0), "?", "no object");
	check_text(hook_name(200), "?", "no hook either");
	check_text(event_type_name(EVENT_REDECISION), "redecision", "a type");
}

int main(void)
{
	test_verdicts();
	test_reasons();
	test_others();
	return tap_done();
}
