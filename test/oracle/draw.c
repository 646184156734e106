/* SPDX-License-Identifier: GPL-2.0-only */
#include "draw.h"

#include <netinet/in.h>
#include <string.h>

#define POOL 4096 /* rules of a set to draw from: few enough for a rule to come again */

#define PICK(draw, array) ((array)[draw_below(draw, sizeof(array) / sizeof((array)[0]))])

uint32_t draw_below(struct draw *draw, uint32_t limit)
{
	return (uint32_t)numbers_below(&draw->numbers, limit);
}

static unsigned int family_bits(int family)
{
	return family == RULES_IPV4 ? 32 : 128;
}

/* Bits from `len` on become random. */
static void address_fill(struct draw *draw, int family, unsigned int len, uint8_t addr[16])
{
	for (unsigned int bit = len; bit < family_bits(family); bit++)
		if (draw_below(draw, 2))
			addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

/* ---- rules ---- */

/* Few lengths: what counts is their order, and a list has room for 512 combinations. */
static int prefix_twist(struct draw *draw, int family, int len, uint8_t addr[16])
{
	static const unsigned int lengths[] = { 0, 8, 16, 24, 32 };
	unsigned int new = set_length((uint32_t)family, PICK(draw, lengths));

	address_fill(draw, family, (unsigned int)len, addr);
	set_mask(addr, new);
	return (int)new;
}

static void twist_destination(struct draw *draw, struct plain_rule *rule)
{
	rule->dst_len = prefix_twist(draw, rule->family, rule->dst_len, rule->dst);
}

static void twist_source(struct draw *draw, struct plain_rule *rule)
{
	rule->src_len = prefix_twist(draw, rule->family, rule->src_len, rule->src);
}

static void twist_interface(struct draw *draw, struct plain_rule *rule)
{
	rule->ifindex = draw_below(draw, 3) ? PICK(draw, draw->interfaces) : 0;
}

static void twist_priority(struct draw *draw, struct plain_rule *rule)
{
	static const int priorities[] = { 0, 0, 0, 1, -1, 7, INT32_MAX, -INT32_MAX };

	rule->priority = PICK(draw, priorities);
}

static void twist_ports(struct draw *draw, struct plain_rule *rule)
{
	int width = rule->high - rule->low, by = 1 + (int)draw_below(draw, 9);

	switch (draw_below(draw, 6)) {
	case 0: /* as wide, but elsewhere */
		rule->low = by < rule->low ? rule->low - by : 0;
		rule->high = rule->low + width;
		break;
	case 1:
		rule->low = by < rule->low ? rule->low - by : 0;
		break;
	case 2:
		rule->high = by < 65535 - rule->high ? rule->high + by : 65535;
		break;
	case 3:
		rule->low = 0;
		break;
	case 4:
		rule->high = 65535;
		break;
	default:
		rule->low = rule->high = draw_below(draw, 2) ? 65535 : 0;
	}
}

static void twist_proto(struct draw *draw, struct plain_rule *rule)
{
	static const int protocols[] = { IPPROTO_TCP,  IPPROTO_UDP, IPPROTO_ICMP,    IPPROTO_GRE,
					 IPPROTO_SCTP, 255,         RULES_PROTO_ANY, RULES_PROTO_ANY };

	rule->proto = PICK(draw, protocols);
}

static void twist_action(struct draw *draw, struct plain_rule *rule)
{
	rule->action = RULES_PASS + (int)draw_below(draw, 3);
	rule->port = 20000 + (int)draw_below(draw, 3);
}

static void twist_service(struct draw *draw, struct plain_rule *rule)
{
	static const char *const services[] = { "", "a", "b" };

	memset(rule->service, 0, sizeof(rule->service));
	strcpy(rule->service, PICK(draw, services));
}

static void (*const twists[])(struct draw *, struct plain_rule *) = {
	twist_destination, twist_source, twist_interface, twist_priority, twist_ports,
	twist_proto,       twist_action, twist_service,   twist_action,   twist_service,
};

static bool has_ports(int proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static void settle_ports(struct plain_rule *rule)
{
	bool all = rule->low == 0 && rule->high == 65535;

	if (rule->low > rule->high)
		rule->high = 65535;
	if (rule->proto == IPPROTO_ICMP || rule->proto == IPPROTO_ICMPV6) {
		/* all types, all codes of a type, or one code */
		rule->high = all || rule->low == rule->high ? rule->high : rule->low | 255;
		rule->low = all || rule->low == rule->high ? rule->low : rule->low & 0xff00;
	} else if (!has_ports(rule->proto)) {
		rule->low = 0;
		rule->high = 65535;
	}
}

/* What map_update would refuse becomes what comes next to it. */
static void rule_settle(struct plain_rule *rule)
{
	if (rule->proto == IPPROTO_ICMP || rule->proto == IPPROTO_ICMPV6)
		rule->proto = rule->family == RULES_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	settle_ports(rule);
	if (rule->action == RULES_SPLICE && rule->proto != IPPROTO_TCP && rule->proto != IPPROTO_UDP)
		rule->action = RULES_PASS;
	if (rule->action != RULES_SPLICE)
		rule->port = 0;
	else if (!rule->port)
		rule->port = LISTENER_PORT;
}

static struct plain_rule rule_generated(struct draw *draw)
{
	uint32_t family = draw_below(draw, 16) ? draw->family : RULES_IPV6 - draw->family;
	struct rules_record record = set_rule(draw->kind, family, draw_below(draw, POOL));
	struct plain_rule rule;

	record_plain(&record, &rule);
	return rule;
}

struct plain_rule draw_rule(struct draw *draw, const struct oracle *model)
{
	bool relative = model->count && draw_below(draw, 2);
	struct plain_rule rule =
		relative ? model->items[draw_below(draw, (uint32_t)model->count)] : rule_generated(draw);
	uint32_t count = draw_below(draw, relative ? 3 : 2);

	while (count--)
		PICK(draw, twists)(draw, &rule);
	if (!relative || !draw_below(draw, 8))
		rule.expires = draw_below(draw, draw->expiring) ? 0 : draw->expires;
	rule_settle(&rule);
	return rule;
}

/* ---- packets ---- */

/* One less or one more, as a number of the family's width; it wraps. */
static void address_step(int family, bool up, uint8_t addr[16])
{
	unsigned int at = family_bits(family) / 8;

	while (at--) {
		addr[at] = (uint8_t)(addr[at] + (up ? 1 : -1));
		if (addr[at] != (up ? 0 : 255))
			return;
	}
}

static void address_last(int family, unsigned int len, uint8_t addr[16])
{
	for (unsigned int bit = len; bit < family_bits(family); bit++)
		addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

/* In a prefix, at its borders, or just beyond them. */
static void address_near(struct draw *draw, int family, int len, uint8_t addr[16])
{
	switch (draw_below(draw, 10)) {
	case 0:
		break;
	case 1:
		address_last(family, (unsigned int)len, addr);
		break;
	case 2:
		address_step(family, false, addr);
		break;
	case 3:
		address_last(family, (unsigned int)len, addr);
		address_step(family, true, addr);
		break;
	default:
		address_fill(draw, family, (unsigned int)len, addr);
	}
}

static int port_near(struct draw *draw, const struct plain_rule *rule)
{
	switch (draw_below(draw, 8)) {
	case 0:
		return (rule->low - 1) & 0xffff;
	case 1:
		return rule->low;
	case 2:
		return rule->high;
	case 3:
		return (rule->high + 1) & 0xffff;
	default:
		return rule->low + (int)draw_below(draw, (uint32_t)(rule->high - rule->low + 1));
	}
}

static int draw_proto(struct draw *draw)
{
	static const int protocols[] = { IPPROTO_TCP, IPPROTO_TCP,    IPPROTO_UDP,  IPPROTO_UDP, IPPROTO_ICMP,
					 IPPROTO_GRE, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_ESP, 255 };

	return PICK(draw, protocols);
}

static const struct plain_rule *model_pick(struct draw *draw, const struct oracle *model)
{
	return &model->items[draw_below(draw, (uint32_t)model->count)];
}

static struct plain_packet packet_for_rule(struct draw *draw, const struct oracle *model)
{
	const struct plain_rule *rule = model_pick(draw, model), *from = rule, *other = model_pick(draw, model);
	struct plain_packet packet = { .direction = RULES_IN, .family = rule->family, .proto = rule->proto };

	/* the source that another rule asks for: where neither asks for much, both match */
	if (other->family == rule->family && other->src_len >= rule->src_len && !draw_below(draw, 3))
		from = other;
	memcpy(packet.dst, rule->dst, 16);
	memcpy(packet.src, from->src, 16);
	address_near(draw, packet.family, rule->dst_len, packet.dst);
	address_near(draw, packet.family, from->src_len, packet.src);
	packet.port = port_near(draw, rule);
	packet.ifindex = rule->ifindex;
	if (packet.ifindex != draw->interfaces[0] || !draw_below(draw, 8))
		packet.ifindex = draw->interfaces[draw_below(draw, 2)];
	if (packet.proto == RULES_PROTO_ANY || !draw_below(draw, 12))
		packet.proto = draw_proto(draw);
	return packet;
}

static struct plain_packet packet_for_set(struct draw *draw)
{
	struct set_packet made =
		set_packet(draw->kind, draw->family, draw_below(draw, POOL), numbers_next(&draw->numbers));
	struct plain_packet packet = { .direction = RULES_IN,
				       .family = (int)draw->family,
				       .proto = made.proto,
				       .port = made.port,
				       .ifindex = draw->interfaces[draw_below(draw, 2)] };

	memcpy(packet.dst, made.dst, 16);
	memcpy(packet.src, made.src, 16);
	return packet;
}

static struct plain_packet packet_random(struct draw *draw)
{
	struct plain_packet packet = { .direction = RULES_IN,
				       .family = (int)draw->family,
				       .proto = draw_proto(draw),
				       .port = (int)draw_below(draw, 65536),
				       .ifindex = draw->interfaces[draw_below(draw, 2)] };

	set_address(draw->family, draw_below(draw, 1u << 24), packet.dst);
	address_fill(draw, packet.family, 0, packet.src);
	return packet;
}

struct plain_packet draw_packet(struct draw *draw, const struct oracle *model)
{
	uint32_t how = draw_below(draw, 10);
	struct plain_packet packet;

	if (how < 8 && model->count)
		packet = packet_for_rule(draw, model);
	else
		packet = how < 9 ? packet_for_set(draw) : packet_random(draw);
	/* as the program reads it: see struct packet of bpf/lib/packet.h */
	if (!has_ports(packet.proto) && packet.proto != IPPROTO_ICMP && packet.proto != IPPROTO_ICMPV6)
		packet.port = 0;
	return packet;
}
