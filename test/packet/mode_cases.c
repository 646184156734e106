/* SPDX-License-Identifier: GPL-2.0-only */
/* mode=detect: whatever would be dropped passes, for the same reason; and what is done on errors. */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LLDP 0x88cc
#define LIVE_PORT 4001

static void all_detect(struct fixture *fixture, int family)
{
	(void)family;
	fixture_clear_settings(fixture);
	fixture_set(fixture, SPLICER_IFACE_ANY, SETTING_MODE, MODE_DETECT);
}

static void truncated_pass(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_ON_TRUNCATED, GATE_PASS);
}

static void truncated_drop(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_ON_TRUNCATED, GATE_DROP);
}

/* clang-format off */
#define UDP IPPROTO_UDP
#define RULES "-a drop 203.0.113.0 24 80 80 0 tcp", "203.0.113.0 24 81 81 0 tcp", "203.0.113.0 24 82 82 4002 tcp", \
	"203.0.113.0 24 83 83 4001 tcp", "203.0.113.0 24 84 84 4001 udp", "--direction out -a drop 203.0.113.0 24 85 85 0 tcp"

/* Every reason to drop that a frame alone can bring about; the first row of a case sets its mode. */
#define DROPS(verdict) \
	{ "no rule", { .dport = 79 }, ON_VETH, REASON_NO_RULE, verdict, .conn = "none" }, \
	{ "a drop rule", { .dport = 80 }, ON_VETH, REASON_RULE_DROP, verdict, .conn = "none" }, \
	{ "nobody listens", { .dport = 82 }, ON_VETH, REASON_NO_LISTENER, verdict, .conn = "none" }, \
	{ "not to be assigned", { .dport = 83 }, ON_VETH, REASON_ASSIGN, verdict, .conn = "none" }, \
	{ "a splice in fragments", { .fragment = FIRST, .id = 9, .proto = UDP, .dport = 84 }, ON_VETH, REASON_NO_LOOKUP, verdict }, \
	{ "truncated", { .dport = 81, .cut = 1 }, ON_VETH, REASON_TRUNCATED, verdict }, \
	{ "a bad header", { .dport = 81, .poke = { AT_TRANSPORT, 12, 1, 0 } }, ON_VETH, REASON_BAD_HEADER, verdict }, \
	{ "too many tags", { .tags = { ETH_P_8021Q, ETH_P_8021Q, ETH_P_8021Q }, .dport = 81 }, ON_VETH, REASON_TOO_MANY_HEADERS, verdict }, \
	{ "an ethertype", { .family = 4, .ethertype = LLDP }, ON_VETH, REASON_ETHERTYPE, verdict }, \
	{ "leaving, a drop rule", { .dport = 85 }, OUT_VETH, REASON_RULE_DROP, verdict, .conn = "none" }, \
	{ "ICMP error of nothing", { .icmp = UNREACHABLE }, ON_VETH, REASON_NO_RULE, verdict }

#define PASSES \
	{ "a pass rule", { .dport = 81 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" }, \
	{ "ARP", { .family = 4, .ethertype = ETH_P_ARP }, ON_VETH, REASON_ARP }

static const struct scenario cases[] = {
	{ "prevent", 0, { RULES }, { DROPS(VERDICT_DROP), PASSES, { 0 } } },
	{ "mode=detect of the interface", 0, { RULES }, {
		{ "another interface goes on", { .dport = 79 }, ON_PEER, REASON_NO_RULE, .before = before_detect },
		DROPS(VERDICT_DETECT), PASSES, { 0 } } },
	{ "mode=detect of all", 0, { RULES }, {
		{ "another interface too", { .dport = 79 }, ON_PEER, REASON_NO_RULE, VERDICT_DETECT, .before = all_detect },
		DROPS(VERDICT_DETECT), PASSES,
		{ "mode=prevent of the interface", { .dport = 79 }, ON_VETH, REASON_NO_RULE, .before = before_prevent },
		{ "loopback, malformed", { .dport = 79, .cut = 1 }, ON_LOOPBACK, REASON_TRUNCATED, VERDICT_DETECT },
		{ 0 } } },
	{ "mode of a rule", 0, { "--mode detect -a drop 203.0.113.0 24 80 80 0 tcp", "--mode detect 203.0.113.0 24 81 81 4002 tcp", "--mode detect 203.0.113.0 24 82 82 4001 udp", "--mode prevent -a drop 203.0.113.0 24 83 83 0 tcp", "--mode detect 203.0.113.0 24 84 84 0 tcp", "--mode detect --direction out -a drop 203.0.113.0 24 85 85 0 tcp" }, {
		{ "drop", { .dport = 80 }, ON_VETH, REASON_RULE_DROP, VERDICT_DETECT, .conn = "none" },
		{ "splice to nobody", { .dport = 81 }, ON_VETH, REASON_NO_LISTENER, VERDICT_DETECT },
		{ "splice in fragments", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 82 }, ON_VETH, REASON_NO_LOOKUP, VERDICT_DETECT },
		{ "pass", { .dport = 84 }, ON_VETH, REASON_RULE_PASS },
		{ "leaving", { .dport = 85 }, OUT_VETH, REASON_RULE_DROP, VERDICT_DETECT },
		{ "prevent", { .dport = 83 }, ON_VETH, REASON_RULE_DROP },
		{ "no rule goes by the interface", { .dport = 79 }, ON_VETH, REASON_NO_RULE },
		{ "prevent on an interface that detects", { .dport = 83 }, ON_VETH, REASON_RULE_DROP, .before = before_detect },
		{ "detect on an interface that prevents", { .dport = 80 }, ON_VETH, REASON_RULE_DROP, VERDICT_DETECT, .before = before_prevent },
		{ "malformed goes by the interface", { .dport = 80, .cut = 1 }, ON_VETH, REASON_TRUNCATED },
		{ 0 } } },
	{ "on_truncated", 0, { RULES }, {
		{ "pass: cut", { .dport = 79, .cut = 1 }, ON_VETH, REASON_TRUNCATED, VERDICT_PASS, .before = truncated_pass },
		{ "pass: a bad header", { .dport = 79, .poke = { AT_TRANSPORT, 12, 1, 0 } }, ON_VETH, REASON_BAD_HEADER, VERDICT_PASS },
		{ "pass: too many tags", { .tags = { ETH_P_8021Q, ETH_P_8021Q, ETH_P_8021Q }, .dport = 79 }, ON_VETH, REASON_TOO_MANY_HEADERS, VERDICT_PASS },
		{ "pass: tiny fragment", { .fragment = LATER, .offset = 1 }, ON_VETH, REASON_BAD_HEADER, VERDICT_PASS },
		{ "pass: not what is whole", { .dport = 79 }, ON_VETH, REASON_NO_RULE },
		{ "pass: a malformed first fragment", { .fragment = FIRST, .id = 1, .dport = 79, .poke = { AT_TRANSPORT, 12, 1, 0 } }, ON_VETH, REASON_BAD_HEADER, VERDICT_PASS },
		{ "pass: a later one of it", { .fragment = LATER, .id = 1 }, ON_VETH, REASON_FRAGMENT_PASS },
		{ "pass: elsewhere", { .dport = 79, .cut = 1 }, ON_PEER, REASON_TRUNCATED },
		{ "pass: leaving", { .dport = 79, .cut = 1 }, OUT_VETH, REASON_TRUNCATED },
		{ "drop", { .dport = 79, .cut = 1 }, ON_VETH, REASON_TRUNCATED, .before = truncated_drop },
		{ "drop, mode=detect", { .dport = 79, .cut = 1 }, ON_VETH, REASON_TRUNCATED, VERDICT_DETECT, .before = before_detect },
		{ 0 } } },
};
/* clang-format on */

/* A splice rule splices in either mode; only fragments can be spliced in a test run. */
static void splice_detect(struct fixture *fixture, int family)
{
	const struct row rows[] = {
		{ "splice in detect: the first",
		  { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 84 },
		  ON_VETH,
		  REASON_RULE_SPLICE,
		  .before = before_detect },
		{ "splice in detect: a later one",
		  { .fragment = LATER, .id = 1, .proto = UDP },
		  ON_VETH,
		  REASON_FRAGMENT_SPLICE },
	};

	if (!fixture->map_update) {
		tap_skip("no map_update", "splice in detect (IPv%d)", family);
		return;
	}
	fixture_open(fixture);
	before_linked(fixture, family);
	rule_insert(fixture, family, "--mode detect 203.0.113.0 24 84 84 4001 udp");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		row_run(fixture, &rows[i], family);
	fixture_close(fixture);
}

void mode_cases(struct fixture *fixture)
{
	int sockets[] = { socket_listen(4, SOCK_STREAM, LIVE_PORT), socket_listen(6, SOCK_STREAM, LIVE_PORT),
			  socket_listen(4, SOCK_DGRAM, LIVE_PORT), socket_listen(6, SOCK_DGRAM, LIVE_PORT) };

	scenarios_run(fixture, cases, sizeof(cases) / sizeof(cases[0]));
	splice_detect(fixture, 4);
	splice_detect(fixture, 6);
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		close(sockets[i]);
}
