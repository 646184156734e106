/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random rules and random packets: the program must agree with a plain walk over all rules that compares them as the
 * documentation of precedence reads. PACKET_TEST_SEED repeats it.
 */
#include "harness.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 4
#define RULES 60
#define PACKETS 1500
#define ANY (-1)

struct rule {
	int proto;         /* ANY */
	uint32_t dst, src; /* IPv4, host byte order */
	int dst_len, src_len;
	int low, high;
	int named, priority, tag;
	int drop;
};

struct probe {
	uint32_t dst, src;
	int proto;
	uint16_t port;
	enum context context;
};

/* Few values each, so that rules nest, overlap and repeat. */
static const uint32_t hosts[] = { 0xcb007105, 0xcb007104, 0xcb007181, 0xcb000001, 0xc0000201 };
static const int lengths[] = { 0, 1, 8, 16, 24, 25, 31, 32 };
static const int source_lengths[] = { 0, 0, 0, 8, 24, 32 };
static const int ports[] = { 0, 1, 22, 79, 80, 81, 90, 95, 96, 1000, 65534, 65535 };
static const int protocols[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_GRE, ANY };

#define PICK(numbers, array) ((array)[numbers_below(numbers, sizeof(array) / sizeof((array)[0]))])

static uint32_t masked(uint32_t address, int length)
{
	return length ? address & 0xffffffffu << (32 - length) : 0;
}

static void rule_draw(struct numbers *numbers, struct rule *rule)
{
	int a = PICK(numbers, ports), b = PICK(numbers, ports);

	rule->proto = PICK(numbers, protocols);
	rule->dst_len = PICK(numbers, lengths);
	rule->src_len = PICK(numbers, source_lengths);
	rule->dst = masked(PICK(numbers, hosts), rule->dst_len);
	rule->src = masked(PICK(numbers, hosts), rule->src_len);
	rule->low = a < b ? a : b;
	rule->high = a < b ? b : a;
	if (rule->proto == ANY || rule->proto == IPPROTO_GRE) {
		rule->low = 0;
		rule->high = 65535;
	}
	rule->named = numbers_below(numbers, 3) == 0;
	rule->priority = numbers_below(numbers, 4) == 0 ? 7 : 0;
	rule->tag = numbers_below(numbers, 4) == 0;
	rule->drop = (int)numbers_below(numbers, 2);
}

static void print_address(uint32_t address, char text[FRAME_ADDRESS_TEXT])
{
	snprintf(text, FRAME_ADDRESS_TEXT, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
		 address & 255);
}

static void rule_print(const struct rule *rule, char *text, size_t size)
{
	char dst[FRAME_ADDRESS_TEXT], src[FRAME_ADDRESS_TEXT], proto[8];

	print_address(rule->dst, dst);
	print_address(rule->src, src);
	snprintf(proto, sizeof(proto), "%d", rule->proto);
	snprintf(text, size, "-s %s/%d -a %s -P %d %s%s%s %d %d %d 0 %s", src, rule->src_len,
		 rule->drop ? "drop" : "pass", rule->priority, rule->named ? "-i " VETH_NAME " " : "",
		 rule->tag ? "-S tag " : "", dst, rule->dst_len, rule->low, rule->high,
		 rule->proto == ANY ? "any" : proto);
}

static int rule_is_same(const struct rule *a, const struct rule *b)
{
	return a->proto == b->proto && a->dst == b->dst && a->src == b->src && a->dst_len == b->dst_len &&
	       a->src_len == b->src_len && a->low == b->low && a->high == b->high && a->named == b->named &&
	       a->priority == b->priority && a->tag == b->tag;
}

static int rule_matches(const struct rule *rule, const struct probe *probe)
{
	return (rule->proto == ANY || rule->proto == probe->proto) && masked(probe->dst, rule->dst_len) == rule->dst &&
	       masked(probe->src, rule->src_len) == rule->src && probe->port >= rule->low &&
	       probe->port <= rule->high && (!rule->named || probe->context == ON_VETH);
}

/* Whether a goes before b; equal ones say the same thing. */
static int rule_precedes(const struct rule *a, const struct rule *b)
{
	int order[][2] = { { a->priority, b->priority }, { a->dst_len, b->dst_len },
			   { a->src_len, b->src_len },   { b->high - b->low, a->high - a->low },
			   { a->named, b->named },       { a->drop, b->drop } };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (order[i][0] != order[i][1])
			return order[i][0] > order[i][1];
	return 0;
}

static enum reason decide(const struct rule *rules, size_t count, const struct probe *probe)
{
	const struct rule *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (rule_matches(&rules[i], probe) && (!best || rule_precedes(&rules[i], best)))
			best = &rules[i];
	if (!best)
		return REASON_NO_RULE;
	return best->drop ? REASON_RULE_DROP : REASON_RULE_PASS;
}

/* A rule that is there already is changed in place. */
static int insert(struct fixture *fixture, struct rule *rules, size_t *count, const struct rule *new, int family)
{
	char text[256];
	size_t i = 0;

	rule_print(new, text, sizeof(text));
	while (i < *count && !rule_is_same(&rules[i], new))
		i++;
	rules[i] = *new;
	*count += i == *count;
	return rule_insert(fixture, family, text);
}

static void probe_draw(struct numbers *numbers, struct probe *probe)
{
	static const int sent[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_GRE, IPPROTO_ESP };

	probe->dst = PICK(numbers, hosts) ^ (numbers_below(numbers, 4) == 0);
	probe->src = PICK(numbers, hosts);
	probe->proto = PICK(numbers, sent);
	probe->port = PICK(numbers, ports) + (numbers_below(numbers, 8) == 0);
	probe->context = numbers_below(numbers, 2) ? ON_VETH : ON_PEER;
	if (probe->proto == IPPROTO_GRE || probe->proto == IPPROTO_ESP)
		probe->port = 0;
	else if (probe->proto == IPPROTO_TCP && probe->port == 22)
		probe->port = 23; /* own addresses are the tool's affair */
}

static void report(const struct probe *probe, enum reason reason, const struct outcome *outcome,
		   const struct frame *frame, const char *name, int round)
{
	char got[256], dst[FRAME_ADDRESS_TEXT], src[FRAME_ADDRESS_TEXT];

	outcome_print(outcome, frame, got, sizeof(got));
	tap_not_ok(reason_name(reason), got, "%s", name);
	print_address(probe->dst, dst);
	print_address(probe->src, src);
	tap_note("round %d: protocol %d from %s to %s port %u on " VETH_NAME "%s", round, probe->proto, src, dst,
		 probe->port, probe->context == ON_VETH ? "" : "'s peer");
}

static void note_rules(const struct rule *rules, size_t count)
{
	char text[256];

	for (size_t i = 0; i < count; i++) {
		rule_print(&rules[i], text, sizeof(text));
		tap_note("  map_update %s", text);
	}
}

static int compare_one(struct fixture *fixture, struct numbers *numbers, const struct rule *rules, size_t count,
		       int family, const char *name, int round)
{
	char dst[FRAME_ADDRESS_TEXT], src[FRAME_ADDRESS_TEXT];
	struct spec spec = { .family = family, .dst = dst, .src = src };
	struct outcome outcome;
	struct probe probe;
	struct frame frame;
	enum reason reason;

	probe_draw(numbers, &probe);
	reason = decide(rules, count, &probe);
	print_address(probe.dst, dst);
	print_address(probe.src, src);
	spec.proto = probe.proto;
	spec.dport = probe.port;
	spec_build(&spec, &frame);
	/* two packets of one connection are not decided apart from each other */
	state_forget(fixture);
	fixture_run(fixture, probe.context, &frame, &outcome);
	if (outcome_is(&outcome, reason, &frame))
		return 0;
	report(&probe, reason, &outcome, &frame, name, round);
	note_rules(rules, count);
	return -1;
}

static int round_run(struct fixture *fixture, struct numbers *numbers, int family, const char *name, int round)
{
	struct rule rules[RULES], new;
	size_t count = 0;

	for (int i = 0; i < RULES; i++) {
		rule_draw(numbers, &new);
		if (insert(fixture, rules, &count, &new, family)) {
			tap_not_ok("exit 0", "another", "%s: insertion", name);
			note_rules(&new, 1);
			return -1;
		}
	}
	for (int i = 0; i < PACKETS; i++)
		if (compare_one(fixture, numbers, rules, count, family, name, round))
			return -1;
	return 0;
}

static void compare(struct fixture *fixture, int family)
{
	static const char name[] = "random rules agree with a walk over all of them";
	struct numbers numbers = numbers_seeded();
	int failed = 0;

	if (!fixture->map_update) {
		tap_skip("no map_update", "%s (IPv%d)", name, family);
		return;
	}
	for (int round = 0; round < ROUNDS && !failed; round++) {
		fixture_open(fixture);
		failed = round_run(fixture, &numbers, family, name, round);
		fixture_close(fixture);
	}
	if (!failed)
		tap_ok("%s (IPv%d)", name, family);
}

void oracle_cases(struct fixture *fixture)
{
	compare(fixture, 4);
	compare(fixture, 6);
}
