/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses and ports of a packet become those of its flow. Headers are written in place; the checksum of TCP and UDP
 * is left to the kernel, which alone knows whether it is there yet, and whether the device has summed up the packet.
 */
#ifndef SPLICER_LIB_TRANSLATE_H
#define SPLICER_LIB_TRANSLATE_H

#include "abi/lb.h"
#include "lib/bpf.h"
#include "lib/checksum.h"
#include "lib/packet.h"

#define TCP_CHECK 16 /* offset in its header */
#define UDP_CHECK 6

/* Headers end before; the verifier wants to know that there is a limit. */
#define TRANSLATE_OFFSET_MAX 0x3ff
#define TRANSLATE_L4_MAX 0x380 /* of a transport header, whose packet is none of ours beyond */

/*
 * Since 6.16, and older ones that took it over: the change of an IPv6 address is not one of the sum that the device
 * made of the whole packet, for the header has no checksum that would keep it. include/uapi/linux/bpf.h, BPF_F_IPV6.
 */
#define L4_CSUM_IPV6 (1ull << 7)

/* ---- finding the headers ---- */

static __always_inline void *translate_at(const struct __sk_buff *ctx, __u32 off, __u32 size)
{
	__u8 *at = ctx_data(ctx);

	if (off > TRANSLATE_OFFSET_MAX)
		return NULL;
	at += off;
	return at + size > (__u8 *)ctx_end(ctx) ? NULL : at;
}

/* Whether the IP header that was read stands at this offset. */
static __always_inline int translate_is_at(const struct __sk_buff *ctx, const struct packet *p, __u32 off)
{
	if (p->family == 4) {
		struct ipv4_header *ip = translate_at(ctx, off, sizeof(*ip));

		return ip && ip->src == (__be32)p->src[0] && ip->dst == (__be32)p->dst[0] && ip->proto == p->proto;
	} else {
		struct ipv6_header *ip = translate_at(ctx, off, sizeof(*ip));

		return ip && ip->src[0] == p->src[0] && ip->src[1] == p->src[1] && ip->dst[0] == p->dst[0] &&
		       ip->dst[1] == p->dst[1];
	}
}

/*
 * The length of the link-layer header, with the headers in reach; negative: not to be found. See ctx_link_length for
 * why it must be looked for.
 */
static __always_inline int translate_link(struct __sk_buff *ctx, const struct packet *p)
{
	__u32 need = CTX_LINK_MAX + p->l4 + 20;

	if (need > ctx->len)
		need = ctx->len;
	if (!translate_at(ctx, need, 0) && bpf_skb_pull_data(ctx, need))
		return -1;
	if (translate_is_at(ctx, p, CTX_LINK_MAX + p->l3))
		return CTX_LINK_MAX;
	return translate_is_at(ctx, p, p->l3) ? 0 : -1;
}

/* ---- writing ---- */

/* What a router does to the IP header at off: RFC 1812 section 5.3.1. */
static __always_inline int translate_hop(struct __sk_buff *ctx, const struct packet *p, __u32 off)
{
	if (p->family == 4) {
		struct ipv4_header *ip = translate_at(ctx, off, sizeof(*ip));

		if (!ip)
			return -1;
		ip->ttl--;
		ip->check = csum_changed(ip->check, CSUM_ONE_HOP);
	} else {
		struct ipv6_header *ip = translate_at(ctx, off, sizeof(*ip));

		if (!ip)
			return -1;
		ip->hop_limit--;
	}
	return 0;
}

static __always_inline int translate_addresses(struct __sk_buff *ctx, const struct packet *p, __u32 off,
					       const struct lb_flow *flow)
{
	if (p->family == 4) {
		struct ipv4_header *ip = translate_at(ctx, off, sizeof(*ip));

		if (!ip)
			return -1;
		ip->src = (__be32)flow->src[0];
		ip->dst = (__be32)flow->dst[0];
		ip->check = csum_changed(ip->check, flow->addr_diff);
	} else {
		struct ipv6_header *ip = translate_at(ctx, off, sizeof(*ip));

		if (!ip)
			return -1;
		ip->src[0] = flow->src[0];
		ip->src[1] = flow->src[1];
		ip->dst[0] = flow->dst[0];
		ip->dst[1] = flow->dst[1];
	}
	return 0;
}

static __always_inline int translate_ports(struct __sk_buff *ctx, __u32 off, const struct lb_flow *flow)
{
	struct {
		__be16 sport, dport;
	} *ports = translate_at(ctx, off, sizeof(*ports));

	if (!ports)
		return -1;
	ports->sport = flow->sport;
	ports->dport = flow->dport;
	return 0;
}

/* Of sum the checksum at off, which also covers a pseudo header whose addresses change by addresses, and ports by
 * ports. */
static __always_inline long translate_sum(struct __sk_buff *ctx, __u32 off, __u8 family, __u32 addresses, __u32 ports,
					  __u64 flags)
{
	if (family == 4 || bpf_l4_csum_replace(ctx, off, 0, addresses, flags | BPF_F_PSEUDO_HDR | L4_CSUM_IPV6)) {
		if (bpf_l4_csum_replace(ctx, off, 0, addresses, flags | BPF_F_PSEUDO_HDR))
			return -1;
	}
	return ports ? bpf_l4_csum_replace(ctx, off, 0, ports, flags) : 0;
}

static __always_inline long translate_checksum(struct __sk_buff *ctx, __u32 off, const struct packet *p,
					       const struct lb_flow *flow)
{
	if (p->proto == IPPROTO_TCP)
		return translate_sum(ctx, off + TCP_CHECK, p->family, flow->addr_diff, flow->port_diff, 0);
	return translate_sum(ctx, off + UDP_CHECK, p->family, flow->addr_diff, flow->port_diff, BPF_F_MARK_MANGLED_0);
}

/* A TCP or UDP packet, or a later fragment of one. link as of translate_link. */
static __always_inline int translate_packet(struct __sk_buff *ctx, const struct packet *p, const struct lb_flow *flow,
					    __u32 link)
{
	if (translate_addresses(ctx, p, link + p->l3, flow))
		return -1;
	if (p->fragment == FRAGMENT_LATER)
		return 0;
	if (translate_ports(ctx, link + p->l4, flow))
		return -1;
	return translate_checksum(ctx, link + p->l4, p, flow) ? -1 : 0;
}

#endif
