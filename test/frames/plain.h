/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame as RFC 791, 8200, 9293, 768, 4302, 1858, 3128 and IEEE 802.1Q read, from its first byte to its last: written
 * from them and from splicer(7), with no look at bpf/lib.
 */
#ifndef TEST_FRAMES_PLAIN_H
#define TEST_FRAMES_PLAIN_H

#include "packet/frames.h"
#include "unit/oracle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plain_kind { PLAIN_MALFORMED, PLAIN_ARP, PLAIN_OTHER, PLAIN_IP };

struct plain {
	enum plain_kind kind;
	/* of PLAIN_IP: */
	int family;         /* 4, 6 */
	size_t l3, l4, end; /* offsets: the IP header, what it carries, what is behind the packet */
	uint8_t src[16], dst[16];
	uint8_t proto, hops;
	bool is_first, is_later, has_fragment_header;
	uint16_t sport, dport;
	uint16_t port; /* as rules have it */
	uint8_t type;  /* ICMP */
	uint8_t flags; /* TCP */
};

void plain_read(const struct frame *frame, struct plain *plain);

bool plain_is_icmp(const struct plain *plain);

/* As the model of rules is asked for it. */
struct plain_packet plain_question(const struct plain *plain, int direction, uint32_t ifindex);

/* Whether a sum over bytes, with its checksum among them, is right; start: of a pseudo-header. */
bool sum_is_right(const uint8_t *bytes, size_t size, uint32_t start);
uint32_t sum_add(const uint8_t *bytes, size_t size, uint32_t start);

enum sums { SUM_NONE, SUM_RIGHT, SUM_WRONG };

/* The checksum of the IPv4 header; of the transport header, if all of the packet is there. */
enum sums plain_header_sum(const struct frame *frame, const struct plain *plain);
enum sums plain_transport_sum(const struct frame *frame, const struct plain *plain);

#endif
