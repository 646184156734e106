/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The context adapter for XDP: what the shared modules may ask of a frame of an Ethernet device, as the driver has it.
 *
 * Nothing is known but the bytes. A VLAN tag that the hardware took off is not to be seen here.
 */
#ifndef SPLICER_LIB_CTX_XDP_H
#define SPLICER_LIB_CTX_XDP_H

#include "lib/bpf.h"

#include <linux/if_ether.h>

typedef struct xdp_md context;

/* More than any header can be away; the verifier wants to know that there is a limit. */
#define CTX_OFFSET_MAX 0x3fff

static __always_inline void *ctx_data(const struct xdp_md *ctx)
{
	return (void *)(long)ctx->data;
}

static __always_inline void *ctx_end(const struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_end;
}

static __always_inline __u32 ctx_ifindex(const struct xdp_md *ctx)
{
	return ctx->ingress_ifindex;
}

/* Bytes with the Ethernet header; without what else there is of a frame in several buffers. */
static __always_inline __u32 ctx_length(const struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data;
}

/* Copies len bytes at off after the Ethernet header to buf. Negative when the frame is shorter. */
static __always_inline long ctx_load(const struct xdp_md *ctx, __u32 off, void *buf, __u32 len)
{
	__u8 *from = (__u8 *)ctx_data(ctx) + ETH_HLEN;

	if (off > CTX_OFFSET_MAX)
		return -1;
	from += off;
	if (from + len > (__u8 *)ctx_end(ctx))
		return -1;
	/* not true, and no matter to the machine; but byte by byte it would take longer than all the rest */
	__builtin_memcpy(buf, __builtin_assume_aligned(from, 8), len);
	return 0;
}

/* 0 when the frame has no Ethernet header. */
static __always_inline __be16 ctx_ethertype(const struct xdp_md *ctx)
{
	struct ethhdr *header = ctx_data(ctx);

	return (void *)(header + 1) > ctx_end(ctx) ? 0 : header->h_proto;
}

static __always_inline __u16 ctx_vlan(const struct xdp_md *ctx)
{
	(void)ctx;
	return 0;
}

static __always_inline int ctx_is_question(const struct xdp_md *ctx)
{
	(void)ctx;
	return 0;
}

static __always_inline int ctx_aggregated(const struct xdp_md *ctx)
{
	(void)ctx;
	return 0;
}

/* Whether the frame has len bytes after the Ethernet header. */
static __always_inline int ctx_has(const struct xdp_md *ctx, __u32 len)
{
	return ctx_length(ctx) >= ETH_HLEN + len;
}

/* All that a program of XDP may read lies in one piece. */
static __always_inline int ctx_gather(const struct xdp_md *ctx)
{
	(void)ctx;
	return 0;
}

/* Whether it is to one of the addresses that bridges never forward: IEEE 802.1Q table 8-1. */
static __always_inline int ctx_is_link_control(const struct xdp_md *ctx)
{
	struct ethhdr *header = ctx_data(ctx);

	if ((void *)(header + 1) > ctx_end(ctx))
		return 0;
	return header->h_dest[0] == 0x01 && header->h_dest[1] == 0x80 && header->h_dest[2] == 0xc2 &&
	       header->h_dest[3] == 0 && header->h_dest[4] == 0 && header->h_dest[5] < 0x10;
}

#endif
