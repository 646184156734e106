/* SPDX-License-Identifier: GPL-2.0-only */
/* A new arena from the live records and a number of changes: for batches, growth, replacement and repair. */
#include "progress.h"
#include "rulekey.h"
#include "ruleset_internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLACK_MIN 1024 /* rules that fit in before the next build, at least */
#define SLACK_SHARE 8  /* and one in so many of the rules there are */
#define PROGRESS_RULES 4096
#define BUCKET_RETRIES 4
#define TUPLES_HASH 16384 /* a power of two above RULES_LISTS * RULES_TUPLES_MAX */

/* A rule that is there, or a change to it. Sorted, all entries of one rule stand together, oldest first. */
struct entry {
	uint64_t hash; /* of the key; until layers are given, of the key in layer 0 */
	const struct rules_record *rule;
	struct rules_record *old; /* of the set as it is; NULL: not in it */
	struct change *change;    /* NULL: not changed */
	uint64_t decision;
	uint64_t expires;
	uint64_t packets, bytes; /* as copied to the new arena */
	uint32_t order;          /* 0: is there; then by place in the changes */
	uint32_t cell;           /* in the new arena */
	uint32_t layer;          /* in the new arena */
};

struct entries {
	struct entry *items;
	size_t count;
};

struct tuple_table {
	struct rules_tuple *tuples;  /* TUPLES_HASH, by hash of meta; max_rank 0: empty */
	uint32_t lists[RULES_LISTS]; /* tuples of each */
};

struct build {
	struct ruleset *set; /* as it is */
	struct ruleset next; /* as it will be */
	struct entries entries;
	struct changes removed; /* by a replacement */
	struct tuple_table table;
	size_t keys;
	size_t block_cells; /* that all blocks need at most */
};

static int build_memory(struct error *error)
{
	errno = ENOMEM;
	return error_errno(error, "rules");
}

/* ---- which rules there will be ---- */

static struct rules_key entry_key(const struct entry *entry)
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

static int entries_collect(struct build *build, const struct changes *changes, struct error *error)
{
	const struct rules_header *header = set_header(build->set);
	size_t records = (header->records_end - header->records) / RULES_RECORD_CELLS;
	size_t count = changes ? changes->count : 0;
	struct rules_record *record;

	build->entries.items = calloc(records + count + 1, sizeof(struct entry));
	if (!build->entries.items)
		return build_memory(error);
	for (size_t i = 0; i < records; i++) {
		record = set_record(build->set, header->records + (uint32_t)i * RULES_RECORD_CELLS);
		if (record->head.state == RULES_LIVE && !rule_has_expired(record))
			entry_add(&build->entries, record, 0)->old = record;
	}
	for (size_t i = 0; i < count; i++)
		entry_add(&build->entries, &changes->items[i].rule, (uint32_t)i + 1)->change = &changes->items[i];
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

/* One more change to a rule; now is what there was of it before, or NULL. */
static struct entry *change_resolve(struct entry *entry, struct entry *now, uint64_t sequence, bool replace)
{
	struct change *change = entry->change;
	struct rules_head old = now ? now->rule->head : (struct rules_head){ 0 };

	if (change->kind == CHANGE_DELETE) {
		change->letter = now ? 'D' : '=';
		return NULL;
	}
	if (now) {
		old.decision = now->decision;
		old.expires = now->expires;
	}
	/* a replacement says which splice rules have a route */
	if (replace && rules_decision_action(entry->decision) == RULES_SPLICE)
		old.decision &= entry->decision | ~RULES_ROUTE;
	change->letter = now ? put_letter(&old, &entry->rule->head) : 'A';
	if (now && replace && now->decision != old.decision)
		change->letter = 'C';
	if (change->letter == '=' && replace)
		entry->expires = old.expires;
	entry->decision = decision_put(old.decision, entry->decision, sequence + entry->order);
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

static int entries_resolve(struct build *build, uint64_t sequence, bool replace, struct error *error)
{
	struct entries *entries = &build->entries;
	size_t kept = 0;

	for (size_t i = 0, end; i < entries->count; i = end) {
		struct entry *entry = &entries->items[i];

		end = rule_end(entries, i);
		if (replace && end == i + 1 && !entry->change) {
			if (changes_add(&build->removed, CHANGE_DELETE, entry->rule, error))
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
	       expires_alike(old->head.expires, entry->expires);
}

/*
 * In a replacement a rule that is as it was keeps its number as long as the numbers still ascend, that being the order
 * of age. *same tells whether all did.
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

/*
 * Gives each of the rules that expire, of one key and sorted by their ports, the lowest layer where it has no port in
 * common with another. Sorted so, it is enough to know where each layer ends.
 */
static int key_give_layers(struct entry *entries, size_t count, struct error *error)
{
	int32_t ends[RULES_LAYERS_MAX + 1];

	memset(ends, 0xff, sizeof(ends));
	for (size_t i = 0; i < count; i++) {
		const struct rules_head *head = &entries[i].rule->head;
		unsigned int layer = 1;

		entries[i].layer = 0;
		if (!entries[i].expires)
			continue;
		while (layer <= RULES_LAYERS_MAX && ends[layer] >= head->low)
			layer++;
		if (layer > RULES_LAYERS_MAX)
			return error_state(error, "rules",
					   "more than %d rules that expire have a port of one prefix in common",
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

static bool entries_expire(const struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].expires)
			return true;
	return false;
}

static bool same_key(const struct entry *a, const struct entry *b)
{
	struct rules_key left = entry_key(a), right = entry_key(b);

	return a->hash == b->hash && !memcmp(&left, &right, sizeof(left));
}

/* The end of the rules that share the key of items[from]. */
static size_t key_end(const struct entries *entries, size_t from)
{
	size_t end = from + 1;

	while (end < entries->count && same_key(&entries->items[end], &entries->items[from]))
		end++;
	return end;
}

static int entries_give_layers(struct entries *entries, struct error *error)
{
	if (!entries_expire(entries))
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

/* ---- tuples ---- */

static struct rules_tuple *table_slot(struct tuple_table *table, uint64_t meta)
{
	uint64_t at = (meta * 0x9e3779b97f4a7c15ull) >> 40;

	for (;; at++) {
		struct rules_tuple *tuple = &table->tuples[at % TUPLES_HASH];

		if (!tuple->max_rank || tuple->meta == meta)
			return tuple;
	}
}

/* No rule has rank 0: a priority of -2^31 with both lengths 0 and all ports is the least, and is refused by the parser.
 */
static int table_note(struct tuple_table *table, const struct entry *entry, struct error *error)
{
	const struct rules_record *rule = entry->rule;
	uint64_t rank = rule_rank(rule), meta = entry_key(entry).meta & ~(uint64_t)UINT32_MAX;
	struct rules_tuple *tuple = table_slot(table, meta);
	unsigned int lists[4], count;

	if (!tuple->max_rank) {
		tuple->meta = meta;
		rule_tuple_mask(rule, tuple->mask);
		count = rule_lists(rule, lists);
		for (unsigned int i = 0; i < count; i++)
			if (++table->lists[lists[i]] > RULES_TUPLES_MAX)
				return error_state(error, "rules",
						   "more than %d combinations of protocol and prefix lengths",
						   RULES_TUPLES_MAX);
	}
	if (rank > tuple->max_rank)
		tuple->max_rank = rank;
	return 0;
}

/* ---- how large ---- */

static int build_measure(struct build *build, struct error *error)
{
	const struct entries *entries = &build->entries;

	build->table.tuples = calloc(TUPLES_HASH, sizeof(struct rules_tuple));
	if (!build->table.tuples)
		return build_memory(error);
	for (size_t i = 0, end; i < entries->count; i = end) {
		end = key_end(entries, i);
		build->keys++;
		build->block_cells += (size_t)1 << block_class(2 * (end - i) - 1);
		for (size_t k = i; k < end; k++)
			if (table_note(&build->table, &entries->items[k], error))
				return -1;
	}
	return 0;
}

static uint32_t power_of_two(size_t least)
{
	uint32_t power = 1;

	while (power < least)
		power *= 2;
	return power;
}

/* The header of the new arena; the tables have room for the slack, and `crowded` doubles that of the buckets. */
static int build_layout(const struct build *build, unsigned int crowded, struct rules_header *header,
			struct error *error)
{
	size_t slack = build->entries.count / SLACK_SHARE + SLACK_MIN, keys = build->keys + slack;
	uint32_t guard_words = power_of_two(keys / 4), buckets = power_of_two(keys * 2 / RULES_SLOTS) << crowded;
	size_t cells = RULES_HEADER_CELLS + guard_words / 8 + buckets;

	*header = (struct rules_header){
		.guard = RULES_HEADER_CELLS,
		.guard_mask = guard_words - 1,
		.buckets = RULES_HEADER_CELLS + guard_words / 8,
		.bucket_mask = buckets - 1,
		.records = (uint32_t)cells,
		.records_end = (uint32_t)cells,
		.sequence = set_header(build->set)->sequence,
	};
	cells += (build->entries.count + slack) * RULES_RECORD_CELLS + build->block_cells + slack;
	for (unsigned int list = 0; list < RULES_LISTS; list++)
		cells += 2ull << cells_class(build->table.lists[list] + 1);
	if (cells > UINT32_MAX / RULES_CELL_SIZE * 4ull)
		return error_state(error, "rules", "too many: %zu", build->entries.count);
	header->cells = header->blocks_start = (uint32_t)cells;
	if (getrandom(&header->arena, sizeof(header->arena), 0) != sizeof(header->arena))
		return error_errno(error, "getrandom");
	return 0;
}

static int build_create(struct build *build, const struct rules_header *header, struct error *error)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	int fd;

	if (build->set->outer < 0) {
		build->next.outer = -1;
		if (arena_allocate(&build->next.arena, header->cells, error))
			return -1;
	} else {
		build->next.outer = build->set->outer;
		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rules_arena", sizeof(__u32), RULES_CELL_SIZE, header->cells,
				    &options);
		if (fd < 0)
			return error_state(error, "rules", "no memory for %zu rules (%zu MiB): %s",
					   build->entries.count, (size_t)header->cells * RULES_CELL_SIZE >> 20,
					   strerror(errno));
		if (arena_open(&build->next.arena, fd, header->cells, true, error) ||
		    arena_map_whole(&build->next.arena, error))
			return -1;
	}
	*set_header(&build->next) = *header;
	return 0;
}

/* ---- filling it ---- */

static void record_fill(struct build *build, struct entry *entry, uint32_t next)
{
	struct rules_record *record = set_record(&build->next, entry->cell);

	*record = *entry->rule;
	record->head.decision = entry->decision;
	record->head.rank = rule_rank(entry->rule);
	record->head.packets = record->head.bytes = record->head.last = 0;
	record->head.expires = entry->expires;
	record->head.next = next;
	record->head.state = RULES_LIVE;
	record->layer = (uint8_t)entry->layer;
}

/* The records of one key and their block. 1: its buckets are full. */
static int key_fill(struct build *build, struct entry *entries, size_t count)
{
	struct rules_key key = entry_key(&entries[0]);
	struct member one, *members = count == 1 ? &one : malloc(count * sizeof(*members));
	struct rules_interval two[2], *intervals = count == 1 ? two : malloc(2 * count * sizeof(*intervals));
	__u64 *slot = slot_free(&build->next, entries[0].hash);
	size_t interval_count = 0;
	uint32_t next = 0, cell;
	int result = -1;

	for (size_t i = 0; i < count && members && intervals && slot; i++) {
		record_fill(build, &entries[i], next);
		next = entries[i].cell;
		members[i] = (struct member){ rule_rank(entries[i].rule), entries[i].decision, next,
					      entries[i].rule->head.low, entries[i].rule->head.high };
	}
	if (members && intervals && slot)
		interval_count = block_compile(members, count, intervals);
	if (interval_count) {
		cell = cells_take(&build->next, block_class(interval_count));
		block_write(arena_at(&build->next.arena, cell, 1u << block_class(interval_count)), &key, next,
			    intervals, interval_count);
		*slot = rules_slot(entries[0].hash, cell);
		guard_add(&build->next, entries[0].hash);
		result = 0;
	}
	if (count > 1) {
		free(members);
		free(intervals);
	}
	return slot ? result : 1;
}

static int tuple_order(const void *left, const void *right)
{
	const struct rules_tuple *a = left, *b = right;

	return a->max_rank < b->max_rank ? 1 : a->max_rank > b->max_rank ? -1 : 0;
}

static bool tuple_stands_in(const struct rules_tuple *tuple, unsigned int list)
{
	uint32_t proto = rules_meta_proto(tuple->meta);
	uint32_t family = tuple->meta >> 57 & 1, direction = tuple->meta >> 58 & 1;

	if (rules_list(direction, family, 0) != (list & ~3u))
		return false;
	return proto == RULES_PROTO_ANY || rules_class(proto) == (list & 3);
}

static void list_fill(struct build *build, unsigned int list)
{
	struct rules_header *header = set_header(&build->next);
	uint32_t count = build->table.lists[list], cell, used = 0;
	struct rules_tuple *tuples;

	if (!count)
		return;
	cell = cells_take(&build->next, cells_class(count));
	tuples = arena_at(&build->next.arena, cell, count);
	for (size_t i = 0; i < TUPLES_HASH; i++) {
		if (!build->table.tuples[i].max_rank || !tuple_stands_in(&build->table.tuples[i], list))
			continue;
		tuples[used] = build->table.tuples[i];
		tuples[used++].arena = header->arena;
	}
	qsort(tuples, used, sizeof(*tuples), tuple_order);
	header->list[list] = (uint64_t)cell << 16 | used;
}

struct age {
	uint64_t sequence; /* first: see sequence_order */
	struct entry *entry;
};

/* Oldest first, so that a listing comes about in the order of insertion. */
static int records_place(struct build *build)
{
	struct entries *entries = &build->entries;
	struct age *ages = malloc((entries->count + 1) * sizeof(*ages));

	if (!ages)
		return -1;
	for (size_t i = 0; i < entries->count; i++) {
		ages[i].entry = &entries->items[i];
		ages[i].sequence = rules_decision_sequence(entries->items[i].decision);
	}
	qsort(ages, entries->count, sizeof(*ages), sequence_order);
	for (size_t i = 0; i < entries->count; i++)
		ages[i].entry->cell = record_take(&build->next);
	free(ages);
	return 0;
}

/* When the first of them expires; 0: none does. */
static uint64_t entries_sweep(const struct entries *entries)
{
	uint64_t earliest = 0;

	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].expires && (!earliest || entries->items[i].expires < earliest))
			earliest = entries->items[i].expires;
	return earliest;
}

/* 1: a bucket is full. */
static int build_fill(struct build *build, struct error *error)
{
	struct rules_header *header = set_header(&build->next);
	struct entries *entries = &build->entries;

	if (records_place(build))
		return build_memory(error);
	for (size_t i = 0, end; i < entries->count; i = end) {
		int result;

		end = key_end(entries, i);
		if (i / PROGRESS_RULES != end / PROGRESS_RULES)
			progress_show("%zu of %zu rules written", i, entries->count);
		result = key_fill(build, &entries->items[i], end - i);
		if (result)
			return result < 0 ? build_memory(error) : 1;
	}
	for (unsigned int list = 0; list < RULES_LISTS; list++)
		list_fill(build, list);
	header->live = (uint32_t)entries->count;
	header->sweep = entries_sweep(entries);
	header->keys = (uint32_t)build->keys;
	return 0;
}

static int build_make(struct build *build, uint64_t sequence, struct error *error)
{
	struct rules_header header;

	for (unsigned int crowded = 0; crowded < BUCKET_RETRIES; crowded++) {
		int result;

		if (build_layout(build, crowded, &header, error))
			return -1;
		header.sequence = sequence;
		result = build_create(build, &header, error);
		if (!result)
			result = build_fill(build, error);
		if (result <= 0)
			return result;
		arena_close(&build->next.arena);
	}
	return error_state(error, "rules", "the table of keys is crowded");
}

/* ---- counters and the swap ---- */

/* Adds what the old record counted since the last time to the new one. */
static void counters_carry(struct build *build)
{
	for (size_t i = 0; i < build->entries.count; i++) {
		struct entry *entry = &build->entries.items[i];
		struct rules_record *record;
		uint64_t packets, bytes;

		if (!entry->old)
			continue;
		record = set_record(&build->next, entry->cell);
		packets = __atomic_load_n(&entry->old->head.packets, __ATOMIC_RELAXED);
		bytes = __atomic_load_n(&entry->old->head.bytes, __ATOMIC_RELAXED);
		__atomic_fetch_add(&record->head.packets, packets - entry->packets, __ATOMIC_RELAXED);
		__atomic_fetch_add(&record->head.bytes, bytes - entry->bytes, __ATOMIC_RELAXED);
		if (entry->old->head.last > record->head.last)
			record->head.last = entry->old->head.last;
		entry->packets = packets;
		entry->bytes = bytes;
	}
}

/* The swap returns when no program uses the old arena any more: what it counted until then is carried after it. */
static int build_swap(struct build *build, struct error *error)
{
	struct ruleset *set = build->set;
	__u32 zero = 0;

	counters_carry(build);
	if (set->outer >= 0 && bpf_map_update_elem(set->outer, &zero, &build->next.arena.fd, 0))
		return error_errno(error, SPLICER_RULES);
	counters_carry(build);
	arena_close(&set->arena);
	set->arena = build->next.arena;
	build->next.arena = (struct arena){ .fd = -1 };
	return 0;
}

static void build_free(struct build *build)
{
	free(build->entries.items);
	free(build->table.tuples);
	free(build->removed.items);
	if (build->next.arena.cells)
		arena_close(&build->next.arena);
}

/* Which rules there will be. *same: those that there are. */
static int build_resolve(struct build *build, struct changes *changes, bool *same, struct error *error)
{
	const struct rules_header *header = set_header(build->set);
	bool replace = changes && changes->replace;

	*same = false;
	if (arena_map_whole(&build->set->arena, error) || entries_collect(build, changes, error))
		return -1;
	progress_show("sorting %zu rules", build->entries.count);
	qsort(build->entries.items, build->entries.count, sizeof(struct entry), entry_order);
	if (entries_resolve(build, header->sequence, replace, error))
		return -1;
	if (replace && entries_keep_numbers(&build->entries, same))
		return build_memory(error);
	*same = *same && build->entries.count == header->live;
	return entries_give_layers(&build->entries, error);
}

/* The caller is told of the rules that a replacement took away. */
static int changes_append(struct changes *changes, const struct changes *removed, struct error *error)
{
	for (size_t i = 0; i < removed->count; i++) {
		if (changes_add(changes, CHANGE_DELETE, &removed->items[i].rule, error))
			return -1;
		changes->items[changes->count - 1].letter = 'D';
	}
	return 0;
}

int ruleset_build(struct ruleset *set, struct changes *changes, bool dry_run, struct error *error)
{
	struct build build = { .set = set, .next = { .arena = { .fd = -1 } } };
	uint64_t sequence = set_header(set)->sequence + (changes ? changes->count : 0);
	bool same;
	int result = build_resolve(&build, changes, &same, error);

	if (!result)
		result = build_measure(&build, error);
	if (!result && !dry_run && !same)
		result = build_make(&build, sequence, error);
	if (!result && changes)
		result = changes_append(changes, &build.removed, error);
	if (!result && !dry_run && !same)
		result = build_swap(&build, error);
	progress_end();
	build_free(&build);
	return result;
}
