/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames for the tests: appenders that build one header each, and a description of a whole frame for tables. */
#ifndef TEST_FRAMES_H
#define TEST_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 2048
#define FRAME_ETH_SIZE 14
#define FRAME_ADDRESS_TEXT 64

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct frame {
	uint8_t data[FRAME_MAX];
	size_t len;
	size_t network;        /* offset of the IP header; 0: none */
	size_t extension;      /* offset of the newest IPv6 extension header; 0: none */
	size_t transport;      /* offset of what IP carries; 0: none */
	size_t next;           /* offset of the byte that names the header to be appended */
	int family;            /* 4, 6; 0: not IP */
	int first_fragment_of; /* bytes that the UDP length counts beyond this frame */
};

/* Each appends one header after what is there. Numbers are in host byte order. */
void frame_eth(struct frame *f, uint16_t ethertype);
void frame_vlan(struct frame *f, uint16_t id, uint16_t ethertype);
void frame_ipv4(struct frame *f, const char *src, const char *dst);
void frame_ipv4_options(struct frame *f, size_t size); /* no-operations; size is a multiple of 4 */
void frame_ipv6(struct frame *f, const char *src, const char *dst);
void frame_ext(struct frame *f, uint8_t kind, size_t size);      /* size in bytes, a multiple of 8 */
void frame_fragment(struct frame *f, uint16_t offset, int more); /* offset in units of 8 bytes */
void frame_tcp(struct frame *f, uint16_t sport, uint16_t dport, uint8_t flags);
void frame_udp(struct frame *f, uint16_t sport, uint16_t dport);
void frame_icmp(struct frame *f, uint8_t proto, uint8_t type, uint8_t code);
void frame_other(struct frame *f, uint8_t proto); /* 4 bytes of some other protocol */
void frame_bytes(struct frame *f, size_t count);

/* Fills in lengths and checksums, once everything that belongs to the IP packet is there; again after a change. */
void frame_finish(struct frame *f);

/* Appends bytes that are there already. */
void frame_append(struct frame *f, const void *bytes, size_t count);
void frame_put16(struct frame *f, size_t offset, uint16_t value);

/* BPF_PROG_TEST_RUN refuses a frame of less: untagged ones must hold the IP header that their ethertype promises. */
size_t frame_shortest(const struct frame *f);

/* LATER and LAST at their usual offsets of 5 and 1, unless spec.offset says another */
enum spec_fragment { WHOLE, FIRST, LATER, LAST, ATOMIC };
enum spec_icmp { NO_ICMP, ECHO_REQUEST, ECHO_ANSWER, UNREACHABLE, EXCEEDED };
enum spec_at { NOWHERE, AT_NETWORK, AT_EXTENSION, AT_TRANSPORT };

/* Overwrites a field of a frame that was complete: how malformed ones are made. */
struct poke {
	enum spec_at at;
	size_t offset;
	size_t width; /* bytes: 1, 2 */
	uint16_t value;
};

/* A frame as a row of a table tells it. What is zero or NULL takes its usual value. */
struct spec {
	int family;            /* 4 or 6; IPv4 addresses in a frame of family 6 are taken through spec_address */
	const char *mac;       /* Ethernet destination, "01:80:c2:00:00:0e" */
	const char *src, *dst; /* SPEC_SRC, SPEC_DST */
	uint16_t ethertype;    /* for a frame that is not IP */
	uint16_t tags[4];      /* ethertypes of VLAN tags, outermost first */
	size_t options;        /* bytes of IPv4 options */
	const char *chain;     /* extension headers, a letter each: see spec.c */
	enum spec_fragment fragment;
	const char *behind;       /* IPv6: as chain, after the fragment header */
	uint16_t offset;          /* of a later fragment, in units of 8 bytes */
	uint16_t id;              /* of what is fragmented; of an echo */
	uint8_t hop_limit;        /* 64 */
	uint8_t proto;            /* TCP; ICMP stands for ICMPv6 too */
	enum spec_icmp icmp;      /* the message of this meaning in either family; proto and dport follow */
	uint16_t sport, dport;    /* ICMP: dport is type << 8 | code */
	uint8_t flags;            /* TCP_SYN */
	size_t payload;           /* bytes after the transport header */
	const struct spec *quote; /* the packet, of the same family, that an ICMP error is about */
	size_t quoted;            /* bytes of that after its IP headers; 0: all */
	bool back;                /* source and destination, ports too, change places at last */
	struct poke poke;
	size_t pad; /* bytes after the IP packet */
	size_t cut; /* bytes taken off the end */
};

#define SPEC_SRC "198.51.100.7"
#define SPEC_DST "203.0.113.5"

void spec_build(const struct spec *spec, struct frame *f);

/*
 * An address of the family: IPv4 a.b.c.d is 2001:db8:aabb:ccdd:: in IPv6, so a prefix of length n becomes one of length
 * 32 + n and one table serves both families. IPv6 text is left as it is.
 */
const char *spec_address(int family, const char *text, char out[FRAME_ADDRESS_TEXT]);
#define SPEC_IPV6_LENGTH 32

#endif
