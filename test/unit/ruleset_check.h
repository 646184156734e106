/* SPDX-License-Identifier: GPL-2.0-only */
/* A rule set against its oracle: what it lists, what it decides, how its arena stands. */
#ifndef SPLICER_TEST_RULESET_CHECK_H
#define SPLICER_TEST_RULESET_CHECK_H

#include "invariants.h"
#include "matcher.h"
#include "oracle.h"
#include "ruleset_internal.h"
#include "tap.h"

/* Each returns "" or what is wrong, which is good until the next call. */
static char ruleset_wrong[1200];

static inline const char *wrong_format(const char *what, const char *expected, const char *got)
{
	snprintf(ruleset_wrong, sizeof(ruleset_wrong), "%s: expected %s; got %s", what, expected, got);
	return ruleset_wrong;
}

static inline const char *wrong_numbers(const char *what, uint64_t expected, uint64_t got)
{
	snprintf(ruleset_wrong, sizeof(ruleset_wrong), "%s: expected %" PRIu64 ", got %" PRIu64, what, expected, got);
	return ruleset_wrong;
}

static inline int plain_order(const void *left, const void *right)
{
	return memcmp(left, right, offsetof(struct plain_rule, packets));
}

/* All that ruleset_next says, in an order of its own; released with free(). */
static inline struct plain_rule *ruleset_listing(struct ruleset *set, size_t *count)
{
	size_t room = ruleset_count(set) + 64;
	struct plain_rule *rules = calloc(room, sizeof(*rules));
	struct rules_record record;
	uint32_t cursor = 0;

	if (!rules)
		abort();
	for (*count = 0; *count < room && ruleset_next(set, &cursor, &record); ++*count)
		record_plain(&record, &rules[*count]);
	qsort(rules, *count, sizeof(*rules), plain_order);
	return rules;
}

static inline const char *listing_wrong(struct ruleset *set, const struct oracle *oracle)
{
	struct plain_rule *expected = calloc(oracle->count + 1, sizeof(*expected)), *got;
	const char *wrong = "";
	size_t count;

	if (!expected)
		abort();
	if (oracle->count)
		memcpy(expected, oracle->items, oracle->count * sizeof(*expected));
	qsort(expected, oracle->count, sizeof(*expected), plain_order);
	got = ruleset_listing(set, &count);
	if (count != oracle->count)
		wrong = wrong_numbers("rules listed", oracle->count, count);
	for (size_t i = 0; i < count && !*wrong; i++)
		if (!plain_is_equal(&expected[i], &got[i]))
			wrong = wrong_format("listed", plain_text(&expected[i]), plain_text(&got[i]));
	free(expected);
	free(got);
	return wrong;
}

static inline int plain_older_first(const void *left, const void *right)
{
	const struct plain_rule *a = left, *b = right;

	return a->age < b->age ? -1 : a->age > b->age;
}

/* ruleset_order and ruleset_read: all rules, the oldest first. */
static inline const char *order_wrong(struct ruleset *set, const struct oracle *oracle)
{
	struct oracle expected = oracle_copy(oracle);
	struct rule_place *places;
	const char *wrong = "";
	struct error error;
	size_t count;

	if (ruleset_order(set, &places, &count, &error))
		wrong = wrong_format("ruleset_order", "0", error.text);
	else if (count != oracle->count)
		wrong = wrong_numbers("rules in order", oracle->count, count);
	if (expected.count)
		qsort(expected.items, expected.count, sizeof(*expected.items), plain_older_first);
	for (size_t i = 0; i < expected.count && !*wrong; i++) {
		struct rules_record record;
		struct plain_rule got;

		if (!ruleset_read(set, &places[i], &record))
			wrong = wrong_numbers("ruleset_read", 1, 0);
		else if (record_plain(&record, &got), !plain_is_equal(&expected.items[i], &got))
			wrong = wrong_format("in order", plain_text(&expected.items[i]), plain_text(&got));
	}
	free(places);
	oracle_free(&expected);
	return wrong;
}

/* The rule that decides in the set and in the oracle; it is counted in both when counting. */
static inline const char *winner_wrong(struct arena *arena, const struct oracle *oracle,
				       const struct plain_packet *packet, bool counting)
{
	struct plain_rule *expected = oracle_match(oracle, packet), got;
	struct rules_hit hit;
	bool broken, found = matcher_winner(arena, packet, &hit, &broken);

	if (broken)
		return wrong_format("match", "an answer", "a broken arena");
	if (found != (expected != NULL))
		return wrong_format("winner", plain_text(expected), found ? "a rule" : "no rule");
	if (!found)
		return "";
	record_plain((const struct rules_record *)(const void *)hit.head, &got);
	got.route = expected->route; /* packets do not ask */
	if (!plain_is_equal(expected, &got))
		return wrong_format("winner", plain_text(expected), plain_text(&got));
	if (hit.decision != hit.head->decision || memcmp(rules_service(&hit), expected->service, RULES_SERVICE_MAX))
		return wrong_format("hit", "the rule's decision and tag", "others");
	if (counting) {
		rules_count(hit.head, 100);
		expected->packets++;
	}
	return "";
}

/* Everything but the winners. */
static inline const char *state_wrong(struct ruleset *set, const struct oracle *oracle)
{
	const char *wrong = arena_wrong(&set->arena);

	if (wrong)
		return wrong;
	/* what has expired stays until it is swept */
	if (set_header(set)->sweep ? ruleset_count(set) < oracle->count : ruleset_count(set) != oracle->count)
		return wrong_numbers("ruleset_count", oracle->count, ruleset_count(set));
	wrong = listing_wrong(set, oracle);
	return *wrong ? wrong : order_wrong(set, oracle);
}

/* ---- rules and packets from small pools, so that they meet ---- */

static const struct {
	uint8_t addr[16];
	uint8_t len;
} pool_prefixes[2][12] = {
	{ { { 0 }, 0 },
	  { { 10 }, 8 },
	  { { 10, 0 }, 16 },
	  { { 10, 0 }, 9 },
	  { { 10, 0, 0 }, 24 },
	  { { 10, 0, 0, 1 }, 32 },
	  { { 10, 0, 0, 2 }, 32 },
	  { { 10, 0, 0, 2 }, 31 },
	  { { 10, 0, 1 }, 24 },
	  { { 10, 128 }, 9 },
	  { { 192, 168 }, 16 },
	  { { 128 }, 1 } },
	{ { { 0 }, 0 },
	  { { 0x20, 1 }, 16 },
	  { { 0x20, 1, 0xd, 0xb8 }, 32 },
	  { { 0x20, 1, 0xd, 0xb8 }, 48 },
	  { { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0 }, 64 },
	  { { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0x80 }, 65 },
	  { { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 128 },
	  { { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 }, 127 },
	  { { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1 }, 64 },
	  { { 0x20 }, 3 },
	  { { 0xfd }, 8 },
	  { { 0xfe, 0x80 }, 10 } },
};

static const uint16_t pool_ranges[][2] = { { 0, 65535 },     { 80, 80 },   { 80, 90 },    { 80, 95 },      { 85, 85 },
					   { 90, 100 },      { 0, 79 },    { 0, 0 },      { 96, 443 },     { 443, 443 },
					   { 65535, 65535 }, { 1, 65534 }, { 90, 65535 }, { 0x800, 0x8ff } };
static const uint16_t pool_protocols[] = { 6, 6, 6, 17, 17, 1, 58, 47, RULES_PROTO_ANY, RULES_PROTO_ANY };
static const int pool_priorities[] = { 0, 0, 0, 0, 1, -1, 100, -INT32_MAX, INT32_MAX };
static const char *const pool_services[] = { "", "", "a", "b", "web frontend of the shop, green" };

static inline void pool_address(int family, uint32_t choices, int *len, uint8_t addr[16])
{
	uint32_t i = random_below(choices);

	memcpy(addr, pool_prefixes[family][i].addr, 16);
	*len = pool_prefixes[family][i].len;
}

/* What is neither identity nor action. */
static inline void pool_attributes(struct plain_rule *rule)
{
	static const uint32_t durations[] = { 0, 0, 0, 60, 3600 };

	rule->mode = (int)random_below(3);
	rule->max_duration = rule->action == RULES_DROP ? 0 : RANDOM_OF(durations);
	rule->rate = rule->burst = 0;
	if (rule->max_duration || random_below(6))
		return;
	rule->rate = 1 + random_below(4);
	rule->burst = 1 + random_below(2);
}

static inline struct plain_rule pool_rule(void)
{
	struct plain_rule rule;
	size_t range = random_below(sizeof(pool_ranges) / sizeof(pool_ranges[0]));

	memset(&rule, 0, sizeof(rule));
	rule.direction = random_below(8) ? RULES_IN : RULES_OUT;
	rule.family = (int)random_below(2);
	rule.ifindex = random_below(2) ? 0 : 1 + random_below(2);
	rule.proto = RANDOM_OF(pool_protocols);
	pool_address(rule.family, 12, &rule.dst_len, rule.dst);
	if (random_below(3) == 0)
		pool_address(rule.family, 6, &rule.src_len, rule.src);
	rule.low = pool_ranges[range][0];
	rule.high = pool_ranges[range][1];
	rule.priority = RANDOM_OF(pool_priorities);
	strcpy(rule.service, RANDOM_OF(pool_services));
	rule.action = RULES_PASS + (int)random_below(3);
	rule.port = rule.action == RULES_SPLICE ? 1 + (int)random_below(3) : 0;
	rule.route = rule.action == RULES_SPLICE && !random_below(4);
	pool_attributes(&rule);
	return rule;
}

/* Hours from the time the test began: none of them passes meanwhile. */
static inline uint64_t pool_expires(void)
{
	static uint64_t start;

	if (!start)
		start = clock_now();
	return start + (1 + random_below(3)) * 3600 * CLOCK_SECOND;
}

/* An address in a prefix of the pool, often its first or last. */
static inline void pool_packet_address(int family, uint8_t addr[16])
{
	int len, bits = family == RULES_IPV6 ? 128 : 32;
	uint32_t how = random_below(3);

	pool_address(family, 12, &len, addr);
	for (int bit = len; bit < bits && how; bit++)
		if (how == 1 || random_below(2))
			addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static inline struct plain_packet pool_packet(void)
{
	static const int protocols[] = { 6, 6, 6, 17, 1, 58, 47, 132, 255 };
	uint32_t range = random_below(sizeof(pool_ranges) / sizeof(pool_ranges[0]));
	struct plain_packet packet = { .direction = random_below(8) ? RULES_IN : RULES_OUT,
				       .family = (int)random_below(2),
				       .proto = RANDOM_OF(protocols),
				       .ifindex = 1 + random_below(3) };

	packet.port = (pool_ranges[range][random_below(2)] + (int)random_below(3) - 1) & 0xffff;
	pool_packet_address(packet.family, packet.dst);
	pool_packet_address(packet.family, packet.src);
	return packet;
}

/* A packet that the rule matches, most of the time. */
static inline struct plain_packet packet_for(const struct plain_rule *rule)
{
	struct plain_packet packet = pool_packet();

	packet.direction = rule->direction;
	packet.family = rule->family;
	if (rule->proto != RULES_PROTO_ANY)
		packet.proto = rule->proto;
	if (rule->ifindex && random_below(8))
		packet.ifindex = rule->ifindex;
	packet.port = random_below(2) ? rule->low : rule->high;
	memcpy(packet.dst, rule->dst, 16);
	memcpy(packet.src, rule->src, 16);
	if (!random_below(4))
		pool_packet_address(packet.family, packet.src);
	return packet;
}

#endif
