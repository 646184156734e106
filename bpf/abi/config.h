/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings, counters and interface addresses of splicer.o. tc creates the maps, so all-zero is the default.
 */
#ifndef SPLICER_ABI_CONFIG_H
#define SPLICER_ABI_CONFIG_H

#include <linux/types.h>

/* The ABI number: part of the name of every map below. A change of meaning or layout takes a new number. */
#define SPLICER_ABI 1

#define SPLICER_CONFIG "splicer1_config" /* ARRAY, mmapable, 1 x struct splicer_config */
#define SPLICER_COUNTS "splicer1_counts" /* PERCPU_ARRAY, REASON_COUNT x struct splicer_count, by enum reason */
#define SPLICER_ADDRS "splicer1_addrs"   /* HASH, struct splicer_addr -> __u32 1 */
#define SPLICER_RULES "splicer1_rules"   /* ARRAY_OF_MAPS, 1 arena: see abi/rules.h */

struct splicer_config {
	/* SO_NETNS_COOKIE of the network namespace these pins belong to; 0: no tool has run yet. Set once, by
	 * compare-and-swap: interface indices repeat between namespaces, so one bpffs serves only one. */
	__u64 netns_cookie;
	/* 1 from the first insertion of a rule until the pins go: SSH then passes to own addresses only. */
	__u32 rules_seen;
	__u32 reserved[29]; /* zero */
};
_Static_assert(sizeof(struct splicer_config) == 128, "splicer_config is ABI");

struct splicer_count {
	__u64 packets;
	__u64 bytes; /* as the hook sees them: link-layer header included where there is one */
};
_Static_assert(sizeof(struct splicer_count) == 16, "splicer_count is ABI");

/* An address that counts as the receiving interface's own: its addresses, and those of devices stacked on it. */
struct splicer_addr {
	__u32 ifindex; /* of the receiving interface */
	__u32 family;  /* 4 or 6 */
	__u8 addr[16]; /* network byte order; IPv4 in the first 4 bytes, the rest zero */
};
_Static_assert(sizeof(struct splicer_addr) == 24, "splicer_addr is ABI");

#define SPLICER_ADDRS_MAX 65536 /* entries of SPLICER_ADDRS */

#endif
