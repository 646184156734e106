/* SPDX-License-Identifier: GPL-2.0-only */
/* What is decided by headers alone, before any rule: a table per row of the packet path. */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>

#define LLDP 0x88cc
#define LACP 0x8809
#define EAPOL 0x888e
#define STP 0x0026 /* not an ethertype but a length: IEEE 802.2 follows */

/* clang-format off */
#define ICMP(type, code) ((type) << 8 | (code))
#define IN_NETWORK(offset, width, value)   { AT_NETWORK, offset, width, value }
#define IN_EXTENSION(offset, width, value) { AT_EXTENSION, offset, width, value }
#define IN_TRANSPORT(offset, width, value) { AT_TRANSPORT, offset, width, value }

const struct row header_malformed[] = {
	{ "IP version 5", { .family = 4, .dport = 22, .poke = IN_NETWORK(0, 1, 0x55) }, 0, REASON_BAD_HEADER },
	{ "IP version 6 in an IPv4 frame", { .family = 4, .dport = 22, .poke = IN_NETWORK(0, 1, 0x65) }, 0, REASON_BAD_HEADER },
	{ "IP version 0", { .family = 4, .dport = 22, .poke = IN_NETWORK(0, 1, 0x05) }, 0, REASON_BAD_HEADER },
	{ "IP version 4 in an IPv6 frame", { .family = 6, .dport = 22, .poke = IN_NETWORK(0, 1, 0x45) }, 0, REASON_BAD_HEADER },
	{ "IP version 7", { .family = 6, .dport = 22, .poke = IN_NETWORK(0, 1, 0x70) }, 0, REASON_BAD_HEADER },
	{ "IHL 4", { .family = 4, .dport = 22, .poke = IN_NETWORK(0, 1, 0x44) }, 0, REASON_BAD_HEADER },
	{ "IHL 0", { .family = 4, .dport = 22, .poke = IN_NETWORK(0, 1, 0x40) }, 0, REASON_BAD_HEADER },
	{ "IHL beyond the packet", { .family = 4, .dport = 22, .poke = IN_NETWORK(0, 1, 0x4f) }, 0, REASON_BAD_HEADER },
	{ "options that leave no room for TCP", { .family = 4, .dport = 22, .poke = IN_NETWORK(0, 1, 0x46) }, 0, REASON_TRUNCATED },
	{ "total length 0", { .family = 4, .dport = 22, .poke = IN_NETWORK(2, 2, 0) }, 0, REASON_BAD_HEADER },
	{ "total length 19", { .family = 4, .dport = 22, .poke = IN_NETWORK(2, 2, 19) }, 0, REASON_BAD_HEADER },
	{ "total length 23, header 24", { .family = 4, .options = 4, .dport = 22, .poke = IN_NETWORK(2, 2, 23) }, 0, REASON_BAD_HEADER },
	{ "total length 20: no TCP at all", { .family = 4, .dport = 22, .poke = IN_NETWORK(2, 2, 20) }, 0, REASON_TRUNCATED },
	{ "total length one more than there is", { .family = 4, .dport = 22, .poke = IN_NETWORK(2, 2, 41) }, 0, REASON_TRUNCATED },
	{ "total length 65535", { .family = 4, .dport = 22, .poke = IN_NETWORK(2, 2, 65535) }, 0, REASON_TRUNCATED },
	{ "total length one more than there is, tagged", { .family = 4, .tags = { ETH_P_8021Q }, .dport = 22, .poke = IN_NETWORK(2, 2, 41) }, 0, REASON_TRUNCATED },
	{ "payload length 0", { .family = 6, .dport = 22, .poke = IN_NETWORK(4, 2, 0) }, 0, REASON_TRUNCATED },
	{ "payload length one more than there is", { .family = 6, .dport = 22, .poke = IN_NETWORK(4, 2, 21) }, 0, REASON_TRUNCATED },
	{ "payload length 65535", { .family = 6, .dport = 22, .poke = IN_NETWORK(4, 2, 65535) }, 0, REASON_TRUNCATED },
	{ "payload length one more than there is, tagged", { .family = 6, .tags = { ETH_P_8021Q }, .dport = 22, .poke = IN_NETWORK(4, 2, 21) }, 0, REASON_TRUNCATED },
	{ "UDP length 0", { .proto = IPPROTO_UDP, .poke = IN_TRANSPORT(4, 2, 0) }, 0, REASON_BAD_HEADER },
	{ "UDP length 7", { .proto = IPPROTO_UDP, .poke = IN_TRANSPORT(4, 2, 7) }, 0, REASON_BAD_HEADER },
	{ "UDP length one more than the packet", { .proto = IPPROTO_UDP, .poke = IN_TRANSPORT(4, 2, 9) }, 0, REASON_TRUNCATED },
	{ "UDP length one more, in the padding", { .proto = IPPROTO_UDP, .poke = IN_TRANSPORT(4, 2, 9), .pad = 20 }, 0, REASON_TRUNCATED },
	{ "UDP length 65535", { .proto = IPPROTO_UDP, .poke = IN_TRANSPORT(4, 2, 65535) }, 0, REASON_TRUNCATED },
	{ "UDP length less than the packet", { .proto = IPPROTO_UDP, .payload = 8, .poke = IN_TRANSPORT(4, 2, 9) }, 0, REASON_NO_RULE },
	{ "TCP data offset 0", { .dport = 22, .poke = IN_TRANSPORT(12, 1, 0x00) }, 0, REASON_BAD_HEADER },
	{ "TCP data offset 4", { .dport = 22, .poke = IN_TRANSPORT(12, 1, 0x40) }, 0, REASON_BAD_HEADER },
	{ "TCP data offset beyond the packet", { .dport = 22, .poke = IN_TRANSPORT(12, 1, 0x60) }, 0, REASON_TRUNCATED },
	{ "TCP data offset beyond the packet, in the padding", { .dport = 22, .poke = IN_TRANSPORT(12, 1, 0x60), .pad = 20 }, 0, REASON_TRUNCATED },
	{ "TCP data offset 15, with that many options", { .dport = 22, .payload = 40, .poke = IN_TRANSPORT(12, 1, 0xf0) }, 0, REASON_SSH_ANY },
	{ "extension header beyond the payload", { .family = 6, .chain = "H", .dport = 22, .poke = IN_EXTENSION(1, 1, 3) }, 0, REASON_TRUNCATED },
	{ "extension header far beyond the payload", { .family = 6, .chain = "D", .dport = 22, .poke = IN_EXTENSION(1, 1, 255) }, 0, REASON_TRUNCATED },
	{ "AH beyond the payload", { .family = 6, .chain = "S", .dport = 22, .poke = IN_EXTENSION(1, 1, 10) }, 0, REASON_TRUNCATED },
	{ "extension header beyond the payload, in the padding", { .family = 6, .chain = "H", .dport = 22, .poke = IN_EXTENSION(1, 1, 3), .pad = 60 }, 0, REASON_TRUNCATED },
	{ "extension header that leaves no room for TCP", { .family = 6, .chain = "H", .dport = 22, .poke = IN_EXTENSION(1, 1, 1) }, 0, REASON_TRUNCATED },
	{ "nine extension headers", { .family = 6, .chain = "DDDDDDDDD", .dport = 22 }, 0, REASON_TOO_MANY_HEADERS },
	{ "eight and a fragment header", { .family = 6, .chain = "DDDDDDDD", .fragment = ATOMIC, .dport = 22 }, 0, REASON_TOO_MANY_HEADERS },
	{ "three VLAN tags", { .tags = { ETH_P_8021AD, ETH_P_8021Q, ETH_P_8021Q }, .dport = 22 }, 0, REASON_TOO_MANY_HEADERS },
	{ "four VLAN tags", { .tags = { ETH_P_8021Q, ETH_P_8021Q, ETH_P_8021Q, ETH_P_8021Q }, .dport = 22 }, 0, REASON_TOO_MANY_HEADERS },
	{ "malformed on loopback too: IHL 4", { .family = 4, .dport = 22, .poke = IN_NETWORK(0, 1, 0x44) }, ON_LOOPBACK, REASON_BAD_HEADER },
	{ "malformed on loopback too: cut", { .dport = 22, .cut = 1 }, ON_LOOPBACK, REASON_TRUNCATED },
	{ 0 },
};

static const struct row ethertypes[] = {
	{ "ARP", { .family = 4, .ethertype = ETH_P_ARP }, 0, REASON_ARP },
	{ "ARP, tagged", { .family = 4, .ethertype = ETH_P_ARP, .tags = { ETH_P_8021Q } }, 0, REASON_ARP },
	{ "ARP, tagged twice", { .family = 4, .ethertype = ETH_P_ARP, .tags = { ETH_P_8021AD, ETH_P_8021Q } }, 0, REASON_ARP },
	{ "reverse ARP", { .family = 4, .ethertype = ETH_P_RARP }, 0, REASON_ETHERTYPE },
	{ "LLDP", { .family = 4, .ethertype = LLDP }, 0, REASON_ETHERTYPE },
	{ "LACP", { .family = 4, .ethertype = LACP }, 0, REASON_ETHERTYPE },
	{ "EAPOL", { .family = 4, .ethertype = EAPOL }, 0, REASON_ETHERTYPE },
	{ "LLDP, tagged", { .family = 4, .ethertype = LLDP, .tags = { ETH_P_8021Q } }, 0, REASON_ETHERTYPE },
	{ "STP", { .family = 4, .ethertype = STP }, 0, REASON_ETHERTYPE },
	{ "MPLS", { .family = 4, .ethertype = ETH_P_MPLS_UC }, 0, REASON_ETHERTYPE },
	{ "PPPoE", { .family = 4, .ethertype = ETH_P_PPP_SES }, 0, REASON_ETHERTYPE },
	{ "nothing after the VLAN tag", { .family = 4, .tags = { ETH_P_8021Q }, .cut = 40 }, 0, REASON_TRUNCATED },
	{ "a VLAN tag that is cut off", { .family = 4, .tags = { ETH_P_8021Q }, .cut = 41 }, 0, REASON_TRUNCATED },
	{ "a second VLAN tag that is cut off", { .family = 4, .tags = { ETH_P_8021AD, ETH_P_8021Q }, .cut = 43 }, 0, REASON_TRUNCATED },
	{ 0 },
};

#define ND(type, hops) { .family = 6, .proto = IPPROTO_ICMPV6, .dport = ICMP(type, 0), .hop_limit = (hops), .payload = 16 }
#define MLD(type) { .family = 6, .src = "fe80::7", .proto = IPPROTO_ICMPV6, .dport = ICMP(type, 0), .hop_limit = 1, .payload = 16 }
#define MLD_ALERT(type) { .family = 6, .src = "fe80::7", .chain = "A", .proto = IPPROTO_ICMPV6, .dport = ICMP(type, 0), .hop_limit = 1, .payload = 16 }

const struct row header_neighbour[] = {
	{ "router solicitation", ND(133, 255), 0, REASON_NEIGHBOUR },
	{ "router advertisement", ND(134, 255), 0, REASON_NEIGHBOUR },
	{ "neighbour solicitation", ND(135, 255), 0, REASON_NEIGHBOUR },
	{ "neighbour advertisement", ND(136, 255), 0, REASON_NEIGHBOUR },
	{ "router solicitation that was forwarded", ND(133, 64), 0, REASON_NO_RULE },
	{ "router advertisement that was forwarded", ND(134, 254), 0, REASON_NO_RULE },
	{ "neighbour solicitation that was forwarded", ND(135, 64), 0, REASON_NO_RULE },
	{ "neighbour advertisement that was forwarded", ND(136, 1), 0, REASON_NO_RULE },
	{ "redirect", ND(137, 255), 0, REASON_NO_RULE },
	{ "neighbour solicitation, tagged", { .family = 6, .tags = { ETH_P_8021Q }, .proto = IPPROTO_ICMPV6, .dport = ICMP(135, 0), .hop_limit = 255, .payload = 16 }, 0, REASON_NEIGHBOUR },
	{ "neighbour solicitation in a first fragment", { .family = 6, .fragment = FIRST, .proto = IPPROTO_ICMPV6, .dport = ICMP(135, 0), .hop_limit = 255, .payload = 16 }, 0, REASON_NO_RULE },
	{ "MLD query", MLD(130), 0, REASON_NEIGHBOUR },
	{ "MLD report", MLD(131), 0, REASON_NEIGHBOUR },
	{ "MLD done", MLD(132), 0, REASON_NEIGHBOUR },
	{ "MLD version 2 report", MLD(143), 0, REASON_NEIGHBOUR },
	{ "MLD query with router alert", MLD_ALERT(130), 0, REASON_NEIGHBOUR },
	{ "MLD report with router alert", MLD_ALERT(131), 0, REASON_NEIGHBOUR },
	{ "MLD done with router alert", MLD_ALERT(132), 0, REASON_NEIGHBOUR },
	{ "MLD version 2 report with router alert", MLD_ALERT(143), 0, REASON_NEIGHBOUR },
	{ "MLD of a node that has no address yet", { .family = 6, .src = "::", .chain = "A", .proto = IPPROTO_ICMPV6, .dport = ICMP(143, 0), .hop_limit = 1, .payload = 16 }, 0, REASON_NEIGHBOUR },
	{ "MLD from afar, whose hop limit has just come to 1", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = ICMP(143, 0), .hop_limit = 1, .payload = 16 }, 0, REASON_NO_RULE },
	{ "MLD of a site, whose routers do forward it", { .family = 6, .src = "fec0::7", .proto = IPPROTO_ICMPV6, .dport = ICMP(130, 0), .hop_limit = 1, .payload = 16 }, 0, REASON_NO_RULE },
	{ "MLD of ::1:0:0:7", { .family = 6, .src = "::1:0:0:7", .proto = IPPROTO_ICMPV6, .dport = ICMP(130, 0), .hop_limit = 1, .payload = 16 }, 0, REASON_NO_RULE },
	{ "MLD of ::7", { .family = 6, .src = "::7", .proto = IPPROTO_ICMPV6, .dport = ICMP(130, 0), .hop_limit = 1, .payload = 16 }, 0, REASON_NO_RULE },
	{ "MLD that a router forwarded", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = ICMP(131, 0), .hop_limit = 64, .payload = 16 }, 0, REASON_NO_RULE },
	{ "what stands around MLD and ND: 129", MLD(129), 0, REASON_NO_RULE },
	{ "what stands around MLD and ND: 142", MLD(142), 0, REASON_NO_RULE },
	{ "what stands around MLD and ND: 144", MLD(144), 0, REASON_NO_RULE },
	{ "ICMP types of IPv6 in IPv4", { .family = 4, .proto = IPPROTO_ICMP, .dport = ICMP(135, 0), .hop_limit = 255 }, 0, REASON_NO_RULE },
	{ 0 },
};

#define UDP(from, to) { .proto = IPPROTO_UDP, .sport = (from), .dport = (to), .payload = 4 }
#define UDP4(from, to) { .family = 4, .proto = IPPROTO_UDP, .sport = (from), .dport = (to), .payload = 4 }
#define UDP6(from, to) { .family = 6, .proto = IPPROTO_UDP, .sport = (from), .dport = (to), .payload = 4 }

const struct row header_dhcp[] = {
	{ "DHCP to a client", UDP4(67, 68), 0, REASON_DHCP },
	{ "DHCPv6 to a client", UDP6(547, 546), 0, REASON_DHCP },
	{ "DHCP to a client, tagged", { .family = 4, .tags = { ETH_P_8021Q }, .proto = IPPROTO_UDP, .sport = 67, .dport = 68 }, 0, REASON_DHCP },
	{ "DHCP to a server", UDP4(68, 67), 0, REASON_NO_RULE },
	{ "DHCPv6 to a server", UDP6(546, 547), 0, REASON_NO_RULE },
	{ "DHCP between servers", UDP4(67, 67), 0, REASON_NO_RULE },
	{ "to the DHCP client from elsewhere", UDP4(53, 68), 0, REASON_NO_RULE },
	{ "to the DHCPv6 client from elsewhere", UDP6(53, 546), 0, REASON_NO_RULE },
	{ "DHCP ports in IPv6", UDP6(67, 68), 0, REASON_NO_RULE },
	{ "DHCPv6 ports in IPv4", UDP4(547, 546), 0, REASON_NO_RULE },
	{ "DHCP ports in TCP", { .sport = 67, .dport = 68 }, 0, REASON_NO_RULE },
	{ 0 },
};

/* A packet to port 22 passes as SSH and one to port 23 does not: so the port was found behind whatever stands before. */
const struct row header_reach[] = {
	{ "SSH before the first rule", { .dport = 22 }, 0, REASON_SSH_ANY },
	{ "SSH segment, not the first", { .dport = 22, .flags = TCP_ACK, .payload = 100 }, 0, REASON_SSH_ANY },
	{ "from port 22", { .sport = 22, .dport = 23 }, 0, REASON_NO_RULE },
	{ "UDP to port 22", UDP(1, 22), 0, REASON_NO_RULE },
	{ "4 bytes of options", { .family = 4, .options = 4, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "40 bytes of options", { .family = 4, .options = 40, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "40 bytes of options, other port", { .family = 4, .options = 40, .dport = 23 }, 0, REASON_NO_RULE },
	{ "hop-by-hop", { .family = 6, .chain = "H", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "routing", { .family = 6, .chain = "R", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "destination options", { .family = 6, .chain = "D", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "256 bytes of destination options", { .family = 6, .chain = "L", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "AH", { .family = 6, .chain = "S", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "mobility", { .family = 6, .chain = "M", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "all of them", { .family = 6, .chain = "HDRSDM", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "all of them, other port", { .family = 6, .chain = "HDRSDM", .dport = 23 }, 0, REASON_NO_RULE },
	{ "eight extension headers", { .family = 6, .chain = "DDDDDDDD", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "an atomic fragment", { .fragment = ATOMIC, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "one VLAN tag", { .tags = { ETH_P_8021Q }, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "one VLAN tag, other port", { .tags = { ETH_P_8021Q }, .dport = 23 }, 0, REASON_NO_RULE },
	{ "one service tag", { .tags = { ETH_P_8021AD }, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "QinQ", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "QinQ, other port", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .dport = 23 }, 0, REASON_NO_RULE },
	{ "QinQ with two customer tags", { .tags = { ETH_P_8021Q, ETH_P_8021Q }, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "QinQ and extension headers", { .family = 6, .tags = { ETH_P_8021AD, ETH_P_8021Q }, .chain = "HDR", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "QinQ and options", { .family = 4, .tags = { ETH_P_8021AD, ETH_P_8021Q }, .options = 12, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "padding after the packet", { .dport = 22, .pad = 6 }, 0, REASON_SSH_ANY },
	{ "much padding after the packet", { .dport = 22, .pad = 500 }, 0, REASON_SSH_ANY },
	{ "padding and a tag", { .tags = { ETH_P_8021Q }, .dport = 22, .pad = 6 }, 0, REASON_SSH_ANY },
	{ "payload", { .dport = 22, .flags = TCP_ACK, .payload = 1200 }, 0, REASON_SSH_ANY },
	{ 0 },
};

/* Nothing is remembered of their first, and nothing is forwarded: so later fragments are let in. */
static const struct row fragments[] = {
	{ "later fragment of TCP", { .fragment = LATER, .dport = 22 }, 0, REASON_FRAGMENT_EARLY },
	{ "last fragment of TCP, at offset 8", { .fragment = LAST, .dport = 22 }, 0, REASON_BAD_HEADER },
	{ "later fragment of UDP that looks like DHCP", { .family = 4, .fragment = LATER, .proto = IPPROTO_UDP, .sport = 67, .dport = 68 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment of UDP that looks like DHCPv6", { .family = 6, .fragment = LATER, .proto = IPPROTO_UDP, .sport = 547, .dport = 546 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment of ICMPv6 that looks like ND", { .family = 6, .fragment = LATER, .proto = IPPROTO_ICMPV6, .dport = ICMP(135, 0), .hop_limit = 255 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment, 4 bytes of some protocol", { .fragment = LATER, .proto = 99 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment behind extension headers", { .family = 6, .chain = "HR", .fragment = LATER, .dport = 22 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment, tagged", { .tags = { ETH_P_8021Q }, .fragment = LATER, .dport = 22 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment with options", { .family = 4, .options = 8, .fragment = LATER, .dport = 22 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment on loopback", { .fragment = LATER, .dport = 22 }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "first fragment to SSH", { .fragment = FIRST, .dport = 22, .payload = 20 }, 0, REASON_SSH_ANY },
	{ "first fragment to another port", { .fragment = FIRST, .dport = 23, .payload = 20 }, 0, REASON_NO_RULE },
	{ "first fragment of DHCP", { .family = 4, .fragment = FIRST, .proto = IPPROTO_UDP, .sport = 67, .dport = 68, .payload = 16 }, 0, REASON_DHCP },
	{ "first fragment of DHCPv6", { .family = 6, .fragment = FIRST, .proto = IPPROTO_UDP, .sport = 547, .dport = 546, .payload = 16 }, 0, REASON_DHCP },
	{ "first fragment behind extension headers", { .family = 6, .chain = "HR", .fragment = FIRST, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "fragment header cut by the payload length", { .family = 6, .fragment = FIRST, .dport = 22, .poke = IN_NETWORK(4, 2, 7) }, 0, REASON_TRUNCATED },
	{ "first fragment of IPv4 that holds 8 bytes of TCP", { .family = 4, .fragment = FIRST, .dport = 22, .poke = IN_NETWORK(2, 2, 28) }, 0, REASON_TRUNCATED },
	{ "first fragment of IPv6 that holds 8 bytes of TCP", { .family = 6, .fragment = FIRST, .dport = 22, .poke = IN_NETWORK(4, 2, 16) }, 0, REASON_TRUNCATED },
	{ 0 },
};

static const struct row no_rule[] = {
	{ "TCP SYN", { .dport = 80 }, 0, REASON_NO_RULE },
	{ "TCP segment of no flow", { .dport = 80, .flags = TCP_ACK }, 0, REASON_NO_RULE },
	{ "TCP without any flag to port 0", { .dport = 0, .flags = TCP_RST }, 0, REASON_NO_RULE },
	{ "UDP", UDP(1000, 53), 0, REASON_NO_RULE },
	{ "echo request", { .family = 4, .proto = IPPROTO_ICMP, .dport = ICMP(8, 0) }, 0, REASON_NO_RULE },
	{ "echo reply", { .family = 4, .proto = IPPROTO_ICMP, .dport = ICMP(0, 0) }, 0, REASON_NO_RULE },
	{ "ICMPv6 echo request", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = ICMP(128, 0) }, 0, REASON_NO_RULE },
	{ "ICMPv6 echo reply", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = ICMP(129, 0) }, 0, REASON_NO_RULE },
	{ "ICMP that is cut by the length", { .family = 4, .proto = IPPROTO_ICMP, .dport = ICMP(8, 0), .poke = IN_NETWORK(2, 2, 27) }, 0, REASON_TRUNCATED },
	{ "GRE", { .proto = IPPROTO_GRE }, 0, REASON_NO_RULE },
	{ "ESP", { .proto = IPPROTO_ESP }, 0, REASON_NO_RULE },
	{ "SCTP of 4 bytes", { .proto = IPPROTO_SCTP }, 0, REASON_TRUNCATED },
	{ "SCTP", { .proto = IPPROTO_SCTP, .payload = 12 }, 0, REASON_NO_RULE },
	{ "IGMP", { .family = 4, .proto = IPPROTO_IGMP }, 0, REASON_NO_RULE },
	{ "no next header", { .family = 6, .proto = 59 }, 0, REASON_NO_RULE },
	{ "protocol 255", { .proto = 255 }, 0, REASON_NO_RULE },
	{ 0 },
};

static const struct row loopback[] = {
	{ "loopback: TCP", { .dport = 80 }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "loopback: SSH", { .dport = 22 }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "loopback: UDP", UDP(1, 2), ON_LOOPBACK, REASON_LOOPBACK },
	{ "loopback: ICMP", { .proto = IPPROTO_ICMP, .dport = ICMP(8, 0) }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "loopback: protocol 99", { .proto = 99 }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "loopback: ARP", { .family = 4, .ethertype = ETH_P_ARP }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "loopback: LLDP", { .family = 4, .ethertype = LLDP }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "no context is loopback: TCP", { .dport = 80 }, NO_CONTEXT, REASON_LOOPBACK },
	{ 0 },
};

#define OWN	 "192.0.2.1"
#define OWN_TOO	 "192.0.2.77"
#define OF_PEER	 "192.0.2.2"
#define NOT_OWN	 "192.0.2.3"

static const struct row ssh_own[] = {
	{ "SSH to the interface's address", { .dst = OWN, .dport = 22 }, 0, REASON_SSH_OWN },
	{ "SSH to its second address", { .dst = OWN_TOO, .dport = 22 }, 0, REASON_SSH_OWN },
	{ "SSH to its address, not the first segment", { .dst = OWN, .dport = 22, .flags = TCP_ACK }, 0, REASON_SSH_OWN },
	{ "SSH to its address, tagged", { .dst = OWN, .tags = { ETH_P_8021Q }, .dport = 22 }, 0, REASON_SSH_OWN },
	{ "SSH to no address of ours", { .dst = NOT_OWN, .dport = 22 }, 0, REASON_NO_RULE },
	{ "SSH to another interface's address", { .dst = OF_PEER, .dport = 22 }, 0, REASON_NO_RULE },
	{ "SSH to another interface's address, there", { .dst = OF_PEER, .dport = 22 }, ON_PEER, REASON_SSH_OWN },
	{ "SSH to the interface's address, on another", { .dst = OWN, .dport = 22 }, ON_PEER, REASON_NO_RULE },
	{ "SSH to the first bytes of an address only", { .family = 6, .dst = "2001:db8:c000:201::1", .dport = 22 }, 0, REASON_NO_RULE },
	{ "an IPv6 address that begins like an IPv4 one", { .family = 6, .dst = "c000:0201::", .dport = 22 }, 0, REASON_NO_RULE },
	{ "other port of the interface's address", { .dst = OWN, .dport = 23 }, 0, REASON_NO_RULE },
	{ "UDP port 22 of the interface's address", { .dst = OWN, .proto = IPPROTO_UDP, .dport = 22 }, 0, REASON_NO_RULE },
	{ 0 },
};
/* clang-format on */

static void ssh_own_cases(struct fixture *fixture)
{
	fixture_set_rules_seen(fixture, 1);
	for (int family = 4; family <= 6; family += 2) {
		fixture_add_address(fixture, fixture->veth, family, OWN);
		fixture_add_address(fixture, fixture->veth, family, OWN_TOO);
		fixture_add_address(fixture, fixture->veth_peer, family, OF_PEER);
	}
	rows_run(fixture, ssh_own);
}

void header_cases(struct fixture *fixture)
{
	fixture_open(fixture);
	rows_run(fixture, header_malformed);
	rows_run(fixture, ethertypes);
	rows_run(fixture, header_neighbour);
	rows_run(fixture, header_dhcp);
	rows_run(fixture, header_reach);
	state_forget(fixture);
	rows_run(fixture, fragments);
	rows_run(fixture, no_rule);
	rows_run(fixture, loopback);
	ssh_own_cases(fixture);
	fixture_close(fixture);
}
