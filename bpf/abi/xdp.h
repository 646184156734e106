/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps of xdp_filter.o. Its rules are an arena as in abi/rules.h, of rules with direction in, no splices, and:
 *
 *   - monitor is RULES_DROP in mode RULES_DETECT;
 *   - a default verdict is a rule of the lowest priority without prefixes, for IPv4, IPv6 and what is not IP;
 *   - never-drop is a RULES_PASS rule of the highest priority;
 *   - a rate (RULES_LIMITED, rules_record.rate) is one more condition.
 *
 * So all of them are replaced together or not at all, and an allow-list can never be reloaded as a deny-list.
 */
#ifndef SPLICER_ABI_XDP_H
#define SPLICER_ABI_XDP_H

#include <linux/types.h>

/* Besides SPLICER_CONFIG, which says whose bpffs this is, and the maps of abi/event.h and abi/counts.h. */
#define XDP_RULES "xdp1_rules"     /* ARRAY_OF_MAPS, 1 arena */
#define XDP_TALLY "xdp1_tally"     /* PERCPU_ARRAY, RULES_TALLIES x struct rules_tally */
#define XDP_FRAGS "xdp1_frags"     /* LRU_HASH, struct frag_key -> struct frag: see abi/conns.h */
#define XDP_SOURCES "xdp1_sources" /* ARRAY_OF_MAPS, 1 LRU_HASH, struct xdp_source -> __u64 */

#define XDP_PRIORITY_DEFAULT (-0x7fffffff - 1)
#define XDP_PRIORITY_NEVER_DROP 0x7fffffff
#define XDP_PRIORITY_MAX (XDP_PRIORITY_NEVER_DROP - 1) /* of all other rules; and the least is its negative */

/*
 * Protocol of rules for frames that are neither IP nor ARP; such a rule is of family RULES_IPV4 and has no prefix and
 * no port.
 */
#define XDP_PROTO_NONIP 257

/*
 * A source that a rule with a rate has seen. The value is when its bucket will be full again, ns of CLOCK_MONOTONIC:
 * the generic cell rate algorithm. Empty tables have XDP_SOURCES_NONE entries; tools put a larger one in their place
 * before the first rule with a rate.
 */
struct xdp_source {
	__u64 rule;    /* its sequence number */
	__u64 addr[2]; /* network byte order, masked by rate_bits; IPv4 in the first 4 bytes, the rest zero */
};
_Static_assert(sizeof(struct xdp_source) == 24, "xdp_source is ABI");

#define XDP_SOURCES_NONE 128
#define XDP_SOURCES_DEFAULT 65536

/*
 * Rules with a rate that a packet may meet in vain, all of better rank than the one that decides: the packet of one
 * that meets more is dropped.
 */
#define XDP_RATES_MAX 8

#endif
