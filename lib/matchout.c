/* SPDX-License-Identifier: GPL-2.0-only */
#include "matchout.h"

#include "abi/reasons.h"
#include "ask.h"
#include "registry.h"
#include "rule.h"
#include "ruleout.h"
#include "ruleset.h"
#include "rulewhy.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct match {
	struct question question;
	struct answer answer;
	struct rivals rivals;              /* as the tool sees them */
	const struct rules_record *winner; /* of them; NULL: no rule was asked, or none matches */
};

/*
 * Whether rules had the last word, or let the packet in and then something else did not. Before them stand what the
 * headers say, sockets, and connections that are remembered.
 */
static bool decided_by_rules(uint32_t reason)
{
	switch (reason) {
	case REASON_NO_RULE:
	case REASON_RULE_DROP:
	case REASON_NO_LISTENER:
	case REASON_REUSEPORT:
	case REASON_ASSIGN:
	case REASON_OUT_DROP:
	case REASON_TABLE_FULL:
	case REASON_STATE:
	case REASON_NO_LOOKUP:
	case REASON_RULE_PASS:
	case REASON_OUT:
	case REASON_RULE_SPLICE:
		return true;
	default:
		return false;
	}
}

/* On loopback rules are asked, but only a splice rule decides; a flood is one of flows that some rule lets in. */
static bool rules_were_asked(const struct answer *answer)
{
	return decided_by_rules(answer->reason) || answer->reason == REASON_LOOPBACK ||
	       (answer->reason == REASON_FLOOD && answer->rule);
}

static bool is_splice(const struct rules_record *rule)
{
	return rules_decision_action(rule->head.decision) == RULES_SPLICE;
}

/* Whether the best rule that the tool found is what the program's answer says. */
static bool match_agrees(const struct match *match)
{
	const struct rules_record *best = match->rivals.count ? match->rivals.items : NULL;

	if (!rules_were_asked(&match->answer))
		return true;
	if (match->answer.rule)
		return best && rules_decision_sequence(best->head.decision) == match->answer.rule;
	return !best || (match->answer.reason == REASON_LOOPBACK && !is_splice(best));
}

static const struct rules_record *match_winner(const struct match *match)
{
	if (match->answer.reason == REASON_LOOPBACK && match->rivals.count)
		return match->rivals.items;
	for (size_t i = 0; match->answer.rule && i < match->rivals.count; i++)
		if (rules_decision_sequence(match->rivals.items[i].head.decision) == match->answer.rule)
			return &match->rivals.items[i];
	return NULL;
}

static int match_read(struct match *match, const struct pins *pins, int program, struct error *error)
{
	struct ruleset set;
	int result;

	if (ask(program, &match->question, &match->answer, error) || ruleset_open(&set, pins, &pin_rules, false, error))
		return -1;
	result = arena_map_whole(&set.arena, error);
	if (!result)
		result = rivals_find(&set, &match->question, &match->rivals, error);
	ruleset_close(&set);
	return result;
}

/* A writer may come between the answer and the reading; hardly twice. */
static int match_find(struct match *match, const struct pins *pins, struct error *error)
{
	int program = ask_open(pins, &match->question, error), result;

	if (program < 0)
		return -1;
	result = match_read(match, pins, program, error);
	if (!result && !match_agrees(match)) {
		free(match->rivals.items);
		match->rivals = (struct rivals){ 0 };
		result = match_read(match, pins, program, error);
	}
	close(program);
	if (result)
		return -1;
	match->winner = match_winner(match);
	if (!match_agrees(match))
		note_print("rules change meanwhile: the answer is the program's, the rules below may be others");
	return 0;
}

static const char *match_why(const struct match *match, size_t i)
{
	const struct rules_record *rule = &match->rivals.items[i];

	if (!rules_were_asked(&match->answer))
		return "not asked";
	if (!match->winner)
		return "changed meanwhile";
	if (rule != match->winner)
		return rule_why(rule, match->winner);
	return match->answer.rule ? "decides" : "does not splice";
}

static void rivals_out(const struct match *match, size_t count, enum out_form form,
		       const struct surroundings *surroundings)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < count; i++) {
			out_begin(&out);
			out_text(&out, "why", "WHY", match_why(match, i));
			rule_out(&out, &match->rivals.items[i], surroundings);
			out_end(&out);
		}
	} while (out_again(&out));
}

static void match_table(const struct match *match, const struct surroundings *surroundings, bool all)
{
	uint32_t reason = match->answer.reason;
	size_t count = match->rivals.count, most = MATCH_LOSERS + (match->winner != NULL);

	printf("%s %s %s: %s\n", verdict_name(match->answer.verdict), verdict_action(match->answer.verdict),
	       reason_name(reason), reason_text(reason));
	if (!all && count > most)
		count = most;
	rivals_out(match, count, OUT_TABLE, surroundings);
	if (count < match->rivals.count)
		note_print("%zu more rules match (see -v)", match->rivals.count - count);
}

static void string_out(const char *key, const char *value)
{
	printf("\"%s\":", key);
	json_string(value);
	putchar(',');
}

static void match_json(const struct match *match, const struct surroundings *surroundings)
{
	uint32_t reason = match->answer.reason;
	char interface[INTERFACE_TEXT_MAX];

	putchar('{');
	string_out("verdict", verdict_name(match->answer.verdict));
	string_out("action", verdict_action(match->answer.verdict));
	string_out("reason", reason_name(reason));
	string_out("text", reason_text(reason));
	string_out("iface", interface_format(match->question.ifindex, interface));
	if (match->answer.rule)
		printf("\"rule\":%llu,", (unsigned long long)match->answer.rule);
	else
		fputs("\"rule\":null,", stdout);
	fputs("\"rules\":\n", stdout);
	rivals_out(match, match->rivals.count, OUT_JSON, surroundings);
	puts("}");
}

int match_print(const struct pins *pins, const char *packet, enum rules_direction direction, enum out_form form,
		bool all, struct error *error)
{
	static struct surroundings surroundings; /* 32 KiB */
	struct match match = { 0 };
	int result = -1;

	if (question_parse(packet, &match.question, error))
		return -1;
	match.question.direction = (uint8_t)direction;
	if (!match_find(&match, pins, error) && !surroundings_read(&surroundings, error)) {
		if (form == OUT_TABLE)
			match_table(&match, &surroundings, all);
		else
			match_json(&match, &surroundings);
		result = 0;
	}
	surroundings_free(&surroundings);
	free(match.rivals.items);
	return result;
}
