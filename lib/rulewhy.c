/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulewhy.h"

#include "array.h"
#include "prefix.h"
#include "rule.h"

#include <stdlib.h>
#include <string.h>

/* ---- which match ---- */

static bool prefix_has(const struct prefix *prefix, const uint8_t addr[16])
{
	struct prefix masked = *prefix;

	memcpy(masked.addr, addr, sizeof(masked.addr));
	prefix_mask(&masked);
	return !memcmp(masked.addr, prefix->addr, sizeof(masked.addr));
}

bool rule_matches(const struct rules_record *rule, const struct question *question)
{
	struct prefix dst = rule_dst(rule), src = rule_src(rule);

	return rule->direction == question->direction && dst.family == question->family &&
	       (rule->proto == RULES_PROTO_ANY || rule->proto == question->proto) &&
	       (!rule->head.ifindex || rule->head.ifindex == question->ifindex) && rule->head.low <= question->port &&
	       question->port <= rule->head.high && prefix_has(&dst, question->dst) && prefix_has(&src, question->src);
}

static int best_first(const void *a, const void *b)
{
	return precedence_compare(b, a);
}

static int rivals_add(struct rivals *rivals, const struct rules_record *rule, struct error *error)
{
	struct rules_record *items = array_room(rivals->items, rivals->count, sizeof(*items));

	if (!items)
		return error_errno(error, "rules");
	rivals->items = items;
	items[rivals->count++] = *rule;
	return 0;
}

/* What was begun: best first, or nothing where it failed. */
static int rivals_end(struct rivals *rivals, int result)
{
	if (result) {
		free(rivals->items);
		*rivals = (struct rivals){ 0 };
	}
	if (rivals->count)
		qsort(rivals->items, rivals->count, sizeof(*rivals->items), best_first);
	return result;
}

int rivals_find(struct ruleset *set, const struct question *question, struct rivals *out, struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;
	int result = 0;

	*out = (struct rivals){ 0 };
	while (!result && ruleset_next(set, &cursor, &rule))
		if (rule_matches(&rule, question))
			result = rivals_add(out, &rule, error);
	return rivals_end(out, result);
}

/* Makes of a tuple the key that has the question's packets. */
static void tuple_aim(struct rules_record *tuple, const struct question *question)
{
	struct prefix dst = { .family = question->family, .len = tuple->dst_len };
	struct prefix src = { .family = question->family, .len = tuple->src_len };

	memcpy(dst.addr, question->dst, sizeof(dst.addr));
	memcpy(src.addr, question->src, sizeof(src.addr));
	prefix_mask(&dst);
	prefix_mask(&src);
	memcpy(tuple->dst, dst.addr, sizeof(tuple->dst));
	memcpy(tuple->src, src.addr, sizeof(tuple->src));
	if (tuple->head.ifindex)
		tuple->head.ifindex = question->ifindex;
}

static int rivals_add_key(struct ruleset *set, const struct question *question, const struct rules_record *key,
			  struct rivals *rivals, struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;
	int result = 0;

	while (!result && ruleset_next_of_key(set, key, &cursor, &rule))
		if (rule_matches(&rule, question))
			result = rivals_add(rivals, &rule, error);
	return result;
}

int rivals_find_locked(struct ruleset *set, const struct question *question, struct rivals *out, struct error *error)
{
	enum rules_family family = question->family == 6 ? RULES_IPV6 : RULES_IPV4;
	struct rules_record tuple;
	uint32_t cursor = 0;
	int result = 0;

	if (!ruleset_is_sound(set))
		return rivals_find(set, question, out, error);
	*out = (struct rivals){ 0 };
	while (!result && ruleset_next_tuple(set, &cursor, &tuple)) {
		if (tuple.family != family || tuple.direction != question->direction)
			continue;
		tuple_aim(&tuple, question);
		result = rivals_add_key(set, question, &tuple, out, error);
	}
	return rivals_end(out, result);
}

/* ---- why ---- */

static int words_compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int precedence_compare(const struct rules_record *a, const struct rules_record *b)
{
	int rank = words_compare(a->head.rank, b->head.rank);

	return rank ? rank : words_compare(a->head.decision, b->head.decision);
}

/* The highest bit in which two words differ; they do. */
static int highest_difference(uint64_t a, uint64_t b)
{
	return 63 - __builtin_clzll(a ^ b);
}

/* The parts of rules_rank, each by its lowest bit. */
static const char *rank_why(uint64_t loser, uint64_t winner)
{
	int bit = highest_difference(loser, winner);

	if (bit >= 32)
		return "priority is lower";
	if (bit >= 24)
		return "destination prefix is shorter";
	return bit >= 16 ? "source prefix is shorter" : "port range is wider";
}

static const char *action_why(enum rules_action loser, enum rules_action winner)
{
	if (loser == RULES_SPLICE)
		return "splice yields to drop";
	return winner == RULES_DROP ? "pass yields to drop" : "pass yields to splice";
}

/* The parts of rules_decision, likewise. */
static const char *decision_why(uint64_t loser, uint64_t winner)
{
	int bit = highest_difference(loser, winner);

	if (bit == 63)
		return "for any interface";
	if (bit >= 61)
		return action_why(rules_decision_action(loser), rules_decision_action(winner));
	return "older";
}

const char *rule_why(const struct rules_record *loser, const struct rules_record *winner)
{
	if (precedence_compare(loser, winner) >= 0)
		return "changed meanwhile"; /* yields to nothing in the other */
	if (loser->head.rank != winner->head.rank)
		return rank_why(loser->head.rank, winner->head.rank);
	return decision_why(loser->head.decision, winner->head.decision);
}
