/* SPDX-License-Identifier: GPL-2.0-only */
#include "plain.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#define TAGS_MAX 2
#define EXTENSIONS_MAX 8

/* A position in a frame, and where what may be read ends. */
struct reader {
	const uint8_t *data;
	size_t at, end;
};

static size_t left(const struct reader *reader)
{
	return reader->end - reader->at;
}

static uint16_t read16(const struct reader *reader, size_t off)
{
	const uint8_t *at = reader->data + reader->at + off;

	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint8_t read8(const struct reader *reader, size_t off)
{
	return reader->data[reader->at + off];
}

/* ---- fragments ---- */

/* offset: of bytes. Whether it is none that must not be. */
static bool later_is_right(const struct plain *plain, size_t offset, size_t size)
{
	return offset + size <= 65535 && !(plain->proto == IPPROTO_TCP && offset < 20);
}

/* ---- transport ---- */

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP;
}

bool plain_is_icmp(const struct plain *plain)
{
	return plain->proto == IPPROTO_ICMP || plain->proto == IPPROTO_ICMPV6;
}

static bool read_tcp(const struct reader *reader, struct plain *plain)
{
	size_t header;

	if (left(reader) < 20)
		return false;
	header = (size_t)(read8(reader, 12) >> 4) * 4;
	plain->flags = read8(reader, 13);
	return header >= 20 && header <= left(reader);
}

static bool read_udp(const struct reader *reader, const struct plain *plain)
{
	size_t length = read16(reader, 4);

	return length >= 8 && (length <= left(reader) || plain->is_first);
}

static bool read_transport(const struct reader *reader, struct plain *plain)
{
	bool ports = has_ports(plain->proto);

	if (plain->is_later || (!ports && !plain_is_icmp(plain)))
		return true;
	if (left(reader) < 8)
		return false;
	if (!ports) {
		plain->type = read8(reader, 0);
		plain->port = read16(reader, 0);
		return true;
	}
	plain->sport = read16(reader, 0);
	plain->port = plain->dport = read16(reader, 2);
	if (plain->proto == IPPROTO_TCP)
		return read_tcp(reader, plain);
	return plain->proto != IPPROTO_UDP || read_udp(reader, plain);
}

/* ---- IP ---- */

static bool read_ipv4(struct reader *reader, struct plain *plain)
{
	size_t header, length, offset;

	if (left(reader) < 20 || read8(reader, 0) >> 4 != 4)
		return false;
	header = (size_t)(read8(reader, 0) & 15) * 4;
	length = read16(reader, 2);
	if (header < 20 || length < header || length > left(reader))
		return false;
	offset = (size_t)(read16(reader, 6) & 0x1fff) * 8;
	plain->is_later = offset != 0;
	plain->is_first = !offset && read16(reader, 6) & 0x2000;
	plain->has_fragment_header = plain->is_later || plain->is_first;
	plain->hops = read8(reader, 8);
	plain->proto = read8(reader, 9);
	memcpy(plain->src, reader->data + reader->at + 12, 4);
	memcpy(plain->dst, reader->data + reader->at + 16, 4);
	reader->end = reader->at + length;
	reader->at += header;
	return !plain->is_later || later_is_right(plain, offset, left(reader));
}

static bool is_extension(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
		return true;
	default:
		return false;
	}
}

static bool read_extension(struct reader *reader, struct plain *plain)
{
	uint8_t kind = plain->proto;
	size_t size = 8, offset = 0;

	if (left(reader) < 8)
		return false;
	if (kind == IPPROTO_FRAGMENT) {
		offset = read16(reader, 2) & 0xfff8;
		plain->has_fragment_header = true;
		plain->is_later = offset != 0;
		plain->is_first = !offset && read16(reader, 2) & 1;
	} else {
		size = kind == IPPROTO_AH ? 4 * ((size_t)read8(reader, 1) + 2) : 8 * ((size_t)read8(reader, 1) + 1);
	}
	if (size > left(reader))
		return false;
	plain->proto = read8(reader, 0);
	reader->at += size;
	return !plain->is_later || later_is_right(plain, offset, left(reader));
}

static bool read_ipv6(struct reader *reader, struct plain *plain)
{
	size_t length;

	if (left(reader) < 40 || read8(reader, 0) >> 4 != 6)
		return false;
	length = read16(reader, 4);
	if (length > left(reader) - 40)
		return false;
	plain->proto = read8(reader, 6);
	plain->hops = read8(reader, 7);
	memcpy(plain->src, reader->data + reader->at + 8, 16);
	memcpy(plain->dst, reader->data + reader->at + 24, 16);
	reader->at += 40;
	reader->end = reader->at + length;
	for (int i = 0; is_extension(plain->proto) && !plain->is_later; i++)
		if (i == EXTENSIONS_MAX || !read_extension(reader, plain))
			return false;
	return true;
}

static enum plain_kind read_ip(struct reader *reader, struct plain *plain)
{
	plain->l3 = reader->at;
	if (plain->family == 4 ? !read_ipv4(reader, plain) : !read_ipv6(reader, plain))
		return PLAIN_MALFORMED;
	plain->l4 = reader->at;
	plain->end = reader->end;
	return read_transport(reader, plain) ? PLAIN_IP : PLAIN_MALFORMED;
}

/* ---- the frame ---- */

void plain_read(const struct frame *frame, struct plain *plain)
{
	struct reader reader = { .data = frame->data, .at = FRAME_ETH_SIZE, .end = frame->len };
	uint16_t ethertype = (uint16_t)(frame->data[12] << 8 | frame->data[13]);

	memset(plain, 0, sizeof(*plain));
	for (int i = 0; ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD; i++) {
		if (i == TAGS_MAX || left(&reader) < 4)
			return;
		ethertype = read16(&reader, 2);
		reader.at += 4;
	}
	plain->kind = PLAIN_OTHER;
	if (ethertype == ETH_P_ARP)
		plain->kind = PLAIN_ARP;
	if (ethertype != ETH_P_IP && ethertype != ETH_P_IPV6)
		return;
	plain->family = ethertype == ETH_P_IP ? 4 : 6;
	plain->kind = read_ip(&reader, plain);
}

struct plain_packet plain_question(const struct plain *plain, int direction, uint32_t ifindex)
{
	struct plain_packet packet = { .direction = direction,
				       .family = plain->family == 6 ? RULES_IPV6 : RULES_IPV4,
				       .proto = plain->proto,
				       .port = plain->port,
				       .ifindex = ifindex };

	memcpy(packet.dst, plain->dst, sizeof(packet.dst));
	memcpy(packet.src, plain->src, sizeof(packet.src));
	return packet;
}

/* ---- checksums: RFC 1071 ---- */

uint32_t sum_add(const uint8_t *bytes, size_t size, uint32_t start)
{
	for (size_t i = 0; i < size; i++)
		start += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return start;
}

bool sum_is_right(const uint8_t *bytes, size_t size, uint32_t start)
{
	uint32_t sum = sum_add(bytes, size, start);

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

enum sums plain_header_sum(const struct frame *frame, const struct plain *plain)
{
	if (plain->family != 4)
		return SUM_NONE;
	return sum_is_right(frame->data + plain->l3, (size_t)(frame->data[plain->l3] & 15) * 4, 0) ? SUM_RIGHT
												   : SUM_WRONG;
}

/* UDP has a length of its own, and may say that it has no sum. */
enum sums plain_transport_sum(const struct frame *frame, const struct plain *plain)
{
	const uint8_t *l4 = frame->data + plain->l4;
	size_t size = plain->end - plain->l4, address = plain->family == 4 ? 4 : 16;
	uint32_t pseudo;

	if (plain->is_first || plain->is_later)
		return SUM_NONE;
	if (plain->proto == IPPROTO_UDP) {
		if (!l4[6] && !l4[7])
			return SUM_NONE;
		size = (size_t)(l4[4] << 8 | l4[5]);
	} else if (plain->proto != IPPROTO_TCP && !plain_is_icmp(plain)) {
		return SUM_NONE;
	}
	pseudo = sum_add(plain->dst, address, sum_add(plain->src, address, plain->proto + (uint32_t)size));
	return sum_is_right(l4, size, plain->proto == IPPROTO_ICMP ? 0 : pseudo) ? SUM_RIGHT : SUM_WRONG;
}
