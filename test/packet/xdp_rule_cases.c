/* SPDX-License-Identifier: GPL-2.0-only */
/* What a rule of xdp_filter.o matches, which of several decides, and what is decided when none does. */
#include "harness.h"

#include <netinet/in.h>
#include <unistd.h>

#define UDP IPPROTO_UDP
#define DETECT VERDICT_DETECT

static void two_seconds(struct fixture *fixture, int family)
{
	(void)fixture, (void)family;
	sleep(2);
}

/* clang-format off */
#define TO(port) { .dport = (port) }
#define FROM(source) { .src = source, .dport = 80 }
#define DEST(address) { .dst = address, .dport = 80 }

static const struct scenario prefixes[] = {
	{ "a source prefix", 0, { "198.51.100.0/24 drop -S net" }, {
		{ "first address", FROM("198.51.100.0"), ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "last address", FROM("198.51.100.255"), ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "one below", FROM("198.51.99.255"), ON_VETH, REASON_DEFAULT_PASS },
		{ "one above", FROM("198.51.101.0"), ON_VETH, REASON_DEFAULT_PASS },
		{ "as a destination", { .src = "192.0.2.9", .dst = "198.51.100.7", .dport = 80 }, ON_VETH, REASON_DEFAULT_PASS },
		{ "any protocol", { .proto = IPPROTO_GRE }, ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "behind two tags", { .tags = { 0x88a8, 0x8100 }, .dport = 80 }, ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "on the loopback interface too", TO(80), ON_LOOPBACK, REASON_RULE_DROP, .by = "net" },
		{ "without a context", TO(80), NO_CONTEXT, REASON_RULE_DROP, .by = "net" },
		{ 0 } } },
	{ "a destination prefix", 0, { "drop -d 203.0.113.0/25 -S net" }, {
		{ "within", DEST("203.0.113.127"), ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "beside", DEST("203.0.113.128"), ON_VETH, REASON_DEFAULT_PASS },
		{ "as a source", { .src = "203.0.113.1", .dst = "192.0.2.1", .dport = 80 }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "both prefixes", 0, { "198.51.100.0/24 drop -d 203.0.113.0/24 -S both" }, {
		{ "both", TO(80), ON_VETH, REASON_RULE_DROP, .by = "both" },
		{ "the source only", DEST("203.0.114.1"), ON_VETH, REASON_DEFAULT_PASS },
		{ "the destination only", FROM("198.51.101.1"), ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "one address", 0, { "198.51.100.7/32 drop -S host" }, {
		{ "it", FROM("198.51.100.7"), ON_VETH, REASON_RULE_DROP, .by = "host" },
		{ "one below", FROM("198.51.100.6"), ON_VETH, REASON_DEFAULT_PASS },
		{ "one above", FROM("198.51.100.8"), ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "one IPv6 address", 6, { "2001:db8:c633:6407::1/128 drop -S host" }, {
		{ "it", FROM("2001:db8:c633:6407::1"), ON_VETH, REASON_RULE_DROP, .by = "host" },
		{ "the last bit differs", FROM("2001:db8:c633:6407::"), ON_VETH, REASON_DEFAULT_PASS },
		{ "bit 65 differs", FROM("2001:db8:c633:6407:8000::1"), ON_VETH, REASON_DEFAULT_PASS },
		{ "the first bit differs", FROM("a001:db8:c633:6407::1"), ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "all of IPv4", 4, { "0.0.0.0/0 drop -S all" }, {
		{ "an address", TO(80), ON_VETH, REASON_RULE_DROP, .by = "all" },
		{ "the first", FROM("0.0.0.0"), ON_VETH, REASON_RULE_DROP, .by = "all" },
		{ "the last", FROM("255.255.255.255"), ON_VETH, REASON_RULE_DROP, .by = "all" },
		{ "IPv6", { .family = 6, .dport = 80 }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "all of IPv6", 6, { "::/0 drop -S all" }, {
		{ "an address", TO(80), ON_VETH, REASON_RULE_DROP, .by = "all" },
		{ "the last", FROM("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ON_VETH, REASON_RULE_DROP, .by = "all" },
		{ "IPv4", { .family = 4, .dport = 80 }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "a half of all IPv6", 6, { "8000::/1 drop -S half" }, {
		{ "within", FROM("8000::"), ON_VETH, REASON_RULE_DROP, .by = "half" },
		{ "beside", FROM("7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
};

static const struct scenario protocols[] = {
	{ "TCP", 0, { "drop -p tcp -S tcp" }, {
		{ "TCP", TO(80), ON_VETH, REASON_RULE_DROP, .by = "tcp" },
		{ "UDP", { .proto = UDP, .dport = 80 }, ON_VETH, REASON_DEFAULT_PASS },
		{ "ICMP", { .icmp = ECHO_REQUEST }, ON_VETH, REASON_DEFAULT_PASS },
		{ "TCP behind extension headers", { .family = 6, .chain = "HRD", .dport = 80 }, ON_VETH, REASON_RULE_DROP, .by = "tcp" },
		{ "TCP behind options", { .family = 4, .options = 40, .dport = 80 }, ON_VETH, REASON_RULE_DROP, .by = "tcp" },
		{ 0 } } },
	{ "protocols by number", 0, { "drop -p 47 -S gre", "drop -p 255 -S last" }, {
		{ "GRE", { .proto = IPPROTO_GRE }, ON_VETH, REASON_RULE_DROP, .by = "gre" },
		{ "255", { .proto = 255 }, ON_VETH, REASON_RULE_DROP, .by = "last" },
		{ "ESP", { .proto = IPPROTO_ESP }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "a range of ports", 0, { "drop -p udp --dport 80-90 -S range" }, {
		{ "below", { .proto = UDP, .dport = 79 }, ON_VETH, REASON_DEFAULT_PASS },
		{ "the first", { .proto = UDP, .dport = 80 }, ON_VETH, REASON_RULE_DROP, .by = "range" },
		{ "the last", { .proto = UDP, .dport = 90 }, ON_VETH, REASON_RULE_DROP, .by = "range" },
		{ "above", { .proto = UDP, .dport = 91 }, ON_VETH, REASON_DEFAULT_PASS },
		{ "from such a port", { .proto = UDP, .sport = 80, .dport = 1000 }, ON_VETH, REASON_DEFAULT_PASS },
		{ "of TCP", TO(80), ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "the last port", 0, { "drop -p tcp --dport 65535 -S last" }, {
		{ "it", TO(65535), ON_VETH, REASON_RULE_DROP, .by = "last" },
		{ "one below", TO(65534), ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "ports of SCTP", 0, { "drop -p sctp --dport 80 -S sctp" }, {
		{ "it", { .proto = IPPROTO_SCTP, .sport = 1, .dport = 80, .payload = 8 }, ON_VETH, REASON_RULE_DROP, .by = "sctp" },
		{ "another", { .proto = IPPROTO_SCTP, .sport = 80, .dport = 81, .payload = 8 }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "ICMP by type", 4, { "drop -p icmp --icmp 8/0 -S echo" }, {
		{ "a request", { .icmp = ECHO_REQUEST }, ON_VETH, REASON_RULE_DROP, .by = "echo" },
		{ "a reply", { .icmp = ECHO_ANSWER }, ON_VETH, REASON_DEFAULT_PASS },
		{ "another code", { .proto = IPPROTO_ICMP, .dport = 8 << 8 | 1 }, ON_VETH, REASON_DEFAULT_PASS },
		{ "UDP to the port of that number", { .proto = UDP, .dport = 8 << 8 }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "ICMPv6 by type", 6, { "drop -p icmp --icmp 128/0 -S echo" }, {
		{ "a request", { .icmp = ECHO_REQUEST }, ON_VETH, REASON_RULE_DROP, .by = "echo" },
		{ "a reply", { .icmp = ECHO_ANSWER }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
};

static const struct scenario precedence[] = {
	{ "the longer source", 0, { "198.51.0.0/16 drop -S net", "198.51.100.0/24 pass -S hole", "198.51.100.7/32 drop -S host" }, {
		{ "the longest", FROM("198.51.100.7"), ON_VETH, REASON_RULE_DROP, .by = "host" },
		{ "the middle", FROM("198.51.100.8"), ON_VETH, REASON_RULE_PASS, .by = "hole" },
		{ "the shortest", FROM("198.51.101.8"), ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "none", FROM("198.52.101.8"), ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "the destination before the source", 0, { "198.51.100.7/32 drop -S src", "pass -d 203.0.0.0/8 -S dst" }, {
		{ "both match", TO(80), ON_VETH, REASON_RULE_PASS, .by = "dst" },
		{ "the source only", DEST("204.0.113.5"), ON_VETH, REASON_RULE_DROP, .by = "src" },
		{ 0 } } },
	{ "the narrower ports", 0, { "drop -p tcp -S all", "pass -p tcp --dport 80-90 -S some", "drop -p tcp --dport 85 -S one" }, {
		{ "one", TO(85), ON_VETH, REASON_RULE_DROP, .by = "one" },
		{ "some", TO(84), ON_VETH, REASON_RULE_PASS, .by = "some" },
		{ "all", TO(91), ON_VETH, REASON_RULE_DROP, .by = "all" },
		{ 0 } } },
	{ "the priority before all that", 0, { "198.51.100.7/32 drop -d 203.0.113.5/32 -p tcp --dport 80 -S exact", "pass -P 1 -S wide", "drop -P -1 -S low" }, {
		{ "the wide rule", TO(80), ON_VETH, REASON_RULE_PASS, .by = "wide" },
		{ 0 } } },
	{ "a low priority", 0, { "drop -P -5 -S low", "198.51.100.0/24 pass -S net" }, {
		{ "the better", TO(80), ON_VETH, REASON_RULE_PASS, .by = "net" },
		{ "the low one", FROM("192.0.2.7"), ON_VETH, REASON_RULE_DROP, .by = "low" },
		{ 0 } } },
	{ "an interface", 0, { "drop -i " VETH_NAME " -S one" }, {
		{ "it", TO(80), ON_VETH, REASON_RULE_DROP, .by = "one" },
		{ "another", TO(80), ON_PEER, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "an interface over any", 0, { "198.51.100.0/24 pass -i " VETH_NAME " -S one", "198.51.100.0/24 drop -S any" }, {
		{ "it", TO(80), ON_VETH, REASON_RULE_PASS, .by = "one" },
		{ "another", TO(80), ON_PEER, REASON_RULE_DROP, .by = "any" },
		{ 0 } } },
	{ "a longer prefix over an interface", 0, { "198.51.0.0/16 pass -i " VETH_NAME " -S one", "198.51.100.0/24 drop -S any" }, {
		{ "there", TO(80), ON_VETH, REASON_RULE_DROP, .by = "any" },
		{ 0 } } },
	{ "drop over pass", 0, { "198.51.100.0/24 drop -S drop", "198.51.100.0/24 pass -S pass" }, {
		{ "of one prefix", TO(80), ON_VETH, REASON_RULE_DROP, .by = "drop" },
		{ 0 } } },
	{ "the newer of alike ones", 0, { "198.51.100.0/24 drop -S old", "198.51.100.0/24 drop -S new" }, {
		{ "of one prefix", TO(80), ON_VETH, REASON_RULE_DROP, .by = "new" },
		{ "monitor is drop", TO(80), ON_VETH, REASON_RULE_DROP, DETECT, .by = "watch", .rule = "198.51.100.0/24 monitor -S watch" },
		{ "and drop is newer", TO(80), ON_VETH, REASON_RULE_DROP, .by = "again", .rule = "198.51.100.0/24 drop -S again" },
		{ 0 } } },
	{ "any protocol and one", 0, { "198.51.100.0/24 drop -S any", "198.51.0.0/16 pass -p tcp -S tcp" }, {
		{ "the longer prefix", TO(80), ON_VETH, REASON_RULE_DROP, .by = "any" },
		{ "the protocol", FROM("198.51.101.7"), ON_VETH, REASON_RULE_PASS, .by = "tcp" },
		{ 0 } } },
};

static const struct scenario verdicts[] = {
	{ "monitor", 0, { "198.51.100.0/24 monitor -S watch" }, {
		{ "passes and is told", TO(80), ON_VETH, REASON_RULE_DROP, DETECT, .by = "watch" },
		{ "beside", FROM("198.51.101.7"), ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "monitor under default drop", 0, { "default drop", "198.51.100.0/24 monitor -S watch" }, {
		{ "passes", TO(80), ON_VETH, REASON_RULE_DROP, DETECT, .by = "watch" },
		{ "beside", FROM("198.51.101.7"), ON_VETH, REASON_NO_RULE, .by = "default" },
		{ 0 } } },
	{ "never-drop", 0, { "198.51.100.7/32 never-drop -S guard", "198.51.100.7/32 drop -d 203.0.113.5/32 -p tcp --dport 22 -P 2147483646 -i " VETH_NAME " -S all", "default drop" }, {
		{ "before the best there can be", TO(22), ON_VETH, REASON_NEVER_DROP, .by = "guard" },
		{ "before the default", TO(80), ON_PEER, REASON_NEVER_DROP, .by = "guard" },
		{ "of another", FROM("198.51.100.8"), ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "what is malformed is dropped all the same", { .dport = 22, .cut = 1 }, ON_VETH, REASON_TRUNCATED },
		{ 0 } } },
	{ "never-drop for a port", 0, { "198.51.100.0/24 never-drop -p tcp --dport 22 -i " VETH_NAME " -S guard", "drop -P 9 -S all" }, {
		{ "it", TO(22), ON_VETH, REASON_NEVER_DROP, .by = "guard" },
		{ "another port", TO(23), ON_VETH, REASON_RULE_DROP, .by = "all" },
		{ "another interface", TO(22), ON_PEER, REASON_RULE_DROP, .by = "all" },
		{ 0 } } },
	{ "default drop", 0, { "default drop", "198.51.100.0/24 pass -P -2147483646 -S allow" }, {
		{ "the least rule is above it", TO(80), ON_VETH, REASON_RULE_PASS, .by = "allow" },
		{ "what no rule has", FROM("192.0.2.77"), ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "UDP", { .src = "192.0.2.77", .proto = UDP, .dport = 53 }, ON_PEER, REASON_NO_RULE, .by = "default" },
		{ "ICMP", { .src = "192.0.2.77", .icmp = ECHO_REQUEST }, ON_PEER, REASON_NO_RULE, .by = "default" },
		{ "GRE", { .src = "192.0.2.77", .proto = IPPROTO_GRE }, ON_PEER, REASON_NO_RULE, .by = "default" },
		{ "it is turned to pass", FROM("192.0.2.77"), ON_VETH, REASON_DEFAULT_PASS, .by = "default", .rule = "default pass" },
		{ "to monitor", FROM("192.0.2.77"), ON_VETH, REASON_NO_RULE, DETECT, .by = "default", .rule = "default monitor" },
		{ "and back", FROM("192.0.2.77"), ON_VETH, REASON_NO_RULE, .by = "default", .rule = "default drop" },
		{ 0 } } },
	{ "defaults of interfaces", 0, { "default drop", "default pass -i " VETH_NAME, "default monitor -i lo" }, {
		{ "of one", TO(80), ON_VETH, REASON_DEFAULT_PASS, .by = "default" },
		{ "of another", TO(80), ON_LOOPBACK, REASON_NO_RULE, DETECT, .by = "default" },
		{ "of all", TO(80), ON_PEER, REASON_NO_RULE, .by = "default" },
		{ 0 } } },
	{ "expiry", 0, { "198.51.100.0/24 drop --ttl 1 -S ban", "198.51.0.0/16 pass -S net", "198.51.100.0/24 monitor --ttl 1000 -P -1 -S long" }, {
		{ "not yet", TO(80), ON_VETH, REASON_RULE_DROP, .by = "ban" },
		{ "the next best, at once", TO(80), ON_VETH, REASON_RULE_PASS, .by = "net", .before = two_seconds },
		{ 0 } } },
	{ "expiry of the same key", 0, { "198.51.100.0/24 drop --ttl 1 -P 2 -S ban", "198.51.100.0/24 monitor --ttl 1000 -P 1 -S long", "198.51.100.0/24 pass -S ever" }, {
		{ "not yet", TO(80), ON_VETH, REASON_RULE_DROP, .by = "ban" },
		{ "the next best", TO(80), ON_VETH, REASON_RULE_DROP, DETECT, .by = "long", .before = two_seconds },
		{ 0 } } },
	{ "DHCP", 4, { "default drop" }, {
		{ "only the default would drop it", { .proto = UDP, .sport = 67, .dport = 68 }, ON_VETH, REASON_DHCP },
		{ "its later fragment", { .fragment = LATER, .id = 1, .proto = UDP, .sport = 67, .dport = 68 }, ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "the default monitors", { .proto = UDP, .sport = 67, .dport = 68 }, ON_VETH, REASON_DHCP, .rule = "default monitor" },
		{ "the default passes", { .proto = UDP, .sport = 67, .dport = 68 }, ON_VETH, REASON_DEFAULT_PASS, .by = "default", .rule = "default pass" },
		{ "a rule monitors", { .proto = UDP, .sport = 67, .dport = 68 }, ON_VETH, REASON_RULE_DROP, DETECT, .by = "watch", .rule = "monitor -p udp -P -5 -S watch" },
		{ "a rule drops", { .proto = UDP, .sport = 67, .dport = 68 }, ON_VETH, REASON_RULE_DROP, .by = "no-udp", .rule = "drop -p udp -S no-udp" },
		{ 0 } } },
	{ "DHCPv6", 6, { "default drop" }, {
		{ "only the default would drop it", { .proto = UDP, .sport = 547, .dport = 546 }, ON_VETH, REASON_DHCP },
		{ "a rule drops", { .proto = UDP, .sport = 547, .dport = 546 }, ON_VETH, REASON_RULE_DROP, .by = "no-udp", .rule = "drop -p udp -S no-udp" },
		{ 0 } } },
};
/* clang-format on */

#define RUN(table) scenarios_run(fixture, table, sizeof(table) / sizeof((table)[0]))

void xdp_rule_cases(struct fixture *fixture)
{
	RUN(prefixes);
	RUN(protocols);
	RUN(precedence);
	RUN(verdicts);
}
