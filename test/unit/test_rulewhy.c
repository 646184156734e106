/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/rulewhy.c against the plain list of oracle.h, which knows neither ranks nor decisions */
#include "rulewhy.h"

#include "oracle.h"
#include "prefix.h"
#include "tap.h"

#define RULES_PER_SET 80
#define SETS 60
#define QUESTIONS 60

/* Values from small sets, so that rules often match and often differ in one thing only. */
static struct plain_rule random_rule(void)
{
	static const int lengths[] = { 0, 8, 24, 32 }, protocols[] = { 6, 17, RULES_PROTO_ANY };
	static const uint8_t addresses[][4] = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 }, { 10, 1, 1, 1 } };
	struct plain_rule rule = { .direction = (int)random_below(2), .family = (int)random_below(2) };
	struct prefix prefix;

	rule.ifindex = random_below(3);
	rule.proto = RANDOM_OF(protocols);
	rule.low = (int)random_below(4) * 10;
	rule.high = rule.low + (int)random_below(3) * 10;
	rule.priority = (int)random_below(3) - 1;
	rule.action = (int)random_below(3) + 1;
	rule.port = rule.action == RULES_SPLICE ? 5000 + (int)random_below(2) : 0;
	rule.dst_len = RANDOM_OF(lengths);
	rule.src_len = RANDOM_OF(lengths);
	rule.service[0] = (char)('a' + random_below(3));
	prefix = (struct prefix){ .family = 6, .len = (uint8_t)rule.dst_len };
	memcpy(prefix.addr, RANDOM_OF(addresses), 4);
	prefix_mask(&prefix);
	memcpy(rule.dst, prefix.addr, 16);
	prefix.len = (uint8_t)rule.src_len;
	memcpy(prefix.addr, RANDOM_OF(addresses), 4);
	prefix_mask(&prefix);
	memcpy(rule.src, prefix.addr, 16);
	return rule;
}

static struct plain_packet random_packet(struct question *question)
{
	struct plain_packet packet = { .direction = (int)random_below(2), .family = (int)random_below(2) };

	packet.proto = random_below(2) ? 6 : 17;
	packet.port = (int)random_below(60);
	packet.ifindex = 1 + random_below(3);
	packet.dst[0] = packet.src[0] = 10;
	packet.dst[3] = (uint8_t)random_below(3);
	packet.src[3] = (uint8_t)random_below(3);
	*question = (struct question){ .family = packet.family == RULES_IPV6 ? 6 : 4,
				       .proto = (uint8_t)packet.proto,
				       .port = (uint16_t)packet.port,
				       .ifindex = packet.ifindex,
				       .direction = (uint8_t)packet.direction };
	memcpy(question->dst, packet.dst, 16);
	memcpy(question->src, packet.src, 16);
	return packet;
}

/* The sentence of the manual that decides between two rules. */
static const char *plain_why(const struct plain_rule *loser, const struct plain_rule *winner)
{
	if (loser->priority != winner->priority)
		return "priority is lower";
	if (loser->dst_len != winner->dst_len)
		return "destination prefix is shorter";
	if (loser->src_len != winner->src_len)
		return "source prefix is shorter";
	if (loser->high - loser->low != winner->high - winner->low)
		return "port range is wider";
	if (!loser->ifindex != !winner->ifindex)
		return "for any interface";
	if (loser->action == RULES_SPLICE && winner->action == RULES_DROP)
		return "splice yields to drop";
	if (loser->action == RULES_PASS && winner->action == RULES_DROP)
		return "pass yields to drop";
	if (loser->action != winner->action)
		return "pass yields to splice";
	return "older";
}

static struct plain_rule *oracle_of(const struct oracle *oracle, const struct rules_record *record)
{
	struct plain_rule plain;

	record_plain(record, &plain);
	return oracle_find(oracle, &plain);
}

static size_t oracle_matches(const struct oracle *oracle, const struct plain_packet *packet)
{
	size_t count = 0;

	for (size_t i = 0; i < oracle->count; i++)
		count += plain_matches(&oracle->items[i], packet);
	return count;
}

static void compare_pair(const struct oracle *oracle, const struct rivals *rivals, size_t i, char *wrong, size_t size)
{
	const struct rules_record *winner = &rivals->items[0], *above = &rivals->items[i - 1],
				  *rule = &rivals->items[i];
	const struct plain_rule *loser = oracle_of(oracle, rule);
	const char *why = rule_why(rule, winner), *expected = plain_why(loser, oracle_of(oracle, winner));

	if (!plain_beats(oracle_of(oracle, above), loser))
		snprintf(wrong, size, "not best first: %s, %s", plain_text(oracle_of(oracle, above)),
			 plain_text(loser));
	else if (strcmp(why, expected))
		snprintf(wrong, size, "expected \"%s\", got \"%s\": %s", expected, why, plain_text(loser));
	else if (strcmp(rule_why(winner, rule), "changed meanwhile"))
		snprintf(wrong, size, "a winner has a reason to yield: %s", rule_why(winner, rule));
}

/* Found by key, they are those that a look at all rules finds. */
static void compare_locked(struct ruleset *set, const struct question *question, const struct rivals *expected,
			   char *wrong, size_t size)
{
	struct rivals rivals;
	struct error error;

	if (rivals_find_locked(set, question, &rivals, &error))
		bail_out(error.text);
	if (rivals.count != expected->count ||
	    (rivals.count && memcmp(rivals.items, expected->items, rivals.count * sizeof(*rivals.items)) != 0))
		snprintf(wrong, size, "by key %zu rules, of all rules %zu, or others", rivals.count, expected->count);
	free(rivals.items);
}

static void compare(struct ruleset *set, const struct oracle *oracle, char *wrong, size_t size)
{
	struct question question;
	struct plain_packet packet = random_packet(&question);
	const struct plain_rule *best = oracle_match(oracle, &packet);
	size_t count = oracle_matches(oracle, &packet);
	struct rivals rivals;
	struct error error;

	if (rivals_find(set, &question, &rivals, &error))
		bail_out(error.text);
	if (rivals.count != count)
		snprintf(wrong, size, "%zu rules match, got %zu", count, rivals.count);
	else if (best && oracle_of(oracle, &rivals.items[0]) != best)
		snprintf(wrong, size, "the best is %s", plain_text(best));
	for (size_t i = 1; i < rivals.count && !*wrong; i++)
		compare_pair(oracle, &rivals, i, wrong, size);
	if (!*wrong)
		compare_locked(set, &question, &rivals, wrong, size);
	free(rivals.items);
}

static void random_set(struct ruleset *set, struct oracle *oracle)
{
	struct changes changes = { 0 };
	struct error error;

	if (ruleset_new(set, &error))
		bail_out(error.text);
	for (size_t i = 0; i < RULES_PER_SET; i++) {
		struct plain_rule rule = random_rule();
		struct rules_record record = plain_record(&rule);

		oracle_put(oracle, &rule);
		if (changes_add(&changes, CHANGE_PUT, &record, &error))
			bail_out(error.text);
	}
	if (ruleset_apply(set, &changes, false, &error))
		bail_out(error.text);
	free(changes.items);
}

static void test_oracle(void)
{
	char wrong[640] = "";

	for (int i = 0; i < SETS && !*wrong; i++) {
		struct oracle oracle = { 0 };
		struct ruleset set;

		random_set(&set, &oracle);
		for (int j = 0; j < QUESTIONS && !*wrong; j++)
			compare(&set, &oracle, wrong, sizeof(wrong));
		ruleset_close(&set);
		oracle_free(&oracle);
	}
	check_property(wrong, "the rules that match, best first, each with the first criterion in which it loses");
}

/* ---- the words themselves, at their edges ---- */

static struct rules_record record_of(int32_t priority, uint32_t dst, uint32_t src, uint32_t low, uint32_t high,
				     uint64_t decision)
{
	return (struct rules_record){ .head = { .rank = rules_rank(priority, dst, src, low, high),
						.decision = decision } };
}

static void check_why(const struct rules_record *loser, const struct rules_record *winner, const char *expected)
{
	check_text(rule_why(loser, winner), expected, "%s", expected);
	check(precedence_compare(winner, loser) > 0 && precedence_compare(loser, winner) < 0, 1, "%s: both ways",
	      expected);
}

static void test_edges(void)
{
	uint64_t any = rules_decision(0, RULES_PASS, 5, 0),
		 newest = rules_decision(0, RULES_PASS, RULES_SEQUENCE_MAX, 0);
	struct rules_record base = record_of(0, 64, 64, 0, 65535, any), other;

	other = record_of(-1, 128, 128, 80, 80, rules_decision(1, RULES_DROP, RULES_SEQUENCE_MAX, 0));
	check_why(&other, &base, "priority is lower");
	other = record_of(INT32_MIN, 64, 64, 0, 65535, any);
	check_why(&other, &base, "priority is lower");
	other = record_of(0, 63, 128, 80, 80, newest);
	check_why(&other, &base, "destination prefix is shorter");
	other = record_of(0, 64, 63, 80, 80, newest);
	check_why(&other, &base, "source prefix is shorter");
	other = record_of(0, 64, 64, 0, 65534, rules_decision(0, RULES_PASS, 1, 0));
	check_why(&base, &other, "port range is wider");
	other = record_of(0, 64, 64, 0, 65535, rules_decision(1, RULES_PASS, 1, 0));
	check_why(&base, &other, "for any interface");
	other = record_of(0, 64, 64, 0, 65535, rules_decision(0, RULES_DROP, 1, 0));
	check_why(&base, &other, "pass yields to drop");
	other = record_of(0, 64, 64, 0, 65535, rules_decision(0, RULES_SPLICE, 1, 1));
	check_why(&base, &other, "pass yields to splice");
	base = record_of(0, 64, 64, 0, 65535, rules_decision(0, RULES_DROP, 0, 0));
	check_why(&other, &base, "splice yields to drop");
	base = record_of(0, 64, 64, 0, 65535, any);
	other = record_of(0, 64, 64, 0, 65535, newest);
	check_why(&base, &other, "older");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_oracle();
	test_edges();
	return tap_done();
}
