/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the stack will take a packet. */
#ifndef SPLICER_LIB_ROUTE_H
#define SPLICER_LIB_ROUTE_H

#include "lib/bpf.h"
#include "lib/packet.h"

#define AF_INET 2
#define AF_INET6 10

/* Whether a packet that came in is for this box: it cannot go on from here. */
__weak __noinline int route_ends_here(struct __sk_buff *ctx, const struct packet *p)
{
	struct bpf_fib_lookup fib = {};
	long result;

	if (!p)
		return 0;
	fib.family = p->family == 4 ? AF_INET : AF_INET6;
	fib.ifindex = p->ifindex;
	if (p->family == 4) {
		fib.ipv4_src = (__be32)p->src[0];
		fib.ipv4_dst = (__be32)p->dst[0];
	} else {
		__builtin_memcpy(fib.ipv6_src, p->src, sizeof(p->src));
		__builtin_memcpy(fib.ipv6_dst, p->dst, sizeof(p->dst));
	}
	fib.l4_protocol = p->proto;
	result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	return result == BPF_FIB_LKUP_RET_NOT_FWDED || result == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

#endif
