/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/registry.c: numbers as words and back */
#include "registry.h"

#include "abi/event.h"
#include "abi/reasons.h"
#include "tap.h"

typedef int mask_parse(const char *text, uint32_t *mask, struct error *error);

/* -1: refused */
static long long mask_of(mask_parse *parse, const char *text)
{
	struct error error;
	uint32_t mask = 0;

	return parse(text, &mask, &error) ? -1 : (long long)mask;
}

static void test_verdicts(void)
{
	static const char *const words[VERDICT_COUNT][2] = {
		[VERDICT_DROP] = { "BLOCKED", "dropped" },         [VERDICT_PASS] = { "ALLOWED", "passed" },
		[VERDICT_SPLICE] = { "ALLOWED", "spliced" },       [VERDICT_DETECT] = { "DETECTED", "passed" },
		[VERDICT_TRANSLATE] = { "ALLOWED", "translated" },
	};
	uint32_t mask = 1 << VERDICT_DROP;
	struct error error;

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
	check(mask_of(verdict_parse, "BLOCKED"), 1 << VERDICT_DROP, "BLOCKED");
	check(mask_of(verdict_parse, "allowed"), 1 << VERDICT_PASS | 1 << VERDICT_SPLICE | 1 << VERDICT_TRANSLATE,
	      "allowed is several");
	check(mask_of(verdict_action_parse, "passed"), 1 << VERDICT_PASS | 1 << VERDICT_DETECT, "passed is two");
	check(mask_of(verdict_action_parse, "spliced"), 1 << VERDICT_SPLICE, "spliced");
	check(verdict_parse("dropped", &mask, &error), -1, "an action is no verdict");
	check(mask, 1 << VERDICT_DROP, "what is no verdict adds none");
	check(verdict_parse("DETECTED", &mask, &error) ? 0 : mask, 1 << VERDICT_DROP | 1 << VERDICT_DETECT,
	      "one more is added");
	check(verdict_parse("?", &mask, &error), -1, "no verdict");
	check_text(error.text, "?: unknown verdict (BLOCKED, ALLOWED, DETECTED)", "those that there are, each once");
	check(mask_of(verdict_parse, "ALLOW"), -1, "nor what begins like one");
	check(mask_of(verdict_parse, ""), -1, "nor nothing");
}

/* Each name is one number's, and is read back as that. */
static void test_reasons(void)
{
	unsigned int named = 0;

	for (unsigned int i = 1; i < REASON_COUNT; i++) {
		__u64 expected[2] = { 0 }, mask[2] = { 0 };
		struct error error;

		if (!strcmp(reason_name(i), "?"))
			continue;
		named++;
		expected[i / 64] = 1ull << i % 64;
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
	check(mask_of(hook_parse, "ingress"), 1 << EVENT_INGRESS, "ingress");
	check(mask_of(hook_parse, "egress"), 1 << EVENT_EGRESS, "egress");
	check(mask_of(hook_parse, "out"), -1, "no hook");
	check(mask_of(object_parse, "splicer"), 1 << EVENT_SPLICER, "splicer");
	check(mask_of(object_parse, "flow"), 1 << EVENT_FLOW, "flow");
	check(mask_of(event_type_parse, "packet"), 1 << EVENT_PACKET, "packet");
	check(mask_of(event_type_parse, "none"), -1, "no type of event");
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
