/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames that are not IP: what keeps the link and its addresses working, and rules for the rest. */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define LLDP 0x88cc
#define LACP 0x8809
#define EAPOL 0x888e
#define STP 0x0026 /* not an ethertype but a length: IEEE 802.2 follows */
#define MPLS ETH_P_MPLS_UC

static void two_seconds(struct fixture *fixture, int family)
{
	(void)fixture, (void)family;
	sleep(2);
}

/* clang-format off */
#define ARP { .family = 4, .ethertype = ETH_P_ARP }
#define OTHER { .family = 4, .ethertype = MPLS }
#define TO(group) .mac = "01:80:c2:00:00:" group
#define DETECT VERDICT_DETECT

static const struct scenario scenarios[] = {
	{ "default drop", 4, { "default drop" }, {
		{ "ARP", ARP, ON_VETH, REASON_ARP },
		{ "ARP, tagged", { .family = 4, .ethertype = ETH_P_ARP, .tags = { ETH_P_8021Q } }, ON_VETH, REASON_ARP },
		{ "ARP, tagged twice", { .family = 4, .ethertype = ETH_P_ARP, .tags = { ETH_P_8021AD, ETH_P_8021Q } }, ON_VETH, REASON_ARP },
		{ "ARP, tagged three times", { .family = 4, .ethertype = ETH_P_ARP, .tags = { ETH_P_8021AD, ETH_P_8021Q, ETH_P_8021Q } }, ON_VETH, REASON_TOO_MANY_HEADERS },
		{ "reverse ARP", { .family = 4, .ethertype = ETH_P_RARP }, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "LLDP", { .family = 4, .ethertype = LLDP, TO("0e") }, ON_VETH, REASON_LINK_CONTROL },
		{ "LACP", { .family = 4, .ethertype = LACP, TO("02") }, ON_VETH, REASON_LINK_CONTROL },
		{ "EAPOL", { .family = 4, .ethertype = EAPOL, TO("03") }, ON_VETH, REASON_LINK_CONTROL },
		{ "STP", { .family = 4, .ethertype = STP, TO("00") }, ON_VETH, REASON_LINK_CONTROL },
		{ "LLDP, tagged", { .family = 4, .ethertype = LLDP, TO("0e"), .tags = { ETH_P_8021Q } }, ON_VETH, REASON_LINK_CONTROL },
		{ "LLDP to a host", { .family = 4, .ethertype = LLDP }, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "a group that looks like it: 4th byte", { .family = 4, .ethertype = LLDP, .mac = "01:80:c2:01:00:0e" }, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "5th byte", { .family = 4, .ethertype = LLDP, .mac = "01:80:c2:00:01:0e" }, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "3rd byte", { .family = 4, .ethertype = LLDP, .mac = "01:80:c3:00:00:0e" }, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "2nd byte", { .family = 4, .ethertype = LLDP, .mac = "01:00:c2:00:00:0e" }, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "1st byte", { .family = 4, .ethertype = LLDP, .mac = "00:80:c2:00:00:0e" }, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "IPv4 to a reserved group is not control", { .family = 4, TO("0e"), .dport = 80 }, ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "IPv6 to a reserved group is not control", { .family = 6, TO("0e"), .dport = 80 }, ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "MPLS", OTHER, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "nothing but an Ethernet header", { .family = 4, .ethertype = MPLS, .cut = 28 }, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "a tag that is cut off", { .family = 4, .tags = { ETH_P_8021Q }, .cut = 41 }, ON_VETH, REASON_TRUNCATED },
		{ "on the other interface", OTHER, ON_PEER, REASON_ETHERTYPE, .by = "default" },
		{ 0 } } },
	{ "no default", 4, { NULL }, {
		{ "MPLS", OTHER, ON_VETH, REASON_DEFAULT_PASS },
		{ "ARP", ARP, ON_VETH, REASON_ARP },
		{ "three tags", { .family = 4, .ethertype = MPLS, .tags = { ETH_P_8021AD, ETH_P_8021Q, ETH_P_8021Q } }, ON_VETH, REASON_TOO_MANY_HEADERS },
		{ 0 } } },
	{ "default pass", 4, { "default pass" }, {
		{ "MPLS", OTHER, ON_VETH, REASON_NONIP, .by = "default" },
		{ "ARP", ARP, ON_VETH, REASON_ARP },
		{ "LLDP", { .family = 4, .ethertype = LLDP, TO("0e") }, ON_VETH, REASON_LINK_CONTROL },
		{ 0 } } },
	{ "default monitor", 4, { "default monitor" }, {
		{ "MPLS", OTHER, ON_VETH, REASON_ETHERTYPE, DETECT, .by = "default" },
		{ "ARP", ARP, ON_VETH, REASON_ARP },
		{ 0 } } },
	{ "defaults of interfaces", 4, { "default pass", "default drop -i " VETH_NAME, "default monitor -i lo" }, {
		{ "of one", OTHER, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "of another", OTHER, ON_LOOPBACK, REASON_ETHERTYPE, DETECT, .by = "default" },
		{ "of all", OTHER, ON_PEER, REASON_NONIP, .by = "default" },
		{ 0 } } },
	{ "an own default alone", 4, { "default drop -i " VETH_NAME }, {
		{ "there", OTHER, ON_VETH, REASON_ETHERTYPE, .by = "default" },
		{ "elsewhere", OTHER, ON_PEER, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "rules for what is not IP", 4, { "default drop", "pass -p nonip -S any", "drop -p nonip -i " VETH_NAME " -S one" }, {
		{ "of one interface", OTHER, ON_VETH, REASON_ETHERTYPE, .by = "one" },
		{ "of any", OTHER, ON_PEER, REASON_NONIP, .by = "any" },
		{ "not of IP", { .family = 4, .dport = 80 }, ON_PEER, REASON_NO_RULE, .by = "default" },
		{ "nor of ARP", ARP, ON_VETH, REASON_ARP },
		{ "a monitor rule comes", OTHER, ON_VETH, REASON_ETHERTYPE, DETECT, .by = "watch", .rule = "monitor -p nonip -P 1 -S watch" },
		{ "never-drop comes", OTHER, ON_VETH, REASON_NONIP, .by = "guard", .rule = "never-drop -p nonip -S guard" },
		{ 0 } } },
	{ "a drop rule, without a default", 4, { "drop -p nonip -S none" }, {
		{ "MPLS", OTHER, ON_VETH, REASON_ETHERTYPE, .by = "none" },
		{ "IP", { .family = 4, .dport = 80 }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "rules for all of IP", 4, { "drop -S ip", "drop -p 0 -S zero" }, {
		{ "MPLS", OTHER, ON_VETH, REASON_DEFAULT_PASS },
		{ "IP", { .family = 4, .dport = 80 }, ON_VETH, REASON_RULE_DROP, .by = "ip" },
		{ 0 } } },
	{ "rules that expire", 4, { "default drop", "pass -p nonip --ttl 1 -S soon", "pass -p nonip --ttl 1000 -P 1 -i " VETH_NAME " -S later" }, {
		{ "not yet", OTHER, ON_PEER, REASON_NONIP, .by = "soon" },
		{ "the better one", OTHER, ON_VETH, REASON_NONIP, .by = "later" },
		{ "now", OTHER, ON_PEER, REASON_ETHERTYPE, .by = "default", .before = two_seconds },
		{ "the other still holds", OTHER, ON_VETH, REASON_NONIP, .by = "later" },
		{ 0 } } },
	{ "IPv6 under default drop", 6, { "default drop" }, {
		{ "neighbour solicitation", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = 135 << 8, .hop_limit = 255, .payload = 16 }, ON_VETH, REASON_NEIGHBOUR },
		{ "one that was forwarded", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = 135 << 8, .hop_limit = 254, .payload = 16 }, ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "MLD", { .family = 6, .src = "fe80::7", .chain = "A", .proto = IPPROTO_ICMPV6, .dport = 143 << 8, .hop_limit = 1, .payload = 16 }, ON_VETH, REASON_NEIGHBOUR },
		{ "MLD from afar", { .family = 6, .chain = "A", .proto = IPPROTO_ICMPV6, .dport = 143 << 8, .hop_limit = 1, .payload = 16 }, ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "a drop rule comes", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = 136 << 8, .hop_limit = 255, .payload = 16 }, ON_VETH, REASON_NEIGHBOUR, .rule = "drop -P 9 -S all" },
		{ 0 } } },
};
/* clang-format on */

/* 01:80:c2:00:00:00 to 0f are reserved: IEEE 802.1Q table 8-1. */
static void groups_run(struct fixture *fixture)
{
	char name[64], mac[24];

	fixture_open(fixture);
	rule_insert(fixture, 4, "default drop");
	for (unsigned int i = 0; i < 256; i++) {
		bool reserved = i < 16;
		const struct row row = { .name = name,
					 .spec = { .family = 4, .ethertype = LLDP, .mac = mac },
					 .reason = reserved ? REASON_LINK_CONTROL : REASON_ETHERTYPE,
					 .by = reserved ? NULL : "default" };

		if (i > 17 && i % 16)
			continue;
		snprintf(mac, sizeof(mac), "01:80:c2:00:00:%02x", i);
		snprintf(name, sizeof(name), "group address %s", mac);
		row_run(fixture, &row, 4);
	}
	fixture_close(fixture);
}

void xdp_link_cases(struct fixture *fixture)
{
	scenarios_run(fixture, scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
	groups_run(fixture);
}
