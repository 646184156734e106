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

typedef struct __sk_buff context;

#define LOOPBACK_IFINDEX 1 /* in every network namespace; include/net/net_namespace.h */

/* The most a link-layer header takes up in len before the network header. */
#define CTX_LINK_MAX 14

/* Copies len bytes at off after the network header to buf. Negative when the packet is shorter. */
static __always_inline long ctx_load(struct __sk_buff *ctx, __u32 off, void *buf, __u32 len)
{
	return bpf_skb_load_bytes_relative(ctx, off, buf, len, BPF_HDR_START_NET);
}

static __always_inline __u32 ctx_ifindex(const struct __sk_buff *ctx)
{
	return ctx->ifindex;
}

/*
 * What can be reached without a copy. By hand, for the compiler would make 32 bits of it in between, which for the
 * verifier is a pointer no more.
 */
static __always_inline void *ctx_data(const struct __sk_buff *ctx)
{
	void *data;

	asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(data) : "r"(ctx), "i"(__builtin_offsetof(struct __sk_buff, data)));
	return data;
}

static __always_inline void *ctx_end(const struct __sk_buff *ctx)
{
	void *end;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(end)
		     : "r"(ctx), "i"(__builtin_offsetof(struct __sk_buff, data_end)));
	return end;
}

/* PACKET_HOST of include/uapi/linux/if_packet.h */
#define CTX_TO_THIS_HOST 0

/* Whether a packet that comes in is for this host by its link-layer address, or its device has none. */
static __always_inline int ctx_is_to_this_host(const struct __sk_buff *ctx)
{
	return ctx->pkt_type == CTX_TO_THIS_HOST;
}

/* Bytes, as the hook sees them. */
static __always_inline __u32 ctx_length(const struct __sk_buff *ctx)
{
	return ctx->len;
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

static __always_inline void ctx_answer(struct __sk_buff *ctx, __u32 reason, __u32 verdict, __u64 rule)
{
	ctx->cb[QUESTION_REASON] = reason | verdict << 16;
	ctx->cb[QUESTION_RULE_LOW] = (__u32)rule;
	ctx->cb[QUESTION_RULE_HIGH] = (__u32)(rule >> 32);
}

/* 16 bits that a packet keeps on its way from ingress to egress of this host; 0 unless somebody set them. */
static __always_inline __u32 ctx_mark(const struct __sk_buff *ctx)
{
	return ctx->tc_index;
}

/* A function of its own, or the compiler would make of it what the verifier refuses: a pointer into the context. */
__weak __noinline int ctx_set_mark(struct __sk_buff *ctx, __u32 mark)
{
	ctx->tc_index = (__u16)mark;
	return 0;
}

/* Whether GRO or segmentation offload made one packet of several. */
static __always_inline int ctx_aggregated(struct __sk_buff *ctx)
{
	return ctx->gso_size != 0;
}

/* Bytes of payload that each packet of such a one has, and how many there are if the kernel knows; 0: it is none. */
static __always_inline __u32 ctx_segment_size(const struct __sk_buff *ctx)
{
	return ctx->gso_size;
}

static __always_inline __u32 ctx_segments(const struct __sk_buff *ctx)
{
	return ctx->gso_segs;
}

/*
 * Bytes of the largest IP packet that goes out of this one, whose headers up to the transport's take up so many and
 * whose transport header, if it is UDP's, is the shortest there is.
 */
static __always_inline __u32 ctx_segment_length(struct __sk_buff *ctx, __u32 whole, __u32 l3, __u32 l4, int is_tcp)
{
	__u8 data_offset = 0;

	if (!ctx->gso_size)
		return whole;
	if (!is_tcp)
		return l4 - l3 + 8 + ctx->gso_size;
	if (ctx_load(ctx, l4 + 12, &data_offset, sizeof(data_offset)))
		return whole;
	return l4 - l3 + (data_offset >> 4) * 4 + ctx->gso_size;
}

/* As many bytes as headers can be thought to take up. */
#define CTX_HEADERS_MAX 1024

/*
 * ctx_load reads only what lies in one piece. Most drivers see to it that headers do; of large packets from a packet
 * socket they do not. Brings them there; whether it did.
 */
static __always_inline int ctx_gather(struct __sk_buff *ctx)
{
	__u64 there = (__u64)ctx_end(ctx) - (__u64)ctx_data(ctx);
	__u32 wanted = ctx->len < CTX_HEADERS_MAX ? ctx->len : CTX_HEADERS_MAX;

	return there < wanted && !bpf_skb_pull_data(ctx, wanted);
}

/* Takes len bytes away after the link-layer header; flags as of bpf_skb_adjust_room. Negative: not possible. */
static __always_inline long ctx_shrink(struct __sk_buff *ctx, __u32 len, __u64 flags)
{
	return bpf_skb_adjust_room(ctx, -(__s32)len, BPF_ADJ_ROOM_MAC, flags);
}

/* ---- writing; offsets are from the beginning of the packet, its link-layer header ---- */

/*
 * How long the link-layer header is, found where the packet's network header (at off after the kernel's) is: nothing in
 * __sk_buff says it. Two places that look alike can only be had with an Ethernet address of one's own that looks like
 * an IP header.
 */
static __always_inline __u32 ctx_link_length(struct __sk_buff *ctx, __u32 off)
{
	__u64 there[2] = {}, here[2] = {};

	if (bpf_skb_load_bytes(ctx, CTX_LINK_MAX + off, there, sizeof(there)) || ctx_load(ctx, off, here, sizeof(here)))
		return 0;
	return there[0] == here[0] && there[1] == here[1] ? CTX_LINK_MAX : 0;
}

/*
 * Whether the packet has len bytes after the network header. Without knowing the link-layer length only a packet that
 * would do even with the longest is answered by its length; for the rest the last byte is asked for, which need not lie
 * in one piece with the headers.
 */
static __always_inline int ctx_has(struct __sk_buff *ctx, __u32 len)
{
	__u8 last;

	if (len + CTX_LINK_MAX <= ctx->len)
		return 1;
	if (!len || len > ctx->len)
		return 0;
	return !ctx_load(ctx, len - 1, &last, sizeof(last)) ||
	       (!ctx_link_length(ctx, 0) && !bpf_skb_load_bytes(ctx, len - 1, &last, sizeof(last)));
}

static __always_inline long ctx_store(struct __sk_buff *ctx, __u32 off, const void *from, __u32 len)
{
	return bpf_skb_store_bytes(ctx, off, from, len, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline long ctx_truncate(struct __sk_buff *ctx, __u32 len)
{
	return len < ctx->len ? bpf_skb_change_tail(ctx, len, 0) : 0;
}

/* The two addresses of an Ethernet header change places. */
static __always_inline long ctx_swap_link(struct __sk_buff *ctx, __u32 link)
{
	struct {
		__u8 dst[6], src[6];
	} seen, swapped;

	if (!link)
		return 0;
	if (bpf_skb_load_bytes(ctx, 0, &seen, sizeof(seen)))
		return -1;
	__builtin_memcpy(swapped.dst, seen.src, sizeof(seen.src));
	__builtin_memcpy(swapped.src, seen.dst, sizeof(seen.dst));
	return bpf_skb_store_bytes(ctx, 0, &swapped, sizeof(swapped), 0);
}

/* A copy goes to where the packet comes from: out again, or in again if it was about to leave. */
static __always_inline long ctx_send_back(struct __sk_buff *ctx, __u32 link, int leaves)
{
	if (ctx_swap_link(ctx, link) || bpf_clone_redirect(ctx, ctx->ifindex, leaves ? BPF_F_INGRESS : 0))
		return -1;
	return ctx_swap_link(ctx, link);
}

#endif
