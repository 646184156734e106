/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generated rule sets of three kinds, for tests and the bench. Rule i of a kind and family is always the same, so a set
 * is named by its kind, family and size. Two rules of one set may be the same rule, rarely.
 *
 *   router    what a zero-trust router inserts: hosts and a few networks, single ports, 4 combinations of lengths
 *   firewall  32 combinations: destination and source lengths mixed, ranges of ports, half of it drops
 *   hostile   160 combinations: prefixes nested to any depth around few addresses, wide ranges that overlap
 */
#ifndef SPLICER_TEST_SETS_H
#define SPLICER_TEST_SETS_H

#include "abi/rules.h"

#include <stdint.h>
#include <string.h>

enum set_kind { SET_ROUTER, SET_FIREWALL, SET_HOSTILE, SET_KINDS };

static const char *const set_names[SET_KINDS] = { "router", "firewall", "hostile" };

/* As a packet is matched: addresses as in struct rules_record, port in host byte order. */
struct set_packet {
	uint8_t dst[16], src[16];
	uint16_t port;
	uint8_t proto;
};

/* Sebastiano Vigna, splitmix64: a number for each number, with no visible pattern. */
static inline uint64_t set_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static inline void set_mask(uint8_t addr[16], unsigned int len)
{
	for (unsigned int bit = 0; bit < 128; bit++)
		if (bit >= len)
			addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

/* An address from a number, in 10.0.0.0/8 or 2001:db8::/32; the number counts hosts. */
static inline void set_address(uint32_t family, uint64_t number, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (family == RULES_IPV4) {
		addr[0] = 10;
		addr[1] = (uint8_t)(number >> 16);
		addr[2] = (uint8_t)(number >> 8);
		addr[3] = (uint8_t)number;
		return;
	}
	memcpy(addr, "\x20\x01\x0d\xb8", 4);
	for (unsigned int i = 0; i < 8; i++)
		addr[4 + i] = (uint8_t)(number >> (56 - 8 * i));
	addr[15] = 1;
}

/* IPv6 lengths that do the same to the numbers of set_address, and spread as far. */
static inline unsigned int set_length(uint32_t family, unsigned int ipv4)
{
	if (family == RULES_IPV4)
		return ipv4;
	return ipv4 == 32 ? 128 : ipv4 <= 8 ? 8 * ipv4 : 64 + ipv4;
}

static inline void set_prefixes(struct rules_record *rule, uint64_t dst, unsigned int dst_len, uint64_t src,
				unsigned int src_len)
{
	rule->dst_len = (uint8_t)set_length(rule->family, dst_len);
	rule->src_len = (uint8_t)set_length(rule->family, src_len);
	set_address(rule->family, dst, rule->dst);
	set_address(rule->family, src, rule->src);
	set_mask(rule->dst, rule->dst_len);
	set_mask(rule->src, rule->src_len);
}

static inline void set_decide(struct rules_record *rule, enum rules_action action, uint16_t port)
{
	rule->head.decision = rules_decision(0, action, 0, port);
}

static inline void set_router(struct rules_record *rule, uint32_t i, uint64_t r)
{
	rule->proto = i & 1 ? 17 : 6;
	/* three hosts for each network; hosts fill 10.0.0.0/8 from its start, so that a set is dense */
	set_prefixes(rule, i & 3 ? i / 2 : (uint64_t)i << 8, i & 3 ? 32 : 24, 0, 0);
	rule->head.low = rule->head.high = (uint16_t)(1024 + (r & 0x3fff));
	set_decide(rule, RULES_SPLICE, (uint16_t)(20000 + (r >> 32 & 0x3fff)));
}

static inline void set_firewall(struct rules_record *rule, uint32_t i, uint64_t r)
{
	static const uint8_t dst_lens[8] = { 32, 30, 28, 27, 26, 25, 24, 22 }, src_lens[4] = { 0, 16, 24, 32 };
	uint32_t low = (uint32_t)(r >> 12 & 0xfff) * 16, high = low + (1u << (r >> 8 & 7)) - 1;

	rule->proto = 6;
	set_prefixes(rule, r >> 40, dst_lens[i & 7], set_mix(r), src_lens[i >> 3 & 3]);
	rule->head.low = (uint16_t)low;
	rule->head.high = (uint16_t)(high > 65535 ? 65535 : high);
	set_decide(rule, r & 1 ? RULES_PASS : RULES_DROP, 0);
}

static inline void set_hostile(struct rules_record *rule, uint32_t i, uint64_t r)
{
	static const uint8_t src_lens[5] = { 0, 8, 16, 24, 32 };

	rule->proto = 6;
	/* half of them around 64 addresses, half anywhere */
	set_prefixes(rule, i & 1 ? set_mix(r >> 8 & 63) : r >> 40, 1 + i / 2 % 32, set_mix(r >> 16 & 63),
		     src_lens[i / 64 % 5]);
	rule->head.low = (uint16_t)(r >> 24 & 0x3fff);
	rule->head.high = (uint16_t)(0xffff - (r >> 50 & 0x3fff));
	rule->priority = (int32_t)(r >> 22 & 3) - 1;
	set_decide(rule, 1 + (enum rules_action)(i % 3 ? 0 : 2), 0);
}

/* As it is put: no sequence number. */
static inline struct rules_record set_rule(enum set_kind kind, uint32_t family, uint32_t i)
{
	struct rules_record rule = { .family = (uint8_t)family };
	uint64_t r = set_mix((uint64_t)kind << 40 | (uint64_t)family << 36 | i);

	if (kind == SET_ROUTER)
		set_router(&rule, i, r);
	else if (kind == SET_FIREWALL)
		set_firewall(&rule, i, r);
	else
		set_hostile(&rule, i, r);
	return rule;
}

/* A packet that rule i matches, if no other rule precedes it; r: any number. */
static inline struct set_packet set_packet(enum set_kind kind, uint32_t family, uint32_t i, uint64_t r)
{
	struct rules_record rule = set_rule(kind, family, i);
	unsigned int bits = family == RULES_IPV4 ? 32 : 128;
	struct set_packet packet = { .proto = (uint8_t)rule.proto };

	for (unsigned int bit = 0; bit < bits; bit++) {
		uint64_t random = set_mix(r + bit);

		if (bit >= rule.dst_len && random & 1)
			rule.dst[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		if (bit >= rule.src_len && random & 2)
			rule.src[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	memcpy(packet.dst, rule.dst, 16);
	memcpy(packet.src, rule.src, 16);
	packet.port = (uint16_t)(rule.head.low + set_mix(r) % (1u + rule.head.high - rule.head.low));
	return packet;
}

#endif
