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
#define SPLICER_IFACES "splicer1_ifaces" /* HASH, __u32 interface index -> struct splicer_iface */

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

/*
 * Settings of an interface, one byte each; the entry of index 0 speaks for every interface that has no word of its own.
 * The first value of each is "not set", and what the program does where nothing is set is said beside it.
 */
enum splicer_setting { SETTING_SSH = 0, SETTING_NONIP = 1, SETTING_COUNT };

enum setting_ssh {
	SSH_UNSET = 0, /* as SSH_AUTO */
	SSH_AUTO = 1,  /* any until the first rule was inserted, then own */
	SSH_ANY = 2,   /* TCP port 22 of every address passes */
	SSH_OWN = 3,   /* of the receiving interface's own addresses */
	SSH_OFF = 4,   /* none: rules decide */
};

enum setting_nonip {
	NONIP_UNSET = 0, /* as NONIP_DROP */
	NONIP_DROP = 1,  /* frames that are neither IP nor ARP */
	NONIP_PASS = 2,
};

struct splicer_iface {
	__u8 setting[64]; /* by enum splicer_setting; the rest zero */
};
_Static_assert(sizeof(struct splicer_iface) == 64, "splicer_iface is ABI");

#define SPLICER_IFACES_MAX 4096 /* entries of SPLICER_IFACES */
#define SPLICER_IFACE_ANY 0     /* the key of the entry for all interfaces */

/*
 * A question: BPF_PROG_TEST_RUN of the attached program on a made-up packet with the first two of these in
 * __sk_buff.cb. The program decides as ever, but counts nothing, tells no subscriber and assigns no socket; it answers
 * in the other words. Whatever it would have done, it drops. A packet that was received is never a question: its
 * ingress_ifindex is not 0.
 */
#define QUESTION_MAGIC0 0x51756573u
#define QUESTION_MAGIC1 0x74696f6eu
enum question_word {
	QUESTION_WORD0 = 0,    /* in: QUESTION_MAGIC0 */
	QUESTION_WORD1 = 1,    /* in: QUESTION_MAGIC1 */
	QUESTION_REASON = 2,   /* out: enum reason */
	QUESTION_RULE_LOW = 3, /* out: sequence number of the deciding rule, 0: none */
	QUESTION_RULE_HIGH = 4,
};

#endif
