/* SPDX-License-Identifier: GPL-2.0-only */
#include "ruleset.h"

#include "array.h"
#include "rulekey.h"
#include "ruleset_internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN_ATTEMPTS 100
#define STALE_MAX 64 /* stale keys beyond the live ones, before the arena is built anew */

/* ---- opening ---- */

/* The arena may be swapped and freed between reading its id and opening it. */
static int inner_open(int outer)
{
	__u32 zero = 0, id;

	for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
		int fd;

		if (bpf_map_lookup_elem(outer, &zero, &id))
			return -1;
		fd = bpf_map_get_fd_by_id(id);
		if (fd >= 0 || errno != ENOENT)
			return fd;
	}
	return -1;
}

static int inner_check(const struct bpf_map_info *info, struct error *error)
{
	if (info->type == BPF_MAP_TYPE_ARRAY && info->key_size == sizeof(__u32) &&
	    info->value_size == RULES_CELL_SIZE && info->map_flags & BPF_F_MMAPABLE &&
	    info->max_entries >= RULES_HEADER_CELLS)
		return 0;
	return error_state(error, SPLICER_RULES, "holds a map of another kind: type %u value %u flags %#x", info->type,
			   info->value_size, info->map_flags);
}

int ruleset_open(struct ruleset *set, const struct pins *pins, bool writable, struct error *error)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd;

	*set = (struct ruleset){ .outer = pin_open(pins, &pin_rules, error) };
	if (set->outer < 0)
		return -1;
	fd = inner_open(set->outer);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(error, SPLICER_RULES);
	if (inner_check(&info, error))
		return -1;
	return arena_open(&set->arena, fd, info.max_entries, writable, error);
}

int ruleset_new(struct ruleset *set, struct error *error)
{
	*set = (struct ruleset){ .outer = -1 };
	return arena_allocate(&set->arena, RULES_DEFAULT_CELLS, error);
}

void ruleset_close(struct ruleset *set)
{
	arena_close(&set->arena);
	if (set->outer >= 0)
		close(set->outer);
}

/* ---- the rules of a key ---- */

struct members {
	struct member *items;
	size_t count;
	struct rules_interval *intervals; /* compiled */
	size_t interval_count;
};

static void members_free(struct members *members)
{
	free(members->items);
	free(members->intervals);
}

static struct member member_of(const struct rules_record *record, uint32_t cell)
{
	return (struct member){
		.rank = record->head.rank,
		.decision = record->head.decision,
		.record = cell,
		.low = record->head.low,
		.high = record->head.high,
	};
}

static int members_add(struct members *members, struct member member)
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

static int members_compile(struct members *members)
{
	members->intervals = malloc(2 * members->count * sizeof(*members->intervals));
	if (!members->intervals)
		return -1;
	members->interval_count = block_compile(members->items, members->count, members->intervals);
	return members->interval_count ? 0 : -1;
}

/* Which member is this rule; NULL: none. */
static struct member *members_find(struct ruleset *set, struct members *members, const struct rules_record *rule)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->items[i].low == rule->head.low && members->items[i].high == rule->head.high &&
		    !rule_compare(set_record(set, members->items[i].record), rule))
			return &members->items[i];
	return NULL;
}

/* ---- one change in place: 0 done, 1 the arena must be built anew (nothing was changed), -1 error ---- */

struct placement {
	struct rules_key key;
	uint64_t hash;
	__u64 *slot;    /* of the key; NULL: the key is new */
	uint32_t block; /* 0: the key is new */
	struct members members;
};

static int placement_find(struct ruleset *set, const struct rules_record *rule, struct placement *place)
{
	place->key = rule_key(rule);
	place->hash = rules_hash(&place->key);
	place->slot = slot_find(set, &place->key, place->hash);
	place->block = place->slot ? (uint32_t)*place->slot : 0;
	return members_load(set, place->block, &place->members);
}

/* Writes the compiled members to a new block; 0 when there is no room. */
static uint32_t placement_write_block(struct ruleset *set, struct placement *place, uint32_t link)
{
	unsigned int class = block_class(place->members.interval_count);
	uint32_t cell = cells_take(set, class);

	if (cell)
		block_write(arena_at(&set->arena, cell, 1u << class), &place->key, link, place->members.intervals,
			    place->members.interval_count);
	return cell;
}

static void placement_publish_block(struct ruleset *set, struct placement *place, uint32_t block)
{
	word_store(place->slot, rules_slot(place->hash, block));
	if (place->block)
		cells_give(set, place->block, block_class(set_block(set, place->block)->count));
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
	record = set_record(set, cell);
	record_write(record, rule, decision_renumber(rule->head.decision, sequence_next(set)));
	if (members_add(&place->members, member_of(record, cell)) || members_compile(&place->members))
		goto full;
	block = placement_write_block(set, place, cell);
	if (!block)
		goto full;
	record->head.next = link;
	__atomic_store_n(&record->head.state, RULES_LIVE, __ATOMIC_RELEASE);
	header->live++;
	header->keys += !place->block;
	place->slot = slot;
	guard_add(set, place->hash);
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
	return 0;
}

static int rule_put(struct ruleset *set, struct change *change)
{
	struct placement place;
	struct member *member;
	int result;

	if (placement_find(set, &change->rule, &place))
		return 1;
	member = members_find(set, &place.members, &change->rule);
	if (member) {
		change->letter = put_letter(member->decision, change->rule.head.decision);
		result = rule_change(set, &place, member, &change->rule);
	} else {
		change->letter = 'A';
		result = rule_add(set, &place, &change->rule);
	}
	members_free(&place.members);
	if (!result)
		change->rule.head.decision = decision_renumber(change->rule.head.decision, set_header(set)->sequence);
	return result;
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

static int rule_delete(struct ruleset *set, struct change *change)
{
	struct placement place;
	struct member *member;
	int result = 0;

	if (placement_find(set, &change->rule, &place))
		return 1;
	member = members_find(set, &place.members, &change->rule);
	change->letter = member ? 'D' : '=';
	if (member)
		result = rule_remove(set, &place, member);
	members_free(&place.members);
	return result;
}

static int change_in_place(struct ruleset *set, struct change *change)
{
	struct rules_header *header = set_header(set);
	int result;

	__atomic_store_n(&header->dirty, 1, __ATOMIC_SEQ_CST);
	result = change->kind == CHANGE_PUT ? rule_put(set, change) : rule_delete(set, change);
	__atomic_store_n(&header->dirty, 0, __ATOMIC_SEQ_CST);
	return result;
}

static bool is_stale(struct ruleset *set)
{
	const struct rules_header *header = set_header(set);

	return header->stale > header->live + STALE_MAX;
}

int ruleset_apply(struct ruleset *set, const struct changes *changes, bool dry_run, struct error *error)
{
	const struct rules_header *header = set_header(set);
	int result = 1;

	if (header->dirty && !dry_run) {
		set->repaired = true;
		if (ruleset_build(set, NULL, false, error))
			return -1;
		header = set_header(set);
	}
	if (!changes->count)
		return 0;
	if (changes->count == 1 && !dry_run && header->cells)
		result = change_in_place(set, &changes->items[0]);
	if (result == 1)
		return ruleset_build(set, changes, dry_run, error);
	/* the change is made; if there is no memory to tidy up after it, a later one will */
	if (!result && is_stale(set))
		ruleset_build(set, NULL, false, error);
	return result;
}

int changes_add(struct changes *changes, enum change_kind kind, const struct rules_record *rule, struct error *error)
{
	struct change *items = array_room(changes->items, changes->count, sizeof(*items));

	if (!items)
		return error_errno(error, "rules");
	changes->items = items;
	changes->items[changes->count++] = (struct change){ .kind = kind, .rule = *rule };
	return 0;
}

/* ---- reading ---- */

uint32_t ruleset_count(struct ruleset *set)
{
	return set_header(set)->live;
}

/* A record that changes while it is copied is seen by its sequence number, which never repeats. */
static bool record_copy(const struct rules_record *record, struct rules_record *out)
{
	while (__atomic_load_n(&record->head.state, __ATOMIC_ACQUIRE) == RULES_LIVE) {
		uint64_t before = __atomic_load_n(&record->head.decision, __ATOMIC_ACQUIRE);

		*out = *record;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&record->head.state, __ATOMIC_RELAXED) == RULES_LIVE &&
		    __atomic_load_n(&record->head.decision, __ATOMIC_RELAXED) == before)
			return true;
	}
	return false;
}

bool ruleset_next(struct ruleset *set, uint32_t *cursor, struct rules_record *out)
{
	const struct rules_header *header = set_header(set);
	uint32_t cell = *cursor ? *cursor + RULES_RECORD_CELLS : header->records;

	for (; cell < header->records_end; cell += RULES_RECORD_CELLS) {
		if (record_copy(set_record(set, cell), out)) {
			*cursor = cell;
			return true;
		}
	}
	return false;
}

int ruleset_order(struct ruleset *set, struct rule_place **places, size_t *count, struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;

	*places = NULL;
	*count = 0;
	while (ruleset_next(set, &cursor, &rule)) {
		struct rule_place *moved = array_room(*places, *count, sizeof(**places));

		if (!moved)
			return error_errno(error, "rules");
		*places = moved;
		moved[(*count)++] = (struct rule_place){ rules_decision_sequence(rule.head.decision), cursor };
	}
	if (*count)
		qsort(*places, *count, sizeof(**places), sequence_order);
	return 0;
}

bool ruleset_read(struct ruleset *set, const struct rule_place *place, struct rules_record *out)
{
	return record_copy(set_record(set, place->cell), out);
}
