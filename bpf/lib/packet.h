/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parser. Fills struct packet from the network header on and returns a reason when the packet cannot be what
 * it says: RFC 791, 8200 (extension headers), 9293, 768, 792, 4443; IEEE 802.1Q for inner tags.
 *
 * Needs from the adapter of the hook, included before: the type `context`, and ctx_load, ctx_length, ctx_ifindex,
 * ctx_ethertype, ctx_vlan, ctx_has, ctx_gather, ctx_aggregated and ctx_is_question.
 */
#ifndef SPLICER_LIB_PACKET_H
#define SPLICER_LIB_PACKET_H

#include "abi/reasons.h"
#include "lib/bpf.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

#define PACKET_TAGS_MAX 2    /* VLAN tags in the packet, beyond the one that the kernel took off */
#define PACKET_HEADERS_MAX 8 /* IPv6 extension headers */

#define TCP_FLAG_BYTE_FIN 0x01
#define TCP_FLAG_BYTE_SYN 0x02
#define TCP_FLAG_BYTE_RST 0x04
#define TCP_FLAG_BYTE_PSH 0x08
#define TCP_FLAG_BYTE_ACK 0x10
#define TCP_FLAG_BYTE_ECE 0x40
#define TCP_FLAG_BYTES_OF_ENDS (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_FIN | TCP_FLAG_BYTE_RST)

/* ATOMIC: a whole packet that carries a fragment header all the same (RFC 6946). */
enum packet_fragment { FRAGMENT_NONE = 0, FRAGMENT_FIRST = 1, FRAGMENT_LATER = 2, FRAGMENT_ATOMIC = 3 };

/* Addresses as in abi/rules.h: network byte order, IPv4 in the first 4 bytes, the rest zero. */
struct packet {
	__u64 dst[2];
	__u64 src[2];
	__u32 ifindex;
	__u32 length;     /* bytes, as the hook sees them */
	__u32 l3;         /* offset of the IP header after the network header: VLAN tags lie between */
	__u32 l4;         /* offset of the transport header after the network header */
	__u32 l4_length;  /* bytes from there to the end of the IP packet */
	__be16 ethertype; /* after VLAN tags */
	__u16 vlan;
	__be16 sport, dport; /* 0 where the protocol has none */
	__u16 port;          /* what rules match: destination port in host byte order; ICMP: type << 8 | code */
	__u8 family;         /* 4, 6; 0: not IP */
	__u8 proto;
	__u8 hop_limit;
	__u8 fragment; /* enum packet_fragment */
	__u8 tcp_flags;
	__u8 icmp_type, icmp_code;
	__u8 is_question; /* see abi/config.h */
	__u16 frag_off;   /* as in IPv4's header, host byte order: DF, MF, offset in units of 8 bytes; IPv6 alike */
	__be32 frag_id;   /* of what the fragment is a part of; IPv4: 16 bits */
	__be16 icmp_id;   /* of an echo */
	__u8 frag_proto;  /* IPv6: what the fragment header says that follows; other fragments know no more than that */
	__u8 is_cut;      /* set before it is parsed: of a capture, of which less may be there than its lengths say */
};
/* It stands on the stack of programs, at the end of chains of calls that may take up 512 bytes. */
_Static_assert(sizeof(struct packet) <= 80, "struct packet is small");

/* One of several packets, not a whole one. */
static __always_inline int packet_is_fragment(const struct packet *p)
{
	return p->fragment == FRAGMENT_FIRST || p->fragment == FRAGMENT_LATER;
}

static __always_inline int packet_is_first_syn(const struct packet *p)
{
	return (p->tcp_flags & (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK)) == TCP_FLAG_BYTE_SYN;
}

/* ICMP echo: RFC 792, 4443 */
#define ICMP_ECHO 8
#define ICMP_ECHO_REPLY 0
#define ICMPV6_ECHO 128
#define ICMPV6_ECHO_REPLY 129

static __always_inline int packet_is_echo(const struct packet *p)
{
	if (p->icmp_code)
		return 0;
	if (p->family == 4)
		return p->proto == IPPROTO_ICMP && (p->icmp_type == ICMP_ECHO || p->icmp_type == ICMP_ECHO_REPLY);
	return p->proto == IPPROTO_ICMPV6 && (p->icmp_type == ICMPV6_ECHO || p->icmp_type == ICMPV6_ECHO_REPLY);
}

static __always_inline int packet_is_echo_request(const struct packet *p)
{
	return packet_is_echo(p) && (p->icmp_type == ICMP_ECHO || p->icmp_type == ICMPV6_ECHO);
}

/* Whether the source is the higher end. */
static __always_inline __u32 packet_source_end(const struct packet *p, __be16 sport, __be16 dport)
{
	if (p->src[0] != p->dst[0])
		return p->src[0] > p->dst[0];
	if (p->src[1] != p->dst[1])
		return p->src[1] > p->dst[1];
	return sport > dport;
}

static __always_inline void packet_set_end(__u64 addr[2][2], __be16 port[2], __u32 end, const __u64 *from,
					   __be16 number)
{
	if (end) {
		addr[1][0] = from[0];
		addr[1][1] = from[1];
		port[1] = number;
	} else {
		addr[0][0] = from[0];
		addr[0][1] = from[1];
		port[0] = number;
	}
}

/*
 * Fills the ends of a key that both directions share, the lower one first; sport and dport are what stands for ports.
 * Returns the end that sent the packet.
 */
static __always_inline __u32 packet_set_ends(const struct packet *p, __be16 sport, __be16 dport, __u64 addr[2][2],
					     __be16 port[2])
{
	__u32 end = packet_source_end(p, sport, dport);

	packet_set_end(addr, port, end, p->src, sport);
	packet_set_end(addr, port, !end, p->dst, dport);
	return end;
}

struct vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

struct ipv4_header {
	__u8 version_ihl, tos;
	__be16 length, id, frag_off;
	__u8 ttl, proto;
	__be16 check;
	__be32 src, dst;
};

struct ipv6_header {
	__be32 version_class_label;
	__be16 payload;
	__u8 next, hop_limit;
	__u64 src[2], dst[2];
};

#define FRAGMENT_UNIT 8 /* bytes that an offset counts */
#define IP_LENGTH_MAX 65535

/*
 * A later fragment must not reach beyond what a packet can be (the "ping of death"), and one of TCP must not begin
 * within the header that its first fragment was judged by: RFC 1858, 3128.
 */
static __always_inline __u32 packet_check_later(const struct packet *p, __u32 offset)
{
	if (offset + p->l4_length > IP_LENGTH_MAX)
		return REASON_BAD_HEADER;
	return p->proto == IPPROTO_TCP && offset < 20 ? REASON_BAD_HEADER : REASON_NONE;
}

/* The first 16 bytes of TCP; UDP and ICMP are read through their first fields. */
struct transport_header {
	__be16 sport, dport;
	__be32 seq, ack;
	__u8 data_offset, flags;
	__be16 window;
};

/* The transport header where it was read along with the IP header, so that the usual packet costs one read. */
struct early_transport {
	union {
		struct {
			struct ipv4_header ip;
			struct transport_header transport;
		} v4;
		struct {
			struct ipv6_header ip;
			struct transport_header transport;
		} v6;
	} both;
	struct transport_header *header; /* in there */
	int is_read;
};

static __always_inline int packet_is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/* Steps over VLAN tags that are still in the packet; *off becomes the offset of what they carry. */
static __always_inline __u32 packet_parse_tags(context *ctx, struct packet *p, __u32 *off)
{
	struct vlan_tag tag;

	for (int i = 0; i < PACKET_TAGS_MAX; i++) {
		if (!packet_is_tag(p->ethertype))
			return REASON_NONE;
		if (ctx_load(ctx, *off, &tag, sizeof(tag)))
			return REASON_TRUNCATED;
		if (!p->vlan)
			p->vlan = bpf_ntohs(tag.tci) & 0xfff;
		p->ethertype = tag.ethertype;
		*off += sizeof(tag);
	}
	return packet_is_tag(p->ethertype) ? REASON_TOO_MANY_HEADERS : REASON_NONE;
}

/* Aggregated packets of 64 KiB and more (BIG TCP) have 0 in the length field; they came from the kernel's own GRO. */
static __always_inline __u32 packet_length(context *ctx, __u32 field)
{
	return !field && ctx_aggregated(ctx) ? 65535 : field;
}

static __always_inline __u32 packet_parse_ipv4(context *ctx, struct packet *p, __u32 off, struct early_transport *early)
{
	const struct ipv4_header *ip = &early->both.v4.ip;
	__u32 header, length, frag;

	early->is_read = !ctx_load(ctx, off, &early->both.v4, sizeof(early->both.v4));
	if (!early->is_read && ctx_load(ctx, off, &early->both.v4.ip, sizeof(early->both.v4.ip)))
		return REASON_TRUNCATED;
	header = (ip->version_ihl & 0xf) * 4;
	length = packet_length(ctx, bpf_ntohs(ip->length));
	if (ip->version_ihl >> 4 != 4 || header < sizeof(*ip) || length < header)
		return REASON_BAD_HEADER;
	p->family = 4;
	p->dst[0] = ip->dst;
	p->src[0] = ip->src;
	p->proto = ip->proto;
	p->hop_limit = ip->ttl;
	if (!p->is_cut && !ctx_has(ctx, off + length))
		return REASON_TRUNCATED;
	frag = bpf_ntohs(ip->frag_off);
	p->frag_off = (__u16)frag;
	if (frag & 0x1fff)
		p->fragment = FRAGMENT_LATER;
	else if (frag & 0x2000)
		p->fragment = FRAGMENT_FIRST;
	p->frag_id = bpf_htonl(bpf_ntohs(ip->id));
	p->l4 = off + header;
	early->header = &early->both.v4.transport;
	early->is_read &= header == sizeof(*ip);
	p->l4_length = length - header;
	return p->fragment == FRAGMENT_LATER ? packet_check_later(p, (frag & 0x1fff) * FRAGMENT_UNIT) : REASON_NONE;
}

static __always_inline int packet_is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS || next == IPPROTO_AH ||
	       next == IPPROTO_FRAGMENT || next == IPPROTO_MH;
}

struct extension_header {
	__u8 next, length;
	__be16 frag_off;
	__be32 id;
};

/*
 * Steps over one extension header; RFC 8200 section 4, RFC 4302 for the length of AH. A global function, as there may
 * be several.
 */
__weak __noinline int packet_parse_extension(context *ctx, struct packet *p)
{
	struct extension_header header;
	__u32 length;

	if (!p)
		return REASON_INTERNAL;
	if (p->l4_length < sizeof(header) || ctx_load(ctx, p->l4, &header, sizeof(header)))
		return REASON_TRUNCATED;
	if (p->proto == IPPROTO_FRAGMENT) {
		length = sizeof(header);
		p->frag_id = header.id;
		p->frag_proto = header.next;
		p->frag_off = (__u16)(bpf_ntohs(header.frag_off) >> 3 | (bpf_ntohs(header.frag_off) & 1) << 13);
		if (bpf_ntohs(header.frag_off) & 0xfff8)
			p->fragment = FRAGMENT_LATER;
		else
			p->fragment = bpf_ntohs(header.frag_off) & 1 ? FRAGMENT_FIRST : FRAGMENT_ATOMIC;
	} else if (p->proto == IPPROTO_AH) {
		length = (header.length + 2) * 4;
	} else {
		length = (header.length + 1) * 8;
	}
	if (length > p->l4_length)
		return REASON_TRUNCATED;
	p->proto = header.next;
	p->l4 += length;
	p->l4_length -= length;
	if (p->fragment == FRAGMENT_LATER)
		return (int)packet_check_later(p, bpf_ntohs(header.frag_off) & 0xfff8);
	return REASON_NONE;
}

static __always_inline __u32 packet_parse_ipv6(context *ctx, struct packet *p, __u32 off, struct early_transport *early)
{
	const struct ipv6_header *ip = &early->both.v6.ip;

	early->is_read = !ctx_load(ctx, off, &early->both.v6, sizeof(early->both.v6));
	if (!early->is_read && ctx_load(ctx, off, &early->both.v6.ip, sizeof(early->both.v6.ip)))
		return REASON_TRUNCATED;
	if (bpf_ntohl(ip->version_class_label) >> 28 != 6)
		return REASON_BAD_HEADER;
	p->family = 6;
	p->dst[0] = ip->dst[0];
	p->dst[1] = ip->dst[1];
	p->src[0] = ip->src[0];
	p->src[1] = ip->src[1];
	p->proto = ip->next;
	p->hop_limit = ip->hop_limit;
	p->l4 = off + sizeof(*ip);
	p->l4_length = packet_length(ctx, bpf_ntohs(ip->payload));
	early->header = &early->both.v6.transport;
	if (!p->is_cut && !ctx_has(ctx, p->l4 + p->l4_length))
		return REASON_TRUNCATED;
	for (int i = 0; i < PACKET_HEADERS_MAX; i++) {
		__u32 reason;

		if (p->fragment == FRAGMENT_LATER || !packet_is_extension(p->proto))
			return REASON_NONE;
		early->is_read = 0;
		reason = (__u32)packet_parse_extension(ctx, p);
		if (reason)
			return reason;
	}
	return p->fragment != FRAGMENT_LATER && packet_is_extension(p->proto) ? REASON_TOO_MANY_HEADERS : REASON_NONE;
}

/* A first fragment carries the whole transport header (RFC 1858, 7112), but not all that its length field counts. */
static __always_inline __u32 packet_parse_udp(struct packet *p, const struct transport_header *h)
{
	__u32 length = bpf_ntohl(h->seq) >> 16;

	if (length < 8)
		return REASON_BAD_HEADER;
	if (length > p->l4_length && p->fragment != FRAGMENT_FIRST)
		return REASON_TRUNCATED;
	return REASON_NONE;
}

static __always_inline __u32 packet_parse_tcp(struct packet *p, const struct transport_header *h)
{
	__u32 header = (h->data_offset >> 4) * 4;

	if (header < 20)
		return REASON_BAD_HEADER;
	if (header > p->l4_length)
		return REASON_TRUNCATED;
	p->tcp_flags = h->flags;
	return REASON_NONE;
}

static __always_inline __u32 packet_parse_transport(context *ctx, struct packet *p, struct early_transport *early)
{
	struct transport_header *h = early->header;
	__u32 size;

	if (p->fragment == FRAGMENT_LATER)
		return REASON_NONE;
	switch (p->proto) {
	case IPPROTO_TCP:
		size = 20;
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		size = 8;
		break;
	default:
		return REASON_NONE;
	}
	if (p->l4_length < size)
		return REASON_TRUNCATED;
	if (!early->is_read &&
	    (p->proto == IPPROTO_TCP ? ctx_load(ctx, p->l4, h, sizeof(*h)) : ctx_load(ctx, p->l4, h, 8)))
		return REASON_TRUNCATED;
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) {
		p->port = bpf_ntohs(h->sport);
		p->icmp_type = p->port >> 8;
		p->icmp_code = p->port & 0xff;
		p->icmp_id = bpf_htons((__u16)(bpf_ntohl(h->seq) >> 16));
		return REASON_NONE;
	}
	p->sport = h->sport;
	p->dport = h->dport;
	p->port = bpf_ntohs(h->dport);
	if (p->proto == IPPROTO_TCP)
		return packet_parse_tcp(p, h);
	return p->proto == IPPROTO_UDP ? packet_parse_udp(p, h) : REASON_NONE;
}

/*
 * Fills *p, which must be zero but for is_cut. REASON_NONE, or why the packet is malformed; anything but IP is left to
 * the caller. A global function: the verifier reads it once, and its callers know nothing of the many ways through it.
 */
__weak __noinline int packet_read(context *ctx, struct packet *p)
{
	struct early_transport early = {};
	__u32 off = 0, reason;

	if (!p)
		return REASON_INTERNAL;
	p->ifindex = ctx_ifindex(ctx);
	p->length = ctx_length(ctx);
	p->ethertype = ctx_ethertype(ctx);
	p->vlan = ctx_vlan(ctx);
	p->is_question = ctx_is_question(ctx) != 0;
	reason = packet_parse_tags(ctx, p, &off);
	if (reason)
		return (int)reason;
	p->l3 = off;
	if (p->ethertype == bpf_htons(ETH_P_IP))
		reason = packet_parse_ipv4(ctx, p, off, &early);
	else if (p->ethertype == bpf_htons(ETH_P_IPV6))
		reason = packet_parse_ipv6(ctx, p, off, &early);
	else
		return REASON_NONE;
	return (int)(reason ? reason : packet_parse_transport(ctx, p, &early));
}

/* As packet_read, also where headers lie outside of what can be read at once. */
static __always_inline int packet_parse(context *ctx, struct packet *p)
{
	int reason = packet_read(ctx, p);
	__u8 is_cut = p->is_cut;

	if (reason != REASON_TRUNCATED || !ctx_gather(ctx))
		return reason;
	__builtin_memset(p, 0, sizeof(*p));
	p->is_cut = is_cut;
	return packet_read(ctx, p);
}

#endif
