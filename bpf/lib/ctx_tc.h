/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The context adapter for tc: what the shared modules may ask of a packet.
 *
 * Everything is read relative to the network header and by the protocol that the kernel itself will dispatch on.
 * So Ethernet, tun and wireguard need no telling apart (nothing in __sk_buff says which it is, and guessing from
 * bytes can be fooled by a sender), and the outermost VLAN tag is already out of the way.
 */
#ifndef SPLICER_LIB_CTX_TC_H
#define SPLICER_LIB_CTX_TC_H

#include "abi/config.h"
#include "lib/bpf.h"

/* The most a link-layer header takes up in len before the network header. */
#define CTX_LINK_MAX 14

/* Copies len bytes at off after the network header to buf. Negative when the packet is shorter. */
static __always_inline long ctx_load(struct __sk_buff *ctx, __u32 off, void *buf, __u32 len)
{
	return bpf_skb_load_bytes_relative(ctx, off, buf, len, BPF_HDR_START_NET);
}

static __always_inline __be16 ctx_ethertype(struct __sk_buff *ctx)
{
	return (__be16)ctx->protocol;
}

/* Id of the VLAN tag that the kernel or the hardware took off; 0: none. */
static __always_inline __u16 ctx_vlan(struct __sk_buff *ctx)
{
	return ctx->vlan_present ? ctx->vlan_tci & 0xfff : 0;
}

/*
 * Whether a tool asks what would become of this packet: see abi/config.h. No packet that was received can be taken for
 * a question, though cb may hold what another program put there: it has an interface that it came in by.
 */
static __always_inline int ctx_is_question(const struct __sk_buff *ctx)
{
	return !ctx->ingress_ifindex && ctx->cb[QUESTION_WORD0] == QUESTION_MAGIC0 &&
	       ctx->cb[QUESTION_WORD1] == QUESTION_MAGIC1;
}

static __always_inline void ctx_answer(struct __sk_buff *ctx, __u32 reason, __u64 rule)
{
	ctx->cb[QUESTION_REASON] = reason;
	ctx->cb[QUESTION_RULE_LOW] = (__u32)rule;
	ctx->cb[QUESTION_RULE_HIGH] = (__u32)(rule >> 32);
}

/* Whether GRO or segmentation offload made one packet of several. */
static __always_inline int ctx_aggregated(struct __sk_buff *ctx)
{
	return ctx->gso_size != 0;
}

/*
 * Whether the packet has len bytes after the network header. Without knowing the link-layer length only a
 * packet that would do even with the longest is answered by its length; for the rest the last byte is asked for.
 */
static __always_inline int ctx_has(struct __sk_buff *ctx, __u32 len)
{
	__u8 last;

	if (len + CTX_LINK_MAX <= ctx->len)
		return 1;
	return len && !ctx_load(ctx, len - 1, &last, sizeof(last));
}

#endif
