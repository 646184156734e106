/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdp_rules.h"

#include "abi/xdp.h"
#include "clock.h"
#include "pin.h"
#include "prefix.h"
#include "proto.h"
#include "ruleset.h"
#include "words.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Open from the first rule on, and anew after each change, which may have put another arena in place. */
struct rule_set {
	struct pins pins;
	struct ruleset set;
	struct rule_place *places;
	struct counts *counts; /* of each, as they were when they were asked last */
	size_t count;
	int tally;
	struct rules_tally *tallies; /* room for one of each CPU */
	int cpus;
};

struct counts {
	uint64_t packets, bytes, last;
};

/* ---- words ---- */

static void parse_prefix(int family, const char *word, uint8_t addr[16], uint8_t *len)
{
	char text[WORD_SIZE];
	struct prefix prefix;
	struct error error;

	snprintf(text, sizeof(text), "%s", word);
	word_to_family_prefix(family, text);
	if (prefix_parse(text, &prefix, &error) || prefix.family != family)
		errx(2, "%s: not a prefix of IPv%d", text, family);
	memcpy(addr, prefix.addr, sizeof(prefix.addr));
	*len = prefix.len;
}

static void parse_proto(int family, const char *word, struct rules_record *rule)
{
	struct error error;

	if (!strcmp(word, "nonip")) {
		rule->proto = XDP_PROTO_NONIP;
		rule->family = RULES_IPV4;
	} else if (!strcmp(word, "icmp")) {
		rule->proto = family == 6 ? 58 : 1;
	} else if (proto_parse(word, &rule->proto, &error)) {
		errx(2, "%s", error.text);
	}
}

static void parse_action(const char *word, struct rules_record *rule)
{
	static const struct {
		const char *word;
		enum rules_action action;
		enum rules_mode mode;
		int32_t priority; /* 0: any */
	} actions[] = {
		{ "drop", RULES_DROP, RULES_MODE_UNSET, 0 },
		{ "pass", RULES_PASS, RULES_MODE_UNSET, 0 },
		{ "monitor", RULES_DROP, RULES_DETECT, 0 },
		{ "never-drop", RULES_PASS, RULES_MODE_UNSET, XDP_PRIORITY_NEVER_DROP },
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(word, actions[i].word))
			continue;
		rule->head.decision |=
			rules_decision(0, actions[i].action, 0, 0) | rules_decision_of_mode(actions[i].mode);
		if (actions[i].priority)
			rule->priority = actions[i].priority;
		return;
	}
	errx(2, "%s: no such action", word);
}

static void parse_ports(const char *word, char between, struct rules_record *rule)
{
	const char *second = strchr(word, between);
	unsigned long low = strtoul(word, NULL, 10), high = second ? strtoul(second + 1, NULL, 10) : low;

	rule->head.low = (uint16_t)(between == '/' ? low << 8 | high : low);
	rule->head.high = (uint16_t)(between == '/' ? low << 8 | high : high);
}

static void parse_interface(const char *word, struct rules_record *rule)
{
	rule->head.ifindex = if_nametoindex(word);
	if (!rule->head.ifindex)
		err(2, "%s", word);
	rule->head.decision |= rules_decision(1, 0, 0, 0);
}

/* Without a number of bits each address is a source of its own. */
static void parse_rate(int family, const char *word, struct rules_record *rule)
{
	unsigned int bits, found = (unsigned int)sscanf(word, "%u:%u/%u", &rule->rate, &rule->burst, &bits);

	if (found < 2)
		errx(2, "%s: not a rate", word);
	if (found < 3)
		bits = family == 6 ? 128 : 32;
	else if (family == 6)
		bits += SPEC_IPV6_LENGTH;
	rule->rate_bits = bits;
	rule->head.decision |= RULES_LIMITED;
}

static void parse_option(int family, const char *option, const char *word, struct rules_record *rule)
{
	if (!strcmp(option, "-d"))
		parse_prefix(family, word, rule->dst, &rule->dst_len);
	else if (!strcmp(option, "-p"))
		parse_proto(family, word, rule);
	else if (!strcmp(option, "--dport"))
		parse_ports(word, '-', rule);
	else if (!strcmp(option, "--icmp"))
		parse_ports(word, '/', rule);
	else if (!strcmp(option, "-i"))
		parse_interface(word, rule);
	else if (!strcmp(option, "-P"))
		rule->priority = (int32_t)strtol(word, NULL, 10);
	else if (!strcmp(option, "-S"))
		memcpy(rule->service, word, strnlen(word, sizeof(rule->service)));
	else if (!strcmp(option, "--ttl"))
		rule->head.expires = clock_now() + strtoul(word, NULL, 10) * CLOCK_SECOND;
	else if (!strcmp(option, "--rate"))
		parse_rate(family, word, rule);
	else
		errx(2, "%s: no such option", option);
}

static struct rules_record parse_rule(int family, const struct words *words, size_t i)
{
	struct rules_record rule = { .head = { .high = 65535 },
				     .proto = RULES_PROTO_ANY,
				     .family = family == 6 ? RULES_IPV6 : RULES_IPV4 };

	if (i < words->count && strchr(words->text[i], '/'))
		parse_prefix(family, words->text[i++], rule.src, &rule.src_len);
	if (i < words->count)
		parse_action(words->text[i++], &rule);
	for (; i + 1 < words->count; i += 2)
		parse_option(family, words->text[i], words->text[i + 1], &rule);
	return rule;
}

static void make_default(struct rules_record rules[3])
{
	rules[0].priority = XDP_PRIORITY_DEFAULT;
	rules[0].family = RULES_IPV4;
	rules[1] = rules[2] = rules[0];
	rules[1].family = RULES_IPV6;
	rules[2].proto = XDP_PROTO_NONIP;
}

int xdp_rules_insert(struct fixture *fixture, int family, const char *text)
{
	struct words words = { .count = 0 };
	struct rules_record rules[3];
	bool is_default;

	words_split(&words, text);
	is_default = words.count && !strcmp(words.text[0], "default");
	rules[0] = parse_rule(family, &words, is_default);
	if (is_default)
		make_default(rules);
	return xdp_rules_put(fixture, rules, is_default ? 3 : 1);
}

/* ---- counters ---- */

static struct rules_record *record_at(struct rule_set *rules, size_t i)
{
	return arena_at(&rules->set.arena, rules->places[i].cell, RULES_RECORD_CELLS);
}

static uint64_t arena_of(struct rule_set *rules)
{
	const struct rules_header *header = arena_at(&rules->set.arena, 0, RULES_HEADER_CELLS);

	return header->arena;
}

static bool is_tally_of(const struct rules_tally *tally, struct rule_set *rules, size_t i)
{
	return tally->record == rules->places[i].cell && tally->arena == arena_of(rules);
}

/* What the record has, and what CPUs have not yet added to it. */
static struct counts counts_of(struct rule_set *rules, size_t i)
{
	const struct rules_head *head = &record_at(rules, i)->head;
	struct counts counts = { head->packets, head->bytes, head->last };
	uint32_t index = rules_tally_index(arena_of(rules), rules->places[i].cell);

	if (bpf_map_lookup_elem(rules->tally, &index, rules->tallies))
		err(2, XDP_TALLY);
	for (int cpu = 0; cpu < rules->cpus; cpu++) {
		const struct rules_tally *tally = &rules->tallies[cpu];

		if (!is_tally_of(tally, rules, i))
			continue;
		counts.packets += tally->packets;
		counts.bytes += tally->bytes;
		counts.last = tally->last > counts.last ? tally->last : counts.last;
	}
	return counts;
}

static void name_of(const struct rules_record *rule, char name[80])
{
	const char *kind = "rule";

	if (rule->priority == XDP_PRIORITY_DEFAULT)
		kind = "default";
	else if (rule->priority == XDP_PRIORITY_NEVER_DROP)
		kind = "never-drop";
	if (rule->service[0])
		snprintf(name, 80, "%.64s", (const char *)rule->service);
	else
		snprintf(name, 80, "%s", kind);
}

struct rules_counted xdp_rules_counted(struct fixture *fixture)
{
	struct rules_counted counted = { 0 };
	struct rule_set *rules = fixture->rules;

	for (size_t i = 0; rules && i < rules->count; i++) {
		struct counts now = counts_of(rules, i), before = rules->counts[i];

		if (!memcmp(&now, &before, sizeof(now)))
			continue;
		counted.rules++;
		counted.sequence = rules->places[i].sequence;
		counted.packets += now.packets - before.packets;
		counted.bytes += now.bytes - before.bytes;
		counted.last = now.last;
		name_of(record_at(rules, i), counted.name);
		rules->counts[i] = now;
	}
	return counted;
}

struct rules_counted xdp_rules_total(struct fixture *fixture)
{
	struct rules_counted total = { 0 };
	struct rule_set *rules = fixture->rules;

	for (size_t i = 0; rules && i < rules->count; i++) {
		struct counts now = counts_of(rules, i);

		total.rules++;
		total.packets += now.packets;
		total.bytes += now.bytes;
		total.last += now.last;
	}
	return total;
}

/* ---- the set ---- */

static void set_open(struct rule_set *rules, struct fixture *fixture)
{
	struct error error;

	if (pins_open(&rules->pins, fixture->pin_dir, PINS_XDP, true, &error) ||
	    ruleset_open(&rules->set, &rules->pins, &pin_xdp_rules, true, &error) ||
	    ruleset_order(&rules->set, &rules->places, &rules->count, &error))
		errx(2, "%s", error.text);
	rules->tally = bpf_object__find_map_fd_by_name(fixture->object, XDP_TALLY);
	rules->cpus = libbpf_num_possible_cpus();
	rules->tallies = calloc((size_t)rules->cpus, sizeof(*rules->tallies));
	rules->counts = calloc(rules->count + 1, sizeof(*rules->counts));
	if (!rules->tallies || !rules->counts)
		err(2, XDP_RULES);
	for (size_t i = 0; i < rules->count; i++)
		rules->counts[i] = counts_of(rules, i);
}

static struct rule_set *rules_of(struct fixture *fixture)
{
	if (!fixture->rules) {
		fixture->rules = calloc(1, sizeof(*fixture->rules));
		if (!fixture->rules)
			err(2, XDP_RULES);
		set_open(fixture->rules, fixture);
	}
	return fixture->rules;
}

void xdp_rules_close(struct fixture *fixture)
{
	if (!fixture->rules)
		return;
	free(fixture->rules->places);
	free(fixture->rules->counts);
	free(fixture->rules->tallies);
	ruleset_close(&fixture->rules->set);
	pins_close(&fixture->rules->pins);
	free(fixture->rules);
	fixture->rules = NULL;
}

int xdp_rules_put(struct fixture *fixture, struct rules_record *records, size_t count)
{
	struct rule_set *rules = rules_of(fixture);
	struct changes changes = { 0 };
	struct error error;
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = changes_add(&changes, CHANGE_PUT, &records[i], &error);
	if (!result && !pins_lock(&rules->pins, &error)) {
		result = ruleset_apply(&rules->set, &changes, false, &error);
		pins_unlock(&rules->pins);
	}
	for (size_t i = 0; i < count && !result; i++)
		records[i] = changes.items[i].rule;
	free(changes.items);
	if (result)
		return error_print(&error);
	xdp_rules_close(fixture);
	rules_of(fixture);
	return 0;
}
