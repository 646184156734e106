/* SPDX-License-Identifier: GPL-2.0-only */
#include "ruleindex.h"

#include "array.h"
#include "rule.h"

#include <stdlib.h>
#include <string.h>

struct rule_index_entry {
	uint32_t hash, cell;
};

static uint32_t prefix_hash(const struct prefix *prefix)
{
	struct rules_key key = { .meta = (uint64_t)prefix->family << 8 | prefix->len };

	memcpy(key.addr, prefix->addr, sizeof(prefix->addr));
	return (uint32_t)(rules_hash(&key) >> 32);
}

static int entry_order(const void *left, const void *right)
{
	const struct rule_index_entry *a = left, *b = right;

	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

int rule_index_make(struct rule_index *index, struct ruleset *set,
		    struct prefix (*prefix_of)(const struct rules_record *rule), struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;

	*index = (struct rule_index){ 0 };
	while (ruleset_next(set, &cursor, &rule)) {
		struct rule_index_entry *entries = array_room(index->entries, index->count, sizeof(*entries));
		struct prefix prefix = prefix_of(&rule);

		if (!entries)
			return error_errno(error, "rules");
		index->entries = entries;
		index->entries[index->count++] = (struct rule_index_entry){ prefix_hash(&prefix), cursor };
	}
	if (index->count)
		qsort(index->entries, index->count, sizeof(*index->entries), entry_order);
	return 0;
}

void rule_index_free(struct rule_index *index)
{
	free(index->entries);
	*index = (struct rule_index){ 0 };
}

/* The first entry whose hash is not less. */
static size_t entry_first(const struct rule_index *index, uint32_t hash)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (index->entries[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t rule_index_next(const struct rule_index *index, const struct prefix *prefix, size_t *at)
{
	uint32_t hash = prefix_hash(prefix);

	if (!*at)
		*at = entry_first(index, hash);
	if (*at >= index->count || index->entries[*at].hash != hash)
		return 0;
	return index->entries[(*at)++].cell;
}
