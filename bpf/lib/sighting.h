/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet as sessions see it: whose it is, when it was seen, and what went over the wire. */
#ifndef SPLICER_LIB_SIGHTING_H
#define SPLICER_LIB_SIGHTING_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/packet.h"

struct sighting {
	struct flow_key key;
	__u64 now;
	__u32 packets;     /* on the wire */
	__u32 length;      /* of each, IP, bytes */
	__u32 last_length; /* but of the last one */
	__u32 bytes, payload;
	__u32 seq, ack; /* TCP, as is the window, not scaled */
	__u16 window;
	__u16 udp_length; /* of UDP's header; only where packets are sampled */
	__u8 header;      /* of the transport protocol, bytes that are no payload */
	__u8 tcp_flags;
	__u8 from; /* end of the key */
	__u8 hops;
	__u8 is_fragment, is_later; /* later: it has no transport header */
	__u8 icmp_type, icmp_code;
};

/* What stands for ports; 0 where there is nothing. */
static __always_inline void sighting_make_ports(const struct packet *p, struct sighting *s, __be16 *sport,
						__be16 *dport)
{
	*sport = p->sport;
	*dport = p->dport;
	if ((p->proto != IPPROTO_ICMP && p->proto != IPPROTO_ICMPV6) || p->fragment == FRAGMENT_LATER)
		return;
	s->key.kind = packet_is_echo(p) ? FLOW_ECHO : FLOW_ICMP;
	*sport = *dport = packet_is_echo(p) ? p->icmp_id : bpf_htons(p->port);
}

static __always_inline void sighting_make_key(const struct packet *p, struct sighting *s)
{
	__be16 sport, dport;

	sighting_make_ports(p, s, &sport, &dport);
	s->from = (__u8)packet_set_ends(p, sport, dport, s->key.addr, s->key.port);
	s->key.ifindex = p->ifindex;
	s->key.vlan = p->vlan;
	s->key.proto = p->proto;
	s->key.family = p->family;
}

/* What decisions do not need, and the parser did not keep. It has seen that the header is there. */
static __always_inline void sighting_read_tcp(context *ctx, const struct packet *p, struct sighting *s)
{
	struct transport_header h;

	if (p->proto != IPPROTO_TCP || p->fragment == FRAGMENT_LATER || ctx_load(ctx, p->l4, &h, sizeof(h)))
		return;
	s->seq = bpf_ntohl(h.seq);
	s->ack = bpf_ntohl(h.ack);
	s->window = bpf_ntohs(h.window);
	s->tcp_flags = h.flags;
	s->header = (h.data_offset >> 4) * 4;
}

static __always_inline void sighting_read_udp(context *ctx, const struct packet *p, struct sighting *s)
{
	struct {
		__be16 sport, dport, length, check;
	} h;

	if (p->proto == IPPROTO_UDP && p->fragment != FRAGMENT_LATER && !ctx_load(ctx, p->l4, &h, sizeof(h)))
		s->udp_length = bpf_ntohs(h.length);
}

/* Of TCP it is read already. */
static __always_inline void sighting_measure_header(const struct packet *p, struct sighting *s)
{
	if (p->fragment == FRAGMENT_LATER)
		return;
	switch (p->proto) {
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		s->header = 8;
		break;
	default:
		break;
	}
}

/*
 * What GRO or segmentation offload made one packet of was several, each with the headers. All but the last carry as
 * much payload as the next one; how many there were the kernel may not say of packets that a guest sent.
 */
static __always_inline void sighting_count_wire(context *ctx, const struct packet *p, struct sighting *s)
{
	__u32 headers = p->l4 - p->l3 + s->header, segment = ctx_segment_size(ctx);

	s->bytes = p->l4 - p->l3 + p->l4_length;
	s->payload = s->bytes - headers;
	s->packets = 1;
	s->length = s->last_length = s->bytes;
	if (!segment || s->payload <= segment)
		return;
	s->packets = ctx_segments(ctx);
	if (!s->packets)
		s->packets = (s->payload + segment - 1) / segment;
	s->bytes += (s->packets - 1) * headers;
	s->length = headers + segment;
	s->last_length = s->bytes - (s->packets - 1) * s->length;
	if (s->last_length > s->length)
		s->last_length = s->length;
}

/* Fills *s, which must be zero but for now, of a packet that was parsed. */
static __always_inline void sighting_make(context *ctx, const struct packet *p, struct sighting *s)
{
	sighting_make_key(p, s);
	sighting_read_tcp(ctx, p, s);
	sighting_measure_header(p, s);
	sighting_count_wire(ctx, p, s);
	s->hops = p->hop_limit;
	s->is_later = p->fragment == FRAGMENT_LATER;
	s->is_fragment = (__u8)packet_is_fragment(p);
	s->icmp_type = p->icmp_type;
	s->icmp_code = p->icmp_code;
}

#endif
