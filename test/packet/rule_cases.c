/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules, each case in a rule set of its own. Cases of family 0 run twice: their IPv4 addresses and lengths are taken to
 * IPv6 as spec_address says.
 */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* rules splice to port 4001, where this program listens, or to 4002, where nobody does; veth0 is VETH_NAME */
#define LIVE_PORT 4001

#define ICMP(type, code) ((type) << 8 | (code))

/* clang-format off */
static const struct scenario cases[] = {
	{ "a pass rule", 0, { "203.0.113.0 24 80 80 0 tcp" }, {
		{ "matches", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "matches the first address", { .dst = "203.0.113.0", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "matches the last address", { .dst = "203.0.113.255", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "not the address before", { .dst = "203.0.112.255", .dport = 80 }, 0, REASON_NO_RULE },
		{ "not the address after", { .dst = "203.0.114.0", .dport = 80 }, 0, REASON_NO_RULE },
		{ "not another port", { .dport = 81 }, 0, REASON_NO_RULE },
		{ "not UDP", { .proto = IPPROTO_UDP, .dport = 80 }, 0, REASON_NO_RULE },
		{ "not the source port", { .sport = 80, .dport = 1 }, 0, REASON_NO_RULE },
		{ "not the source address", { .src = "203.0.113.5", .dst = "198.51.100.7", .dport = 80 }, 0, REASON_NO_RULE },
		{ "any segment", { .dport = 80, .flags = TCP_ACK, .payload = 99 }, 0, REASON_RULE_PASS },
		{ "on any interface", { .dport = 80 }, ON_PEER, REASON_RULE_PASS },
		{ "first fragment", { .fragment = FIRST, .dport = 80 }, 0, REASON_RULE_PASS },
		{ "later fragment", { .fragment = LATER, .dport = 80 }, 0, REASON_FRAGMENT_PASS },
		{ "later fragment of another packet", { .fragment = LATER, .id = 77, .dport = 80 }, 0, REASON_FRAGMENT_EARLY },
		{ "not on loopback", { .dport = 80 }, ON_LOOPBACK, REASON_LOOPBACK },
		{ 0 } } },
	{ "a drop rule", 0, { "-a drop 203.0.113.0 24 80 80 0 tcp", "203.0.113.0 24 1 100 0 tcp" }, {
		{ "matches", { .dport = 80 }, 0, REASON_RULE_DROP },
		{ "the port before", { .dport = 79 }, 0, REASON_RULE_PASS },
		{ "the port after", { .dport = 81 }, 0, REASON_RULE_PASS },
		{ "not on loopback", { .dport = 80 }, ON_LOOPBACK, REASON_LOOPBACK },
		{ 0 } } },
	{ "SSH precedes rules", 0, { "-a drop 192.0.2.0 24 0 65535 0 tcp", "203.0.113.0 24 22 22 0 tcp" }, {
		{ "own address", { .dst = VETH_ADDRESS, .dport = 22 }, 0, REASON_SSH_OWN },
		{ "own address, other port", { .dst = VETH_ADDRESS, .dport = 23 }, 0, REASON_RULE_DROP },
		{ "elsewhere by rule", { .dport = 22 }, 0, REASON_RULE_PASS },
		{ 0 } } },
	{ "UDP rules", 0, { "203.0.113.0 24 53 53 0 udp", "-a drop 203.0.113.0 24 54 54 0 udp" }, {
		{ "pass", { .proto = IPPROTO_UDP, .dport = 53 }, 0, REASON_RULE_PASS },
		{ "drop", { .proto = IPPROTO_UDP, .dport = 54 }, 0, REASON_RULE_DROP },
		{ "none", { .proto = IPPROTO_UDP, .dport = 55 }, 0, REASON_NO_RULE },
		{ "not TCP", { .dport = 53 }, 0, REASON_NO_RULE },
		{ "first fragment", { .fragment = FIRST, .proto = IPPROTO_UDP, .dport = 53 }, 0, REASON_RULE_PASS },
		{ 0 } } },
	{ "after the first rule SSH", 0, { "203.0.113.0 24 80 80 0 tcp" }, {
		{ "passes to an own address", { .dst = VETH_ADDRESS, .dport = 22 }, 0, REASON_SSH_OWN },
		{ "passes to no other", { .dport = 22 }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "port edges", 0, { "203.0.113.0 24 1000 2000 0 tcp" }, {
		{ "low - 1", { .dport = 999 }, 0, REASON_NO_RULE },
		{ "low", { .dport = 1000 }, 0, REASON_RULE_PASS },
		{ "high", { .dport = 2000 }, 0, REASON_RULE_PASS },
		{ "high + 1", { .dport = 2001 }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "the first and the last port", 0, { "203.0.113.0 24 0 0 0 tcp", "203.0.113.0 24 65535 65535 0 tcp" }, {
		{ "0", { .dport = 0 }, 0, REASON_RULE_PASS },
		{ "1", { .dport = 1 }, 0, REASON_NO_RULE },
		{ "65534", { .dport = 65534 }, 0, REASON_NO_RULE },
		{ "65535", { .dport = 65535 }, 0, REASON_RULE_PASS },
		{ 0 } } },
	{ "all ports", 0, { "203.0.113.0 24 0 65535 0 udp" }, {
		{ "0", { .proto = IPPROTO_UDP, .dport = 0 }, 0, REASON_RULE_PASS },
		{ "65535", { .proto = IPPROTO_UDP, .dport = 65535 }, 0, REASON_RULE_PASS },
		{ 0 } } },
	{ "three ranges that fill a cell and one that does not", 0, { "203.0.113.0 24 10 19 0 tcp", "-a drop 203.0.113.0 24 20 29 0 tcp", "203.0.113.0 24 40 49 0 tcp" }, {
		{ "before all", { .dport = 9 }, 0, REASON_NO_RULE },
		{ "in the first", { .dport = 19 }, 0, REASON_RULE_PASS },
		{ "in the second", { .dport = 20 }, 0, REASON_RULE_DROP },
		{ "in the gap", { .dport = 30 }, 0, REASON_NO_RULE },
		{ "in the last", { .dport = 49 }, 0, REASON_RULE_PASS },
		{ "after all", { .dport = 50 }, 0, REASON_NO_RULE },
		{ "the last port there is", { .dport = 65535 }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "ranges that overlap", 0, { "203.0.113.0 24 80 90 0 tcp", "-a drop 203.0.113.0 24 80 95 0 tcp" }, {
		{ "79", { .dport = 79 }, 0, REASON_NO_RULE },
		{ "80", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "90", { .dport = 90 }, 0, REASON_RULE_PASS },
		{ "91", { .dport = 91 }, 0, REASON_RULE_DROP },
		{ "95", { .dport = 95 }, 0, REASON_RULE_DROP },
		{ "96", { .dport = 96 }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "a range within a range", 0, { "203.0.113.0 24 100 200 0 tcp", "-a drop 203.0.113.0 24 150 160 0 tcp" }, {
		{ "before", { .dport = 149 }, 0, REASON_RULE_PASS },
		{ "first", { .dport = 150 }, 0, REASON_RULE_DROP },
		{ "last", { .dport = 160 }, 0, REASON_RULE_DROP },
		{ "after", { .dport = 161 }, 0, REASON_RULE_PASS },
		{ 0 } } },
	{ "longest destination", 0, { "0.0.0.0 0 80 80 0 tcp", "-a drop 203.0.0.0 16 80 80 0 tcp", "203.0.113.0 24 80 80 0 tcp", "-a drop 203.0.113.5 32 80 80 0 tcp" }, {
		{ "/32", { .dst = "203.0.113.5", .dport = 80 }, 0, REASON_RULE_DROP },
		{ "/24", { .dst = "203.0.113.6", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "/16", { .dst = "203.0.114.6", .dport = 80 }, 0, REASON_RULE_DROP },
		{ "/0", { .dst = "203.1.114.6", .dport = 80 }, 0, REASON_RULE_PASS },
		{ 0 } } },
	{ "longest source", 0, { "203.0.113.0 24 80 80 0 tcp", "-s 198.51.0.0/16 -a drop 203.0.113.0 24 80 80 0 tcp", "-s 198.51.100.0/24 203.0.113.0 24 80 80 0 tcp", "-s 198.51.100.7/32 -a drop 203.0.113.0 24 80 80 0 tcp" }, {
		{ "/32", { .src = "198.51.100.7", .dport = 80 }, 0, REASON_RULE_DROP },
		{ "/24", { .src = "198.51.100.8", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "/16", { .src = "198.51.101.8", .dport = 80 }, 0, REASON_RULE_DROP },
		{ "none", { .src = "198.52.101.8", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "other destination", { .dst = "203.0.114.6", .dport = 80 }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "destination before source", 0, { "203.0.113.0 24 80 80 0 tcp", "-s 198.51.100.7/32 -a drop 203.0.0.0 16 80 80 0 tcp" }, {
		{ "longer destination", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "shorter destination", { .dst = "203.0.1.1", .dport = 80 }, 0, REASON_RULE_DROP },
		{ 0 } } },
	{ "source before range", 0, { "-s 198.51.100.0/24 203.0.113.0 24 1 1000 0 tcp", "-a drop 203.0.113.0 24 80 80 0 tcp" }, {
		{ "longer source, wider range", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "other source", { .src = "192.0.2.9", .dport = 80 }, 0, REASON_RULE_DROP },
		{ 0 } } },
	{ "range before interface", 0, { "203.0.113.0 24 80 80 0 tcp", "-i veth0 -a drop 203.0.113.0 24 80 81 0 tcp" }, {
		{ "narrower, any interface", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "wider, named interface", { .dport = 81 }, 0, REASON_RULE_DROP },
		{ "wider, other interface", { .dport = 81 }, ON_PEER, REASON_NO_RULE },
		{ 0 } } },
	{ "a named interface over any", 0, { "-a drop 203.0.113.0 24 80 80 0 tcp", "-i veth0 203.0.113.0 24 80 80 0 tcp" }, {
		{ "that interface", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "another", { .dport = 80 }, ON_PEER, REASON_RULE_DROP },
		{ 0 } } },
	{ "two named interfaces", 0, { "-i veth1 -a drop 203.0.113.0 24 80 80 0 tcp", "-i veth0 203.0.113.0 24 80 80 0 tcp" }, {
		{ "one", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "the other", { .dport = 80 }, ON_PEER, REASON_RULE_DROP },
		{ 0 } } },
	{ "priority over all", 0, { "-P 1 0.0.0.0 0 0 65535 0 tcp", "-i veth0 -s 198.51.100.7/32 -a drop 203.0.113.5 32 80 80 0 tcp", "-P 2 -a drop 0.0.0.0 0 90 90 0 tcp" }, {
		{ "over prefix, range and interface", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "over a lower priority", { .dport = 90 }, 0, REASON_RULE_DROP },
		{ 0 } } },
	{ "action decides between equals", 0, { "-S a -a drop 203.0.113.0 24 80 80 0 tcp", "-S b 203.0.113.0 24 80 80 0 tcp", "-S a 203.0.113.0 24 81 81 4002 tcp", "-S b 203.0.113.0 24 81 81 0 tcp", "-S a 203.0.113.0 24 82 82 4002 tcp", "-S b -a drop 203.0.113.0 24 82 82 0 tcp" }, {
		{ "drop over pass", { .dport = 80 }, 0, REASON_RULE_DROP },
		{ "splice over pass", { .dport = 81 }, 0, REASON_NO_LISTENER },
		{ "drop over splice", { .dport = 82 }, 0, REASON_RULE_DROP },
		{ 0 } } },
	{ "the newer of two splices", 0, { "-S a 203.0.113.0 24 80 80 4002 tcp", "-S b 203.0.113.0 24 80 80 4001 tcp", "-S a 203.0.113.0 24 81 81 4001 tcp", "-S b 203.0.113.0 24 81 81 4002 tcp" }, {
		{ "is alive", { .dport = 80 }, 0, REASON_ASSIGN },
		{ "is dead", { .dport = 81 }, 0, REASON_NO_LISTENER },
		{ 0 } } },
	{ "a rule inserted again", 0, { "-a drop 203.0.113.0 24 80 80 0 tcp", "203.0.113.0 24 80 80 0 tcp", "203.0.113.0 24 81 81 0 tcp", "-a drop 203.0.113.0 24 81 81 0 tcp" }, {
		{ "drop becomes pass", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "pass becomes drop", { .dport = 81 }, 0, REASON_RULE_DROP },
		{ 0 } } },
	{ "falling through", 0, { "203.0.113.5 32 1 1 0 tcp", "-i veth1 203.0.113.5 32 80 80 0 tcp", "-s 192.0.2.0/24 203.0.113.5 32 80 80 0 tcp", "203.0.113.4 30 80 80 0 udp", "-a drop 203.0.0.0 8 80 80 0 tcp" }, {
		{ "port, interface, source and protocol do not match", { .dport = 80 }, 0, REASON_RULE_DROP },
		{ "the port does", { .dport = 1 }, 0, REASON_RULE_PASS },
		{ "the interface does", { .dport = 80 }, ON_PEER, REASON_RULE_PASS },
		{ "the source does", { .src = "192.0.2.5", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "the protocol does", { .proto = IPPROTO_UDP, .dport = 80 }, 0, REASON_RULE_PASS },
		{ "nothing does", { .dport = 2 }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "any protocol", 0, { "203.0.113.0 24 0 65535 0 any", "-a drop 203.0.113.0 24 80 80 0 tcp" }, {
		{ "TCP", { .dport = 79 }, 0, REASON_RULE_PASS },
		{ "TCP, with a narrower rule", { .dport = 80 }, 0, REASON_RULE_DROP },
		{ "UDP", { .proto = IPPROTO_UDP, .dport = 80 }, 0, REASON_RULE_PASS },
		{ "ICMP", { .proto = IPPROTO_ICMP, .dport = ICMP(8, 0) }, 0, REASON_RULE_PASS },
		{ "GRE", { .proto = IPPROTO_GRE }, 0, REASON_RULE_PASS },
		{ "protocol 255", { .proto = 255 }, 0, REASON_RULE_PASS },
		{ "ESP", { .proto = IPPROTO_ESP }, 0, REASON_RULE_PASS },
		{ "other address", { .dst = "203.0.114.1", .proto = IPPROTO_GRE }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "the protocol has no rank", 0, { "-a drop 203.0.113.0 24 0 65535 0 any", "203.0.113.0 24 0 65535 0 tcp" }, {
		{ "drop over pass", { .dport = 80 }, 0, REASON_RULE_DROP },
		{ 0 } } },
	{ "protocol 47", 0, { "203.0.113.0 24 0 65535 0 47" }, {
		{ "GRE", { .proto = IPPROTO_GRE }, 0, REASON_RULE_PASS },
		{ "tagged GRE", { .tags = { ETH_P_8021Q }, .proto = IPPROTO_GRE }, 0, REASON_RULE_PASS },
		{ "ESP", { .proto = IPPROTO_ESP }, 0, REASON_NO_RULE },
		{ "TCP", { .dport = 47 }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "ICMP", 4, { "203.0.113.0 24 8 0 0 icmp", "-a drop 203.0.113.0 24 3 4 0 icmp" }, {
		{ "echo request", { .proto = IPPROTO_ICMP, .dport = ICMP(8, 0) }, 0, REASON_RULE_PASS },
		{ "other code", { .proto = IPPROTO_ICMP, .dport = ICMP(8, 1) }, 0, REASON_NO_RULE },
		{ "other type", { .proto = IPPROTO_ICMP, .dport = ICMP(0, 0) }, 0, REASON_NO_RULE },
		{ "fragmentation needed", { .proto = IPPROTO_ICMP, .dport = ICMP(3, 4) }, 0, REASON_RULE_DROP },
		{ "port unreachable", { .proto = IPPROTO_ICMP, .dport = ICMP(3, 3) }, 0, REASON_NO_RULE },
		{ "TCP port 2048", { .dport = 2048 }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "ICMPv6", 6, { "203.0.113.0 24 128 0 0 icmpv6", "-a drop 203.0.113.0 24 1 4 0 icmpv6" }, {
		{ "echo request", { .proto = IPPROTO_ICMPV6, .dport = ICMP(128, 0) }, 0, REASON_RULE_PASS },
		{ "echo request behind an extension header", { .chain = "D", .proto = IPPROTO_ICMPV6, .dport = ICMP(128, 0) }, 0, REASON_RULE_PASS },
		{ "other code", { .proto = IPPROTO_ICMPV6, .dport = ICMP(128, 1) }, 0, REASON_NO_RULE },
		{ "other type", { .proto = IPPROTO_ICMPV6, .dport = ICMP(129, 0) }, 0, REASON_NO_RULE },
		{ "port unreachable", { .proto = IPPROTO_ICMPV6, .dport = ICMP(1, 4) }, 0, REASON_RULE_DROP },
		{ "discovery precedes rules", { .proto = IPPROTO_ICMPV6, .dport = ICMP(135, 0), .hop_limit = 255 }, 0, REASON_NEIGHBOUR },
		{ 0 } } },
	{ "the port behind other headers", 0, { "203.0.113.0 24 80 80 0 tcp", "203.0.113.0 24 53 53 0 udp" }, {
		{ "options", { .family = 4, .options = 40, .dport = 80 }, 0, REASON_RULE_PASS },
		{ "options, other port", { .family = 4, .options = 40, .dport = 81 }, 0, REASON_NO_RULE },
		{ "options and UDP", { .family = 4, .options = 12, .proto = IPPROTO_UDP, .dport = 53 }, 0, REASON_RULE_PASS },
		{ "extension headers", { .family = 6, .chain = "HDRSM", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "extension headers, other port", { .family = 6, .chain = "HDRSM", .dport = 81 }, 0, REASON_NO_RULE },
		{ "extension headers and UDP", { .family = 6, .chain = "HDRSM", .proto = IPPROTO_UDP, .dport = 53 }, 0, REASON_RULE_PASS },
		{ "first fragment", { .fragment = FIRST, .proto = IPPROTO_UDP, .dport = 53 }, 0, REASON_RULE_PASS },
		{ "atomic fragment", { .fragment = ATOMIC, .dport = 80 }, 0, REASON_RULE_PASS },
		{ "VLAN", { .tags = { ETH_P_8021Q }, .dport = 80 }, 0, REASON_RULE_PASS },
		{ "QinQ", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .dport = 80 }, 0, REASON_RULE_PASS },
		{ "QinQ, other port", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .dport = 81 }, 0, REASON_NO_RULE },
		{ "padding", { .dport = 80, .pad = 6 }, 0, REASON_RULE_PASS },
		{ 0 } } },
	{ "a prefix of length 0", 6, { ":: 0 80 80 0 tcp", "-s ::/0 -a drop 8000:: 1 80 80 0 tcp" }, {
		{ "all zeros", { .dst = "::", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "the first half", { .dst = "7fff:ffff::1", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "the second half", { .dst = "8000::", .dport = 80 }, 0, REASON_RULE_DROP },
		{ "all ones", { .dst = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .dport = 80 }, 0, REASON_RULE_DROP },
		{ 0 } } },
	{ "both halves of an IPv6 address", 6, { "2001:db8::1:0:0:0 80 80 80 0 tcp", "-a drop 2001:db8::1:2:3:4 128 80 80 0 tcp", "-s 2001:db8::5:0:0:0/80 2001:db8::1:2:3:4 128 80 80 0 tcp" }, {
		{ "/128", { .dst = "2001:db8::1:2:3:4", .dport = 80 }, 0, REASON_RULE_DROP },
		{ "the last bit differs", { .dst = "2001:db8::1:2:3:5", .dport = 80 }, 0, REASON_RULE_PASS },
		{ "bit 80 differs", { .dst = "2001:db8::2:2:3:4", .dport = 80 }, 0, REASON_NO_RULE },
		{ "the first half differs", { .dst = "2001:db9::1:2:3:4", .dport = 80 }, 0, REASON_NO_RULE },
		{ "source past the first half", { .src = "2001:db8::5:6:7:8", .dst = "2001:db8::1:2:3:4", .dport = 80 }, 0, REASON_RULE_PASS },
		{ 0 } } },
	{ "families are apart", 4, { "203.0.113.0 24 80 80 0 tcp", "cb00:7100:: 24 81 81 0 tcp" }, {
		{ "IPv4", { .dport = 80 }, 0, REASON_RULE_PASS },
		{ "the same bytes in IPv6", { .family = 6, .dst = "cb00:7105::", .dport = 80 }, 0, REASON_NO_RULE },
		{ "IPv6", { .family = 6, .dst = "cb00:7105::", .dport = 81 }, 0, REASON_RULE_PASS },
		{ "the same bytes in IPv4", { .dport = 81 }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "splice", 0, { "203.0.113.0 24 80 80 4002 tcp", "203.0.113.0 24 81 81 4001 tcp", "203.0.113.0 24 80 80 4002 udp", "203.0.113.0 24 81 81 4001 udp" }, {
		{ "TCP, nobody listens", { .dport = 80 }, 0, REASON_NO_LISTENER },
		{ "TCP, someone listens (a test run cannot assign)", { .dport = 81 }, 0, REASON_ASSIGN },
		{ "UDP, nobody listens", { .proto = IPPROTO_UDP, .dport = 80 }, 0, REASON_NO_LISTENER },
		{ "UDP, someone listens (a test run cannot assign)", { .proto = IPPROTO_UDP, .dport = 81 }, 0, REASON_ASSIGN },
		{ "TCP on loopback, nobody listens", { .dport = 80 }, ON_LOOPBACK, REASON_NO_LISTENER },
		{ "TCP on loopback, someone listens", { .dport = 81 }, ON_LOOPBACK, REASON_ASSIGN },
		{ "no rule on loopback", { .dport = 82 }, ON_LOOPBACK, REASON_LOOPBACK },
		{ "later fragment before its first", { .fragment = LATER, .proto = IPPROTO_UDP, .dport = 81 }, 0, REASON_FRAGMENT_EARLY },
		{ 0 } } },
};
/* clang-format on */

void rule_cases(struct fixture *fixture)
{
	int sockets[] = { socket_listen(4, SOCK_STREAM, LIVE_PORT), socket_listen(6, SOCK_STREAM, LIVE_PORT),
			  socket_listen(4, SOCK_DGRAM, LIVE_PORT), socket_listen(6, SOCK_DGRAM, LIVE_PORT) };

	scenarios_run(fixture, cases, sizeof(cases) / sizeof(cases[0]));
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		close(sockets[i]);
}
