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

/* ---- opening ---- */

static int inner_check(const struct bpf_map_info *info, const char *name, struct error *error)
{
	if (info->type == BPF_MAP_TYPE_ARRAY && info->key_size == sizeof(__u32) &&
	    info->value_size == RULES_CELL_SIZE && info->map_flags & BPF_F_MMAPABLE &&
	    info->max_entries >= RULES_HEADER_CELLS)
		return 0;
	return error_state(error, name, "holds a map of another kind: type %u value %u flags %#x", info->type,
			   info->value_size, info->map_flags);
}

int ruleset_open(struct ruleset *set, const struct pins *pins, const struct pin_shape *shape, bool writable,
		 struct error *error)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd;

	*set = (struct ruleset){ .outer = pin_open(pins, shape, error), .tally = -1 };
	if (set->outer < 0)
		return -1;
	if (shape == &pin_xdp_rules && (set->tally = pin_open(pins, &pin_xdp_tally, error)) < 0)
		return -1;
	fd = pin_inner_open(set->outer, 0);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(error, shape->name);
	if (inner_check(&info, shape->name, error))
		return -1;
	return arena_open(&set->arena, fd, info.max_entries, writable, error);
}

int ruleset_new(struct ruleset *set, struct error *error)
{
	*set = (struct ruleset){ .outer = -1, .tally = -1 };
	return arena_allocate(&set->arena, RULES_DEFAULT_CELLS, error);
}

void ruleset_close(struct ruleset *set)
{
	arena_close(&set->arena);
	tallies_free(&set->tallies);
	if (set->tally >= 0)
		close(set->tally);
	if (set->outer >= 0)
		close(set->outer);
}

int ruleset_read_tallies(struct ruleset *set, struct error *error)
{
	if (set->tally >= 0 && tallies_read(set->tally, &set->tallies))
		return error_errno(error, "tallies");
	return 0;
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

bool ruleset_is_sound(struct ruleset *set)
{
	return !(set_header(set)->changes & 1);
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

/* The rule in a cell, if there is one and it has not expired: then it is gone for everybody, swept or not. */
static bool rule_copy(struct ruleset *set, uint32_t cell, struct rules_record *out)
{
	if (!record_copy(set_record(set, cell), out) || rule_has_expired(out))
		return false;
	if (set->tallies.count)
		tallies_add(&set->tallies, set_header(set)->arena, cell, &out->head);
	return true;
}

bool ruleset_next(struct ruleset *set, uint32_t *cursor, struct rules_record *out)
{
	const struct rules_header *header = set_header(set);
	uint32_t cell = *cursor ? *cursor + RULES_RECORD_CELLS : header->records;

	for (; cell < header->records_end; cell += RULES_RECORD_CELLS) {
		if (rule_copy(set, cell, out)) {
			*cursor = cell;
			return true;
		}
	}
	return false;
}

/* The first record of a key from this layer on; 0: none. */
static uint32_t key_first(struct ruleset *set, const struct rules_record *like, unsigned int layer)
{
	struct rules_record at = *like;

	for (; layer <= layers_last(set); layer++) {
		struct rules_key key;
		__u64 *slot;

		at.layer = (uint8_t)layer;
		key = rule_key(&at);
		slot = slot_find(set, &key, rules_hash(&key));
		if (slot)
			return set_block(set, (uint32_t)*slot)->link;
	}
	return 0;
}

static uint32_t key_next(struct ruleset *set, const struct rules_record *like, uint32_t cell)
{
	const struct rules_record *record;

	if (!cell)
		return key_first(set, like, 0);
	record = set_record(set, cell);
	return record->head.next ? record->head.next : key_first(set, like, record->layer + 1u);
}

bool ruleset_next_of_key(struct ruleset *set, const struct rules_record *like, uint32_t *cursor,
			 struct rules_record *out)
{
	/* the arena of the object has no table yet */
	if (!set_header(set)->cells)
		return false;
	while ((*cursor = key_next(set, like, *cursor))) {
		*out = *set_record(set, *cursor);
		if (!rule_has_expired(out))
			return true;
	}
	return false;
}

/* A tuple for any protocol stands in four lists, and rules that expire make tuples of their own: each is told once. */
static bool tuple_is_told(const struct rules_tuple *tuple, uint32_t list, const struct rules_tuple *before)
{
	bool first = rules_meta_proto(tuple->meta) != RULES_PROTO_ANY || list % 4 == 0;
	uint64_t mask = ~RULES_META_LAYER(RULES_LAYERS_MAX);

	for (; first && before < tuple; before++)
		first = (before->meta & mask) != (tuple->meta & mask);
	return first;
}

bool ruleset_next_tuple(struct ruleset *set, uint32_t *cursor, struct rules_record *tuple)
{
	const struct rules_header *header = set_header(set);

	for (; *cursor >> 16 < RULES_LISTS; *cursor = ((*cursor >> 16) + 1) << 16) {
		uint32_t list = *cursor >> 16, count = RULES_LIST_COUNT(header->list[list]);
		const struct rules_tuple *tuples =
			count ? arena_at(&set->arena, RULES_LIST_CELL(header->list[list]), count) : NULL;

		for (uint32_t i = *cursor & 0xffff; i < count; i++) {
			if (!tuple_is_told(&tuples[i], list, tuples))
				continue;
			*tuple = rule_of_tuple(&tuples[i]);
			*cursor = list << 16 | (i + 1);
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
	return rule_copy(set, place->cell, out);
}
