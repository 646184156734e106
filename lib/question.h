/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet that someone asks about, as text: "PROTO SRC[:PORT] DST[:PORT] [IFACE]". */
#ifndef SPLICER_QUESTION_H
#define SPLICER_QUESTION_H

#include "error.h"

#include <stdint.h>

/* The source port of a question that names none: the first of the dynamic ports (RFC 6335 section 6). */
#define QUESTION_SOURCE_PORT 49152

struct question {
	uint8_t family; /* 4 or 6 */
	uint8_t proto;
	uint8_t src[16], dst[16]; /* network byte order; IPv4 in the first 4 bytes, the rest zero */
	uint16_t sport;           /* host byte order; 0 where the protocol has none */
	uint16_t port;            /* what rules match: destination port, host byte order; ICMP: type << 8 | code */
	uint32_t ifindex;         /* that the packet comes in by, or leaves by; 0: none named */
	uint8_t direction;        /* enum rules_direction; not in the text: RULES_IN */
};

/*
 * Words are divided by blanks. IPv6 addresses with a port stand in brackets, without one with or without them. TCP, UDP
 * and others with ports: the destination needs one. ICMP: DST:TYPE or DST:TYPE/CODE, else an echo request. -1 with
 * *error that names the word.
 */
int question_parse(const char *text, struct question *out, struct error *error);

#endif
