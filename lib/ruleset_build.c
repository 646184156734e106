/* SPDX-License-Identifier: GPL-2.0-only */
/* A new arena from the live records and a number of changes: for batches, growth, replacement and repair. */
#include "progress.h"
#include "ruleset_entries.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLACK_MIN 1024 /* rules that fit in before the next build, at least */
#define SLACK_SHARE 8  /* and one in so many of the rules there are */
#define GUARD_CROWD 80 /* keys in a cell of the guard, of 512 bits, that make it pass one key in 20 in vain */
#define PROGRESS_RULES 4096
#define BUCKET_RETRIES 4
#define TUPLES_HASH 16384 /* a power of two above RULES_LISTS * RULES_TUPLES_MAX */

struct tuple_table {
	struct rules_tuple *tuples;  /* TUPLES_HASH, by hash of meta; arena 0: empty */
	uint32_t lists[RULES_LISTS]; /* tuples of each */
};

struct build {
	struct ruleset *set; /* as it is */
	struct ruleset next; /* as it will be */
	struct entries entries;
	struct tuple_table table;
	struct member *members;           /* room for those of the largest key, and */
	struct rules_interval *intervals; /* what is compiled of them */
	size_t keys;
	size_t block_cells; /* that all blocks need at most */
};

/* ---- tuples ---- */

static struct rules_tuple *table_slot(struct tuple_table *table, uint64_t meta)
{
	uint64_t at = (meta * 0x9e3779b97f4a7c15ull) >> 40;

	for (;; at++) {
		struct rules_tuple *tuple = &table->tuples[at % TUPLES_HASH];

		if (!tuple->arena || tuple->meta == meta)
			return tuple;
	}
}

static int table_note(struct tuple_table *table, const struct entry *entry, struct error *error)
{
	const struct rules_record *rule = entry->rule;
	uint64_t rank = rule_rank(rule), meta = entry_key(entry).meta & ~(uint64_t)UINT32_MAX;
	struct rules_tuple *tuple = table_slot(table, meta);
	unsigned int lists[4], count;

	if (!tuple->arena) {
		tuple->arena = 1; /* until list_fill */
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
	size_t largest = 1;

	build->table.tuples = calloc(TUPLES_HASH, sizeof(struct rules_tuple));
	if (!build->table.tuples)
		return entries_memory(error);
	for (size_t i = 0, end; i < entries->count; i = end) {
		end = key_end(entries, i);
		build->keys++;
		if (end - i > largest)
			largest = end - i;
		build->block_cells += (size_t)1 << block_class(2 * (end - i) - 1);
		for (size_t k = i; k < end; k++)
			if (table_note(&build->table, &entries->items[k], error))
				return -1;
	}
	build->members = calloc(largest, sizeof(*build->members));
	build->intervals = calloc(2 * largest, sizeof(*build->intervals));
	return build->members && build->intervals ? 0 : entries_memory(error);
}

static uint32_t power_of_two(size_t least)
{
	uint32_t power = 1;

	while (power < least)
		power *= 2;
	return power;
}

/* By the longer prefix, unless too many keys would meet in the cells that it chooses. */
static int guard_choose(const struct build *build, uint32_t guard_cells, uint32_t *mask, struct error *error)
{
	uint32_t *keys = calloc(guard_cells, sizeof(*keys));
	const struct entries *entries = &build->entries;
	uint64_t met = 0; /* keys in its cell, summed over keys */

	if (!keys)
		return entries_memory(error);
	*mask = guard_cells - 1;
	for (size_t i = 0; i < entries->count; i = key_end(entries, i)) {
		struct rules_key key = entry_key(&entries->items[i]);

		met += 2ull * keys[rules_guard_cell(rules_prefix_hash(&key), *mask)]++ + 1;
	}
	if (met > build->keys * GUARD_CROWD)
		*mask |= RULES_GUARD_SPREAD;
	free(keys);
	return 0;
}

/* The header of the new arena; the tables have room for the slack, and `crowded` doubles that of the buckets. */
static int build_layout(const struct build *build, unsigned int crowded, struct rules_header *header,
			struct error *error)
{
	size_t slack = build->entries.count / SLACK_SHARE + SLACK_MIN, keys = build->keys + slack;
	uint32_t guard_cells = power_of_two(keys / 32), buckets = power_of_two(keys * 2 / RULES_SLOTS) << crowded;
	size_t cells = RULES_HEADER_CELLS + guard_cells + buckets;
	uint32_t guard_mask = 0;

	if (guard_choose(build, guard_cells, &guard_mask, error))
		return -1;
	*header = (struct rules_header){
		.guard = RULES_HEADER_CELLS,
		.guard_mask = guard_mask,
		.buckets = RULES_HEADER_CELLS + guard_cells,
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
	/* see rules_tally_index */
	header->arena = (header->arena & ~1ull) | (~set_header(build->set)->arena & 1);
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
	record->max_duration = rule_max_duration(entry->rule); /* none that a killed writer left */
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
	__u64 *slot = slot_free(&build->next, entries[0].hash);
	size_t interval_count;
	uint32_t next = 0, cell;

	if (!slot)
		return 1;
	for (size_t i = 0; i < count; i++) {
		record_fill(build, &entries[i], next);
		next = entries[i].cell;
		build->members[i] = (struct member){ rule_rank(entries[i].rule), entries[i].decision, next,
						     entries[i].rule->head.low, entries[i].rule->head.high };
	}
	interval_count = block_compile(build->members, count, build->intervals);
	cell = interval_count ? cells_take(&build->next, block_class(interval_count)) : 0;
	if (!cell)
		return -1;
	block_write(arena_at(&build->next.arena, cell, 1u << block_class(interval_count)), &key, next, build->intervals,
		    interval_count);
	*slot = rules_slot(entries[0].hash, cell);
	guard_add(&build->next, &key, entries[0].hash);
	return 0;
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
		if (!build->table.tuples[i].arena || !tuple_stands_in(&build->table.tuples[i], list))
			continue;
		tuples[used] = build->table.tuples[i];
		tuples[used++].arena = header->arena;
	}
	qsort(tuples, used, sizeof(*tuples), tuple_order);
	tuples_set_runs(tuples, used);
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

static bool entries_have_rate(const struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		if (rule_rate(entries->items[i].rule))
			return true;
	return false;
}

/* 1: a bucket is full. */
static int build_fill(struct build *build, struct error *error)
{
	struct rules_header *header = set_header(&build->next);
	struct entries *entries = &build->entries;

	if (records_place(build))
		return entries_memory(error);
	for (size_t i = 0, end; i < entries->count; i = end) {
		int result;

		end = key_end(entries, i);
		if (i / PROGRESS_RULES != end / PROGRESS_RULES)
			progress_show("%zu of %zu rules written", i, entries->count);
		result = key_fill(build, &entries->items[i], end - i);
		if (result)
			return result < 0 ? entries_memory(error) : 1;
	}
	for (unsigned int list = 0; list < RULES_LISTS; list++)
		list_fill(build, list);
	header->live = (uint32_t)entries->count;
	header->sweep = entries_sweep(entries);
	header->rated = entries_have_rate(entries);
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

static bool record_is_there(struct ruleset *set, uint32_t cell)
{
	const struct rules_header *header = set_header(set);

	return cell >= header->records && cell < header->records_end &&
	       (cell - header->records) % RULES_RECORD_CELLS == 0;
}

/*
 * What is tallied for the old arena and will not be settled any more: programs drop what they find of an arena that is
 * no longer there. Where it cannot be read it is lost, which is no reason to refuse what was asked for.
 */
static void tallies_take(struct ruleset *set)
{
	struct tallies tallies;
	uint64_t arena = set_header(set)->arena;

	if (set->tally < 0 || tallies_read(set->tally, &tallies))
		return;
	for (size_t i = 0; i < tallies.count; i++) {
		const struct rules_tally *tally = &tallies.items[i];

		if (tally->packets && tally->arena == arena && record_is_there(set, tally->record))
			tally_add(tally, &set_record(set, tally->record)->head);
	}
	tallies_free(&tallies);
}

/* The swap returns when no program uses the old arena any more: what it counted until then is carried after it. */
static int build_swap(struct build *build, struct error *error)
{
	struct ruleset *set = build->set;
	__u32 zero = 0;

	counters_carry(build);
	if (set->outer >= 0 && bpf_map_update_elem(set->outer, &zero, &build->next.arena.fd, 0))
		return error_errno(error, "rules");
	tallies_take(set);
	counters_carry(build);
	arena_close(&set->arena);
	set->arena = build->next.arena;
	build->next.arena = (struct arena){ .fd = -1 };
	return 0;
}

static void build_free(struct build *build)
{
	entries_free(&build->entries);
	free(build->table.tuples);
	free(build->members);
	free(build->intervals);
	if (build->next.arena.cells)
		arena_close(&build->next.arena);
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
	int result = arena_map_whole(&set->arena, error);

	if (!result)
		result = entries_make(&build.entries, set, changes, &same, error);
	if (!result)
		result = build_measure(&build, error);
	if (!result && !dry_run && !same)
		result = build_make(&build, sequence, error);
	if (!result && changes)
		result = changes_append(changes, &build.entries.removed, error);
	if (!result && !dry_run && !same)
		result = build_swap(&build, error);
	progress_end();
	build_free(&build);
	return result;
}
