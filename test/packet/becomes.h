/* SPDX-License-Identifier: GPL-2.0-only */
/* What the balancer makes of a frame: built anew, so its checksums are summed up from nothing. */
#ifndef TEST_BECOMES_H
#define TEST_BECOMES_H

#include "frames.h"

enum becoming {
	TRANSLATED,
	TUNNELLED, /* src and dst are of the outer header */
	ANSWERED,  /* with an ICMP error: that it is larger than mtu, or (0) that its hops are used up */
};

/* What is zero or NULL is as it came. */
struct becomes {
	const char *src, *dst;
	uint16_t sport, dport;
	const struct spec *quote; /* of an ICMP error */
	enum becoming form;
	bool is_other; /* TUNNELLED: the outer header is of the other family */
	uint32_t mtu;
};

/* The frame that `in` of this description must become; action: a TC_ACT_*, of which a redirect takes a hop. */
void becomes_build(const struct spec *spec, const struct frame *in, const struct becomes *becomes, int action,
		   struct frame *out);

/* As spec_build, but a field that was poked into an IPv4 header before its checksum is summed up too. */
void step_build(const struct spec *spec, struct frame *f);
/* The checksum of an IPv4 header, anew. */
void header_sum(struct frame *f);

#endif
