/* SPDX-License-Identifier: GPL-2.0-only */
#include "frames.h"

#include <linux/if_ether.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IPV4_SIZE 20
#define IPV6_SIZE 40
#define UDP_SIZE 8
#define TCP_SIZE 20
#define FRAGMENT_SIZE 8

static uint8_t *append(struct frame *f, size_t size)
{
	uint8_t *at = f->data + f->len;

	if (f->len + size > sizeof(f->data)) {
		fprintf(stderr, "packet_test: frame: too long\n");
		exit(2);
	}
	memset(at, 0, size);
	f->len += size;
	return at;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value & 0xff;
}

void frame_put16(struct frame *f, size_t offset, uint16_t value)
{
	put16(f->data + offset, value);
}

size_t frame_shortest(const struct frame *f)
{
	switch (f->data[12] << 8 | f->data[13]) {
	case ETH_P_IP:
		return FRAME_ETH_SIZE + IPV4_SIZE;
	case ETH_P_IPV6:
		return FRAME_ETH_SIZE + IPV6_SIZE;
	default:
		return FRAME_ETH_SIZE;
	}
}

static void put_address(int family, uint8_t *at, const char *text)
{
	if (inet_pton(family, text, at) == 1)
		return;
	fprintf(stderr, "packet_test: %s: not an address\n", text);
	exit(2);
}

void frame_eth(struct frame *f, uint16_t ethertype)
{
	static const uint8_t addresses[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	uint8_t *at = append(f, FRAME_ETH_SIZE);

	memcpy(at, addresses, sizeof(addresses));
	put16(at + 12, ethertype);
}

void frame_vlan(struct frame *f, uint16_t id, uint16_t ethertype)
{
	uint8_t *at = append(f, 4);

	put16(at, id);
	put16(at + 2, ethertype);
}

void frame_ipv4(struct frame *f, const char *src, const char *dst)
{
	uint8_t *at = append(f, IPV4_SIZE);

	f->family = 4;
	f->network = f->len - IPV4_SIZE;
	f->next = f->network + 9;
	at[0] = 0x45;
	put16(at + 4, 0x1234);
	at[8] = 64;
	put_address(AF_INET, at + 12, src);
	put_address(AF_INET, at + 16, dst);
}

void frame_ipv4_options(struct frame *f, size_t size)
{
	memset(append(f, size), 1, size);
	f->data[f->network] += size / 4;
}

void frame_ipv6(struct frame *f, const char *src, const char *dst)
{
	uint8_t *at = append(f, IPV6_SIZE);

	f->family = 6;
	f->network = f->len - IPV6_SIZE;
	f->next = f->network + 6;
	at[0] = 0x60;
	at[7] = 64;
	put_address(AF_INET6, at + 8, src);
	put_address(AF_INET6, at + 24, dst);
}

/* The length of AH counts units of 4 bytes without the first two, that of the others units of 8 without the first. */
void frame_ext(struct frame *f, uint8_t kind, size_t size)
{
	uint8_t *at = append(f, size);

	f->data[f->next] = kind;
	f->extension = f->next = f->len - size;
	at[1] = kind == IPPROTO_AH ? size / 4 - 2 : size / 8 - 1;
	if (kind == IPPROTO_HOPOPTS || kind == IPPROTO_DSTOPTS) {
		at[2] = 1; /* PadN */
		at[3] = size - 4;
	}
}

void frame_fragment(struct frame *f, uint16_t offset, int more)
{
	uint8_t *at;

	if (f->family == 4) {
		frame_put16(f, f->network + 6, (more ? 0x2000 : 0) | offset);
		return;
	}
	at = append(f, FRAGMENT_SIZE);
	f->data[f->next] = IPPROTO_FRAGMENT;
	f->extension = f->next = f->len - FRAGMENT_SIZE;
	put16(at + 2, offset << 3 | !!more);
	put16(at + 6, 0x1234);
}

static uint8_t *append_transport(struct frame *f, uint8_t proto, size_t size)
{
	f->data[f->next] = proto;
	f->transport = f->len;
	return append(f, size);
}

void frame_tcp(struct frame *f, uint16_t sport, uint16_t dport, uint8_t flags)
{
	uint8_t *at = append_transport(f, IPPROTO_TCP, TCP_SIZE);

	put16(at, sport);
	put16(at + 2, dport);
	put16(at + 6, 1); /* sequence number */
	put16(at + 10, flags & TCP_ACK ? 1 : 0);
	at[12] = TCP_SIZE / 4 << 4;
	at[13] = flags;
	put16(at + 14, 1024);
}

void frame_udp(struct frame *f, uint16_t sport, uint16_t dport)
{
	uint8_t *at = append_transport(f, IPPROTO_UDP, UDP_SIZE);

	put16(at, sport);
	put16(at + 2, dport);
}

void frame_icmp(struct frame *f, uint8_t proto, uint8_t type, uint8_t code)
{
	uint8_t *at = append_transport(f, proto, 8);

	at[0] = type;
	at[1] = code;
}

void frame_other(struct frame *f, uint8_t proto)
{
	append_transport(f, proto, 4);
}

void frame_bytes(struct frame *f, size_t count)
{
	memset(append(f, count), 0xa5, count);
}

void frame_append(struct frame *f, const void *bytes, size_t count)
{
	memcpy(append(f, count), bytes, count);
}

static uint32_t sum(const uint8_t *at, size_t size, uint32_t start)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		start += at[i] << 8 | at[i + 1];
	return size & 1 ? start + (at[size - 1] << 8) : start;
}

static uint16_t fold(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return ~value;
}

/* In the transport header; 0: it has none. */
static size_t checksum_offset(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

static void finish_transport(struct frame *f)
{
	uint8_t proto = f->data[f->next];
	size_t at = checksum_offset(proto);
	size_t size = f->len - f->transport, addresses = f->family == 4 ? 12 : 8;
	uint32_t pseudo = sum(f->data + f->network + addresses, f->family == 4 ? 8 : 32, proto + size);
	uint16_t check;

	if (proto == IPPROTO_UDP)
		frame_put16(f, f->transport + 4, size + f->first_fragment_of);
	if (proto == IPPROTO_ICMP)
		pseudo = 0;
	if (!at)
		return;
	frame_put16(f, f->transport + at, 0);
	check = fold(sum(f->data + f->transport, size, pseudo));
	/* RFC 768: 0 would say that there is none */
	frame_put16(f, f->transport + at, proto == IPPROTO_UDP && !check ? 0xffff : check);
}

void frame_finish(struct frame *f)
{
	size_t size = f->len - f->network;

	if (!f->family)
		return;
	if (f->transport)
		finish_transport(f);
	if (f->family == 6) {
		frame_put16(f, f->network + 4, size - IPV6_SIZE);
		return;
	}
	frame_put16(f, f->network + 2, size);
	frame_put16(f, f->network + 10, 0);
	frame_put16(f, f->network + 10, fold(sum(f->data + f->network, 4 * (size_t)(f->data[f->network] & 0xf), 0)));
}
