/* SPDX-License-Identifier: GPL-2.0-only */
/* new_flows=: how many flows a source may open. When a bucket will be full is written by hand, for tests take time. */
#include "harness.h"

#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>

#define BURST 3

static void limit(struct fixture *fixture, int ifindex, uint32_t rate, uint32_t burst)
{
	fixture_set_number(fixture, ifindex, NUMBER_FLOW_RATE, rate);
	fixture_set_number(fixture, ifindex, NUMBER_FLOW_BURST, burst);
}

static void limit_here(struct fixture *fixture, int family)
{
	(void)family;
	limit(fixture, fixture->veth, 1, BURST);
}

static void limit_all(struct fixture *fixture, int family)
{
	(void)family;
	fixture_clear_settings(fixture);
	limit(fixture, SPLICER_IFACE_ANY, 1, BURST);
}

static void off_here(struct fixture *fixture, int family)
{
	(void)family;
	limit(fixture, fixture->veth, FLOW_RATE_OFF, 0);
}

static void fast_here(struct fixture *fixture, int family)
{
	(void)family;
	limit(fixture, fixture->veth, 1000000000, 1);
}

static void buckets_set(struct fixture *fixture, uint64_t full)
{
	struct source_key key, *from = NULL;

	for (; !bpf_map_get_next_key(fixture->sources, from, &key); from = &key)
		if (bpf_map_update_elem(fixture->sources, &key, &full, BPF_EXIST))
			err(2, SPLICER_SOURCES);
}

static void empty(struct fixture *fixture, int family)
{
	(void)family;
	buckets_set(fixture, state_now() + 3600ull * 1000000000);
}

static void an_hour_later(struct fixture *fixture, int family)
{
	(void)family;
	buckets_set(fixture, state_now());
}

/* clang-format off */
#define UDP IPPROTO_UDP
#define FLOW(n) { .proto = UDP, .sport = (n), .dport = 53 }
#define OTHER "198.51.100.8"

static const struct scenario cases[] = {
	{ "new_flows", 0, { "203.0.113.0 24 53 53 0 udp", "203.0.113.0 24 80 80 0 tcp", "203.0.113.0 24 81 81 0 udp -a drop --mode prevent" }, {
		{ "the first of the burst", FLOW(1), ON_VETH, REASON_RULE_PASS, .before = limit_here },
		{ "the same flow takes no more", FLOW(1), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 2/0" },
		{ "one beyond", FLOW(2), ON_VETH, REASON_FLOOD, .conn = "none", .before = empty },
		{ "again", FLOW(2), ON_VETH, REASON_FLOOD, .conn = "none" },
		{ "the flow that there is", FLOW(1), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 3/0" },
		{ "its reply", { .back = true, .proto = UDP, .sport = 1, .dport = 53 }, OUT_VETH, REASON_TRACKED },
		{ "TCP", { .dport = 80 }, ON_VETH, REASON_FLOOD, .conn = "none" },
		{ "TCP in the middle", { .dport = 80, .flags = TCP_ACK }, ON_VETH, REASON_FLOOD },
		{ "what no rule lets in", { .proto = UDP, .dport = 99 }, ON_VETH, REASON_FLOOD },
		{ "an ICMP error of nothing", { .icmp = UNREACHABLE }, ON_VETH, REASON_FLOOD },
		{ "malformed", { .dport = 80, .cut = 1 }, ON_VETH, REASON_TRUNCATED },
		{ "another source", { .src = OTHER, .proto = UDP, .sport = 2, .dport = 53 }, ON_VETH, REASON_RULE_PASS },
		{ "another source of the same /64", { .family = 6, .src = "2001:db8:c633:6407::9", .proto = UDP, .sport = 2, .dport = 53 }, ON_VETH, REASON_FLOOD },
		{ "another /64", { .family = 6, .src = "2001:db8:c633:6407:8000::9", .proto = UDP, .sport = 2, .dport = 53 }, ON_VETH, REASON_FLOOD },
		{ "the next /64", { .family = 6, .src = "2001:db8:c633:640a::9", .proto = UDP, .sport = 2, .dport = 53 }, ON_VETH, REASON_RULE_PASS },
		{ "by another interface", FLOW(2), ON_PEER, REASON_RULE_PASS },
		{ "as it leaves", { .proto = UDP, .sport = 3, .dport = 54 }, OUT_VETH, REASON_OUT },
		{ "mode=detect", FLOW(4), ON_VETH, REASON_FLOOD, VERDICT_DETECT, .conn = "unconfirmed new 1/0", .before = before_detect },
		{ "mode=detect: a rule that prevents all the same", { .proto = UDP, .sport = 3, .dport = 81 }, ON_VETH, REASON_RULE_DROP },
		{ "an hour later", FLOW(5), ON_VETH, REASON_RULE_PASS, .before = an_hour_later },
		{ 0 } } },
	{ "new_flows of all interfaces", 0, { "203.0.113.0 24 53 53 0 udp" }, {
		{ "the first", FLOW(1), ON_VETH, REASON_RULE_PASS, .before = limit_all },
		{ "one too many", FLOW(2), ON_VETH, REASON_FLOOD, .before = empty },
		{ "each interface for itself", FLOW(3), ON_PEER, REASON_RULE_PASS },
		{ "off here", FLOW(4), ON_VETH, REASON_RULE_PASS, .before = off_here },
		{ "off here, again", FLOW(5), ON_VETH, REASON_RULE_PASS },
		{ "another rate here: the source still has none", FLOW(6), ON_VETH, REASON_FLOOD, .before = fast_here },
		{ 0 } } },
};
/* clang-format on */

/* How many of a hundred flows pass at once: the burst, or one more should a second pass meanwhile. */
static void burst(struct fixture *fixture, int family, uint32_t size)
{
	struct spec spec = { .family = family, .proto = UDP, .dport = 53 };
	struct outcome outcome;
	struct frame frame;
	uint64_t start;
	uint32_t passed = 0, most;
	char expected[64], got[64];

	fixture_open(fixture);
	limit(fixture, fixture->veth, 1, size);
	fixture_set_rules_seen(fixture, 1);
	start = state_now();
	for (uint16_t i = 0; i < 100; i++) {
		spec.sport = 1000 + i;
		spec_build(&spec, &frame);
		fixture_run(fixture, ON_VETH, &frame, &outcome);
		passed += outcome.reason == REASON_NO_RULE;
	}
	most = size + (uint32_t)((state_now() - start) / 1000000000) + 1;
	snprintf(expected, sizeof(expected), "%u to %u", size, most);
	snprintf(got, sizeof(got), "%u", passed);
	if (passed >= size && passed <= most && outcome.reason == REASON_FLOOD)
		tap_ok("a burst of %u (IPv%d)", size, family);
	else
		tap_not_ok(expected, got, "a burst of %u (IPv%d)", size, family);
	fixture_close(fixture);
}

void flood_cases(struct fixture *fixture)
{
	scenarios_run(fixture, cases, sizeof(cases) / sizeof(cases[0]));
	for (int family = 4; family <= 6; family += 2) {
		burst(fixture, family, 1);
		burst(fixture, family, 20);
	}
}
