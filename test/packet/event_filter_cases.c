/* SPDX-License-Identifier: GPL-2.0-only */
/* Each field of a filter alone: what it takes, and what is next to it and not taken. */
#include "listener.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define UDP IPPROTO_UDP
#define LLDP 0x88cc
#define RING 65536
#define VETH_IFINDEX 0x10000 /* stand for those of the fixture in ifindex[] */
#define PEER_IFINDEX 0x10001
#define BIT(number) (1ull << (number))

struct filter_row {
	const char *name;
	struct event_filter filter; /* without types: decisions and redecisions */
	struct spec spec;
	enum context context;
	bool takes;
	const char *src[EVENT_TERMS], *dst[EVENT_TERMS], *end[EVENT_TERMS]; /* as range_of has them; count themselves */
	void (*before)(struct fixture *fixture, int family);
};

/* Rule 1, 2 and so on. */
static const char *const rules[] = {
	"-a drop -S sip 203.0.113.0 24 80 80 0 tcp",        "-S sip-trunk 203.0.113.0 24 81 81 0 tcp",
	"--mode detect -a drop 203.0.113.0 24 82 82 0 tcp", "203.0.113.0 24 83 83 4002 tcp",
	"-a drop -S SIP 203.0.113.0 24 84 84 0 tcp",
};

static void change_rules(struct fixture *fixture, int family)
{
	rule_insert(fixture, family, "-P 5 203.0.113.9 32 9 9 0 tcp");
	rule_insert(fixture, family, "-P 6 203.0.113.9 32 9 9 0 tcp");
}

/* clang-format off */
#define NO_RULE { .dport = 79 }          /* dropped: no rule */
#define RULE_DROP { .dport = 80 }        /* dropped by rule 1, "sip" */
#define PASSED { .dport = 81 }           /* passed by rule 2, "sip-trunk" */
#define DETECTED { .dport = 82 }
#define NO_LISTENER { .dport = 83 }
#define PORT(number) { (number), (number) }

static const struct filter_row table[] = {
	{ "everything", { 0 }, NO_RULE, ON_VETH, true },
	{ "everything: not what is known", { 0 }, { .dport = 22, .flags = TCP_ACK }, ON_LOOPBACK, false },

	{ "types: decision", { .types = BIT(EVENT_DECISION) }, PASSED, ON_VETH, true },
	{ "types: redecision, not the first", { .types = BIT(EVENT_REDECISION) }, PASSED, ON_VETH, false },
	{ "types: redecision, not without a change", { .types = BIT(EVENT_REDECISION) }, PASSED, ON_VETH, false },
	{ "types: redecision, rules have changed", { .types = BIT(EVENT_REDECISION) }, PASSED, ON_VETH, true, .before = change_rules },
	{ "types: decision, not again", { .types = BIT(EVENT_DECISION) }, PASSED, ON_VETH, false, .before = change_rules },
	{ "types: packet", { .types = BIT(EVENT_PACKET), .sample = 1 }, PASSED, ON_VETH, true },
	{ "types: packet, sample 0", { .types = BIT(EVENT_PACKET) }, PASSED, ON_VETH, false },
	{ "types: none of those that are", { .types = BIT(7) }, NO_RULE, ON_VETH, false },

	{ "verdicts: drop", { .verdicts = BIT(VERDICT_DROP) }, NO_RULE, ON_VETH, true },
	{ "verdicts: drop, is detect", { .verdicts = BIT(VERDICT_DROP) }, DETECTED, ON_VETH, false },
	{ "verdicts: detect", { .verdicts = BIT(VERDICT_DETECT) }, DETECTED, ON_VETH, true },
	{ "verdicts: detect, is drop", { .verdicts = BIT(VERDICT_DETECT) }, NO_RULE, ON_VETH, false },
	{ "verdicts: pass, is drop", { .verdicts = BIT(VERDICT_PASS) }, NO_RULE, ON_VETH, false },
	{ "verdicts: pass or drop", { .verdicts = BIT(VERDICT_PASS) | BIT(VERDICT_DROP) }, NO_RULE, ON_VETH, true },
	{ "verdicts: translate", { .verdicts = BIT(VERDICT_TRANSLATE) }, NO_RULE, ON_VETH, false },

	{ "hooks: ingress", { .hooks = BIT(EVENT_INGRESS) }, NO_RULE, ON_VETH, true },
	{ "hooks: egress, is ingress", { .hooks = BIT(EVENT_EGRESS) }, NO_RULE, ON_VETH, false },
	{ "hooks: egress", { .hooks = BIT(EVENT_EGRESS) }, { .proto = UDP, .dport = 90 }, OUT_VETH, true },
	{ "hooks: ingress, is egress", { .hooks = BIT(EVENT_INGRESS) }, { .proto = UDP, .dport = 91 }, OUT_VETH, false },
	{ "hooks: driver", { .hooks = BIT(EVENT_DRIVER) }, NO_RULE, ON_VETH, false },

	{ "objects: splicer", { .objects = BIT(EVENT_SPLICER) }, NO_RULE, ON_VETH, true },
	{ "objects: the others", { .objects = BIT(EVENT_XDP) | BIT(EVENT_LB) | BIT(EVENT_FLOW) }, NO_RULE, ON_VETH, false },

	{ "reasons: in the first word", { .reasons = { BIT(REASON_NO_RULE) } }, NO_RULE, ON_VETH, true },
	{ "reasons: another of the first word", { .reasons = { ~BIT(REASON_NO_RULE) } }, NO_RULE, ON_VETH, false },
	{ "reasons: the same bit of the second word", { .reasons = { 0, BIT(REASON_NO_RULE) } }, NO_RULE, ON_VETH, false },
	{ "reasons: in the second word", { .reasons = { 0, BIT(REASON_OUT - 64) } }, { .proto = UDP, .dport = 92 }, OUT_VETH, true },
	{ "reasons: another of the second word", { .reasons = { 0, ~BIT(REASON_OUT - 64) } }, { .proto = UDP, .dport = 93 }, OUT_VETH, false },
	{ "reasons: the same bit of the first word", { .reasons = { BIT(REASON_OUT - 64) } }, { .proto = UDP, .dport = 94 }, OUT_VETH, false },

	{ "protos: in the first word", { .protos = { BIT(6) } }, NO_RULE, ON_VETH, true },
	{ "protos: all but it", { .protos = { ~BIT(6), ~0ull, ~0ull, ~0ull } }, NO_RULE, ON_VETH, false },
	{ "protos: in the second word", { .protos = { 0, BIT(103 - 64) } }, { .proto = 103 }, ON_VETH, true },
	{ "protos: not its bit in the first", { .protos = { BIT(103 - 64) } }, { .proto = 103 }, ON_VETH, false },
	{ "protos: in the third word", { .protos = { 0, 0, BIT(132 - 128) } }, { .proto = IPPROTO_SCTP, .payload = 8 }, ON_VETH, true },
	{ "protos: not its bit in the fourth", { .protos = { 0, 0, 0, BIT(132 - 128) } }, { .proto = IPPROTO_SCTP, .payload = 8 }, ON_VETH, false },
	{ "protos: in the fourth word", { .protos = { 0, 0, 0, BIT(253 - 192) } }, { .proto = 253 }, ON_VETH, true },
	{ "protos: the last", { .protos = { 0, 0, 0, BIT(63) } }, { .proto = 255 }, ON_VETH, true },
	{ "protos: any, not what is not IP", { .protos = { ~0ull, ~0ull, ~0ull, ~0ull } }, { .family = 4, .ethertype = LLDP }, ON_VETH, false },
	{ "protos: none, what is not IP", { 0 }, { .family = 4, .ethertype = LLDP }, ON_VETH, true },

	{ "rule: it", { .rule = 1 }, RULE_DROP, ON_VETH, true },
	{ "rule: another", { .rule = 2 }, RULE_DROP, ON_VETH, false },
	{ "rule: none decided", { .rule = 1 }, NO_RULE, ON_VETH, false },
	{ "rule: beyond 32 bits", { .rule = 1 | BIT(32) }, RULE_DROP, ON_VETH, false },

	{ "interfaces: one", { .ifindexes = 1, .ifindex = { VETH_IFINDEX } }, NO_RULE, ON_VETH, true },
	{ "interfaces: another", { .ifindexes = 1, .ifindex = { PEER_IFINDEX } }, NO_RULE, ON_VETH, false },
	{ "interfaces: the fourth", { .ifindexes = 4, .ifindex = { 91, 92, 93, VETH_IFINDEX } }, NO_RULE, ON_VETH, true },
	{ "interfaces: the second of one", { .ifindexes = 1, .ifindex = { 91, VETH_IFINDEX } }, NO_RULE, ON_VETH, false },
	{ "interfaces: none of four", { .ifindexes = 4, .ifindex = { 91, 92, 93, PEER_IFINDEX } }, NO_RULE, ON_VETH, false },
	{ "interfaces: leaving", { .ifindexes = 2, .ifindex = { 91, PEER_IFINDEX } }, { .proto = UDP, .dport = 95 }, OUT_PEER, true },

	{ "dport: it", { .dports = 1, .dport = { PORT(79) } }, NO_RULE, ON_VETH, true },
	{ "dport: the low edge", { .dports = 1, .dport = { { 79, 90 } } }, NO_RULE, ON_VETH, true },
	{ "dport: the high edge", { .dports = 1, .dport = { { 70, 79 } } }, NO_RULE, ON_VETH, true },
	{ "dport: one below", { .dports = 1, .dport = { { 80, 90 } } }, NO_RULE, ON_VETH, false },
	{ "dport: one above", { .dports = 1, .dport = { { 70, 78 } } }, NO_RULE, ON_VETH, false },
	{ "dport: not the source port", { .dports = 1, .dport = { PORT(40000) } }, NO_RULE, ON_VETH, false },
	{ "dport: the fourth", { .dports = 4, .dport = { PORT(1), PORT(2), PORT(3), PORT(79) } }, NO_RULE, ON_VETH, true },
	{ "dport: the fourth of three", { .dports = 3, .dport = { PORT(1), PORT(2), PORT(3), PORT(79) } }, NO_RULE, ON_VETH, false },
	{ "dport: 65535", { .dports = 1, .dport = { PORT(65535) } }, { .dport = 65535 }, ON_VETH, true },
	{ "dport: 0", { .dports = 1, .dport = { PORT(0) } }, { .proto = UDP, .dport = 0 }, ON_VETH, true },
	{ "dport: bytes not swapped", { .dports = 1, .dport = { PORT(79 << 8) } }, NO_RULE, ON_VETH, false },
	{ "dport: all, not ICMP", { .dports = 1, .dport = { { 0, 65535 } } }, { .icmp = ECHO_REQUEST }, ON_VETH, false },
	{ "dport: all, not GRE", { .dports = 1, .dport = { { 0, 65535 } } }, { .proto = IPPROTO_GRE }, ON_VETH, false },
	{ "dport: all, SCTP", { .dports = 1, .dport = { { 0, 65535 } } }, { .proto = IPPROTO_SCTP, .payload = 8 }, ON_VETH, true },
	{ "dport: all, DCCP", { .dports = 1, .dport = { { 0, 65535 } } }, { .proto = IPPROTO_DCCP, .payload = 8 }, ON_VETH, true },
	{ "dport: all, UDP-Lite", { .dports = 1, .dport = { { 0, 65535 } } }, { .proto = IPPROTO_UDPLITE, .payload = 8 }, ON_VETH, true },
	{ "dport: all, not what is not IP", { .dports = 1, .dport = { { 0, 65535 } } }, { .family = 4, .ethertype = LLDP }, ON_VETH, false },
	{ "dport: a first fragment", { .dports = 1, .dport = { PORT(79) } }, { .fragment = FIRST, .id = 5, .proto = UDP, .dport = 79 }, ON_VETH, true },
	{ "dport: all, not a later fragment", { .dports = 1, .dport = { { 0, 65535 } } }, { .fragment = LATER, .id = 5, .proto = UDP, .payload = 9 }, ON_VETH, false },
	{ "none: a later fragment", { 0 }, { .fragment = LATER, .id = 5, .proto = UDP, .payload = 9 }, ON_VETH, true },
	{ "sport: it", { .sports = 1, .sport = { PORT(40000) } }, NO_RULE, ON_VETH, true },
	{ "sport: one above", { .sports = 1, .sport = { { 39000, 39999 } } }, NO_RULE, ON_VETH, false },
	{ "sport: not the destination port", { .sports = 1, .sport = { PORT(79) } }, NO_RULE, ON_VETH, false },
	{ "sport and dport", { .sports = 1, .dports = 1, .sport = { PORT(40000) }, .dport = { PORT(79) } }, NO_RULE, ON_VETH, true },
	{ "sport and another dport", { .sports = 1, .dports = 1, .sport = { PORT(40000) }, .dport = { PORT(78) } }, NO_RULE, ON_VETH, false },

	{ "src: it", { 0 }, NO_RULE, ON_VETH, true, .src = { "198.51.100.7" } },
	{ "src: the low edge", { 0 }, NO_RULE, ON_VETH, true, .src = { "198.51.100.7 198.51.100.9" } },
	{ "src: the high edge", { 0 }, NO_RULE, ON_VETH, true, .src = { "198.51.100.0 198.51.100.7" } },
	{ "src: one below", { 0 }, NO_RULE, ON_VETH, false, .src = { "198.51.100.8 198.51.100.255" } },
	{ "src: one above", { 0 }, NO_RULE, ON_VETH, false, .src = { "198.51.0.0 198.51.100.6" } },
	{ "src: not the destination", { 0 }, NO_RULE, ON_VETH, false, .src = { "203.0.113.5" } },
	{ "src: the fourth", { 0 }, NO_RULE, ON_VETH, true, .src = { "10.0.0.1", "10.0.0.2", "10.0.0.3", "198.51.100.7" } },
	{ "src: none of four", { 0 }, NO_RULE, ON_VETH, false, .src = { "10.0.0.1", "10.0.0.2", "10.0.0.3", "203.0.113.5" } },
	{ "src: all, not what is not IP", { 0 }, { .family = 4, .ethertype = LLDP }, ON_VETH, false, .src = { "0.0.0.0 255.255.255.255" } },
	{ "src: a later fragment", { 0 }, { .fragment = LATER, .id = 5, .proto = UDP, .payload = 9 }, ON_VETH, true, .src = { "198.51.100.7" } },
	{ "dst: it", { 0 }, NO_RULE, ON_VETH, true, .dst = { "203.0.113.5" } },
	{ "dst: not the source", { 0 }, NO_RULE, ON_VETH, false, .dst = { "198.51.100.7" } },
	{ "dst: one above", { 0 }, NO_RULE, ON_VETH, false, .dst = { "203.0.113.0 203.0.113.4" } },
	{ "dst: one below", { 0 }, NO_RULE, ON_VETH, false, .dst = { "203.0.113.6 203.0.113.255" } },
	{ "either: the source", { 0 }, NO_RULE, ON_VETH, true, .end = { "198.51.100.7" } },
	{ "either: the destination", { 0 }, NO_RULE, ON_VETH, true, .end = { "10.0.0.1", "203.0.113.5" } },
	{ "either: neither", { 0 }, NO_RULE, ON_VETH, false, .end = { "198.51.100.8 203.0.113.4" } },
	{ "src and dst", { 0 }, NO_RULE, ON_VETH, true, .src = { "198.51.100.7" }, .dst = { "203.0.113.5" } },
	{ "src and another dst", { 0 }, NO_RULE, ON_VETH, false, .src = { "198.51.100.7" }, .dst = { "203.0.113.6" } },
	{ "IPv6: low in the second word", { .types = 0 }, { .family = 6, .src = "2001:db8::5", .dport = 79 }, ON_VETH, true, .src = { "2001:db8::5 2001:db8::9" } },
	{ "IPv6: below in the second word", { .types = 0 }, { .family = 6, .src = "2001:db8::4", .dport = 79 }, ON_VETH, false, .src = { "2001:db8::5 2001:db8::9" } },
	{ "IPv6: above in the second word", { .types = 0 }, { .family = 6, .src = "2001:db8::a", .dport = 79 }, ON_VETH, false, .src = { "2001:db8::5 2001:db8::9" } },
	{ "IPv6: across the words, the last before", { .types = 0 }, { .family = 6, .src = "2001:db8:0:1:ffff:ffff:ffff:ffff", .dport = 79 }, ON_VETH, true, .src = { "2001:db8:0:1:ffff:ffff:ffff:fff0 2001:db8:0:2::5" } },
	{ "IPv6: across the words, the first after", { .types = 0 }, { .family = 6, .src = "2001:db8:0:2::", .dport = 79 }, ON_VETH, true, .src = { "2001:db8:0:1:ffff:ffff:ffff:fff0 2001:db8:0:2::5" } },
	{ "IPv6: across the words, below", { .types = 0 }, { .family = 6, .src = "2001:db8:0:1:ffff:ffff:ffff:ffef", .dport = 79 }, ON_VETH, false, .src = { "2001:db8:0:1:ffff:ffff:ffff:fff0 2001:db8:0:2::5" } },
	{ "IPv6: across the words, above", { .types = 0 }, { .family = 6, .src = "2001:db8:0:2::6", .dport = 79 }, ON_VETH, false, .src = { "2001:db8:0:1:ffff:ffff:ffff:fff0 2001:db8:0:2::5" } },
	{ "IPv6: a first word between, any second", { .types = 0 }, { .family = 6, .src = "2001:db8:0:5::", .dport = 79 }, ON_VETH, true, .src = { "2001:db8:0:4:ffff:: 2001:db8:0:6::" } },
	{ "IPv6: all, not IPv4", { .types = 0 }, { .family = 4, .dport = 79 }, ON_VETH, false, .src = { "::0 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" } },

	{ "service: it", { .service = "sip" }, RULE_DROP, ON_VETH, true },
	{ "service: not a longer one", { .service = "sip-trunk" }, RULE_DROP, ON_VETH, false },
	{ "service: not a beginning of it", { .service = "sip" }, { .dport = 81, .flags = TCP_SYN, .sport = 5001 }, ON_VETH, false },
	{ "service: the longer one", { .service = "sip-trunk" }, { .dport = 81, .flags = TCP_SYN, .sport = 5002 }, ON_VETH, true },
	{ "service: not in capitals", { .service = "sip" }, { .dport = 84 }, ON_VETH, false },
	{ "service: no rule", { .service = "sip" }, NO_RULE, ON_VETH, false },
	{ "service: a rule without", { .service = "sip" }, NO_LISTENER, ON_VETH, false },
};
/* clang-format on */

static uint8_t ranges_fill(struct event_range ranges[EVENT_TERMS], const char *const text[EVENT_TERMS], int family)
{
	uint8_t count = 0;

	for (; count < EVENT_TERMS && text[count]; count++)
		ranges[count] = range_of(strchr(text[count], ':') ? 6 : family, text[count]);
	return count;
}

static struct event_filter filter_of(const struct fixture *fixture, const struct filter_row *row, int family)
{
	struct event_filter filter = row->filter;

	if (!filter.types)
		filter.types = TYPES(EVENT_DECISION, EVENT_REDECISION);
	for (int i = 0; i < EVENT_TERMS; i++) {
		if (filter.ifindex[i] == VETH_IFINDEX)
			filter.ifindex[i] = (uint32_t)fixture->veth;
		else if (filter.ifindex[i] == PEER_IFINDEX)
			filter.ifindex[i] = (uint32_t)fixture->veth_peer;
	}
	filter.srcs = ranges_fill(filter.src, row->src, family);
	filter.dsts = ranges_fill(filter.dst, row->dst, family);
	filter.ends = ranges_fill(filter.end, row->end, family);
	return filter;
}

static void filter_run(struct fixture *fixture, struct listener *listener, const struct filter_row *row, int family)
{
	struct event_filter filter = filter_of(fixture, row, family);
	struct spec spec = row->spec;
	struct outcome outcome;
	struct frame frame;
	char got[64];

	if (row->before)
		row->before(fixture, family);
	listener_set(listener, &filter);
	spec.family = family;
	spec_build(&spec, &frame);
	fixture_run(fixture, row->context, &frame, &outcome);
	if (listener_read(listener) == row->takes) {
		tap_ok("filter: %s (IPv%d)", row->name, family);
		return;
	}
	snprintf(got, sizeof(got), "%zu events, of %s", listener->count, reason_name(outcome.reason));
	tap_not_ok(row->takes ? "an event" : "no event", got, "filter: %s (IPv%d)", row->name, family);
}

static void filters_run(struct fixture *fixture, int family)
{
	const struct event_filter none = { 0 };
	struct listener listener;
	struct plane plane;

	fixture_open(fixture);
	plane = plane_of(fixture);
	/* any slot: here one in the middle */
	listener_open(&listener, &plane, 7, &none, RING);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rule_insert(fixture, family, rules[i]))
			tap_not_ok("exit 0", "another", "filter: map_update %s", rules[i]);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!table[i].spec.family || table[i].spec.family == family)
			filter_run(fixture, &listener, &table[i], family);
	listener_close(&listener);
	fixture_close(fixture);
}

void event_filter_cases(struct fixture *fixture)
{
	for (int family = 4; family <= 6; family += 2) {
		if (fixture->map_update)
			filters_run(fixture, family);
		else
			tap_skip("no map_update", "filters of events (IPv%d)", family);
	}
}
