/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments at the edges of what can be: RFC 791, 1858, 3128, 6946, 8200. Nothing is remembered, nothing forwarded. */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>

#define OTHER 99 /* a protocol without ports; its rows carry 4 bytes and their payload */

/* clang-format off */
#define IN_NETWORK(offset, width, value)   { AT_NETWORK, offset, width, value }
#define IN_EXTENSION(offset, width, value) { AT_EXTENSION, offset, width, value }

static const struct row rows[] = {
	{ "ends where a packet can end at last", { .fragment = LAST, .offset = 8191, .proto = OTHER, .payload = 3 }, 0, REASON_FRAGMENT_EARLY },
	{ "ends a byte after that", { .fragment = LAST, .offset = 8191, .proto = OTHER, .payload = 4 }, 0, REASON_BAD_HEADER },
	{ "ping of death", { .fragment = LAST, .offset = 8189, .proto = IPPROTO_ICMP, .payload = 1000 }, 0, REASON_BAD_HEADER },
	{ "its offset and length wrap around 16 bits", { .fragment = LAST, .offset = 8191, .proto = OTHER, .payload = 1400 }, 0, REASON_BAD_HEADER },
	{ "ping of death with more to come", { .fragment = LATER, .offset = 8191, .proto = OTHER, .payload = 1000 }, 0, REASON_BAD_HEADER },
	{ "ping of death, tagged twice", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .fragment = LAST, .offset = 8191, .proto = OTHER, .payload = 100 }, 0, REASON_BAD_HEADER },
	{ "ping of death behind options", { .family = 4, .options = 12, .fragment = LAST, .offset = 8190, .proto = OTHER, .payload = 100 }, 0, REASON_BAD_HEADER },
	{ "ping of death behind extension headers", { .family = 6, .chain = "HD", .fragment = LAST, .offset = 8190, .proto = OTHER, .payload = 100 }, 0, REASON_BAD_HEADER },
	{ "what follows the fragment header counts, not what precedes it", { .family = 6, .chain = "L", .fragment = LAST, .offset = 8180, .proto = OTHER, .payload = 91 }, 0, REASON_FRAGMENT_EARLY },
	{ "padding after it does not count", { .fragment = LAST, .offset = 8191, .proto = OTHER, .payload = 3, .pad = 20 }, 0, REASON_FRAGMENT_EARLY },
	{ "TCP at 8: within its header", { .fragment = LATER, .offset = 1 }, 0, REASON_BAD_HEADER },
	{ "TCP at 16: within its header", { .fragment = LATER, .offset = 2 }, 0, REASON_BAD_HEADER },
	{ "TCP at 16, the last", { .fragment = LAST, .offset = 2 }, 0, REASON_BAD_HEADER },
	{ "TCP at 24: after its header", { .fragment = LATER, .offset = 3 }, 0, REASON_FRAGMENT_EARLY },
	{ "TCP at 8, behind extension headers", { .family = 6, .chain = "HD", .fragment = LATER, .offset = 1 }, 0, REASON_BAD_HEADER },
	{ "UDP at 8", { .fragment = LATER, .offset = 1, .proto = IPPROTO_UDP }, 0, REASON_FRAGMENT_EARLY },
	{ "ICMP at 8", { .fragment = LATER, .offset = 1, .proto = IPPROTO_ICMP }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment of one byte", { .family = 4, .fragment = LAST, .offset = 9, .proto = OTHER, .poke = IN_NETWORK(2, 2, 21) }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment of nothing", { .family = 4, .fragment = LAST, .offset = 9, .proto = OTHER, .poke = IN_NETWORK(2, 2, 20) }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment of nothing", { .family = 6, .fragment = LAST, .offset = 9, .proto = OTHER, .poke = IN_NETWORK(4, 2, 8) }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment with an extension header as its next", { .family = 6, .fragment = LATER, .proto = OTHER, .poke = IN_EXTENSION(0, 1, IPPROTO_DSTOPTS) }, 0, REASON_FRAGMENT_EARLY },
	{ "first fragment that ends after the ports of UDP", { .family = 4, .id = 11, .fragment = FIRST, .proto = IPPROTO_UDP, .dport = 53, .poke = IN_NETWORK(2, 2, 24) }, 0, REASON_TRUNCATED },
	{ "first fragment that ends after the ports of UDP", { .family = 6, .id = 11, .fragment = FIRST, .proto = IPPROTO_UDP, .dport = 53, .poke = IN_NETWORK(4, 2, 12) }, 0, REASON_TRUNCATED },
	{ "first fragment of UDP without data", { .id = 2, .fragment = FIRST, .proto = IPPROTO_UDP, .dport = 53 }, 0, REASON_NO_RULE },
	{ "first fragment that ends within the options of TCP", { .id = 3, .fragment = FIRST, .dport = 80, .poke = { AT_TRANSPORT, 12, 1, 0x60 } }, 0, REASON_TRUNCATED },
	{ "first fragment that has the options of TCP", { .id = 4, .fragment = FIRST, .dport = 80, .payload = 4, .poke = { AT_TRANSPORT, 12, 1, 0x60 } }, 0, REASON_NO_RULE },
	{ "first fragment that ends within ICMP", { .family = 4, .id = 5, .fragment = FIRST, .icmp = ECHO_REQUEST, .poke = IN_NETWORK(2, 2, 27) }, 0, REASON_TRUNCATED },
	{ "first fragment with the flag that forbids them", { .family = 4, .id = 6, .dport = 80, .poke = IN_NETWORK(6, 2, 0x6000) }, 0, REASON_NO_RULE },
	{ "whole, with the reserved flag", { .family = 4, .dport = 80, .poke = IN_NETWORK(6, 2, 0x8000) }, 0, REASON_NO_RULE },
	{ "later fragment with all flags", { .family = 4, .id = 7, .proto = OTHER, .poke = IN_NETWORK(6, 2, 0xe001) }, 0, REASON_FRAGMENT_EARLY },
	{ "reserved bits of the fragment header are no offset", { .family = 6, .fragment = ATOMIC, .dport = 80, .poke = IN_EXTENSION(2, 2, 6) }, 0, REASON_NO_RULE },
	{ "atomic fragment of UDP", { .family = 6, .fragment = ATOMIC, .proto = IPPROTO_UDP, .dport = 53 }, 0, REASON_NO_RULE },
	{ "atomic fragment whose UDP is cut", { .family = 6, .fragment = ATOMIC, .proto = IPPROTO_UDP, .dport = 53, .poke = IN_NETWORK(4, 2, 15) }, 0, REASON_TRUNCATED },
	{ "atomic fragment of discovery", { .family = 6, .fragment = ATOMIC, .proto = IPPROTO_ICMPV6, .dport = 135 << 8, .hop_limit = 255 }, 0, REASON_NO_RULE },
	{ "first fragment of discovery", { .family = 6, .id = 8, .fragment = FIRST, .proto = IPPROTO_ICMPV6, .dport = 135 << 8, .hop_limit = 255 }, 0, REASON_NO_RULE },
	{ "a fragment header within an atomic one", { .family = 6, .fragment = ATOMIC, .sport = 4400, .dport = 80, .poke = IN_EXTENSION(0, 1, IPPROTO_FRAGMENT) }, 0, REASON_FRAGMENT_EARLY },
	{ "as it leaves: ping of death", { .fragment = LAST, .offset = 8191, .proto = OTHER, .payload = 4 }, OUT_VETH, REASON_BAD_HEADER },
	{ "as it leaves: TCP at 8", { .fragment = LATER, .offset = 1 }, OUT_VETH, REASON_BAD_HEADER },
	{ "as it leaves: cut", { .dport = 80, .cut = 1 }, OUT_VETH, REASON_TRUNCATED },
	{ "as it leaves: nine extension headers", { .family = 6, .chain = "DDDDDDDDD", .dport = 80 }, OUT_VETH, REASON_TOO_MANY_HEADERS },
	{ 0 },
};
/* clang-format on */

void boundary_cases(struct fixture *fixture)
{
	fixture_open(fixture);
	rows_run(fixture, rows);
	fixture_close(fixture);
}
