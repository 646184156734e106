/* SPDX-License-Identifier: GPL-2.0-only */
/* GENEVE (RFC 8926), as gateway load balancers send it: taken off packets from allowed sources. */
#ifndef SPLICER_LIB_TUNNEL_H
#define SPLICER_LIB_TUNNEL_H

#include "abi/config.h"
#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/packet.h"
#include "maps/config.h"

#define GENEVE_PORT 6081
#define GENEVE_VERSION 0xc0
#define GENEVE_OAM 0x80
#define UDP_HEADER 8
#define ETHERNET_HEADER 14
/* include/uapi/linux/bpf.h, newer than the oldest headers that this is built with */
#define DECAP_TO_IPV4 (1ull << 7) /* BPF_F_ADJ_ROOM_DECAP_L3_IPV4 */
#define DECAP_TO_IPV6 (1ull << 8) /* BPF_F_ADJ_ROOM_DECAP_L3_IPV6 */
#define ETHERTYPE_ETHERNET 0x6558 /* transparent Ethernet bridging */

struct geneve_header {
	__u8 version_options; /* 2 bits, and options in words of 4 bytes */
	__u8 flags;
	__be16 protocol;
	__be32 vni;
};

static __always_inline int tunnel_allows(const struct packet *p, __u32 ifindex)
{
	struct splicer_tunnel key = {
		.prefix_len = SPLICER_TUNNEL_BITS + (p->family == 4 ? 32 : 128),
		.ifindex = ifindex,
		.family = p->family,
	};

	__builtin_memcpy(key.addr, p->src, sizeof(key.addr));
	return bpf_map_lookup_elem(&splicer1_tunnels, &key) != NULL;
}

static __always_inline int tunnel_is_one(const struct packet *p)
{
	return p->proto == IPPROTO_UDP && p->dport == bpf_htons(GENEVE_PORT) && !p->fragment &&
	       (tunnel_allows(p, p->ifindex) || tunnel_allows(p, SPLICER_IFACE_ANY));
}

/* Bytes from the network header to the inner packet, of which *ethertype tells the kind; 0: there is none. */
static __always_inline __u32 tunnel_inner(struct __sk_buff *ctx, const struct packet *p, __be16 *ethertype)
{
	struct geneve_header h;
	__u32 off = p->l4 + UDP_HEADER;

	if (ctx_load(ctx, off, &h, sizeof(h)) || h.version_options & GENEVE_VERSION || h.flags & GENEVE_OAM)
		return 0;
	off += sizeof(h) + (h.version_options & 0x3f) * 4;
	*ethertype = h.protocol;
	if (h.protocol != bpf_htons(ETHERTYPE_ETHERNET))
		return off;
	if (ctx_load(ctx, off + ETHERNET_HEADER - 2, ethertype, sizeof(*ethertype)))
		return 0;
	return off + ETHERNET_HEADER;
}

/*
 * Takes the outer headers off where the source may send such packets; *p then has to be filled anew. 1: done, 0: it is
 * none of those, negative: it is one, but cannot be decapsulated.
 */
__weak __noinline int tunnel_open(struct __sk_buff *ctx, const struct packet *p)
{
	__be16 ethertype = 0;
	__u64 flags = 0;
	__u32 off;

	if (!p || !tunnel_is_one(p))
		return 0;
	off = tunnel_inner(ctx, p, &ethertype);
	if (!off || !ctx_has(ctx, off + 1))
		return -1;
	if (ethertype != bpf_htons(ETH_P_IP) && ethertype != bpf_htons(ETH_P_IPV6))
		return -1;
	/* from one family to the other; kernels before 6.4 refuse it */
	if (ethertype != ctx_ethertype(ctx))
		flags = ethertype == bpf_htons(ETH_P_IP) ? DECAP_TO_IPV4 : DECAP_TO_IPV6;
	return ctx_shrink(ctx, off, flags) ? -1 : 1;
}

#endif
