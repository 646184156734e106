/* SPDX-License-Identifier: GPL-2.0-only */
#include "becomes.h"

#include "box.h"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define HOPS_AT(family) ((family) == 4 ? 8 : 7)

static struct spec translated_spec(const struct spec *spec, const struct becomes *becomes)
{
	struct spec out = *spec;

	if (becomes->src)
		out.src = becomes->src;
	if (becomes->dst)
		out.dst = becomes->dst;
	if (becomes->sport)
		out.sport = becomes->sport;
	if (becomes->dport)
		out.dport = becomes->dport;
	if (becomes->quote)
		out.quote = becomes->quote;
	return out;
}

void header_sum(struct frame *f)
{
	uint32_t sum = 0;

	if (f->family != 4)
		return;
	frame_put16(f, f->network + 10, 0);
	for (size_t i = 0; i < 4 * (size_t)(f->data[f->network] & 0xf); i += 2)
		sum += f->data[f->network + i] << 8 | f->data[f->network + i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	frame_put16(f, f->network + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
}

void step_build(const struct spec *spec, struct frame *f)
{
	spec_build(spec, f);
	if (spec->poke.at == AT_NETWORK && spec->poke.offset < 10)
		header_sum(f);
}

static void hop_take(struct frame *f)
{
	f->data[f->network + HOPS_AT(f->family)]--;
	header_sum(f);
}

/* Bytes of the IP packet in the frame, by its own length field. */
static size_t packet_size(const struct frame *f)
{
	size_t at = f->network + (f->family == 4 ? 2 : 4);

	return (size_t)(f->data[at] << 8 | f->data[at + 1]) + (f->family == 4 ? 0 : 40);
}

/* The link-layer header and what lies before IP is that of another frame. */
static void link_copy(const struct frame *in, struct frame *out)
{
	memset(out, 0, sizeof(*out));
	frame_append(out, in->data, in->network);
}

static uint8_t class_of(const struct frame *f)
{
	const uint8_t *ip = f->data + f->network;

	return f->family == 4 ? ip[1] : (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}

/* RFC 2003, 2473, 4213; the outer header has the inner one's class, and DF. */
static void tunnel_build(const struct frame *in, const struct becomes *becomes, struct frame *out)
{
	int family = becomes->is_other ? 10 - in->family : in->family;
	char src[FRAME_ADDRESS_TEXT], dst[FRAME_ADDRESS_TEXT];
	struct frame inner = *in;
	uint8_t *ip;

	hop_take(&inner);
	link_copy(in, out);
	spec_address(family, becomes->src ? becomes->src : BOX_BACKEND_ADDRESS, src);
	spec_address(family, becomes->dst ? becomes->dst : BOX_BACKEND_1, dst);
	(family == 4 ? frame_ipv4 : frame_ipv6)(out, src, dst);
	ip = out->data + out->network;
	out->data[out->next] = in->family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	if (family == 4) {
		ip[1] = class_of(in);
		memset(ip + 4, 0, 2);
		ip[6] = in->family == 4 ? in->data[in->network + 6] & 0x40 : 0x40;
	} else {
		ip[0] |= class_of(in) >> 4;
		ip[1] |= (uint8_t)(class_of(in) << 4);
	}
	frame_append(out, inner.data + in->network, packet_size(in));
	frame_finish(out);
	frame_append(out, inner.data + in->network + packet_size(in), in->len - in->network - packet_size(in));
}

/* How much an error quotes: below 576 bytes in all (RFC 1812), and 1280 (RFC 4443), in whole words. */
static size_t quoted_size(const struct frame *in)
{
	size_t size = packet_size(in), most = in->family == 4 ? 512 : 1024;

	return (size < most ? size : most) & ~(size_t)3;
}

static void answer_build(const struct frame *in, const struct becomes *becomes, struct frame *out)
{
	static const uint16_t too_big[] = { 3 << 8 | 4, 2 << 8 }, exceeded[] = { 11 << 8, 3 << 8 };
	uint16_t message = (becomes->mtu ? too_big : exceeded)[in->family == 6];
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	size_t at = in->network + (in->family == 4 ? 12 : 8), size = in->family == 4 ? 4 : 16;

	inet_ntop(in->family == 4 ? AF_INET : AF_INET6, in->data + at, src, sizeof(src));
	inet_ntop(in->family == 4 ? AF_INET : AF_INET6, in->data + at + size, dst, sizeof(dst));
	link_copy(in, out);
	memcpy(out->data, in->data + ETH_ALEN, ETH_ALEN);
	memcpy(out->data + ETH_ALEN, in->data, ETH_ALEN);
	(in->family == 4 ? frame_ipv4 : frame_ipv6)(out, dst, src);
	frame_icmp(out, in->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, (uint8_t)(message >> 8), message & 0xff);
	frame_put16(out, out->transport + 6, (uint16_t)becomes->mtu);
	frame_append(out, in->data + in->network, quoted_size(in));
	if (in->family == 4)
		frame_put16(out, out->network + 4, 0);
	frame_finish(out);
}

void becomes_build(const struct spec *spec, const struct frame *in, const struct becomes *becomes, int action,
		   struct frame *out)
{
	struct spec own;

	switch (becomes->form) {
	case TUNNELLED:
		tunnel_build(in, becomes, out);
		return;
	case ANSWERED:
		answer_build(in, becomes, out);
		return;
	default:
		break;
	}
	own = translated_spec(spec, becomes);
	step_build(&own, out);
	if (action == TC_ACT_REDIRECT)
		hop_take(out);
}
