/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors: whether one is about a packet that left here. */
#ifndef SPLICER_LIB_ICMP_H
#define SPLICER_LIB_ICMP_H

#include "lib/bpf.h"
#include "lib/conntrack.h"
#include "lib/packet.h"
#include "lib/quoted.h"
#include "lib/socket.h"

/*
 * Whether the packet is an ICMP error about a tracked connection or a local socket, and goes to whom it concerns: the
 * sender of what it quotes (RFC 5927).
 */
__weak __noinline int icmp_error_is_known(struct __sk_buff *ctx, const struct packet *p)
{
	struct packet quoted = {};

	if (!p || !icmp_is_error(p) || icmp_parse_quoted(ctx, p, &quoted))
		return 0;
	if (quoted.src[0] != p->dst[0] || quoted.src[1] != p->dst[1])
		return 0;
	return conn_is_known(&quoted) || socket_has_sent(ctx, &quoted);
}

#endif
