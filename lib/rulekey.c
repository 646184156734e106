/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulekey.h"

#include "clock.h"

#include <string.h>

uint64_t rule_tuple_meta(const struct rules_record *rule)
{
	return rules_meta(rule->direction, rule->family, rule->proto, rule->head.ifindex != 0, rule->dst_len,
			  rule->src_len) |
	       RULES_META_LAYER(rule->layer);
}

struct rules_record rule_of_tuple(const struct rules_tuple *tuple)
{
	uint64_t meta = tuple->meta;

	return (struct rules_record){
		.head.ifindex = meta & RULES_META_NAMED ? 1 : 0,
		.proto = (uint16_t)rules_meta_proto(meta),
		.dst_len = (uint8_t)(meta >> 32),
		.src_len = (uint8_t)(meta >> 40),
		.family = (uint8_t)(meta >> 57 & 1),
		.direction = (uint8_t)(meta >> 58 & 1),
	};
}

struct rules_key rule_key(const struct rules_record *rule)
{
	struct rules_key key = { .meta = rule_tuple_meta(rule) | rule->head.ifindex };

	memcpy(&key.addr[0], rule->dst, sizeof(rule->dst));
	memcpy(&key.addr[2], rule->src, sizeof(rule->src));
	return key;
}

static void mask_fill(uint8_t mask[16], unsigned int len)
{
	memset(mask, 0, 16);
	memset(mask, 0xff, len / 8);
	if (len % 8)
		mask[len / 8] = (uint8_t)(0xff00 >> len % 8);
}

void rule_tuple_mask(const struct rules_record *rule, __u64 mask[4])
{
	uint8_t bytes[32];

	mask_fill(bytes, rule->dst_len);
	mask_fill(bytes + 16, rule->src_len);
	memcpy(mask, bytes, sizeof(bytes));
}

unsigned int rule_lists(const struct rules_record *rule, unsigned int lists[4])
{
	if (rule->proto != RULES_PROTO_ANY) {
		lists[0] = rules_list(rule->direction, rule->family, rules_class(rule->proto));
		return 1;
	}
	for (unsigned int class = 0; class < 4; class ++)
		lists[class] = rules_list(rule->direction, rule->family, class);
	return 4;
}

uint64_t rule_rank(const struct rules_record *rule)
{
	return rules_rank(rule->priority, rule->dst_len, rule->src_len, rule->head.low, rule->head.high);
}

bool rule_has_expired(const struct rules_record *rule)
{
	uint64_t expires = __atomic_load_n(&rule->head.expires, __ATOMIC_RELAXED);

	return expires && expires <= clock_now();
}

uint32_t rule_max_duration(const struct rules_record *rule)
{
	return rule->head.decision & RULES_LIMITED ? rule->max_duration : 0;
}

uint32_t rule_rate(const struct rules_record *rule)
{
	return rule->head.decision & RULES_LIMITED ? rule->rate : 0;
}

uint32_t rule_burst(const struct rules_record *rule)
{
	return rule->head.decision & RULES_LIMITED ? rule->burst : 0;
}

bool rule_limits_are_alike(const struct rules_record *a, const struct rules_record *b)
{
	return rule_max_duration(a) == rule_max_duration(b) && rule_rate(a) == rule_rate(b) &&
	       rule_burst(a) == rule_burst(b) && (!rule_rate(a) || a->rate_bits == b->rate_bits);
}

uint64_t decision_renumber(uint64_t decision, uint64_t sequence)
{
	return (decision & ~(RULES_SEQUENCE_MAX << 21)) | sequence << 21;
}

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* As rule_compare_key, of whatever layers. */
static int compare_layerless(const struct rules_record *a, const struct rules_record *b)
{
	uint64_t mask = ~RULES_META_LAYER(RULES_LAYERS_MAX);
	int order = compare(rule_tuple_meta(a) & mask, rule_tuple_meta(b) & mask);

	if (!order)
		order = compare(a->head.ifindex, b->head.ifindex);
	if (!order)
		order = memcmp(a->dst, b->dst, sizeof(a->dst));
	return order ? order : memcmp(a->src, b->src, sizeof(a->src));
}

int rule_compare_key(const struct rules_record *a, const struct rules_record *b)
{
	int order = compare_layerless(a, b);

	return order ? order : compare(a->layer, b->layer);
}

int rule_compare(const struct rules_record *a, const struct rules_record *b)
{
	int order = compare_layerless(a, b);

	if (!order)
		order = compare(a->head.low, b->head.low);
	if (!order)
		order = compare(a->head.high, b->head.high);
	if (!order)
		order = compare((uint32_t)a->priority, (uint32_t)b->priority);
	return order ? order : memcmp(a->service, b->service, sizeof(a->service));
}
