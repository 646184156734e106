/* SPDX-License-Identifier: GPL-2.0-only */
#include "mutate.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define PICK(numbers, array) ((array)[numbers_below(numbers, sizeof(array) / sizeof((array)[0]))])
#define MUTATIONS_MAX 6
#define FRAME_GROWN_MAX 1600

static bool one_in(struct numbers *numbers, size_t count)
{
	return !numbers_below(numbers, count);
}

/* ---- valid frames ---- */

static void draw_link(struct numbers *numbers, struct spec *spec)
{
	static const uint16_t tags[] = { ETH_P_8021Q, ETH_P_8021AD };
	static const uint16_t others[] = { ETH_P_ARP, 0x88cc, ETH_P_PPP_SES, 0x0026, 0xffff };
	static const char *const macs[] = { "01:80:c2:00:00:0e", "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01" };

	if (one_in(numbers, 4))
		for (size_t i = 0, count = 1 + numbers_below(numbers, 3); i < count; i++)
			spec->tags[i] = PICK(numbers, tags);
	if (one_in(numbers, 24))
		spec->ethertype = PICK(numbers, others);
	if (one_in(numbers, 24))
		spec->mac = PICK(numbers, macs);
}

/* chain has room for 9 */
static void draw_headers(struct numbers *numbers, struct spec *spec, char chain[10])
{
	static const char letters[] = "HARDSM";
	static const enum spec_fragment fragments[] = { FIRST, LATER, LAST, ATOMIC };
	size_t count = one_in(numbers, 3) ? numbers_below(numbers, one_in(numbers, 6) ? 10 : 4) : 0, i;

	for (i = 0; i < count; i++)
		chain[i] = letters[numbers_below(numbers, sizeof(letters) - 1)];
	chain[i] = '\0';
	if (count && one_in(numbers, 8))
		chain[0] = 'L';
	spec->chain = chain;
	if (one_in(numbers, 3))
		spec->options = 4 * numbers_below(numbers, 11);
	if (!one_in(numbers, 5))
		return;
	spec->fragment = PICK(numbers, fragments);
	spec->id = (uint16_t)(1 + numbers_below(numbers, 3));
	if (one_in(numbers, 3))
		spec->offset = (uint16_t)(1 + numbers_below(numbers, 8191));
}

static void draw_transport(struct numbers *numbers, struct spec *spec)
{
	static const uint8_t protos[] = { IPPROTO_TCP,  IPPROTO_TCP,     IPPROTO_UDP, IPPROTO_UDP,    IPPROTO_ICMP,
					  IPPROTO_SCTP, IPPROTO_UDPLITE, IPPROTO_GRE, IPPROTO_DCCP,   IPPROTO_ESP,
					  IPPROTO_NONE, IPPROTO_ICMPV6,  IPPROTO_TCP, IPPROTO_ICMPV6, 255 };
	static const uint16_t ports[] = { 0, 22, 53, 67, 68, 80, 546, 547, 6081, 8080, 20001, 65535 };
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN, TCP_ACK, TCP_SYN | TCP_ACK, TCP_RST, TCP_FIN | TCP_ACK };
	static const uint8_t types[] = { 0, 3, 8, 11, 128, 129, 1, 2, 3, 4, 130, 133, 135, 136, 143 };
	static const uint8_t hops[] = { 1, 2, 64, 64, 255 };

	spec->proto = PICK(numbers, protos);
	spec->sport = PICK(numbers, ports);
	spec->dport = PICK(numbers, ports);
	spec->flags = PICK(numbers, flags);
	spec->hop_limit = PICK(numbers, hops);
	if (spec->proto == IPPROTO_ICMP || spec->proto == IPPROTO_ICMPV6)
		spec->dport = (uint16_t)(PICK(numbers, types) << 8 | (one_in(numbers, 4) ? 1 : 0));
	if (one_in(numbers, 12)) {
		/* DHCP: what a server says, and a client */
		spec->proto = IPPROTO_UDP;
		spec->sport = spec->family == 4 ? 67 : 547;
		spec->dport = spec->family == 4 ? 68 : 546;
		spec->back = one_in(numbers, 2);
	}
	spec->payload = one_in(numbers, 3) ? numbers_below(numbers, 200) : numbers_below(numbers, 24);
	if (spec->proto == IPPROTO_SCTP || spec->proto == IPPROTO_UDPLITE || spec->proto == IPPROTO_DCCP)
		spec->payload += 4; /* so that its first 8 bytes are there */
	if (one_in(numbers, 24))
		spec->payload = 1200 + numbers_below(numbers, 200);
	spec->pad = one_in(numbers, 3) ? numbers_below(numbers, 24) : 0;
}

/* An error that quotes a packet, whole or in part. */
static void draw_quote(struct numbers *numbers, struct spec *spec, struct spec *quote)
{
	static const enum spec_icmp errors[] = { UNREACHABLE, EXCEEDED };

	*quote = (struct spec){ .family = spec->family, .proto = IPPROTO_UDP, .sport = 53, .dport = 40000 };
	if (one_in(numbers, 2))
		quote->proto = IPPROTO_TCP;
	if (one_in(numbers, 3))
		quote->payload = numbers_below(numbers, 64);
	quote->back = one_in(numbers, 2);
	spec->icmp = PICK(numbers, errors);
	spec->quote = quote;
	spec->quoted = one_in(numbers, 2) ? 8 : 0;
}

/* RFC 768: 0 says that there is none. */
static void take_sum(struct numbers *numbers, struct frame *frame)
{
	if (frame->transport && frame->data[frame->next] == IPPROTO_UDP && one_in(numbers, 5))
		frame_put16(frame, frame->transport + 6, 0);
}

/* RFC 8926: what carries another frame. */
static void envelop(struct numbers *numbers, struct frame *frame)
{
	static const uint8_t header[8] = { 0, 0, 0x65, 0x58, 0, 0, 1, 0 };
	static const uint8_t option[4] = { 1, 2, 3, 0 };
	const struct spec outer = {
		.family = one_in(numbers, 2) ? 4 : 6, .proto = IPPROTO_UDP, .sport = 40001, .dport = 6081
	};
	size_t options = numbers_below(numbers, 3);
	struct frame inner = *frame;

	if (inner.len > FRAME_GROWN_MAX)
		return;
	spec_build(&outer, frame);
	frame_append(frame, header, sizeof(header));
	frame->data[frame->len - sizeof(header)] = (uint8_t)options;
	for (size_t i = 0; i < options; i++)
		frame_append(frame, option, sizeof(option));
	frame_append(frame, inner.data, inner.len);
	frame_finish(frame);
}

void frame_address(struct frame *frame, const struct plain_packet *packet)
{
	size_t size = frame->family == 6 ? 16 : 4;
	uint8_t *src = frame->data + frame->network + (frame->family == 6 ? 8 : 12);

	if (!frame->family)
		return;
	memcpy(src, packet->src, size);
	memcpy(src + size, packet->dst, size);
}

static void spec_draw(struct numbers *numbers, const struct plain_packet *packet, struct frame *frame)
{
	struct spec spec = { .family = one_in(numbers, 2) ? 4 : 6 }, quote;
	char chain[10];

	if (packet)
		spec.family = packet->family == RULES_IPV6 ? 6 : 4;
	draw_link(numbers, &spec);
	draw_headers(numbers, &spec, chain);
	draw_transport(numbers, &spec);
	if (packet && packet->proto < 256 && !one_in(numbers, 8)) {
		spec.proto = (uint8_t)packet->proto;
		spec.dport = (uint16_t)packet->port;
	} else if (one_in(numbers, 10)) {
		draw_quote(numbers, &spec, &quote);
	}
	spec_build(&spec, frame);
	if (packet && !spec.ethertype) {
		size_t len = frame->len;

		/* what pads it is no part of it */
		frame->len -= spec.pad;
		frame_address(frame, packet);
		if (!spec.fragment)
			frame_finish(frame);
		frame->len = len;
	}
}

void frame_draw(struct numbers *numbers, struct frame *frame)
{
	spec_draw(numbers, NULL, frame);
	take_sum(numbers, frame);
	if (one_in(numbers, 16))
		envelop(numbers, frame);
}

void frame_draw_for(struct numbers *numbers, const struct plain_packet *packet, struct frame *frame)
{
	spec_draw(numbers, packet, frame);
	take_sum(numbers, frame);
	if (one_in(numbers, 16))
		envelop(numbers, frame);
}

/* ---- mutations ---- */

/* Ethernet addresses say nothing: from the ethertype on, mostly within headers. */
static size_t place(struct numbers *numbers, const struct frame *frame)
{
	size_t room = frame->len - 12;

	return 12 + numbers_below(numbers, one_in(numbers, 3) || room < 64 ? room : 64);
}

static void flip(struct numbers *numbers, struct frame *frame)
{
	frame->data[place(numbers, frame)] ^= (uint8_t)(1 << numbers_below(numbers, 8));
}

static void set(struct numbers *numbers, struct frame *frame)
{
	static const uint8_t odd[] = { 0, 1, 4, 5, 6, 8, 0x0f, 0x40, 0x45, 0x60, 0x7f, 0x80, 0xff, 17, 43, 44, 51, 58 };
	size_t at = place(numbers, frame);

	frame->data[at] = one_in(numbers, 2) ? PICK(numbers, odd) : (uint8_t)numbers_next(numbers);
}

/* A 16-bit field is a little more or less, or something else. */
static void change16(struct numbers *numbers, struct frame *frame, size_t at)
{
	static const int steps[] = { -20, -8, -4, -1, 1, 4, 8, 20 };
	uint16_t value;

	if (at + 2 > frame->len)
		return;
	value = (uint16_t)(frame->data[at] << 8 | frame->data[at + 1]);
	if (one_in(numbers, 5))
		value = one_in(numbers, 2) ? (uint16_t)numbers_next(numbers) : (uint16_t)numbers_below(numbers, 64);
	else
		value = (uint16_t)(value + PICK(numbers, steps));
	frame_put16(frame, at, value);
}

/* Lengths, fragment offsets, ports, header lengths: where they stand in a frame that nothing was done to. */
static void change_field(struct numbers *numbers, struct frame *frame)
{
	size_t network = frame->network ? frame->network : FRAME_ETH_SIZE;
	const size_t fields[] = { network + 2,          network + 4,
				  network + 6,          frame->transport + 2,
				  frame->transport + 4, frame->transport + 8,
				  frame->extension + 2, 12 };

	change16(numbers, frame, PICK(numbers, fields));
}

static void change_size(struct numbers *numbers, struct frame *frame)
{
	const size_t fields[] = { frame->network, frame->transport + 12, frame->extension + 1, frame->next };
	size_t at = PICK(numbers, fields);

	if (at >= 12 && at < frame->len)
		frame->data[at] =
			(uint8_t)(frame->data[at] + (one_in(numbers, 2) ? 1 : -1) * (one_in(numbers, 2) ? 1 : 16));
}

static void cut(struct numbers *numbers, struct frame *frame)
{
	if (frame->len > FRAME_ETH_SIZE)
		frame->len -= numbers_below(numbers, one_in(numbers, 2) ? frame->len - FRAME_ETH_SIZE + 1
									: (frame->len - FRAME_ETH_SIZE) % 24 + 1);
}

static void grow(struct numbers *numbers, struct frame *frame)
{
	if (frame->len < FRAME_GROWN_MAX)
		frame_bytes(frame, 1 + numbers_below(numbers, 60));
}

/* The beginning of this frame and the end of another. */
static void cross(struct numbers *numbers, struct frame *frame)
{
	struct frame other;
	size_t at, from;

	frame_draw(numbers, &other);
	at = FRAME_ETH_SIZE + numbers_below(numbers, frame->len - FRAME_ETH_SIZE + 1);
	from = one_in(numbers, 2) && at < other.len
		       ? at
		       : FRAME_ETH_SIZE + numbers_below(numbers, other.len - FRAME_ETH_SIZE + 1);
	if (at + other.len - from > FRAME_GROWN_MAX)
		return;
	memcpy(frame->data + at, other.data + from, other.len - from);
	frame->len = at + other.len - from;
}

/* A piece of it is there twice, or no more. */
static void repeat(struct numbers *numbers, struct frame *frame)
{
	size_t from = place(numbers, frame), size = 1 + numbers_below(numbers, 40), to = place(numbers, frame);

	if (from + size > frame->len || frame->len + size > FRAME_GROWN_MAX)
		return;
	if (one_in(numbers, 2) && from >= FRAME_ETH_SIZE) {
		memmove(frame->data + from, frame->data + from + size, frame->len - from - size);
		frame->len -= size;
		return;
	}
	memmove(frame->data + to + size, frame->data + to, frame->len - to);
	memmove(frame->data + to, frame->data + (from >= to ? from + size : from), size);
	frame->len += size;
}

typedef void mutation(struct numbers *numbers, struct frame *frame);

void frame_mutate(struct numbers *numbers, struct frame *frame)
{
	static mutation *const mutations[] = { flip,        flip, set, set,  change_field, change_field,
					       change_size, cut,  cut, grow, cross,        repeat };
	size_t count = one_in(numbers, 3) ? 0 : 1 + numbers_below(numbers, one_in(numbers, 2) ? 1 : MUTATIONS_MAX);

	while (count-- && frame->len > FRAME_ETH_SIZE)
		PICK(numbers, mutations)(numbers, frame);
}
