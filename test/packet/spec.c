/* SPDX-License-Identifier: GPL-2.0-only */
#include "frames.h"

#include <linux/if_ether.h>

#include <arpa/inet.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REST_OF_DATAGRAM 1000 /* what a first fragment's UDP length counts beyond it */

const char *spec_address(int family, const char *text, char out[FRAME_ADDRESS_TEXT])
{
	uint8_t a[4];

	if (family != 6 || inet_pton(AF_INET, text, a) != 1)
		snprintf(out, FRAME_ADDRESS_TEXT, "%s", text);
	else
		snprintf(out, FRAME_ADDRESS_TEXT, "2001:db8:%x:%x::", a[0] << 8 | a[1], a[2] << 8 | a[3]);
	return out;
}

static void build_link(const struct spec *spec, struct frame *f)
{
	uint16_t last = spec->ethertype;
	size_t i = 0;

	if (!last)
		last = spec->family == 6 ? ETH_P_IPV6 : ETH_P_IP;
	frame_eth(f, spec->tags[0] ? spec->tags[0] : last);
	if (spec->mac)
		memcpy(f->data, ether_aton(spec->mac), ETH_ALEN);
	for (; i < 4 && spec->tags[i]; i++)
		frame_vlan(f, 100 + i, i < 3 && spec->tags[i + 1] ? spec->tags[i + 1] : last);
}

static void build_extension(struct frame *f, char letter)
{
	switch (letter) {
	case 'H':
		frame_ext(f, IPPROTO_HOPOPTS, 8);
		break;
	case 'A': /* router alert: RFC 2711 */
		frame_ext(f, IPPROTO_HOPOPTS, 8);
		memcpy(f->data + f->extension + 2, "\x05\x02\x00\x00\x01\x00", 6);
		break;
	case 'R':
		frame_ext(f, IPPROTO_ROUTING, 24);
		break;
	case 'D':
		frame_ext(f, IPPROTO_DSTOPTS, 16);
		break;
	case 'L': /* the longest there is in a small frame */
		frame_ext(f, IPPROTO_DSTOPTS, 256);
		break;
	case 'S': /* AH, as in IPsec: 24 bytes */
		frame_ext(f, IPPROTO_AH, 24);
		break;
	case 'M':
		frame_ext(f, IPPROTO_MH, 8);
		break;
	default:
		fprintf(stderr, "packet_test: %c: no such extension header\n", letter);
		exit(2);
	}
}

static void build_fragment(const struct spec *spec, struct frame *f)
{
	if (spec->fragment == FIRST) {
		frame_fragment(f, 0, 1);
		f->first_fragment_of = REST_OF_DATAGRAM;
	} else if (spec->fragment == LATER) {
		frame_fragment(f, spec->offset ? spec->offset : 5, 1);
	} else if (spec->fragment == LAST) {
		frame_fragment(f, spec->offset ? spec->offset : 1, 0);
	} else if (spec->fragment == ATOMIC) {
		frame_fragment(f, 0, 0);
	}
	if (spec->fragment && spec->id)
		frame_put16(f, f->family == 4 ? f->network + 4 : f->extension + 6, spec->id);
}

static void build_network(const struct spec *spec, struct frame *f)
{
	const char *src = spec->src ? spec->src : SPEC_SRC, *dst = spec->dst ? spec->dst : SPEC_DST;
	char from[FRAME_ADDRESS_TEXT], to[FRAME_ADDRESS_TEXT];

	spec_address(spec->family, spec->back ? dst : src, from);
	spec_address(spec->family, spec->back ? src : dst, to);
	if (spec->family == 6) {
		frame_ipv6(f, from, to);
		for (const char *c = spec->chain; c && *c; c++)
			build_extension(f, *c);
	} else {
		frame_ipv4(f, from, to);
		frame_ipv4_options(f, spec->options);
	}
	if (spec->hop_limit)
		f->data[f->network + (f->family == 4 ? 8 : 7)] = spec->hop_limit;
	build_fragment(spec, f);
	for (const char *c = spec->family == 6 ? spec->behind : NULL; c && *c; c++)
		build_extension(f, *c);
}

static void build_quote(const struct spec *spec, struct frame *f)
{
	struct spec of = *spec->quote;
	struct frame quote;
	size_t size;

	of.family = spec->family;
	spec_build(&of, &quote);
	size = quote.len - quote.network;
	if (spec->quoted)
		size = quote.transport - quote.network + spec->quoted;
	frame_append(f, quote.data + quote.network, size);
}

/* type << 8 | code: RFC 792, 4443 */
static const uint16_t messages[][2] = {
	[ECHO_REQUEST] = { 8 << 8, 128 << 8 },
	[ECHO_ANSWER] = { 0, 129 << 8 },
	[UNREACHABLE] = { 3 << 8 | 3, 1 << 8 | 4 },
	[EXCEEDED] = { 11 << 8, 3 << 8 },
};

static void build_icmp(const struct spec *spec, struct frame *f)
{
	uint16_t message = spec->icmp ? messages[spec->icmp][spec->family == 6] : spec->dport;

	frame_icmp(f, spec->family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, message >> 8, message & 0xff);
	frame_put16(f, f->transport + 4, spec->id);
	if (spec->quote)
		build_quote(spec, f);
}

static void build_transport(const struct spec *spec, struct frame *f)
{
	uint16_t from = spec->sport ? spec->sport : 40000;
	uint16_t sport = spec->back ? spec->dport : from, dport = spec->back ? from : spec->dport;

	switch (spec->icmp ? IPPROTO_ICMP : spec->proto) {
	case 0:
	case IPPROTO_TCP:
		frame_tcp(f, sport, dport, spec->flags ? spec->flags : TCP_SYN);
		break;
	case IPPROTO_UDP:
		frame_udp(f, sport, dport);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		build_icmp(spec, f);
		break;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		frame_other(f, spec->proto);
		if (spec->sport || spec->dport) {
			frame_put16(f, f->transport, sport);
			frame_put16(f, f->transport + 2, dport);
		}
		break;
	default:
		frame_other(f, spec->proto);
	}
	frame_bytes(f, spec->payload);
}

static void poke_build(const struct poke *poke, struct frame *f)
{
	size_t at = poke->offset;

	if (poke->at == NOWHERE)
		return;
	if (poke->at == AT_NETWORK)
		at += f->network;
	else
		at += poke->at == AT_EXTENSION ? f->extension : f->transport;
	if (poke->width == 2)
		frame_put16(f, at, poke->value);
	else
		f->data[at] = poke->value;
}

void spec_build(const struct spec *spec, struct frame *f)
{
	memset(f, 0, sizeof(*f));
	build_link(spec, f);
	if (spec->ethertype) {
		frame_bytes(f, 28);
	} else {
		build_network(spec, f);
		build_transport(spec, f);
		frame_finish(f);
	}
	poke_build(&spec->poke, f);
	frame_bytes(f, spec->pad);
	f->len -= spec->cut < f->len ? spec->cut : f->len;
}
