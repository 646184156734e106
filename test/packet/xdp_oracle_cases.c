/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random rules and random frames: xdp_filter.o must agree with a plain walk over all rules (test/unit/oracle.h) on the
 * rule, the reason and the verdict. PACKET_TEST_SEED repeats it.
 */
#include "../unit/oracle.h"

#include "abi/xdp.h"
#include "harness.h"
#include "xdp_rules.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 6
#define RULES 80
#define FRAMES 1500
#define PICK(numbers, array) ((array)[numbers_below(numbers, sizeof(array) / sizeof((array)[0]))])

/* Few values each, so that rules nest, overlap and repeat. */
static const char *const hosts[] = { "203.0.113.5", "203.0.113.4", "203.0.113.129", "203.0.0.1", "192.0.2.1" };
static const int lengths[] = { 0, 1, 8, 16, 24, 25, 31, 32 };
static const int ports[] = { 0, 1, 22, 79, 80, 81, 90, 95, 96, 1000, 65534, 65535 };
static const int protocols[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_GRE, RULES_PROTO_ANY, RULES_PROTO_ANY };
static const int priorities[] = { 0, 0, 0, 7, -7, XDP_PRIORITY_MAX, -XDP_PRIORITY_MAX };

struct trial {
	struct fixture *fixture;
	struct numbers numbers;
	int family;
	struct oracle model;
	uint64_t sequence[RULES]; /* of each rule of the model */
};

static void draw_address(struct trial *trial, uint8_t addr[16], char text[FRAME_ADDRESS_TEXT])
{
	memset(addr, 0, 16);
	spec_address(trial->family, PICK(&trial->numbers, hosts), text);
	if (inet_pton(trial->family == 6 ? AF_INET6 : AF_INET, text, addr) != 1)
		errx(2, "%s: not an address", text);
}

static void mask(uint8_t addr[16], int len)
{
	for (int bit = len; bit < 128; bit++)
		addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static int draw_prefix(struct trial *trial, uint8_t addr[16], bool often)
{
	char text[FRAME_ADDRESS_TEXT];
	int len = often || !numbers_below(&trial->numbers, 3) ? PICK(&trial->numbers, lengths) : 0;

	if (len && trial->family == 6)
		len += SPEC_IPV6_LENGTH;
	draw_address(trial, addr, text);
	mask(addr, len);
	return len;
}

static void draw_ports(struct trial *trial, struct plain_rule *rule)
{
	int a = PICK(&trial->numbers, ports), b = PICK(&trial->numbers, ports);

	rule->low = a < b ? a : b;
	rule->high = a < b ? b : a;
	if (rule->proto == IPPROTO_GRE || rule->proto == RULES_PROTO_ANY || !numbers_below(&trial->numbers, 2)) {
		rule->low = 0;
		rule->high = 65535;
	}
}

/* One in ten guards, one is a default: both pass all rules on in the same way. */
static void draw_kind(struct trial *trial, struct plain_rule *rule)
{
	static const int actions[] = { RULES_DROP, RULES_PASS };
	size_t kind = numbers_below(&trial->numbers, 10);

	rule->action = PICK(&trial->numbers, actions);
	rule->mode = rule->action == RULES_DROP && !numbers_below(&trial->numbers, 3) ? RULES_DETECT : 0;
	if (kind == 0) {
		rule->priority = XDP_PRIORITY_NEVER_DROP;
		rule->action = RULES_PASS;
		rule->mode = 0;
	} else if (kind == 1) {
		rule->priority = XDP_PRIORITY_DEFAULT;
		rule->proto = RULES_PROTO_ANY;
		rule->dst_len = rule->src_len = rule->low = 0;
		rule->high = 65535;
		memset(rule->dst, 0, sizeof(rule->dst));
		memset(rule->src, 0, sizeof(rule->src));
	}
}

static struct plain_rule draw_rule(struct trial *trial)
{
	struct plain_rule rule = { .direction = RULES_IN,
				   .family = trial->family == 6 ? RULES_IPV6 : RULES_IPV4,
				   .proto = PICK(&trial->numbers, protocols),
				   .priority = PICK(&trial->numbers, priorities) };

	rule.src_len = draw_prefix(trial, rule.src, true);
	rule.dst_len = draw_prefix(trial, rule.dst, false);
	draw_ports(trial, &rule);
	if (!numbers_below(&trial->numbers, 3))
		rule.ifindex = (uint32_t)trial->fixture->veth;
	if (!numbers_below(&trial->numbers, 5))
		memcpy(rule.service, "tag", 3);
	draw_kind(trial, &rule);
	return rule;
}

/* Half of them one by one, the rest at once. */
static int insert_rules(struct trial *trial)
{
	struct rules_record records[RULES];
	size_t single, count;

	while (trial->model.count < RULES) {
		struct plain_rule rule = draw_rule(trial);

		if (!oracle_find(&trial->model, &rule))
			oracle_put(&trial->model, &rule);
	}
	count = trial->model.count;
	single = count / 2;
	for (size_t i = 0; i < count; i++)
		records[i] = plain_record(&trial->model.items[i]);
	for (size_t i = 0; i < single; i++)
		if (xdp_rules_put(trial->fixture, &records[i], 1))
			return -1;
	if (xdp_rules_put(trial->fixture, &records[single], count - single))
		return -1;
	for (size_t i = 0; i < count; i++)
		trial->sequence[i] = rules_decision_sequence(records[i].head.decision);
	return 0;
}

/* ---- frames ---- */

struct probe {
	struct spec spec;
	char src[FRAME_ADDRESS_TEXT], dst[FRAME_ADDRESS_TEXT];
	enum context context;
	struct plain_packet packet;
};

static void draw_transport(struct trial *trial, struct probe *probe)
{
	static const int sent[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_GRE, IPPROTO_ESP, IPPROTO_ICMP };

	probe->spec.proto = (uint8_t)PICK(&trial->numbers, sent);
	if (probe->spec.proto == IPPROTO_TCP || probe->spec.proto == IPPROTO_UDP)
		probe->spec.dport = (uint16_t)(PICK(&trial->numbers, ports) + !numbers_below(&trial->numbers, 8));
	else if (probe->spec.proto == IPPROTO_ICMP)
		probe->spec.dport = trial->family == 6 ? 128 << 8 : 8 << 8;
	probe->packet.proto = probe->spec.proto;
	if (probe->spec.proto == IPPROTO_ICMP && trial->family == 6)
		probe->packet.proto = IPPROTO_ICMPV6;
	probe->packet.port = probe->spec.dport;
}

/* One in eight is a later fragment of what was not seen: such have no port. */
static void draw_fragment(struct trial *trial, struct probe *probe)
{
	if (numbers_below(&trial->numbers, 8))
		return;
	probe->spec.fragment = LATER;
	probe->spec.id = (uint16_t)(1 + numbers_below(&trial->numbers, 60000));
	probe->packet.port = probe->spec.proto == IPPROTO_ICMP ? 65535 : 0;
}

static void draw_probe(struct trial *trial, struct probe *probe)
{
	memset(probe, 0, sizeof(*probe));
	probe->packet.direction = RULES_IN;
	probe->packet.family = trial->family == 6 ? RULES_IPV6 : RULES_IPV4;
	draw_address(trial, probe->packet.src, probe->src);
	draw_address(trial, probe->packet.dst, probe->dst);
	probe->spec.family = trial->family;
	probe->spec.src = probe->src;
	probe->spec.dst = probe->dst;
	draw_transport(trial, probe);
	draw_fragment(trial, probe);
	probe->context = numbers_below(&trial->numbers, 2) ? ON_VETH : ON_PEER;
	probe->packet.ifindex =
		(uint32_t)(probe->context == ON_VETH ? trial->fixture->veth : trial->fixture->veth_peer);
}

static enum reason reason_of(const struct plain_rule *rule)
{
	if (!rule)
		return REASON_DEFAULT_PASS;
	if (rule->priority == XDP_PRIORITY_DEFAULT)
		return rule->action == RULES_PASS ? REASON_DEFAULT_PASS : REASON_NO_RULE;
	if (rule->priority == XDP_PRIORITY_NEVER_DROP)
		return REASON_NEVER_DROP;
	return rule->action == RULES_PASS ? REASON_RULE_PASS : REASON_RULE_DROP;
}

static bool rule_agrees(struct trial *trial, const struct plain_rule *rule)
{
	struct rules_counted counted = xdp_rules_counted(trial->fixture);

	if (!rule)
		return !counted.rules;
	return counted.rules == 1 && counted.packets == 1 &&
	       counted.sequence == trial->sequence[rule - trial->model.items];
}

static bool probe_agrees(struct trial *trial, const struct probe *probe, char *got, size_t size)
{
	const struct plain_rule *rule = oracle_match(&trial->model, &probe->packet);
	enum reason reason = reason_of(rule);
	enum verdict verdict = rule && rule->mode == RULES_DETECT ? VERDICT_DETECT : reason_verdict(reason);
	struct outcome outcome;
	struct frame frame;
	bool same_rule;

	spec_build(&probe->spec, &frame);
	fixture_run(trial->fixture, probe->context, &frame, &outcome);
	same_rule = rule_agrees(trial, rule);
	outcome_print(&outcome, &frame, got, size);
	return outcome_has(&outcome, reason, verdict, &frame) && same_rule;
}

static bool round_run(struct trial *trial, const char *name, int round)
{
	const struct plain_rule *rule;
	struct probe probe;
	char got[256];

	if (insert_rules(trial)) {
		tap_not_ok("exit 0", "another", "%s: insertion", name);
		return false;
	}
	for (int i = 0; i < FRAMES; i++) {
		draw_probe(trial, &probe);
		if (probe_agrees(trial, &probe, got, sizeof(got)))
			continue;
		rule = oracle_match(&trial->model, &probe.packet);
		tap_not_ok(plain_text(rule), got, "%s", name);
		tap_note("round %d, frame %d: protocol %d from %s to %s port %d", round, i, probe.packet.proto,
			 probe.src, probe.dst, probe.packet.port);
		return false;
	}
	return true;
}

static void compare(struct fixture *fixture, int family)
{
	static const char name[] = "xdp: random rules agree with a walk over all of them";
	struct trial trial = { .fixture = fixture, .numbers = numbers_seeded(), .family = family };
	bool right = true;

	for (int round = 0; round < ROUNDS && right; round++) {
		fixture_open(fixture);
		right = round_run(&trial, name, round);
		oracle_free(&trial.model);
		fixture_close(fixture);
	}
	if (right)
		tap_ok("%s (IPv%d)", name, family);
}

void xdp_oracle_cases(struct fixture *fixture)
{
	compare(fixture, 4);
	compare(fixture, 6);
}
