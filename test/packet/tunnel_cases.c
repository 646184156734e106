/* SPDX-License-Identifier: GPL-2.0-only */
/* GENEVE (RFC 8926): what is taken off, from whom, and the frame that is left. */
#include "harness.h"

#include <linux/if_ether.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <err.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define GENEVE_PORT 6081
#define OAM 0x80
#define CRITICAL 0x40
#define BRIDGING 0x6558 /* an Ethernet frame within */
#define UDP_SIZE 8
#define GENEVE_SIZE 8
#define ALLOWED "192.0.2.9"

/* Who may send: in the table, as iface_set geneve= writes it. */
enum allowed { NOBODY, HERE, ANYWHERE, ELSEWHERE };

struct tunnel_case {
	const char *name;
	struct spec outer, inner;
	enum allowed allowed;
	enum reason reason;
	bool opened;      /* the outer headers are gone from the frame */
	int inner_family; /* 0: as the outer one */
	bool ethernet;    /* the inner packet has an Ethernet header */
	uint8_t version, flags;
	size_t options;    /* bytes, a multiple of 4 */
	uint16_t protocol; /* instead of the inner packet's ethertype */
	size_t cut;        /* bytes taken off the end before lengths are filled in */
};

/* clang-format off */
#define OUTER { .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }
#define INNER { .dport = 22 }

static const struct tunnel_case cases[] = {
	{ "from an allowed source", OUTER, INNER, HERE, REASON_SSH_ANY, true },
	{ "allowed on any interface", OUTER, INNER, ANYWHERE, REASON_SSH_ANY, true },
	{ "allowed on another interface", OUTER, INNER, ELSEWHERE, REASON_NO_RULE, false },
	{ "from nobody", OUTER, INNER, NOBODY, REASON_NO_RULE, false },
	{ "from another source", { .src = "192.0.3.9", .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_NO_RULE, false },
	{ "from the same network", { .src = "192.0.2.200", .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_SSH_ANY, true },
	{ "to another port", { .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT + 1 }, INNER, HERE, REASON_NO_RULE, false },
	{ "from that port", { .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .sport = GENEVE_PORT, .dport = 1 }, INNER, HERE, REASON_NO_RULE, false },
	{ "the rest decides by the inner packet", OUTER, { .dport = 23 }, HERE, REASON_NO_RULE, true },
	{ "inner UDP", OUTER, { .proto = IPPROTO_UDP, .dport = 53, .payload = 50 }, HERE, REASON_NO_RULE, true },
	{ "IPv6 in IPv4", { .family = 4, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_SSH_ANY, true, .inner_family = 6 },
	{ "IPv4 in IPv6", { .family = 6, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_SSH_ANY, true, .inner_family = 4 },
	{ "an Ethernet frame", OUTER, INNER, HERE, REASON_SSH_ANY, true, .ethernet = true },
	{ "an Ethernet frame, and options", OUTER, INNER, HERE, REASON_SSH_ANY, true, .ethernet = true, .options = 12 },
	{ "an Ethernet frame of IPv6 in IPv4", { .family = 4, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_SSH_ANY, true, .inner_family = 6, .ethernet = true },
	{ "4 bytes of options", OUTER, INNER, HERE, REASON_SSH_ANY, true, .options = 4 },
	{ "252 bytes of options", OUTER, INNER, HERE, REASON_SSH_ANY, true, .options = 252 },
	{ "critical options", OUTER, INNER, HERE, REASON_SSH_ANY, true, .options = 8, .flags = CRITICAL },
	{ "behind IPv4 options", { .family = 4, .options = 12, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_SSH_ANY, true },
	{ "behind extension headers", { .family = 6, .chain = "HD", .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_SSH_ANY, true },
	{ "control message", OUTER, INNER, HERE, REASON_GENEVE, false, .flags = OAM },
	{ "version 1", OUTER, INNER, HERE, REASON_GENEVE, false, .version = 0x40 },
	{ "version 3", OUTER, INNER, HERE, REASON_GENEVE, false, .version = 0xc0 },
	{ "not IP within", OUTER, INNER, HERE, REASON_GENEVE, false, .protocol = ETH_P_ARP },
	{ "an Ethernet frame of ARP", OUTER, { .ethertype = ETH_P_ARP }, HERE, REASON_GENEVE, false, .ethernet = true },
	{ "an Ethernet frame with a tag", OUTER, { .tags = { ETH_P_8021Q }, .dport = 22 }, HERE, REASON_GENEVE, false, .ethernet = true },
	{ "behind a tag that is in the frame", { .tags = { ETH_P_8021Q }, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_GENEVE, false },
	{ "an inner packet that is truncated", OUTER, INNER, HERE, REASON_TRUNCATED, true, .cut = 1 },
	{ "an inner packet without all of its TCP", OUTER, INNER, HERE, REASON_TRUNCATED, true, .cut = 19 },
	{ "an inner packet of a bad header", OUTER, { .dport = 22, .poke = { AT_TRANSPORT, 12, 1, 0 } }, HERE, REASON_BAD_HEADER, true },
	{ "an inner packet of another version", OUTER, { .dport = 22, .poke = { AT_NETWORK, 0, 1, 0x55 } }, HERE, REASON_BAD_HEADER, true },
	{ "an inner IP header that is cut", { .family = 4, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_GENEVE, false, .cut = 21 },
	{ "an inner IP header that is cut", { .family = 6, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_GENEVE, false, .cut = 21 },
	{ "an inner later fragment", OUTER, { .fragment = LATER, .proto = 99 }, HERE, REASON_FRAGMENT_EARLY, true },
	{ "an inner first fragment", OUTER, { .fragment = FIRST, .id = 1, .dport = 22 }, HERE, REASON_SSH_ANY, true },
	{ "inner extension headers", { .family = 6, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, { .chain = "HRD", .dport = 22 }, HERE, REASON_SSH_ANY, true },
	{ "in a first fragment", { .fragment = FIRST, .id = 2, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_NO_RULE, false },
	{ "in an atomic one", { .family = 6, .fragment = ATOMIC, .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT }, INNER, HERE, REASON_NO_RULE, false },
	{ "GENEVE within GENEVE stays", OUTER, { .src = ALLOWED, .dst = VETH_ADDRESS, .proto = IPPROTO_UDP, .dport = GENEVE_PORT, .payload = 60 }, HERE, REASON_NO_RULE, true },
	{ 0 },
};
/* clang-format on */

/* Prefixes: the /24 or /64 that ALLOWED is in. */
static void allow(struct fixture *fixture, enum allowed allowed, int family)
{
	struct splicer_tunnel key = { .prefix_len = SPLICER_TUNNEL_BITS + (family == 6 ? SPEC_IPV6_LENGTH + 24 : 24),
				      .family = (uint32_t)family };
	char address[FRAME_ADDRESS_TEXT];
	uint32_t one = 1;

	if (allowed == HERE)
		key.ifindex = (uint32_t)fixture->veth;
	else if (allowed == ELSEWHERE)
		key.ifindex = (uint32_t)fixture->veth_peer;
	inet_pton(family == 6 ? AF_INET6 : AF_INET, spec_address(family, "192.0.2.0", address), key.addr);
	if (allowed && bpf_map_update_elem(fixture->tunnels, &key, &one, BPF_ANY))
		err(2, SPLICER_TUNNELS);
}

static void disallow(struct fixture *fixture)
{
	struct splicer_tunnel key;

	while (!bpf_map_get_next_key(fixture->tunnels, NULL, &key))
		if (bpf_map_delete_elem(fixture->tunnels, &key))
			err(2, SPLICER_TUNNELS);
}

/* What follows the outer UDP header. */
static void geneve_append(const struct tunnel_case *test, const struct frame *inner, struct frame *frame)
{
	size_t at = frame->len, link = test->ethernet ? 0 : inner->network;
	uint16_t protocol = inner->family == 6 ? ETH_P_IPV6 : ETH_P_IP;

	if (test->protocol)
		protocol = test->protocol;
	frame_bytes(frame, GENEVE_SIZE + test->options);
	frame->data[at] = test->version | (uint8_t)(test->options / 4);
	frame->data[at + 1] = test->flags;
	frame_put16(frame, at + 2, test->ethernet ? BRIDGING : protocol);
	frame_append(frame, inner->data + link, inner->len - link);
}

static void frames_build(const struct tunnel_case *test, int family, struct frame *frame, struct frame *inner)
{
	struct spec outer = test->outer, within = test->inner;

	outer.family = family;
	within.family = test->inner_family ? test->inner_family : family;
	spec_build(&within, inner);
	spec_build(&outer, frame);
	geneve_append(test, inner, frame);
	frame->len -= test->cut;
	inner->len -= test->cut;
	frame_finish(frame);
}

/* The outer Ethernet header stays, the inner IP packet follows it. */
static bool is_opened(const struct fixture *fixture, const struct frame *frame, const struct frame *inner)
{
	size_t size = inner->len - inner->network;

	return fixture->out_len == FRAME_ETH_SIZE + size && !memcmp(fixture->out, frame->data, FRAME_ETH_SIZE) &&
	       !memcmp(fixture->out + FRAME_ETH_SIZE, inner->data + inner->network, size);
}

/* Before 6.4 a packet of one family cannot be taken out of one of the other. */
static bool can_open(const struct tunnel_case *test, int family)
{
	return !test->inner_family || test->inner_family == family || kernel_has(6, 4);
}

static void tunnel_run(struct fixture *fixture, const struct tunnel_case *test, int family)
{
	bool opened = test->opened && can_open(test, family);
	unsigned int reason = can_open(test, family) ? test->reason : REASON_GENEVE;
	struct frame frame, inner;
	struct outcome outcome;
	bool holds;
	char got[256];

	disallow(fixture);
	state_forget(fixture);
	allow(fixture, test->allowed, family);
	frames_build(test, family, &frame, &inner);
	fixture_run(fixture, ON_VETH, &frame, &outcome);
	holds = outcome.reason == reason && outcome.moved == 1 && !outcome.error &&
		outcome.action == action_of(reason_verdict(reason)) && outcome.bytes == (int64_t)fixture->out_len;
	if (holds && (opened ? is_opened(fixture, &frame, &inner) : outcome.same)) {
		tap_ok("GENEVE: %s (IPv%d)", test->name, family);
		return;
	}
	frame.len = fixture->out_len;
	outcome_print(&outcome, &frame, got, sizeof(got));
	tap_not_ok(reason_name(reason), got, "GENEVE: %s%s (IPv%d)", test->name, opened ? ", opened" : ", left alone",
		   family);
}

/* Cut at every byte, with outer lengths that agree: never more than the inner packet decides, never a frame spoiled. */
static void tunnel_sweep(struct fixture *fixture, int family, bool ethernet)
{
	struct tunnel_case test = { "", OUTER, INNER, HERE, REASON_SSH_ANY, true, .ethernet = ethernet, .options = 8 };
	struct frame whole, frame, inner;
	size_t headers = ethernet ? FRAME_ETH_SIZE : 0, least = family == 6 ? 40 : 20;
	struct outcome outcome;

	disallow(fixture);
	allow(fixture, HERE, family);
	frames_build(&test, family, &whole, &inner);
	headers += whole.transport + UDP_SIZE + GENEVE_SIZE + test.options;
	for (size_t len = whole.transport + UDP_SIZE; len < whole.len; len++) {
		enum reason reason = len < headers + least ? REASON_GENEVE : REASON_TRUNCATED;

		frame = whole;
		frame.len = len;
		frame_finish(&frame);
		fixture_run(fixture, ON_VETH, &frame, &outcome);
		if (!outcome.error && outcome.reason == reason && outcome.moved == 1 && outcome.action == TC_ACT_SHOT)
			continue;
		tap_not_ok(reason_name(reason), reason_name(outcome.reason),
			   "GENEVE%s cut at every byte: %zu of %zu (IPv%d)", ethernet ? " of Ethernet" : "", len,
			   whole.len, family);
		return;
	}
	tap_ok("GENEVE%s cut at every byte (IPv%d)", ethernet ? " of Ethernet" : "", family);
}

/* The connection that is recorded is that of the inner packet. */
static void tunnel_flow(struct fixture *fixture, int family)
{
	struct tunnel_case test = { "", OUTER, { .proto = IPPROTO_UDP, .dport = 53 }, HERE, REASON_RULE_PASS, true };
	struct frame frame, inner;
	struct outcome outcome;
	char text[CONN_TEXT_MAX];

	if (!fixture->map_update || rule_insert(fixture, family, "203.0.113.0 24 53 53 0 udp")) {
		tap_skip("no map_update", "GENEVE: the flow within (IPv%d)", family);
		return;
	}
	disallow(fixture);
	state_forget(fixture);
	allow(fixture, HERE, family);
	frames_build(&test, family, &frame, &inner);
	fixture_run(fixture, ON_VETH, &frame, &outcome);
	conn_print(fixture, &inner, text);
	if (outcome.reason == REASON_RULE_PASS && !strcmp(text, "unconfirmed new 1/0"))
		tap_ok("GENEVE: the flow within is tracked (IPv%d)", family);
	else
		tap_not_ok("rule-pass, unconfirmed new 1/0", text, "GENEVE: the flow within is tracked (IPv%d)",
			   family);
}

void tunnel_cases(struct fixture *fixture)
{
	fixture_open(fixture);
	for (const struct tunnel_case *test = cases; test->name; test++)
		for (int family = 4; family <= 6; family += 2)
			if (!test->outer.family || test->outer.family == family)
				tunnel_run(fixture, test, family);
	for (int family = 4; family <= 6; family += 2) {
		tunnel_sweep(fixture, family, false);
		tunnel_sweep(fixture, family, true);
		tunnel_flow(fixture, family);
	}
	fixture_close(fixture);
}
