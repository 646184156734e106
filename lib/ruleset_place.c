/* SPDX-License-Identifier: GPL-2.0-only */
#include "ruleset_place.h"

#include "array.h"

#include <stdlib.h>

/* ---- the rules of a key ---- */

void members_free(struct members *members)
{
	free(members->items);
	free(members->intervals);
	*members = (struct members){ 0 };
}

struct member member_of(const struct rules_record *record, uint32_t cell)
{
	return (struct member){
		.rank = record->head.rank,
		.decision = record->head.decision,
		.record = cell,
		.low = record->head.low,
		.high = record->head.high,
	};
}

int members_add(struct members *members, struct member member)
{
	struct member *items = array_room(members->items, members->count, sizeof(*items));

	if (!items)
		return -1;
	members->items = items;
	members->items[members->count++] = member;
	return 0;
}

/* The rules of a key's block; block 0 has none. */
static int members_load(struct ruleset *set, uint32_t block, struct members *members)
{
	uint32_t cell = block ? set_block(set, block)->link : 0;

	*members = (struct members){ 0 };
	for (; cell; cell = set_record(set, cell)->head.next)
		if (members_add(members, member_of(set_record(set, cell), cell)))
			return -1;
	return 0;
}

int members_compile(struct members *members)
{
	members->intervals = malloc(2 * members->count * sizeof(*members->intervals));
	if (!members->intervals)
		return -1;
	members->interval_count = block_compile(members->items, members->count, members->intervals);
	return members->interval_count ? 0 : -1;
}

struct member *members_find(struct ruleset *set, struct members *members, const struct rules_record *rule)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->items[i].low == rule->head.low && members->items[i].high == rule->head.high &&
		    !rule_compare(set_record(set, members->items[i].record), rule))
			return &members->items[i];
	return NULL;
}

static bool members_overlap(const struct members *members, const struct rules_record *rule)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->items[i].low <= rule->head.high && rule->head.low <= members->items[i].high)
			return true;
	return false;
}

/* ---- where a rule stands ---- */

int placement_find(struct ruleset *set, const struct rules_record *rule, struct placement *place)
{
	place->key = rule_key(rule);
	place->hash = rules_hash(&place->key);
	place->slot = slot_find(set, &place->key, place->hash);
	place->block = place->slot ? (uint32_t)*place->slot : 0;
	return members_load(set, place->block, &place->members);
}

int rule_find(struct ruleset *set, const struct rules_record *rule, struct placement *place, struct member **member)
{
	struct rules_record at = *rule;

	*member = NULL;
	for (unsigned int layer = 0; layer <= layers_last(set); layer++) {
		at.layer = (uint8_t)layer;
		if (placement_find(set, &at, place))
			return 1;
		*member = members_find(set, &place->members, &at);
		if (*member)
			return 0;
		members_free(&place->members);
	}
	return 0;
}

int rule_find_layer(struct ruleset *set, struct rules_record *rule, struct placement *place)
{
	unsigned int layer = stands_in_layers(rule, rule->head.expires) ? 1 : 0, last = layer ? RULES_LAYERS_MAX : 0;

	for (; layer <= last; layer++) {
		rule->layer = (uint8_t)layer;
		if (placement_find(set, rule, place))
			return 1;
		if (!layer || !members_overlap(&place->members, rule))
			return 0;
		members_free(&place->members);
	}
	return 1;
}

uint32_t placement_write_block(struct ruleset *set, struct placement *place, uint32_t link)
{
	unsigned int class = block_class(place->members.interval_count);
	uint32_t cell = cells_take(set, class);

	if (cell)
		block_write(arena_at(&set->arena, cell, 1u << class), &place->key, link, place->members.intervals,
			    place->members.interval_count);
	return cell;
}

void placement_publish_block(struct ruleset *set, struct placement *place, uint32_t block)
{
	word_store(place->slot, rules_slot(place->hash, block));
	if (place->block)
		cells_give(set, place->block, block_class(set_block(set, place->block)->count));
}
