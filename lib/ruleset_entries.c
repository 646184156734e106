/* SPDX-License-Identifier: GPL-2.0-only */
#include "ruleset_entries.h"

#include "progress.h"

#include <stdlib.h>
#include <string.h>

/* ---- what there is, and what is said ---- */

struct rules_key entry_key(const struct entry *entry)
{
	struct rules_key key = rule_key(entry->rule);

	key.meta &= ~RULES_META_LAYER(RULES_LAYERS_MAX);
	key.meta |= RULES_META_LAYER(entry->layer);
	return key;
}

static void entry_hash(struct entry *entry)
{
	struct rules_key key = entry_key(entry);

	entry->hash = rules_hash(&key);
}

static struct entry *entry_add(struct entries *entries, const struct rules_record *rule, uint32_t order)
{
	struct entry *entry = &entries->items[entries->count++];

	*entry = (struct entry){
		.rule = rule,
		.decision = rule->head.decision,
		.expires = rule->head.expires,
		.order = order,
	};
	entry_hash(entry);
	return entry;
}

static int entries_collect(struct entries *entries, struct ruleset *set, const struct changes *changes,
			   struct error *error)
{
	const struct rules_header *header = set_header(set);
	size_t records = (header->records_end - header->records) / RULES_RECORD_CELLS;
	size_t count = changes ? changes->count : 0;
	struct rules_record *record;

	entries->items = calloc(records + count + 1, sizeof(struct entry));
	if (!entries->items)
		return entries_memory(error);
	for (size_t i = 0; i < records; i++) {
		record = set_record(set, header->records + (uint32_t)i * RULES_RECORD_CELLS);
		if (record->head.state != RULES_LIVE)
			continue;
		if (rule_has_expired(record))
			set->route_left |= record->head.decision & RULES_ROUTE;
		else
			entry_add(entries, record, 0)->old = record;
	}
	for (size_t i = 0; i < count; i++)
		entry_add(entries, &changes->items[i].rule, (uint32_t)i + 1)->change = &changes->items[i];
	return 0;
}

static int entry_order(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	order = rule_compare(a->rule, b->rule);
	if (order)
		return order;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* ---- what comes of it ---- */

/* One more change to a rule; now is what there was of it before, or NULL. */
static struct entry *change_resolve(struct entry *entry, struct entry *now, uint64_t sequence, bool replace)
{
	struct change *change = entry->change;
	struct rules_record old = now ? *now->rule : (struct rules_record){ 0 };

	if (change->kind == CHANGE_DELETE) {
		change->letter = now ? 'D' : '=';
		return NULL;
	}
	if (now) {
		old.head.decision = now->decision;
		old.head.expires = now->expires;
	}
	/* a replacement says which splice rules have a route */
	if (replace && rules_decision_action(entry->decision) == RULES_SPLICE)
		old.head.decision &= entry->decision | ~RULES_ROUTE;
	change->letter = now ? put_letter(&old, entry->rule) : 'A';
	if (now && replace && now->decision != old.head.decision)
		change->letter = 'C';
	if (change->letter == '=' && replace)
		entry->expires = old.head.expires;
	entry->decision = decision_put(old.head.decision, entry->decision, sequence + entry->order);
	change->rule.head.decision = entry->decision;
	return entry;
}

/* Applies the changes to one rule in their order. Returns what is left of it, or NULL. */
static struct entry *rule_resolve(struct entry *first, struct entry *end, uint64_t sequence, bool replace)
{
	struct rules_record *old = first->old;
	struct entry *now = first->change ? NULL : first;

	for (struct entry *entry = first; entry < end; entry++) {
		if (!entry->change)
			continue;
		now = change_resolve(entry, now, sequence, replace);
		if (!now)
			old = NULL;
	}
	if (now)
		now->old = old;
	return now;
}

/* The end of the entries of one rule. */
static size_t rule_end(const struct entries *entries, size_t from)
{
	size_t end = from + 1;

	while (end < entries->count && entries->items[end].hash == entries->items[from].hash &&
	       !rule_compare(entries->items[end].rule, entries->items[from].rule))
		end++;
	return end;
}

static bool changes_spare(const struct changes *changes, const struct rules_record *rule)
{
	return changes->spares && changes->spares(changes, rule);
}

static int entries_resolve(struct entries *entries, uint64_t sequence, const struct changes *changes,
			   struct error *error)
{
	bool replace = changes && changes->replace;
	size_t kept = 0;

	for (size_t i = 0, end; i < entries->count; i = end) {
		struct entry *entry = &entries->items[i];

		end = rule_end(entries, i);
		if (replace && end == i + 1 && !entry->change && !changes_spare(changes, entry->rule)) {
			if (changes_add(&entries->removed, CHANGE_DELETE, entry->rule, error))
				return -1;
			continue;
		}
		entry = rule_resolve(entry, &entries->items[end], sequence, replace);
		if (entry)
			entries->items[kept++] = *entry;
	}
	entries->count = kept;
	return 0;
}

static int age_order(const void *left, const void *right)
{
	const struct entry *a = *(struct entry *const *)left, *b = *(struct entry *const *)right;

	return a->order < b->order ? -1 : a->order > b->order;
}

static bool entry_is_unchanged(const struct entry *entry)
{
	const struct rules_record *old = entry->old;

	return old && decision_renumber(old->head.decision, 0) == decision_renumber(entry->decision, 0) &&
	       rule_limits_are_alike(old, entry->rule) && expires_alike(old->head.expires, entry->expires);
}

/*
 * In a replacement a rule that is as it was keeps its number as long as the numbers still ascend, that being the order
 * of age, and one that is spared keeps it always. *same tells whether all did.
 */
static int entries_keep_numbers(struct entries *entries, bool *same)
{
	struct entry **ages = malloc((entries->count + 1) * sizeof(struct entry *));
	uint64_t last = 0;

	if (!ages)
		return -1;
	for (size_t i = 0; i < entries->count; i++)
		ages[i] = &entries->items[i];
	qsort(ages, entries->count, sizeof(struct entry *), age_order);
	*same = true;
	for (size_t i = 0; i < entries->count; i++) {
		struct entry *entry = ages[i];
		uint64_t number = entry->old ? rules_decision_sequence(entry->old->head.decision) : 0;

		if (!entry->change)
			continue;
		if (number > last && entry_is_unchanged(entry))
			entry->decision = decision_renumber(entry->decision, number);
		else
			*same = false;
		last = rules_decision_sequence(entry->decision);
		entry->change->rule.head.decision = entry->decision;
	}
	free(ages);
	return 0;
}

/* ---- layers ---- */

static bool entry_stands_in_layers(const struct entry *entry)
{
	return stands_in_layers(entry->rule, entry->expires);
}

/*
 * Gives each of the rules that expire or have a rate, of one key and sorted by their ports, the lowest layer where it
 * has no port in common with another. Sorted so, it is enough to know where each layer ends.
 */
static int key_give_layers(struct entry *entries, size_t count, struct error *error)
{
	int32_t ends[RULES_LAYERS_MAX + 1];

	memset(ends, 0xff, sizeof(ends));
	for (size_t i = 0; i < count; i++) {
		const struct rules_head *head = &entries[i].rule->head;
		unsigned int layer = 1;

		entries[i].layer = 0;
		if (!entry_stands_in_layers(&entries[i]))
			continue;
		while (layer <= RULES_LAYERS_MAX && ends[layer] >= head->low)
			layer++;
		if (layer > RULES_LAYERS_MAX)
			return error_state(error, "rules",
					   "more than %d rules that expire or have a rate have a port of one prefix in "
					   "common",
					   RULES_LAYERS_MAX);
		ends[layer] = head->high;
		entries[i].layer = layer;
		entry_hash(&entries[i]);
	}
	return 0;
}

static int entry_key_order(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->layer != b->layer)
		return a->layer < b->layer ? -1 : 1;
	return rule_compare(a->rule, b->rule);
}

static bool entries_need_layers(const struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entry_stands_in_layers(&entries->items[i]))
			return true;
	return false;
}

static bool same_key(const struct entry *a, const struct entry *b)
{
	struct rules_key left = entry_key(a), right = entry_key(b);

	return a->hash == b->hash && !memcmp(&left, &right, sizeof(left));
}

size_t key_end(const struct entries *entries, size_t from)
{
	size_t end = from + 1;

	while (end < entries->count && same_key(&entries->items[end], &entries->items[from]))
		end++;
	return end;
}

static int entries_give_layers(struct entries *entries, struct error *error)
{
	if (!entries_need_layers(entries))
		return 0;
	for (size_t i = 0, end; i < entries->count; i = end) {
		/* not yet given: all are in layer 0 */
		end = key_end(entries, i);
		if (key_give_layers(&entries->items[i], end - i, error))
			return -1;
	}
	qsort(entries->items, entries->count, sizeof(struct entry), entry_key_order);
	return 0;
}

/* ---- all of it ---- */

int entries_make(struct entries *entries, struct ruleset *set, struct changes *changes, bool *same, struct error *error)
{
	const struct rules_header *header = set_header(set);
	bool replace = changes && changes->replace;

	*same = false;
	if (entries_collect(entries, set, changes, error))
		return -1;
	progress_show("sorting %zu rules", entries->count);
	qsort(entries->items, entries->count, sizeof(struct entry), entry_order);
	if (entries_resolve(entries, header->sequence, changes, error))
		return -1;
	if (replace && entries_keep_numbers(entries, same))
		return entries_memory(error);
	*same = *same && entries->count == header->live;
	return entries_give_layers(entries, error);
}

void entries_free(struct entries *entries)
{
	free(entries->items);
	free(entries->removed.items);
}
