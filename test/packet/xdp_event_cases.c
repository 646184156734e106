/* SPDX-License-Identifier: GPL-2.0-only */
/* The events of xdp_filter.o: what is dropped or monitored is a decision, what passes is only ever a packet. */
#include "golden.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define UDP IPPROTO_UDP
#define LLDP 0x88cc
#define RING 65536
#define TAG64 "a-tag-of-64-bytes-which-is-as-long-as-one-can-be-123456789012345"
#define BIT(number) (1ull << (number))
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* clang-format off */
/* Of these the default is rules 1 to 3. */
static const char *const rules[] = {
	"default drop",
	"drop -p tcp --dport 80 -S " TAG64,
	"pass -p tcp --dport 81 -S short",
	"monitor -p tcp --dport 82 -S watch",
	"192.0.2.0/24 never-drop",
	"pass -p nonip -i " VETH_PEER_NAME " -S link",
	"drop -p udp --dport 53 --rate 1:1 -S limit",
	"monitor -p udp --dport 54 -S dgram",
};

#define DECISION(verdict, reason) ON_VETH, EVENT_DECISION, verdict, reason
#define PACKET(reason) ON_VETH, EVENT_NONE, VERDICT_PASS, reason
#define SYN .has = { .tcp_flags = TCP_SYN }

static const struct golden goldens[] = {
	{ "the default drops", { .dport = 79, .payload = 7 }, DECISION(VERDICT_DROP, REASON_NO_RULE), 1, NULL, { .tcp_flags = TCP_SYN } },
	{ "a drop rule, its tag of 64 bytes", { .dport = 80 }, DECISION(VERDICT_DROP, REASON_RULE_DROP), 4, TAG64, { .tcp_flags = TCP_SYN } },
	{ "and again: each that is dropped", { .dport = 80, .flags = TCP_ACK }, DECISION(VERDICT_DROP, REASON_RULE_DROP), 4, TAG64, { .tcp_flags = TCP_ACK } },
	{ "a pass rule, a short tag after a long", { .dport = 81 }, PACKET(REASON_RULE_PASS), 5, "short", { .tcp_flags = TCP_SYN } },
	{ "a monitor rule", { .dport = 82 }, DECISION(VERDICT_DETECT, REASON_RULE_DROP), 6, "watch", { .tcp_flags = TCP_SYN } },
	{ "never-drop, no tag after one", { .src = "192.0.2.9", .dport = 80 }, PACKET(REASON_NEVER_DROP), 7, .has = { .tcp_flags = TCP_SYN } },
	{ "ARP", { .family = 4, .ethertype = ETH_P_ARP }, PACKET(REASON_ARP), .has = { .ethertype = ETH_P_ARP } },
	{ "what is not IP", { .family = 4, .ethertype = LLDP }, DECISION(VERDICT_DROP, REASON_ETHERTYPE), 3, .has = { .ethertype = LLDP } },
	{ "what is not IP, a rule of the other interface", { .family = 4, .ethertype = LLDP }, ON_PEER, EVENT_NONE, VERDICT_PASS, REASON_NONIP, 8, "link", { .ethertype = LLDP } },
	{ "link control", { .family = 4, .ethertype = LLDP, .mac = "01:80:c2:00:00:0e" }, PACKET(REASON_LINK_CONTROL), .has = { .ethertype = LLDP } },
	{ "within a rate", { .src = "198.51.100.9", .proto = UDP, .dport = 53 }, DECISION(VERDICT_DROP, REASON_NO_RULE), 1 },
	{ "beyond it", { .src = "198.51.100.9", .proto = UDP, .dport = 53 }, DECISION(VERDICT_DROP, REASON_RATE), 9, "limit" },
	{ "a first fragment, monitored", { .fragment = FIRST, .id = 9, .proto = UDP, .dport = 54 }, DECISION(VERDICT_DETECT, REASON_RULE_DROP), 10, "dgram", { .fragment = EVENT_FIRST_FRAGMENT } },
	{ "a later one: no rule, no ports", { .fragment = LATER, .id = 9, .proto = UDP, .payload = 30 }, DECISION(VERDICT_DETECT, REASON_FRAGMENT), .has = { .fragment = EVENT_LATER_FRAGMENT } },
	{ "cut short: who sent it, but no ports", { .proto = UDP, .dport = 83, .payload = 20, .cut = 5 }, DECISION(VERDICT_DROP, REASON_TRUNCATED) },
	{ "a bad TCP header", { .dport = 81, .poke = { AT_TRANSPORT, 12, 1, 0 } }, DECISION(VERDICT_DROP, REASON_BAD_HEADER) },
	{ "a VLAN tag", { .proto = UDP, .dport = 83, .tags = { ETH_P_8021Q } }, DECISION(VERDICT_DROP, REASON_NO_RULE), 1, .has = { .vlan = 100 } },
	{ "two VLAN tags", { .dport = 80, .tags = { ETH_P_8021AD, ETH_P_8021Q } }, DECISION(VERDICT_DROP, REASON_RULE_DROP), 4, TAG64, { .vlan = 100, .tcp_flags = TCP_SYN } },
	{ "too many tags, none of the rule before", { .family = 4, .dport = 80, .tags = { ETH_P_8021Q, ETH_P_8021Q, ETH_P_8021Q } }, DECISION(VERDICT_DROP, REASON_TOO_MANY_HEADERS), .has = { .vlan = 100, .ethertype = ETH_P_8021Q } },
	{ "echo request", { .icmp = ECHO_REQUEST, .id = 7 }, DECISION(VERDICT_DROP, REASON_NO_RULE), 1 },
	{ "DHCP: no rule", { .family = 4, .proto = UDP, .sport = 67, .dport = 68 }, PACKET(REASON_DHCP) },
	{ "GRE", { .proto = IPPROTO_GRE, .payload = 8 }, DECISION(VERDICT_DROP, REASON_NO_RULE), 1 },
};

static const struct filter_row {
	const char *name;
	struct event_filter filter;
	bool takes; /* a frame to port 80 */
} filters[] = {
	{ "everything", { 0 }, true },
	{ "object xdp", { .objects = BIT(EVENT_XDP) }, true },
	{ "other objects", { .objects = BIT(EVENT_SPLICER) | BIT(EVENT_LB) | BIT(EVENT_FLOW) }, false },
	{ "hook driver", { .hooks = BIT(EVENT_DRIVER) }, true },
	{ "other hooks", { .hooks = BIT(EVENT_INGRESS) | BIT(EVENT_EGRESS) }, false },
	{ "its rule", { .rule = 4 }, true },
	{ "another rule", { .rule = 5 }, false },
	{ "its tag", { .service = TAG64 }, true },
	{ "another tag", { .service = "short" }, false },
	{ "its reason", { .reasons = { BIT(REASON_RULE_DROP) } }, true },
	{ "other reasons", { .reasons = { ~BIT(REASON_RULE_DROP), ~0ull } }, false },
	{ "only redecisions", { .types = BIT(EVENT_REDECISION) }, false },
	{ "only packets, one in 1", { .types = BIT(EVENT_PACKET), .sample = 1 }, true },
	{ "only packets, none", { .types = BIT(EVENT_PACKET) }, false },
	{ "detected only", { .verdicts = BIT(VERDICT_DETECT) }, false },
};
/* clang-format on */

/* The rule of a default is that of the family. */
static struct golden golden_of(const struct golden *golden, int family)
{
	struct golden own = *golden;

	if (own.rule == 1 && family == 6)
		own.rule = 2;
	return own;
}

static void records_run(struct fixture *fixture, int family)
{
	struct goldens run;

	goldens_open(fixture, &run, family, rules, COUNT(rules));
	for (size_t i = 0; i < COUNT(goldens); i++) {
		struct golden own = golden_of(&goldens[i], family);

		goldens_run(fixture, &run, family, &own, 1);
	}
	goldens_close(fixture, &run);
}

static void filters_run(struct fixture *fixture)
{
	const struct spec spec = { .family = 4, .dport = 80 };
	struct listener listener;
	struct outcome outcome;
	struct frame frame;
	struct plane plane;

	fixture_open(fixture);
	for (size_t i = 0; i < COUNT(rules); i++)
		rule_insert(fixture, 4, rules[i]);
	plane = plane_of(fixture);
	spec_build(&spec, &frame);
	listener_open(&listener, &plane, 3, &filters[0].filter, RING);
	for (size_t i = 0; i < COUNT(filters); i++) {
		struct event_filter filter = filters[i].filter;

		if (!filter.types)
			filter.types = TYPES(EVENT_DECISION);
		listener_set(&listener, &filter);
		fixture_run(fixture, ON_VETH, &frame, &outcome);
		if (listener_read(&listener) == filters[i].takes && outcome.reason == REASON_RULE_DROP)
			tap_ok("filter: %s", filters[i].name);
		else
			tap_not_ok(filters[i].takes ? "an event" : "no event", listener.count ? "an event" : "no event",
				   "filter: %s", filters[i].name);
	}
	listener_close(&listener);
	fixture_close(fixture);
}

void xdp_event_cases(struct fixture *fixture)
{
	records_run(fixture, 4);
	records_run(fixture, 6);
	filters_run(fixture);
}
