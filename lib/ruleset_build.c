/* SPDX-License-Identifier: GPL-2.0-only */
/* A new arena from the live records and a number of changes: for batches, growth, replacement and repair. */
#include "rulekey.h"
#include "ruleset_internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLACK_MIN 1024 /* rules that fit in before the next build, at least */
#define SLACK_SHARE 8  /* and one in so many of the rules there are */
#define BUCKET_RETRIES 4
#define TUPLES_HASH 16384 /* a power of two above RULES_LISTS * RULES_TUPLES_MAX */

/* A rule that is there, or a change to it. Sorted, all entries of one rule stand together, oldest first. */
struct entry {
	uint64_t hash; /* of the key */
	const struct rules_record *rule;
	struct rules_record *old; /* of the set as it is; NULL: not in it */
	struct change *change;    /* NULL: not changed */
	uint64_t decision;
	uint64_t packets, bytes; /* as copied to the new arena */
	uint32_t order;          /* 0: is there; then by place in the changes */
	uint32_t cell;           /* in the new arena */
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

static struct entry *entry_add(struct entries *entries, const struct rules_record *rule, uint32_t order)
{
	struct rules_key key = rule_key(rule);
	struct entry *entry = &entries->items[entries->count++];

	*entry = (struct entry){ .hash = rules_hash(&key), .rule = rule, .order = order };
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
		if (record->head.state != RULES_LIVE)
			continue;
		struct entry *entry = entry_add(&build->entries, record, 0);

		entry->old = record;
		entry->decision = record->head.decision;
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

/* Applies the changes to one rule in their order. Returns what is left of it, or NULL. */
static struct entry *rule_resolve(struct entry *first, struct entry *end, uint64_t sequence)
{
	struct rules_record *old = first->old;
	struct entry *now = first->change ? NULL : first;

	for (struct entry *entry = first; entry < end; entry++) {
		if (!entry->change)
			continue;
		if (entry->change->kind == CHANGE_DELETE) {
			entry->change->letter = now ? 'D' : '=';
			now = NULL;
			old = NULL;
			continue;
		}
		entry->change->letter = now ? put_letter(now->decision, entry->rule->head.decision) : 'A';
		entry->decision =
			decision_put(now ? now->decision : 0, entry->rule->head.decision, sequence + entry->order);
		entry->change->rule.head.decision = entry->decision;
		now = entry;
	}
	if (now)
		now->old = old;
	return now;
}

static void entries_resolve(struct entries *entries, uint64_t sequence)
{
	size_t kept = 0;

	for (size_t i = 0, end; i < entries->count; i = end) {
		struct entry *left;

		for (end = i + 1; end < entries->count; end++)
			if (entries->items[end].hash != entries->items[i].hash ||
			    rule_compare(entries->items[end].rule, entries->items[i].rule))
				break;
		left = rule_resolve(&entries->items[i], &entries->items[end], sequence);
		if (left)
			entries->items[kept++] = *left;
	}
	entries->count = kept;
}

/* The end of the rules that share the key of items[from]. */
static size_t key_end(const struct entries *entries, size_t from)
{
	size_t end = from + 1;

	while (end < entries->count && entries->items[end].hash == entries->items[from].hash &&
	       !rule_compare_key(entries->items[end].rule, entries->items[from].rule))
		end++;
	return end;
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
static int table_note(struct tuple_table *table, const struct rules_record *rule, struct error *error)
{
	uint64_t rank = rule_rank(rule), meta = rule_tuple_meta(rule);
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
			if (table_note(&build->table, entries->items[k].rule, error))
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
	record->head.next = next;
	record->head.state = RULES_LIVE;
}

/* The records of one key and their block. 1: its buckets are full. */
static int key_fill(struct build *build, struct entry *entries, size_t count)
{
	struct rules_key key = rule_key(entries[0].rule);
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
		result = key_fill(build, &entries->items[i], end - i);
		if (result)
			return result < 0 ? build_memory(error) : 1;
	}
	for (unsigned int list = 0; list < RULES_LISTS; list++)
		list_fill(build, list);
	header->live = (uint32_t)entries->count;
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
	if (build->next.arena.cells)
		arena_close(&build->next.arena);
}

int ruleset_build(struct ruleset *set, const struct changes *changes, bool dry_run, struct error *error)
{
	struct build build = { .set = set, .next = { .arena = { .fd = -1 } } };
	uint64_t sequence = set_header(set)->sequence;
	int result = arena_map_whole(&set->arena, error);

	if (!result)
		result = entries_collect(&build, changes, error);
	if (!result) {
		qsort(build.entries.items, build.entries.count, sizeof(struct entry), entry_order);
		entries_resolve(&build.entries, sequence);
	}
	if (!result)
		result = build_measure(&build, error);
	if (!result && !dry_run) {
		result = build_make(&build, sequence + (changes ? changes->count : 0), error);
		if (!result)
			result = build_swap(&build, error);
	}
	build_free(&build);
	return result;
}
