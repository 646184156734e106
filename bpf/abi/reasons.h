/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a packet was decided as it was. The registry is append-only: a number is never given a second meaning,
 * because events, counters and audit logs outlive the program that wrote them.
 *
 * The number tells the verdict: 1-63 drop, 64-95 pass, 96-127 splice. 0 is "no verdict yet".
 */
#ifndef SPLICER_ABI_REASONS_H
#define SPLICER_ABI_REASONS_H

enum verdict {
	VERDICT_NONE = 0, /* no verdict yet: the next row of the packet path is asked */
	VERDICT_DROP = 1,
	VERDICT_PASS = 2,   /* the next filter on the hook runs, then the stack */
	VERDICT_SPLICE = 3, /* given to a local socket */
};

#define REASON_FIRST_PASS 64
#define REASON_FIRST_SPLICE 96
#define REASON_COUNT 128 /* size of the counter map; part of the ABI */

/* X(number, IDENTIFIER, "name", "what it says to a reader") */
#define REASONS(X)                                                                                                \
	X(1, TRUNCATED, "truncated", "shorter than its own headers say")                                          \
	X(2, BAD_HEADER, "bad-header", "a version, length or offset field that cannot be")                        \
	X(3, TOO_MANY_HEADERS, "too-many-headers", "more extension headers or tags than are followed")            \
	X(4, ETHERTYPE, "ethertype", "neither IP nor ARP")                                                        \
	X(5, FRAGMENT, "fragment", "a later fragment, which has no ports")                                        \
	X(6, NO_RULE, "no-rule", "no rule matches")                                                               \
	X(7, RULE_DROP, "rule-drop", "a drop rule matches")                                                       \
	X(8, NO_LISTENER, "no-listener", "a splice rule matches but nothing listens on its port")                 \
	X(9, REUSEPORT, "reuseport", "the listener uses SO_REUSEPORT, which this kernel cannot assign (6.6 can)") \
	X(10, ASSIGN, "assign", "the kernel refused to give the packet to the listener")                          \
	X(11, INTERNAL, "internal", "a table could not be read")                                                  \
	X(64, LOOPBACK, "loopback", "on the loopback interface")                                                  \
	X(65, ARP, "arp", "address resolution")                                                                   \
	X(66, NEIGHBOUR, "neighbour", "IPv6 neighbour, router or multicast listener discovery")                   \
	X(67, DHCP, "dhcp", "a DHCP answer to a client here")                                                     \
	X(68, SSH_ANY, "ssh-any", "SSH to any address: no rule was ever inserted, or ssh=any")                    \
	X(69, SSH_OWN, "ssh-own", "SSH to an address of the receiving interface")                                 \
	X(70, ESTABLISHED, "established", "belongs to a connected local socket")                                  \
	X(71, RULE_PASS, "rule-pass", "a pass rule matches")                                                      \
	X(72, NONIP, "nonip", "neither IP nor ARP, and nonip=pass")                                               \
	X(96, RULE_SPLICE, "rule-splice", "a splice rule matches")

enum reason {
	REASON_NONE = 0,
#define REASON_ENUM(number, identifier, name, text) REASON_##identifier = (number),
	REASONS(REASON_ENUM)
#undef REASON_ENUM
};

static inline enum verdict reason_verdict(unsigned int reason)
{
	if (reason == REASON_NONE)
		return VERDICT_NONE;
	if (reason < REASON_FIRST_PASS)
		return VERDICT_DROP;
	return reason < REASON_FIRST_SPLICE ? VERDICT_PASS : VERDICT_SPLICE;
}

#endif
