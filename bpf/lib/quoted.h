/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an ICMP error quotes: the beginning of a packet, its IP header and at least 8 bytes of what follows (RFC 792,
 * 4443), so the ports, and no more is needed.
 */
#ifndef SPLICER_LIB_QUOTED_H
#define SPLICER_LIB_QUOTED_H

#include "lib/bpf.h"
#include "lib/packet.h"

/* RFC 792 */
#define ICMP_UNREACHABLE 3
#define ICMP_TIME_EXCEEDED 11
/* RFC 4443: unreachable, packet too big, time exceeded */
#define ICMPV6_ERROR_FIRST 1
#define ICMPV6_ERROR_LAST 3

#define ICMP_QUOTED_HEADERS 4 /* extension headers that are followed in it */
#define ICMP_QUOTED_PORTS 8   /* bytes behind them */

/* What it quotes begins after it. */
struct icmp_header {
	__u8 type, code;
	__be16 check;
	__be32 rest;
};

static __always_inline int icmp_is_error(const struct packet *p)
{
	if (p->fragment == FRAGMENT_LATER)
		return 0;
	if (p->family == 4)
		return p->proto == IPPROTO_ICMP &&
		       (p->icmp_type == ICMP_UNREACHABLE || p->icmp_type == ICMP_TIME_EXCEEDED);
	return p->proto == IPPROTO_ICMPV6 && p->icmp_type >= ICMPV6_ERROR_FIRST && p->icmp_type <= ICMPV6_ERROR_LAST;
}

static __always_inline int icmp_parse_ipv4(struct __sk_buff *ctx, struct packet *quoted, __u32 off)
{
	struct ipv4_header ip;

	if (ctx_load(ctx, off, &ip, sizeof(ip)) || ip.version_ihl >> 4 != 4 || (ip.version_ihl & 0xf) < 5)
		return -1;
	/* a later fragment has no ports to know it by */
	if (bpf_ntohs(ip.frag_off) & 0x1fff)
		return -1;
	quoted->family = 4;
	quoted->src[0] = ip.src;
	quoted->dst[0] = ip.dst;
	quoted->proto = ip.proto;
	quoted->l4 = off + (ip.version_ihl & 0xf) * 4;
	return 0;
}

static __always_inline int icmp_parse_ipv6(struct __sk_buff *ctx, struct packet *quoted, __u32 off)
{
	struct ipv6_header ip;

	if (ctx_load(ctx, off, &ip, sizeof(ip)) || bpf_ntohl(ip.version_class_label) >> 28 != 6)
		return -1;
	quoted->family = 6;
	quoted->src[0] = ip.src[0];
	quoted->src[1] = ip.src[1];
	quoted->dst[0] = ip.dst[0];
	quoted->dst[1] = ip.dst[1];
	quoted->proto = ip.next;
	quoted->l4 = off + sizeof(ip);
	/* how long the packet was does not matter here, only that its headers are there */
	quoted->l4_length = IP_LENGTH_MAX;
	for (int i = 0; i < ICMP_QUOTED_HEADERS && packet_is_extension(quoted->proto); i++)
		if (packet_parse_extension(ctx, quoted) || quoted->fragment == FRAGMENT_LATER)
			return -1;
	return 0;
}

static __always_inline int icmp_parse_ports(struct __sk_buff *ctx, struct packet *quoted)
{
	struct {
		__be16 first, second;
		__be16 third, fourth;
	} h;

	if (ctx_load(ctx, quoted->l4, &h, sizeof(h)))
		return -1;
	switch (quoted->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		quoted->icmp_type = bpf_ntohs(h.first) >> 8;
		quoted->icmp_id = h.third;
		return packet_is_echo(quoted) ? 0 : -1;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		quoted->sport = h.first;
		quoted->dport = h.second;
		return 0;
	default:
		return 0;
	}
}

/* Fills *quoted, which must be zero, with what tells its connection. */
static __always_inline int icmp_parse_quoted(struct __sk_buff *ctx, const struct packet *p, struct packet *quoted)
{
	__u32 off = p->l4 + sizeof(struct icmp_header);

	if (p->family == 4 ? icmp_parse_ipv4(ctx, quoted, off) : icmp_parse_ipv6(ctx, quoted, off))
		return -1;
	/* what lies behind the packet, as the padding of a frame, is no part of it */
	if (quoted->l4 + ICMP_QUOTED_PORTS > p->l4 + p->l4_length)
		return -1;
	return icmp_parse_ports(ctx, quoted);
}

#endif
