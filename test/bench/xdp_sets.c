/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of rules for xdp_filter.o, and packets of sources in them or not. */
#include "xdp.h"

#include "ruleset.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define PACKETS_WITHOUT_RULES 10000

const char *const xdp_kinds[XDP_KINDS] = { "hosts", "mixed" };

/*
 * Numbers of sources: 32 bits, the highest of which tells those of rules from those of none. An odd factor makes
 * different numbers of different ones, all over the range.
 */
static uint32_t source_number(uint32_t i)
{
	return i * 2654435761u & 0x7fffffff;
}

#define SOURCE_UNKNOWN 0x80000000u

/* The number is the first 32 bits of an IPv4 address, and bits 64 to 95 of an IPv6 one. */
static void source_address(uint32_t family, uint32_t number, uint8_t addr[16])
{
	uint32_t big = htonl(number);

	if (family == RULES_IPV6) {
		set_address(family, number, addr);
		return;
	}
	memset(addr, 0, 16);
	memcpy(addr, &big, sizeof(big));
}

/* 198.18.0.0/15 is for benches (RFC 2544); one of 256 networks. */
static void destination_address(uint32_t family, uint32_t i, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (family == RULES_IPV4) {
		memcpy(addr, (uint8_t[]){ 198, 18, (uint8_t)set_mix(i), 1 }, 4);
		return;
	}
	memcpy(addr, "\x20\x01\x02", 3);
	addr[11] = (uint8_t)set_mix(i);
	addr[15] = 1;
}

static void rule_mix(struct rules_record *rule, uint32_t i)
{
	static const uint8_t lengths[8] = { 32, 30, 28, 27, 26, 25, 24, 22 };

	rule->src_len = (uint8_t)set_length(rule->family, lengths[i & 7]);
	if (i & 8)
		rule->proto = IPPROTO_TCP;
	if (i & 16) {
		rule->dst_len = rule->family == RULES_IPV4 ? 24 : 96;
		destination_address(rule->family, i, rule->dst);
		set_mask(rule->dst, rule->dst_len);
	}
	set_mask(rule->src, rule->src_len);
}

struct rules_record xdp_set_rule(const struct xdp_set *set, uint32_t i)
{
	struct rules_record rule = { .family = (uint8_t)set->family,
				     .proto = RULES_PROTO_ANY,
				     .src_len = set->family == RULES_IPV4 ? 32 : 128,
				     .head.high = 65535,
				     .head.decision = rules_decision(0, RULES_DROP, 0, 0) };

	source_address(set->family, source_number(i), rule.src);
	if (set->kind == XDP_MIXED)
		rule_mix(&rule, i);
	return rule;
}

struct set_packet xdp_set_packet(const struct xdp_set *set, uint32_t i)
{
	struct set_packet packet = { .port = 443, .proto = IPPROTO_TCP };

	source_address(set->family, source_number(i) | (set->hit ? 0 : SOURCE_UNKNOWN), packet.src);
	destination_address(set->family, i, packet.dst);
	return packet;
}

static struct set_packet packet_of(void *context, uint32_t i)
{
	return xdp_set_packet(context, i);
}

uint32_t xdp_set_packets(const struct xdp_set *set)
{
	return set->rules ? set->rules : PACKETS_WITHOUT_RULES;
}

void xdp_set_prepare(const struct xdp_set *set, struct bench *bench, struct bench_frame *frame)
{
	struct set_packet packet = xdp_set_packet(set, 0);
	struct xdp_set context = *set;

	bench_room(bench, set->family, xdp_set_packets(set));
	bench_prepare(bench, set->family, xdp_set_packets(set), packet_of, &context);
	bench_frame(frame, set->family, &packet, BENCH_SPORT);
}

void xdp_set_load(const struct xdp_set *set, const char *pin_dir)
{
	struct changes changes = { .replace = true };
	struct ruleset rules;
	struct error error;
	struct pins pins;
	int failed = pins_open(&pins, pin_dir, PINS_XDP, true, &error) ||
		     ruleset_open(&rules, &pins, &pin_xdp_rules, true, &error) || pins_lock(&pins, &error);

	for (uint32_t i = 0; i < set->rules && !failed; i++) {
		struct rules_record rule = xdp_set_rule(set, i);

		failed = changes_add(&changes, CHANGE_PUT, &rule, &error);
	}
	if (failed || ruleset_apply(&rules, &changes, false, &error)) {
		error_print(&error);
		exit(1);
	}
	pins_unlock(&pins);
	free(changes.items);
	ruleset_close(&rules);
	pins_close(&pins);
}
