/* SPDX-License-Identifier: GPL-2.0-only */
/* What the bench and its programs share: packets prepared in a map, of which each run takes the next. */
#ifndef SPLICER_BENCH_PACKET_H
#define SPLICER_BENCH_PACKET_H

#include <linux/types.h>

/*
 * What makes one packet another: a piece of the frame as it is on the wire. IPv4: protocol, checksum, addresses, ports.
 * IPv6: next header, hop limit, addresses, ports.
 */
#define PACKET_IPV4_OFFSET (14 + 9) /* Ethernet, up to the protocol */
#define PACKET_IPV4_SIZE (1 + 2 + 4 + 4 + 2 + 2)
#define PACKET_IPV6_OFFSET (14 + 6)
#define PACKET_IPV6_SIZE (1 + 1 + 16 + 16 + 2 + 2)

/* The sequence number of TCP, where the header has no options. */
#define PACKET_IPV4_SEQUENCE (14 + 20 + 4)
#define PACKET_IPV6_SEQUENCE (14 + 40 + 4)

/* No larger than need be: what they take of the caches the program under test lacks. */
struct bench_packet4 {
	__u8 bytes[16];
};
struct bench_packet6 {
	__u8 bytes[40];
};

/* What the stack or a program changes in a frame that it forwards, and frames are used again: Ethernet, IP, ports. */
#define FRAME_FRONT (14 + 40 + 8)
struct bench_front {
	__u8 bytes[64];
};

/* The only element of the map "setting". */
struct bench_setting {
	__u32 count; /* of prepared packets to take; 0: the frame stays as it is */
	__u32 next;
	__u32 ipv6;
	__u32 restore; /* frames begin as the map "front" says */
	__u32 out;     /* interface by which "send" lets frames go */
	__u32 advance; /* TCP: each packet's sequence number is so much after that of the one before; 0: as the frame
			  has it */
	__u32 sequence;
};

/* What the baseline looks up: one exact probe in a hash table of as many keys as there are packets. */
struct bench_key {
	__u8 dst[16]; /* IPv4 in the first 4 bytes, the rest zero */
	__be16 port;
	__u16 proto;
	__u32 pad;
};

#endif
