/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes in place, one rule at a time, in an order that shows packets the old rule or the new one at every moment. */
#include "clock.h"
#include "rulekey.h"
#include "ruleset_place.h"

#include <string.h>

#define STALE_MAX 64 /* stale keys beyond the live ones, before the arena is built anew */

/* ---- one change in place: 0 done, 1 the arena must be built anew (packets see no change) ---- */

static void sweep_by(struct ruleset *set, uint64_t expires)
{
	struct rules_header *header = set_header(set);

	if (expires && (!header->sweep || expires < header->sweep))
		header->sweep = expires;
}

static uint64_t sequence_next(struct ruleset *set)
{
	return ++set_header(set)->sequence;
}

static void record_write(struct rules_record *record, const struct rules_record *rule, uint64_t decision)
{
	struct rules_record copy = *rule;

	copy.head.decision = decision;
	copy.head.rank = rule_rank(rule);
	copy.head.packets = copy.head.bytes = copy.head.last = 0;
	copy.head.next = 0;
	copy.head.state = RULES_FREE;
	*record = copy;
}

/* Rule, interval block, guard, table, tuple: what packets follow first comes last. */
static int rule_add(struct ruleset *set, struct placement *place, const struct rules_record *rule)
{
	struct rules_header *header = set_header(set);
	__u64 *slot = place->slot ? place->slot : slot_free(set, place->hash);
	uint32_t link = place->block ? set_block(set, place->block)->link : 0, block = 0, cell = record_take(set);
	struct list_changes lists = { 0 };
	struct rules_record *record;

	if (!cell || !slot || lists_prepare(set, rule, &lists))
		goto full;
	if (set->tally >= 0 && tally_forget(set->tally, header->arena, cell))
		goto full;
	record = set_record(set, cell);
	record_write(record, rule, decision_renumber(rule->head.decision, sequence_next(set)));
	if (members_add(&place->members, member_of(record, cell)) || members_compile(&place->members))
		goto full;
	block = placement_write_block(set, place, cell);
	if (!block)
		goto full;
	record->head.next = link;
	sweep_by(set, rule->head.expires);
	header->rated |= rule_rate(rule) != 0;
	__atomic_store_n(&record->head.state, RULES_LIVE, __ATOMIC_RELEASE);
	header->live++;
	header->keys += !place->block;
	place->slot = slot;
	guard_add(set, &place->key, place->hash);
	placement_publish_block(set, place, block);
	lists_publish(set, &lists);
	return 0;
full:
	lists_abandon(set, &lists);
	record_give(set, cell);
	return 1;
}

static bool intervals_equal(struct ruleset *set, const struct placement *place)
{
	const struct rules_block *block = set_block(set, place->block);
	size_t count = place->members.interval_count;

	if (block->count != count)
		return false;
	block = arena_at(&set->arena, place->block, rules_block_cells((uint32_t)count));
	return !memcmp((const __u64 *)block + RULES_BLOCK_WORD, place->members.intervals,
		       count * sizeof(struct rules_interval));
}

static void max_duration_store(struct rules_record *record, uint32_t seconds)
{
	__atomic_store_n(&record->max_duration, seconds, __ATOMIC_RELEASE);
}

/*
 * A rule that rises in precedence is changed before the block that lets it win is published, and one that falls
 * afterwards: a packet in between gets the verdict of the old set or of the new one.
 */
static int rule_change(struct ruleset *set, struct placement *place, struct member *member,
		       const struct rules_record *rule)
{
	struct rules_record *record = set_record(set, member->record);
	uint64_t old = record->head.decision,
		 new = decision_put(record->head.decision, rule->head.decision, sequence_next(set));
	uint32_t block = 0;

	member->decision = new;
	if (members_compile(&place->members))
		return 1;
	if (!intervals_equal(set, place)) {
		block = placement_write_block(set, place, set_block(set, place->block)->link);
		if (!block)
			return 1;
	}
	sweep_by(set, rule->head.expires);
	word_store(&record->head.expires, rule->head.expires);
	/* it counts as long as the decision says so */
	if (rule_max_duration(rule))
		max_duration_store(record, rule->max_duration);
	if (new > old)
		word_store(&record->head.decision, new);
	if (block)
		placement_publish_block(set, place, block);
	if (new < old) {
		/* a packet that took the old block may still read the rule that won there */
		if (block)
			grace_wait(set);
		word_store(&record->head.decision, new);
	}
	max_duration_store(record, rule_max_duration(rule));
	return 0;
}

/* Takes a record out of its key's list; the block that is about to be published begins with *link. */
static void record_unlink(struct ruleset *set, uint32_t cell, uint32_t *link)
{
	uint32_t next = set_record(set, cell)->head.next, at = *link;

	if (at == cell) {
		*link = next;
		return;
	}
	while (set_record(set, at)->head.next != cell)
		at = set_record(set, at)->head.next;
	set_record(set, at)->head.next = next;
}

/* The reverse of rule_add. */
static int rule_remove(struct ruleset *set, struct placement *place, struct member *member)
{
	struct rules_header *header = set_header(set);
	uint32_t cell = member->record, link = set_block(set, place->block)->link, block = 0;

	*member = place->members.items[--place->members.count];
	if (place->members.count) {
		if (members_compile(&place->members))
			return 1;
		block = placement_write_block(set, place, 0);
		if (!block)
			return 1;
		record_unlink(set, cell, &link);
		set_block(set, block)->link = link;
		placement_publish_block(set, place, block);
	} else {
		slot_clear(place->slot);
		cells_give(set, place->block, block_class(set_block(set, place->block)->count));
		header->keys--;
		header->stale++;
	}
	__atomic_store_n(&set_record(set, cell)->head.state, RULES_FREE, __ATOMIC_RELEASE);
	header->live--;
	record_give(set, cell);
	return 0;
}

/* As rule_find, but a rule that has expired is removed and not found. */
static int rule_find_live(struct ruleset *set, const struct rules_record *rule, struct placement *place,
			  struct member **member)
{
	int result = rule_find(set, rule, place, member);

	if (result || !*member || !rule_has_expired(set_record(set, (*member)->record)))
		return result;
	set->route_left |= (*member)->decision & RULES_ROUTE;
	result = rule_remove(set, place, *member);
	members_free(&place->members);
	*member = NULL;
	return result;
}

static int rule_put_new(struct ruleset *set, const struct rules_record *rule)
{
	struct rules_record at = *rule;
	struct placement place;
	int result = rule_find_layer(set, &at, &place);

	if (result)
		return result;
	result = rule_add(set, &place, &at);
	members_free(&place.members);
	return result;
}

/* Two words that count at once, of which packets could see the one new and the other old. */
static bool is_other_limit(const struct rules_record *old, const struct rules_record *new)
{
	uint32_t was = rule_max_duration(old), is = rule_max_duration(new);

	return (was && is && was != is) || ((rule_rate(old) || rule_rate(new)) && !rule_limits_are_alike(old, new));
}

/* One that begins or ends to stand in layers changes its key: that is not done in place. */
static int rule_put_over(struct ruleset *set, struct placement *place, struct member *member,
			 const struct rules_record *rule)
{
	const struct rules_record *old = set_record(set, member->record);

	if (stands_in_layers(old, old->head.expires) != stands_in_layers(rule, rule->head.expires) ||
	    is_other_limit(old, rule))
		return 1;
	return rule_change(set, place, member, rule);
}

static int rule_put(struct ruleset *set, struct change *change)
{
	const struct rules_head *head = &change->rule.head;
	struct placement place;
	struct member *member;
	int result;

	if (rule_find_live(set, &change->rule, &place, &member))
		return 1;
	if (member) {
		change->letter = put_letter(set_record(set, member->record), &change->rule);
		result = rule_put_over(set, &place, member, &change->rule);
		members_free(&place.members);
	} else {
		change->letter = 'A';
		result = rule_put_new(set, &change->rule);
	}
	if (!result)
		change->rule.head.decision = decision_renumber(head->decision, set_header(set)->sequence);
	return result;
}

static int rule_delete(struct ruleset *set, struct change *change)
{
	struct placement place;
	struct member *member;
	int result;

	if (rule_find_live(set, &change->rule, &place, &member))
		return 1;
	change->letter = member ? 'D' : '=';
	if (!member)
		return 0;
	result = rule_remove(set, &place, member);
	members_free(&place.members);
	return result;
}

/* ---- rules whose time is up ---- */

static int record_sweep(struct ruleset *set, const struct rules_record *record)
{
	struct placement place;
	int result = placement_find(set, record, &place);
	struct member *member = result ? NULL : members_find(set, &place.members, record);

	if (member) {
		set->route_left |= member->decision & RULES_ROUTE;
		result = rule_remove(set, &place, member);
	}
	members_free(&place.members);
	return result;
}

/* Looking at all rules takes some 60 ns each; with this pause, of so many ns a rule, 1 % of the time at most. */
#define SWEEP_PAUSE 6000ull

static uint64_t sweep_next(const struct rules_header *header, uint64_t now, uint64_t earliest)
{
	uint64_t pause = now + header->live * SWEEP_PAUSE;

	return !earliest || earliest > pause ? earliest : pause;
}

static int rules_sweep(struct ruleset *set)
{
	struct rules_header *header = set_header(set);
	uint64_t now = clock_now(), earliest = 0;

	for (uint32_t cell = header->records; cell < header->records_end; cell += RULES_RECORD_CELLS) {
		const struct rules_record *record = set_record(set, cell);

		if (record->head.state != RULES_LIVE || !record->head.expires)
			continue;
		if (record->head.expires <= now && record_sweep(set, record))
			return 1;
		if (record->head.expires > now && (!earliest || record->head.expires < earliest))
			earliest = record->head.expires;
	}
	header->sweep = sweep_next(header, now, earliest);
	return 0;
}

static bool sweep_is_due(const struct rules_header *header)
{
	return header->sweep && header->sweep <= clock_now();
}

/* ---- all of it ---- */

/* Whoever finds the arena dirty builds it anew: what is done in between may be left half done. */
static void set_dirty(struct ruleset *set, bool dirty)
{
	struct rules_header *header = set_header(set);

	__atomic_store_n(&header->changes, (header->changes | 1) + !dirty, __ATOMIC_SEQ_CST);
}

static int change_in_place(struct ruleset *set, struct change *change)
{
	int result;

	set_dirty(set, true);
	result = change->kind == CHANGE_PUT ? rule_put(set, change) : rule_delete(set, change);
	set_dirty(set, false);
	return result;
}

static int sweep_in_place(struct ruleset *set, struct error *error)
{
	int result;

	if (!sweep_is_due(set_header(set)))
		return 0;
	if (arena_map_whole(&set->arena, error))
		return -1;
	set_dirty(set, true);
	result = rules_sweep(set);
	set_dirty(set, false);
	return result ? ruleset_build(set, NULL, false, error) : 0;
}

static int repair(struct ruleset *set, struct changes *changes, struct error *error)
{
	if (!(set_header(set)->changes & 1))
		return 0;
	changes->repaired = true;
	return ruleset_build(set, NULL, false, error);
}

static bool is_stale(struct ruleset *set)
{
	const struct rules_header *header = set_header(set);

	return header->stale > header->live + STALE_MAX;
}

/* 1: must be built. */
static int apply_in_place(struct ruleset *set, struct changes *changes, struct error *error)
{
	struct error ignored;
	int result;

	if (sweep_in_place(set, error))
		return -1;
	if (!changes->count)
		return 0;
	if (!set_header(set)->cells)
		return 1;
	result = change_in_place(set, &changes->items[0]);
	/* the change is made; if there is no memory to tidy up after it, a later one will */
	if (!result && is_stale(set))
		ruleset_build(set, NULL, false, &ignored);
	return result;
}

int ruleset_apply(struct ruleset *set, struct changes *changes, bool dry_run, struct error *error)
{
	int result = 1;

	if (!dry_run && repair(set, changes, error))
		return -1;
	if (!dry_run && !changes->replace && changes->count <= 1)
		result = apply_in_place(set, changes, error);
	return result == 1 ? ruleset_build(set, changes, dry_run, error) : result;
}
