/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings, counters and interface addresses of splicer.o. tc creates the maps, so all-zero is the default.
 */
#ifndef SPLICER_ABI_CONFIG_H
#define SPLICER_ABI_CONFIG_H

#include <linux/types.h>

/* The ABI number: part of the name of every map below. A change of meaning or layout takes a new number. */
#define SPLICER_ABI 1

#define SPLICER_CONFIG "splicer1_config"   /* ARRAY, mmapable, 1 x struct splicer_config */
#define SPLICER_ADDRS "splicer1_addrs"     /* HASH, struct splicer_addr -> __u32 1 */
#define SPLICER_RULES "splicer1_rules"     /* ARRAY_OF_MAPS, 1 arena: see abi/rules.h */
#define SPLICER_IFACES "splicer1_ifaces"   /* HASH, __u32 interface index -> struct splicer_iface */
#define SPLICER_TUNNELS "splicer1_tunnels" /* LPM_TRIE, struct splicer_tunnel -> __u32 1 */

/* How long a connection lasts without a packet: index of splicer_config.timeout, in seconds. */
enum conn_timeout {
	TIMEOUT_TCP_HANDSHAKE = 0,
	TIMEOUT_TCP_ESTABLISHED = 1,
	TIMEOUT_TCP_CLOSING = 2, /* FIN seen */
	TIMEOUT_TCP_CLOSED = 3,  /* reset, or cut by max_duration: of every protocol */
	TIMEOUT_UDP = 4,         /* one direction seen */
	TIMEOUT_UDP_STREAM = 5,  /* both */
	TIMEOUT_ICMP = 6,        /* echo */
	TIMEOUT_OTHER = 7,
	TIMEOUT_COUNT = 8,
};

/* What the program takes where splicer_config.timeout is 0; as Linux' connection tracking, closed rounded up. */
static inline __u32 conn_timeout_default(enum conn_timeout timeout)
{
	switch (timeout) {
	case TIMEOUT_TCP_HANDSHAKE:
		return 60;
	case TIMEOUT_TCP_ESTABLISHED:
		return 432000;
	case TIMEOUT_TCP_CLOSING:
	case TIMEOUT_UDP_STREAM:
		return 120;
	case TIMEOUT_TCP_CLOSED:
		return 10;
	case TIMEOUT_OTHER:
		return 600;
	default:
		return 30;
	}
}

struct splicer_config {
	/* SO_NETNS_COOKIE of the network namespace these pins belong to; 0: no tool has run yet. Set once, by
	 * compare-and-swap: interface indices repeat between namespaces, so one bpffs serves only one. */
	__u64 netns_cookie;
	/* 1 from the first insertion of a rule until the pins go: SSH then passes to own addresses only. */
	__u32 rules_seen;
	/* 1 from the first insertion of a rule with max_duration until the pins go: packets of local TCP sockets then
	 * ask the connection table too. */
	__u32 durations_seen;
	/* 1 while the sk_lookup program is linked to the network namespace (SPLICER_LOOKUP_LINK): set after the link is
	 * made, cleared before it is taken away. Without it, splices that come in fragments are dropped. */
	__u32 lookup_linked;
	__u32 timeout[TIMEOUT_COUNT]; /* seconds; 0: the default */
	__u32 reserved32;
	/* Bit n: a tool has set enum splicer_setting n of some interface since the pins were made, set before it does;
	 * bit 32 + n: likewise enum splicer_number n. What nobody ever set need not be looked up. */
	__u64 settings_seen;
	/* When the program last left a listener for a splice in fragments: ns of CLOCK_MONOTONIC, coarse. */
	__u64 spliced;
	__u32 reserved[14]; /* zero */
};
_Static_assert(sizeof(struct splicer_config) == 128, "splicer_config is ABI");
_Static_assert(__builtin_offsetof(struct splicer_config, settings_seen) == 56, "splicer_config.settings_seen is ABI");

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
enum splicer_setting {
	SETTING_SSH = 0,
	SETTING_NONIP = 1,
	SETTING_MODE = 2,
	SETTING_OUT = 3,
	SETTING_ICMP_ECHO = 4,
	SETTING_ON_TRUNCATED = 5,
	SETTING_ON_FULL = 6,
	SETTING_ON_STATE = 7,
	SETTING_COUNT
};

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

enum setting_mode {
	MODE_UNSET = 0, /* as MODE_PREVENT */
	MODE_PREVENT = 1,
	MODE_DETECT = 2, /* nothing is dropped: what would be passes, with the same event but VERDICT_DETECT */
};

/* Of SETTING_OUT, SETTING_ICMP_ECHO, SETTING_ON_TRUNCATED, SETTING_ON_FULL, SETTING_ON_STATE. Where nothing is set,
 * SETTING_OUT and SETTING_ON_STATE pass, the others drop. */
enum setting_gate { GATE_UNSET = 0, GATE_DROP = 1, GATE_PASS = 2 };

/*
 * on_truncated: REASON_TRUNCATED, REASON_BAD_HEADER, REASON_TOO_MANY_HEADERS on ingress.
 * on_full: a new connection that a rule passes or splices but that cannot be recorded.
 * on_state: TCP that no socket and no tracked connection knows, does not begin one, and that a rule lets in. It passes
 * by default: that is how a filter can be put on a live interface, and how the last packet of a handshake with SYN
 * cookies reaches its listener.
 */

/* Numbers of an interface; 0: not set. */
enum splicer_number {
	NUMBER_FLOW_RATE = 0,  /* new flows per second that one source (IPv6: its /64) may open; not set: any */
	NUMBER_FLOW_BURST = 1, /* and how many at once; never 0 where the rate is not */
	NUMBER_COUNT,
};

#define FLOW_RATE_OFF 0xffffffffu /* NUMBER_FLOW_RATE: no limit, whatever is said of all interfaces */

struct splicer_iface {
	__u8 setting[32]; /* by enum splicer_setting; the rest zero */
	__u32 number[8];  /* by enum splicer_number; the rest zero */
};
_Static_assert(sizeof(struct splicer_iface) == 64, "splicer_iface is ABI");

#define SPLICER_IFACES_MAX 4096 /* entries of SPLICER_IFACES */
#define SPLICER_IFACE_ANY 0     /* the key of the entry for all interfaces */

/* A source whose GENEVE packets (RFC 8926, UDP port 6081) are decapsulated: the key of an LPM trie. */
struct splicer_tunnel {
	__u32 prefix_len; /* bits of what follows: SPLICER_TUNNEL_BITS + those of the address */
	__u32 ifindex;    /* where they come in; SPLICER_IFACE_ANY: anywhere */
	__u32 family;     /* 4 or 6 */
	__u8 addr[16];    /* network byte order; IPv4 in the first 4 bytes, the rest zero */
};
_Static_assert(sizeof(struct splicer_tunnel) == 28, "splicer_tunnel is ABI");
#define SPLICER_TUNNEL_BITS 64
#define SPLICER_TUNNELS_MAX 1024

/* The pinned link of the sk_lookup program, in the pin directory. */
#define SPLICER_LOOKUP_LINK "splicer1_lookup"

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
	QUESTION_REASON = 2,   /* out: enum reason | enum verdict << 16 */
	QUESTION_RULE_LOW = 3, /* out: sequence number of the deciding rule, 0: none */
	QUESTION_RULE_HIGH = 4,
};

#endif
