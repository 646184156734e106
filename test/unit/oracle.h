/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule set as design.md section 3 tells it, in the dumbest possible way: a list that is walked for each packet.
 * It shares no code with the arena: no ranks, no decisions, no keys.
 */
#ifndef SPLICER_TEST_ORACLE_H
#define SPLICER_TEST_ORACLE_H

#include "abi/rules.h"
#include "rulekey.h"
#include "ruleset.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain_rule {
	int direction, family; /* as in abi/rules.h */
	uint32_t ifindex;
	int proto, dst_len, src_len, low, high, priority;
	uint8_t dst[16], src[16];
	char service[RULES_SERVICE_MAX];
	/* up to here: the identity */
	int action, port;
	bool route;
	int mode;              /* enum rules_mode */
	uint32_t max_duration; /* seconds; 0: any time */
	uint32_t rate, burst;  /* 0: no matter; never beside max_duration. See plain_rate_applies */
	uint64_t expires;      /* 0: never; what has expired is taken out of the oracle by the test */
	uint64_t packets;
	uint64_t age; /* larger: newer. Not compared */
};

struct plain_packet {
	int direction, family, proto, port;
	uint32_t ifindex;
	uint8_t dst[16], src[16];
};

struct oracle {
	struct plain_rule *items;
	size_t count, room;
	uint64_t clock;
};

static inline bool plain_is_same(const struct plain_rule *a, const struct plain_rule *b)
{
	return a->direction == b->direction && a->family == b->family && a->ifindex == b->ifindex &&
	       a->proto == b->proto && a->dst_len == b->dst_len && a->src_len == b->src_len && a->low == b->low &&
	       a->high == b->high && a->priority == b->priority && !memcmp(a->dst, b->dst, 16) &&
	       !memcmp(a->src, b->src, 16) && !memcmp(a->service, b->service, sizeof(a->service));
}

static inline int plain_action_order(const struct plain_rule *rule)
{
	return rule->action == RULES_DROP ? 3 : rule->action == RULES_SPLICE ? 2 : 1;
}

/* The precedence of design.md, sentence by sentence. */
static inline bool plain_beats(const struct plain_rule *a, const struct plain_rule *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->dst_len != b->dst_len)
		return a->dst_len > b->dst_len;
	if (a->src_len != b->src_len)
		return a->src_len > b->src_len;
	if (a->high - a->low != b->high - b->low)
		return a->high - a->low < b->high - b->low;
	if (!a->ifindex != !b->ifindex)
		return a->ifindex != 0;
	if (a->action != b->action)
		return plain_action_order(a) > plain_action_order(b);
	return a->age > b->age;
}

static inline bool plain_prefix_has(const uint8_t *prefix, int len, const uint8_t *addr)
{
	for (int bit = 0; bit < len; bit++)
		if ((prefix[bit / 8] ^ addr[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static inline bool plain_matches(const struct plain_rule *rule, const struct plain_packet *packet)
{
	return rule->direction == packet->direction && rule->family == packet->family &&
	       (!rule->ifindex || rule->ifindex == packet->ifindex) &&
	       (rule->proto == RULES_PROTO_ANY || rule->proto == packet->proto) && rule->low <= packet->port &&
	       packet->port <= rule->high && plain_prefix_has(rule->dst, rule->dst_len, packet->dst) &&
	       plain_prefix_has(rule->src, rule->src_len, packet->src);
}

/* For tests, which rules apply at their rate and which do not is a matter of the number. */
static inline bool plain_rate_applies(uint32_t rate)
{
	return !(rate & 1);
}

/* The rule that decides a packet; NULL: none. */
static inline struct plain_rule *oracle_match(const struct oracle *oracle, const struct plain_packet *packet)
{
	struct plain_rule *best = NULL;

	for (size_t i = 0; i < oracle->count; i++)
		if (plain_rate_applies(oracle->items[i].rate) && plain_matches(&oracle->items[i], packet) &&
		    (!best || plain_beats(&oracle->items[i], best)))
			best = &oracle->items[i];
	return best;
}

static inline struct plain_rule *oracle_find(const struct oracle *oracle, const struct plain_rule *rule)
{
	for (size_t i = 0; i < oracle->count; i++)
		if (plain_is_same(&oracle->items[i], rule))
			return &oracle->items[i];
	return NULL;
}

static inline void oracle_append(struct oracle *oracle, const struct plain_rule *rule)
{
	if (oracle->count == oracle->room) {
		oracle->room = 2 * oracle->room + 16;
		oracle->items = reallocarray(oracle->items, oracle->room, sizeof(*oracle->items));
		if (!oracle->items)
			abort();
	}
	oracle->items[oracle->count++] = *rule;
}

/* What is the same rule does the same, but for its route. */
static inline bool plain_acts_alike(const struct plain_rule *a, const struct plain_rule *b)
{
	return a->action == b->action && a->port == b->port && a->mode == b->mode &&
	       a->max_duration == b->max_duration && a->rate == b->rate && a->burst == b->burst &&
	       a->expires == b->expires;
}

/* Inserts the rule, or updates it in place, which makes it the newest; returns the letter. */
static inline char oracle_put(struct oracle *oracle, const struct plain_rule *rule)
{
	struct plain_rule *old = oracle_find(oracle, rule);
	char letter = 'A';

	if (!old) {
		oracle_append(oracle, rule);
		old = &oracle->items[oracle->count - 1];
		old->packets = 0;
		old->route = false;
	} else {
		letter = plain_acts_alike(old, rule) && old->route >= rule->route ? '=' : 'C';
	}
	old->action = rule->action;
	old->port = rule->port;
	old->mode = rule->mode;
	old->max_duration = rule->max_duration;
	old->rate = rule->rate;
	old->burst = rule->burst;
	old->expires = rule->expires;
	old->route |= rule->route; /* the route was added, and is there until the rule is deleted */
	old->age = ++oracle->clock;
	return letter;
}

static inline char oracle_delete(struct oracle *oracle, const struct plain_rule *rule)
{
	struct plain_rule *old = oracle_find(oracle, rule);

	if (!old)
		return '=';
	*old = oracle->items[--oracle->count];
	return 'D';
}

static inline char oracle_apply(struct oracle *oracle, enum change_kind kind, const struct plain_rule *rule)
{
	return kind == CHANGE_PUT ? oracle_put(oracle, rule) : oracle_delete(oracle, rule);
}

/*
 * The rules become the whole set; the letters of each, and how many went, are returned. A splice rule has a route when
 * it says so, the others keep what they have.
 */
static inline size_t oracle_replace(struct oracle *oracle, const struct plain_rule *rules, size_t count, char *letters)
{
	struct oracle next = { .clock = oracle->clock };
	size_t gone = 0;

	for (size_t i = 0; i < count; i++) {
		struct plain_rule rule = rules[i];
		struct plain_rule *old = oracle_find(&next, &rule), *was = old ? old : oracle_find(oracle, &rule);

		rule.packets = was ? was->packets : 0;
		rule.route |= was && was->route && rule.action != RULES_SPLICE;
		rule.age = ++next.clock;
		letters[i] = 'A';
		if (was)
			letters[i] = plain_acts_alike(was, &rule) && was->route == rule.route ? '=' : 'C';
		if (old)
			*old = rule;
		else
			oracle_append(&next, &rule);
	}
	for (size_t i = 0; i < oracle->count; i++)
		gone += !oracle_find(&next, &oracle->items[i]);
	free(oracle->items);
	*oracle = next;
	return gone;
}

static inline struct oracle oracle_copy(const struct oracle *from)
{
	struct oracle copy = { .clock = from->clock };

	for (size_t i = 0; i < from->count; i++)
		oracle_append(&copy, &from->items[i]);
	return copy;
}

static inline void oracle_free(struct oracle *oracle)
{
	free(oracle->items);
	*oracle = (struct oracle){ 0 };
}

/* ---- between plain rules and records ---- */

static inline struct rules_record plain_record(const struct plain_rule *rule)
{
	struct rules_record record = {
		.head = { .low = (uint16_t)rule->low,
			  .high = (uint16_t)rule->high,
			  .ifindex = rule->ifindex,
			  .expires = rule->expires },
		.priority = rule->priority,
		.proto = (uint16_t)rule->proto,
		.dst_len = (uint8_t)rule->dst_len,
		.src_len = (uint8_t)rule->src_len,
		.family = (uint8_t)rule->family,
		.direction = (uint8_t)rule->direction,
		.max_duration = rule->max_duration,
		.rate = rule->rate,
		.burst = rule->burst,
	};

	record.head.decision =
		rules_decision(rule->ifindex != 0, (enum rules_action)rule->action, 0, (uint32_t)rule->port) |
		rules_decision_of_mode((enum rules_mode)rule->mode) | (rule->route ? RULES_ROUTE : 0) |
		(rule->max_duration || rule->rate ? RULES_LIMITED : 0);
	memcpy(record.dst, rule->dst, sizeof(record.dst));
	memcpy(record.src, rule->src, sizeof(record.src));
	memcpy(record.service, rule->service, sizeof(record.service));
	return record;
}

/* Every byte is set, so that two may be compared as bytes up to packets. */
static inline void record_plain(const struct rules_record *record, struct plain_rule *rule)
{
	memset(rule, 0, sizeof(*rule));
	rule->direction = record->direction;
	rule->family = record->family;
	rule->ifindex = record->head.ifindex;
	rule->proto = record->proto;
	rule->dst_len = record->dst_len;
	rule->src_len = record->src_len;
	rule->low = record->head.low;
	rule->high = record->head.high;
	rule->priority = record->priority;
	memcpy(rule->dst, record->dst, sizeof(rule->dst));
	memcpy(rule->src, record->src, sizeof(rule->src));
	memcpy(rule->service, record->service, sizeof(rule->service));
	rule->action = rules_decision_action(record->head.decision);
	rule->port = rules_decision_port(record->head.decision);
	rule->route = record->head.decision & RULES_ROUTE;
	rule->mode = rules_decision_mode(record->head.decision);
	rule->max_duration = rule_max_duration(record);
	rule->rate = rule_rate(record);
	rule->burst = rule_burst(record);
	rule->expires = record->head.expires;
	rule->packets = record->head.packets;
}

static inline bool plain_is_equal(const struct plain_rule *a, const struct plain_rule *b)
{
	return plain_is_same(a, b) && plain_acts_alike(a, b) && a->route == b->route && a->packets == b->packets;
}

static inline const char *plain_text(const struct plain_rule *rule)
{
	static char buf[4][256];
	static unsigned int turn;
	char *text = buf[turn++ % 4];

	if (!rule)
		return "no rule";
	snprintf(text, sizeof(buf[0]),
		 "dir %d fam %d if %u proto %d dst %02x%02x%02x%02x../%d src %02x%02x%02x%02x../%d "
		 "ports %d-%d prio %d tag '%.64s' action %d port %d route %d mode %d max-duration %u rate %u:%u "
		 "expires %llu "
		 "packets %llu",
		 rule->direction, rule->family, rule->ifindex, rule->proto, rule->dst[0], rule->dst[1], rule->dst[2],
		 rule->dst[3], rule->dst_len, rule->src[0], rule->src[1], rule->src[2], rule->src[3], rule->src_len,
		 rule->low, rule->high, rule->priority, rule->service, rule->action, rule->port, rule->route,
		 rule->mode, rule->max_duration, rule->rate, rule->burst, (unsigned long long)rule->expires,
		 (unsigned long long)rule->packets);
	return text;
}

#endif
