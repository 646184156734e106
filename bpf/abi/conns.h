/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracked connections, fragments, and what else the program remembers of packets that it has seen.
 *
 * A connection stands in one of two tables. The unconfirmed one takes whatever a packet opens, and so whatever a flood
 * opens; it is small and forgets the least recently used. A connection whose far end has been proven moves to the
 * confirmed one: opened from inside, when a reply has come; opened from outside, when the opener has sent again after a
 * reply. Timeouts are applied when an entry is looked at: one that is overdue counts as absent.
 */
#ifndef SPLICER_ABI_CONNS_H
#define SPLICER_ABI_CONNS_H

#include "abi/config.h"

#include <linux/types.h>

#define SPLICER_CONNS "splicer1_conns"     /* ARRAY_OF_MAPS, CONN_TABLES x LRU_HASH, struct conn_key -> struct conn */
#define SPLICER_FRAGS "splicer1_frags"     /* LRU_HASH, struct frag_key -> struct frag */
#define SPLICER_SPLICES "splicer1_splices" /* LRU_HASH, struct splice_key -> struct splice */
#define SPLICER_LISTENERS "splicer1_listeners" /* SOCKHASH, splice_listener() -> socket */
#define SPLICER_SOURCES "splicer1_sources"     /* LRU_HASH, struct source_key -> __u64 */

enum conn_table { CONNS_CONFIRMED = 0, CONNS_UNCONFIRMED = 1, CONN_TABLES = 2 };

/* Entries of the tables that the object declares; tools put larger or smaller ones in their place. */
#define CONNS_CONFIRMED_DEFAULT 65536
#define CONNS_UNCONFIRMED_DEFAULT 16384

/*
 * Both directions of a connection have one key. End 0 is the lower one: addresses compared as two words of the
 * machine's byte order (word 0 first), then ports as numbers of its byte order.
 */
struct conn_key {
	__u64 addr[2][2]; /* by end; network byte order in memory; IPv4 in the first 4 bytes, the rest zero */
	__be16 port[2];   /* by end; ICMP echo: the identifier, twice; 0 where the protocol has none */
	__u8 proto;
	__u8 family; /* 4 or 6 */
	__u8 reserved[2];
};
_Static_assert(sizeof(struct conn_key) == 40, "conn_key is ABI");

/* What rules said of the connection, and until when that holds: see rules_header.changes. */
struct conn_verdict {
	__u64 arena;    /* rules_header.arena */
	__u64 decision; /* rules_head.decision */
	__u32 changes;  /* rules_header.changes */
	__u32 record;   /* cell of the rule; 0: none matched */
	__u32 ifindex;  /* where it was said */
	__u32 reason;   /* enum reason; 0: nothing is remembered */
};
_Static_assert(sizeof(struct conn_verdict) == 32, "conn_verdict is ABI");

enum conn_state {
	CONN_NEW = 0,         /* not TCP: one direction seen */
	CONN_HANDSHAKE = 1,   /* TCP: until both have sent and the opener has answered */
	CONN_ESTABLISHED = 2, /* not TCP: both directions seen */
	CONN_CLOSING = 3,     /* TCP: a FIN was seen */
	CONN_CLOSED = 4,      /* TCP: a reset was seen; any: cut by max_duration */
};

/* Which timeout applies to a connection of this IP protocol in this state. */
static inline enum conn_timeout conn_timeout_of(__u32 proto, __u32 state)
{
	switch (state) {
	case CONN_HANDSHAKE:
		return TIMEOUT_TCP_HANDSHAKE;
	case CONN_CLOSING:
		return TIMEOUT_TCP_CLOSING;
	case CONN_CLOSED:
		return TIMEOUT_TCP_CLOSED;
	default:
		break;
	}
	if (proto == 6)
		return TIMEOUT_TCP_ESTABLISHED;
	if (proto == 17)
		return state == CONN_NEW ? TIMEOUT_UDP : TIMEOUT_UDP_STREAM;
	return proto == 1 || proto == 58 ? TIMEOUT_ICMP : TIMEOUT_OTHER;
}

/* Directions are seen from the opener: 0 as the first packet went, 1 back. */
enum conn_direction { CONN_FORWARD = 0, CONN_BACK = 1 };

#define CONN_OUTBOUND 1u /* the first packet left by an interface; else it came in */
#define CONN_CUT 2u      /* older than its rule allows: packets are dropped until it times out */
#define CONN_FIN_FORWARD 4u
#define CONN_FIN_BACK 8u
#define CONN_RST_FORWARD 16u
#define CONN_RST_BACK 32u
#define CONN_BACK_LEFT 64u /* packets back are counted as they leave; else as they come in */
#define CONN_IN_DOUBT \
	128u /* TCP picked up in its middle as it left, and nothing came back yet: either may be the opener */

/*
 * A forwarded packet is seen twice, as it comes in and as it leaves. Each direction is counted at one place: the
 * interface and hook where its first packet was seen.
 */
struct conn {
	__u64 created;                  /* ns of CLOCK_MONOTONIC, coarse */
	__u64 last;                     /* likewise: the last packet */
	__u64 deadline;                 /* ns of CLOCK_MONOTONIC from which on it is cut; 0: never */
	__u64 packets[2];               /* by enum conn_direction */
	__u64 bytes[2];                 /* as the hook sees them */
	struct conn_verdict verdict[2]; /* of forward packets, by enum rules_direction */
	__u32 ifindex[2];               /* by enum conn_direction: where its packets are counted; 0: none was seen */
	__u8 opener;                    /* the end that sent the first packet: 0 or 1 */
	__u8 state;                     /* enum conn_state */
	__u8 flags;                     /* CONN_OUTBOUND... */
	__u8 reserved[5];
};
_Static_assert(sizeof(struct conn) == 136, "conn is ABI");

/* The packet that fragments belong to: RFC 791, RFC 8200 section 4.5. */
struct frag_key {
	__u64 src[2], dst[2]; /* as in struct conn_key */
	__be32 id;            /* IPv4: the 16 bits, zero-extended in network byte order */
	__u8 proto;           /* 0 with IPv6, where the identification alone tells packets apart */
	__u8 family;
	__u8 reserved[2];
};
_Static_assert(sizeof(struct frag_key) == 40, "frag_key is ABI");

#define FRAGS_MAX 8192
#define FRAG_SECONDS 30 /* that a verdict holds: as long as Linux waits for the rest (ipfrag_time) */
struct frag {
	__u64 time;     /* ns of CLOCK_MONOTONIC, coarse: of the first fragment */
	__u32 sequence; /* XDP_FRAGS: of the newest rule then, its low 32 bits; else 0 */
	__u32 verdict;  /* enum verdict of the first fragment */
};
_Static_assert(sizeof(struct frag) == 16, "frag is ABI");

/* A datagram that came in fragments and is for a listener: what sk_lookup sees of it after reassembly. */
struct splice_key {
	__u64 src[2], dst[2]; /* as in struct conn_key */
	__be16 sport, dport;
	__u8 proto;
	__u8 family;
	__u8 reserved[2];
};
_Static_assert(sizeof(struct splice_key) == 40, "splice_key is ABI");

/* Holds for FRAG_SECONDS. */
struct splice {
	__u64 time;     /* ns of CLOCK_MONOTONIC, coarse: of the first fragment */
	__u32 listener; /* key of SPLICER_LISTENERS */
	__u32 reserved;
};
_Static_assert(sizeof(struct splice) == 16, "splice is ABI");

#define SPLICES_MAX 4096
#define LISTENERS_MAX 1024

/* Key of SPLICER_LISTENERS: a socket that listens on this port of its family's loopback address. */
static inline __u32 splice_listener(__u32 family, __u32 proto, __u32 port)
{
	return family << 24 | proto << 16 | port;
}

/* A source whose new flows are limited; the value is when its bucket will be full again, ns of CLOCK_MONOTONIC. */
struct source_key {
	__u32 ifindex;
	__u32 family;
	__u64 addr[2]; /* as in struct conn_key; IPv6: the first 64 bits */
};
_Static_assert(sizeof(struct source_key) == 24, "source_key is ABI");

#define SOURCES_MAX 16384

#endif
