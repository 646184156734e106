/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a packet was decided as it was. The registry is append-only: a number is never given a second meaning,
 * because events, counters and audit logs outlive the program that wrote them.
 *
 * The number tells the usual verdict: 1-63 drop, 64-95 pass, 96-127 splice. 0 is "no verdict yet".
 */
#ifndef SPLICER_ABI_REASONS_H
#define SPLICER_ABI_REASONS_H

/* X(number, IDENTIFIER, "verdict", "what happened", what it is): the two words by which people know it */
#define VERDICTS(X)                                                                                      \
	X(1, DROP, "BLOCKED", "dropped")                                                                 \
	X(2, PASS, "ALLOWED", "passed")          /* the next filter on the hook runs, then the stack */  \
	X(3, SPLICE, "ALLOWED", "spliced")       /* given to a local socket */                           \
	X(4, DETECT, "DETECTED", "passed")       /* the reason is one to drop, but the mode is detect */ \
	X(5, TRANSLATE, "ALLOWED", "translated") /* its addresses or ports were changed, and it goes on */

enum verdict {
	VERDICT_NONE = 0, /* no verdict yet: the next row of the packet path is asked */
#define VERDICT_ENUM(number, identifier, verdict, happened) VERDICT_##identifier = (number),
	VERDICTS(VERDICT_ENUM)
#undef VERDICT_ENUM
		VERDICT_COUNT
};

#define REASON_FIRST_PASS 64
#define REASON_FIRST_SPLICE 96
#define REASON_COUNT 128 /* all there can be */

/* X(number, IDENTIFIER, "name", "what it says to a reader") */
#define REASONS(X)                                                                                                \
	X(1, TRUNCATED, "truncated", "shorter than its own headers say")                                          \
	X(2, BAD_HEADER, "bad-header", "a version, length or offset field that cannot be")                        \
	X(3, TOO_MANY_HEADERS, "too-many-headers", "more extension headers or tags than are followed")            \
	X(4, ETHERTYPE, "ethertype", "neither IP nor ARP")                                                        \
	X(5, FRAGMENT, "fragment", "a later fragment whose first did not pass, or is not known")                  \
	X(6, NO_RULE, "no-rule", "no rule matches")                                                               \
	X(7, RULE_DROP, "rule-drop", "a drop rule matches")                                                       \
	X(8, NO_LISTENER, "no-listener", "a splice rule matches but nothing listens on its port")                 \
	X(9, REUSEPORT, "reuseport", "the listener uses SO_REUSEPORT, which this kernel cannot assign (6.6 can)") \
	X(10, ASSIGN, "assign", "the kernel refused to give the packet to the listener")                          \
	X(11, INTERNAL, "internal", "a table could not be read")                                                  \
	X(12, OUT_DROP, "out-drop", "leaves, no out rule matches, and out=drop")                                  \
	X(13, FLOOD, "flood", "its source opens more flows than new_flows allows")                                \
	X(14, MAX_DURATION, "max-duration", "its connection has lasted longer than its rule allows")              \
	X(15, TABLE_FULL, "table-full", "its connection could not be recorded")                                   \
	X(16, STATE, "state", "TCP of a connection whose beginning was not seen, and on_state=drop")              \
	X(17, NO_LOOKUP, "no-lookup", "a splice in fragments, and the program that delivers those is not linked") \
	X(18, GENEVE, "geneve", "GENEVE from an allowed source that cannot be decapsulated")                      \
	X(19, RATE, "rate", "a drop rule with a rate matches: its source sends more than that")                   \
	X(20, NO_BACKEND, "no-backend", "to a service of which no backend takes new flows")                       \
	X(21, NO_ROUTE, "no-route", "no route to the backend or the client, or forwarding is off")                \
	X(22, NO_PORT, "no-port", "no source port is free for one more flow to the backend")                      \
	X(23, TOO_BIG, "too-big", "larger than the way to the backend or the client takes; its sender is told")   \
	X(24, HOP_LIMIT, "hop-limit", "its hop limit was used up; its sender is told")                            \
	X(64, LOOPBACK, "loopback", "on the loopback interface")                                                  \
	X(65, ARP, "arp", "address resolution")                                                                   \
	X(66, NEIGHBOUR, "neighbour", "IPv6 neighbour, router or multicast listener discovery")                   \
	X(67, DHCP, "dhcp", "a DHCP answer to a client here")                                                     \
	X(68, SSH_ANY, "ssh-any", "SSH to any address: no rule was ever inserted, or ssh=any")                    \
	X(69, SSH_OWN, "ssh-own", "SSH to an address of the receiving interface")                                 \
	X(70, ESTABLISHED, "established", "belongs to a connected local socket")                                  \
	X(71, RULE_PASS, "rule-pass", "a pass rule matches")                                                      \
	X(72, NONIP, "nonip", "neither IP nor ARP, and nonip=pass or a rule says so")                             \
	X(73, TRACKED, "tracked", "a reply to a tracked connection")                                              \
	X(74, ICMP_ERROR, "icmp-error", "an ICMP error about a tracked connection or a local socket")             \
	X(75, ECHO, "echo", "an ICMP echo request, and icmp_echo=pass")                                           \
	X(76, FRAGMENT_PASS, "fragment-pass", "a later fragment of a packet that passed")                         \
	X(77, FRAGMENT_EARLY, "fragment-early", "a later fragment to this box, before its first")                 \
	X(78, OUT, "out", "leaves, and no out rule matches")                                                      \
	X(79, DEFAULT_PASS, "default-pass", "no rule matches, and the default is to pass")                        \
	X(80, NEVER_DROP, "never-drop", "on the never-drop list")                                                 \
	X(81, LINK_CONTROL, "link-control", "keeps the link itself up: 802.1Q reserved group addresses")          \
	X(82, BALANCED, "balanced", "to a service, and sent to a backend")                                        \
	X(83, BALANCED_BACK, "balanced-back", "from a backend, and sent back as from the service")                \
	X(84, BALANCED_ERROR, "balanced-error", "an ICMP error about a flow of a service")                        \
	X(96, RULE_SPLICE, "rule-splice", "a splice rule matches")                                                \
	X(97, FRAGMENT_SPLICE, "fragment-splice", "a later fragment of a packet that was spliced")

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
