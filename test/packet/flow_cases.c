/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows of other protocols than TCP, and what is said of packets that leave. */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>

#define LLDP 0x88cc

static void out_pass(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_OUT, GATE_PASS);
}

static void any_out_drop(struct fixture *fixture, int family)
{
	(void)family;
	fixture_clear_settings(fixture);
	fixture_set(fixture, SPLICER_IFACE_ANY, SETTING_OUT, GATE_DROP);
}

static void nonip_pass(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_NONIP, NONIP_PASS);
}

/* clang-format off */
#define UDP IPPROTO_UDP
#define ANYTHING "203.0.113.0 24 0 65535 0 any"
#define NOTHING "-a pass 9.9.9.0 24 1 1 0 tcp"

static const struct scenario flows[] = {
	{ "UDP from outside", 0, { "203.0.113.0 24 53 53 0 udp" }, {
		{ "a datagram", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "another", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 2/0" },
		{ "back", { .back = true, .proto = UDP, .dport = 53 }, OUT_VETH, REASON_TRACKED, .conn = "unconfirmed established 2/1" },
		{ "and another", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 3/1" },
		{ "from another port", { .proto = UDP, .sport = 1, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "TCP of the same ports", { .dport = 53 }, ON_VETH, REASON_NO_RULE, .conn = "none" },
		{ "first fragment", { .fragment = FIRST, .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 4/1" },
		{ "later fragment", { .fragment = LATER, .proto = UDP, .dport = 53 }, ON_VETH, REASON_FRAGMENT_PASS, .conn = "confirmed established 4/1" },
		{ "tagged twice", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 5/1" },
		{ "truncated", { .proto = UDP, .dport = 53, .cut = 1 }, ON_VETH, REASON_TRUNCATED, .conn = "confirmed established 5/1" },
		{ 0 } } },
	{ "UDP from inside", 0, { NOTHING }, {
		{ "a datagram", { .proto = UDP, .dport = 53 }, OUT_VETH, REASON_OUT, .conn = "unconfirmed new 1/0 outbound" },
		{ "back", { .back = true, .proto = UDP, .dport = 53 }, ON_VETH, REASON_TRACKED, .conn = "confirmed established 1/1 outbound" },
		{ "back again", { .back = true, .proto = UDP, .dport = 53 }, ON_VETH, REASON_TRACKED, .conn = "confirmed established 1/2 outbound" },
		{ "another", { .proto = UDP, .dport = 53 }, OUT_VETH, REASON_OUT, .conn = "confirmed established 2/2 outbound" },
		{ "from another port", { .back = true, .proto = UDP, .dport = 54 }, ON_VETH, REASON_NO_RULE, .conn = "none" },
		{ "from another address", { .back = true, .dst = "203.0.113.6", .proto = UDP, .dport = 53 }, ON_VETH, REASON_NO_RULE, .conn = "none" },
		{ "UDP-Lite of the same ports", { .back = true, .proto = IPPROTO_UDPLITE, .sport = 40000, .dport = 53, .payload = 8 }, ON_VETH, REASON_NO_RULE, .conn = "none" },
		{ 0 } } },
	{ "forwarded UDP", 0, { "203.0.113.0 24 53 53 0 udp" }, {
		{ "comes", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "leaves", { .proto = UDP, .dport = 53 }, OUT_PEER, REASON_OUT, .conn = "unconfirmed new 1/0" },
		{ "back comes", { .back = true, .proto = UDP, .dport = 53 }, ON_PEER, REASON_TRACKED, .conn = "unconfirmed established 1/1" },
		{ "back leaves", { .back = true, .proto = UDP, .dport = 53 }, OUT_VETH, REASON_TRACKED, .conn = "unconfirmed established 1/1" },
		{ "comes again", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ 0 } } },
	{ "protocols without ports", 0, { ANYTHING }, {
		{ "ESP", { .proto = IPPROTO_ESP }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "ESP back", { .back = true, .proto = IPPROTO_ESP }, OUT_VETH, REASON_TRACKED, .conn = "unconfirmed established 1/1" },
		{ "ESP again", { .proto = IPPROTO_ESP }, ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ "GRE is another flow", { .proto = IPPROTO_GRE }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "GRE leaves first", { .dst = "192.0.2.9", .proto = IPPROTO_GRE }, OUT_VETH, REASON_OUT, .conn = "unconfirmed new 1/0 outbound" },
		{ "its answer", { .dst = "192.0.2.9", .back = true, .proto = IPPROTO_GRE }, ON_VETH, REASON_TRACKED, .conn = "confirmed established 1/1 outbound" },
		{ "protocol 255 back, of nothing", { .back = true, .proto = 255 }, ON_VETH, REASON_NO_RULE, .conn = "none" },
		{ 0 } } },
	{ "SCTP", 0, { ANYTHING }, {
		{ "a packet", { .proto = IPPROTO_SCTP, .sport = 7, .dport = 8, .payload = 8 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "back", { .back = true, .proto = IPPROTO_SCTP, .sport = 7, .dport = 8, .payload = 8 }, OUT_VETH, REASON_TRACKED, .conn = "unconfirmed established 1/1" },
		{ "another port", { .proto = IPPROTO_SCTP, .sport = 7, .dport = 9, .payload = 8 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "back to another port, in", { .back = true, .proto = IPPROTO_SCTP, .sport = 6, .dport = 8, .payload = 8 }, ON_VETH, REASON_NO_RULE, .conn = "none" },
		{ "DCCP of the same ports", { .proto = IPPROTO_DCCP, .sport = 7, .dport = 8, .payload = 8 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ 0 } } },
};

static const struct scenario leaving[] = {
	{ "out rules", 0, { "--direction out -a drop 203.0.113.0 24 80 80 0 tcp", "--direction out -a pass 203.0.113.0 24 81 81 0 tcp", "-a drop 203.0.113.0 24 82 82 0 tcp", "203.0.113.0 24 80 80 0 tcp" }, {
		{ "drop", { .dport = 80 }, OUT_VETH, REASON_RULE_DROP, .conn = "none" },
		{ "pass", { .dport = 81 }, OUT_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0 outbound" },
		{ "its reply", { .back = true, .dport = 81, .flags = TCP_SYN | TCP_ACK }, ON_VETH, REASON_TRACKED },
		{ "none", { .dport = 83 }, OUT_VETH, REASON_OUT, .conn = "unconfirmed handshake 1/0 outbound" },
		{ "not those for what comes in", { .dport = 82 }, OUT_VETH, REASON_OUT },
		{ "nor the other way", { .dport = 80, .sport = 1 }, ON_VETH, REASON_RULE_PASS },
		{ "not for replies", { .back = true, .dport = 80, .sport = 1, .flags = TCP_SYN | TCP_ACK }, OUT_VETH, REASON_TRACKED },
		{ "what came in may not leave", { .dport = 80, .sport = 1 }, OUT_PEER, REASON_RULE_DROP, .conn = "unconfirmed handshake 1/1" },
		{ "nor a moment later", { .dport = 80, .sport = 1 }, OUT_PEER, REASON_RULE_DROP, .conn = "unconfirmed handshake 1/1" },
		{ 0 } } },
	{ "out=drop", 0, { "--direction out 203.0.113.0 24 81 81 0 udp", "203.0.113.0 24 82 82 0 udp" }, {
		{ "before: leaves", { .proto = UDP, .dport = 80 }, OUT_VETH, REASON_OUT, .conn = "unconfirmed new 1/0 outbound" },
		{ "a flow that was let out without a rule", { .proto = UDP, .dport = 80 }, OUT_VETH, REASON_OUT_DROP, .before = before_out_drop },
		{ "a new one", { .proto = UDP, .dport = 84 }, OUT_VETH, REASON_OUT_DROP, .conn = "none" },
		{ "with a rule", { .proto = UDP, .dport = 81 }, OUT_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0 outbound" },
		{ "by another interface", { .proto = UDP, .dport = 85 }, OUT_PEER, REASON_OUT, .conn = "unconfirmed new 1/0 outbound" },
		{ "what comes in", { .proto = UDP, .dport = 82 }, ON_VETH, REASON_RULE_PASS },
		{ "and its reply", { .back = true, .proto = UDP, .dport = 82 }, OUT_VETH, REASON_TRACKED },
		{ "TCP reset", { .dport = 86, .flags = TCP_RST }, OUT_VETH, REASON_OUT_DROP },
		{ "echo reply of nothing", { .icmp = ECHO_ANSWER, .id = 3 }, OUT_VETH, REASON_OUT_DROP },
		{ "ARP", { .family = 4, .ethertype = ETH_P_ARP }, OUT_VETH, REASON_ARP },
		{ "neither IP nor ARP", { .family = 4, .ethertype = LLDP }, OUT_VETH, REASON_ETHERTYPE },
		{ "that, and nonip=pass", { .family = 4, .ethertype = LLDP }, OUT_VETH, REASON_NONIP, .before = nonip_pass },
		{ "DHCP", { .family = 4, .proto = UDP, .sport = 68, .dport = 67 }, OUT_VETH, REASON_DHCP },
		{ "DHCPv6", { .family = 6, .proto = UDP, .sport = 546, .dport = 547 }, OUT_VETH, REASON_DHCP },
		{ "what DHCP servers send", { .family = 4, .proto = UDP, .sport = 67, .dport = 68 }, OUT_VETH, REASON_OUT_DROP },
		{ "neighbour solicitation", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = 135 << 8, .hop_limit = 255 }, OUT_VETH, REASON_NEIGHBOUR },
		{ "out=pass again", { .proto = UDP, .dport = 84 }, OUT_VETH, REASON_OUT, .before = out_pass },
		{ "out=drop of all interfaces", { .proto = UDP, .dport = 88 }, OUT_PEER, REASON_OUT_DROP, .before = any_out_drop },
		{ 0 } } },
	{ "nothing said of what leaves", 0, { NOTHING }, {
		{ "ARP", { .family = 4, .ethertype = ETH_P_ARP }, OUT_VETH, REASON_ARP },
		{ "neither IP nor ARP", { .family = 4, .ethertype = LLDP }, OUT_VETH, REASON_NONIP },
		{ "neighbour advertisement", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = 136 << 8, .hop_limit = 255 }, OUT_VETH, REASON_NEIGHBOUR },
		{ "DHCP", { .family = 4, .proto = UDP, .sport = 68, .dport = 67 }, OUT_VETH, REASON_DHCP, .conn = "none" },
		{ "SSH", { .dport = 22 }, OUT_VETH, REASON_OUT },
		{ "by loopback", { .dport = 80 }, OUT_LOOPBACK, REASON_LOOPBACK, .conn = "none" },
		{ "malformed, by loopback", { .dport = 80, .cut = 1 }, OUT_LOOPBACK, REASON_TRUNCATED },
		{ "ICMP that is no echo", { .family = 4, .proto = IPPROTO_ICMP, .dport = 13 << 8 }, OUT_VETH, REASON_OUT },
		{ "QinQ", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .dport = 81 }, OUT_VETH, REASON_OUT, .conn = "unconfirmed handshake 1/0 outbound" },
		{ "behind extension headers", { .family = 6, .chain = "HRDS", .dport = 82 }, OUT_VETH, REASON_OUT, .conn = "unconfirmed handshake 1/0 outbound" },
		{ 0 } } },
};
/* clang-format on */

void flow_cases(struct fixture *fixture)
{
	scenarios_run(fixture, flows, sizeof(flows) / sizeof(flows[0]));
	scenarios_run(fixture, leaving, sizeof(leaving) / sizeof(leaving[0]));
}
