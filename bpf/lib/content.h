/* SPDX-License-Identifier: GPL-2.0-only */
/* The first bytes that each end of a session sends: what service it is shows in them, whatever the port. */
#ifndef SPLICER_LIB_CONTENT_H
#define SPLICER_LIB_CONTENT_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/sighting.h"

#define CONTENT_BOUND 32
_Static_assert(FLOW_CONTENT_MAX <= CONTENT_BOUND && sizeof(struct flow_side) >= CONTENT_BOUND,
	       "what is within the bound is within the session");

static __always_inline int content_is_wanted(const struct flow *flow, const struct sighting *s, __u32 which)
{
	if (!s->payload || s->is_later || flow->side[which].known & FLOW_KNOWS_CONTENT)
		return 0;
	return s->key.proto == IPPROTO_TCP || s->key.proto == IPPROTO_UDP;
}

/*
 * Takes what a packet has; of a capture that was cut within it nothing. `offset` is that of the payload. Global, so
 * that the verifier follows it once.
 */
__weak __noinline int content_take(context *ctx, struct flow *flow, __u32 offset, __u32 length, __u32 which)
{
	__u64 size = length < FLOW_CONTENT_MAX ? length : FLOW_CONTENT_MAX;

	if (!flow || !length)
		return 0;
	which &= 1;
	flow->side[which].known |= FLOW_KNOWS_CONTENT;
	/* what the compiler knows of the size, verifiers of kernels before 6.3 must see */
	asm volatile("" : "+r"(size));
	size = ((size - 1) & (CONTENT_BOUND - 1)) + 1;
	/* what is not in one piece with the headers, as what a local socket sends, only the other helper reads */
	if (!ctx_load(ctx, offset, flow->content[which], (__u32)size) ||
	    !bpf_skb_load_bytes(ctx, ctx_link_length(ctx, 0) + offset, flow->content[which], (__u32)size))
		flow->content_length[which] = (__u8)size;
	return 0;
}

static __always_inline void content_note(context *ctx, const struct packet *p, struct flow *flow,
					 const struct sighting *s)
{
	__u32 which = s->from != flow->originator;

	if (content_is_wanted(flow, s, which))
		content_take(ctx, flow, p->l4 + s->header, s->payload, which);
}

static __always_inline void content_continue(struct flow *flow, const struct flow *before)
{
	flow->content_length[0] = before->content_length[0];
	flow->content_length[1] = before->content_length[1];
	__builtin_memcpy(flow->content, before->content, sizeof(flow->content));
}

#endif
