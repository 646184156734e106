/* SPDX-License-Identifier: GPL-2.0-only */
#include "statsout.h"

#include "rulekey.h"
#include "ruleset_internal.h"

/*
 * The model of the cost of a new flow, in ns, fitted to scripts/bench: what it takes without rules; the cells that are
 * read for the rule that decides; and for each combination of lengths some work and, now and then, one more cell. How
 * long a cell takes depends on how much memory they are spread over.
 */
#define COST_BASE 100
#define COST_CELLS 6
#define COST_COMBINATION 6
#define COST_PER_DOUBLING 15 /* of memory beyond 1 MiB */

static uint64_t cost_of_cell(uint64_t bytes)
{
	uint64_t cost = 0;

	for (bytes >>= 20; bytes; bytes >>= 1)
		cost += COST_PER_DOUBLING;
	return cost;
}

static uint64_t cost_of_flow(uint64_t combinations, uint64_t bytes)
{
	uint64_t cell = cost_of_cell(bytes);

	if (!combinations)
		return COST_BASE;
	return COST_BASE + COST_CELLS * cell + combinations * (COST_COMBINATION + cell / 20);
}

struct stats {
	uint64_t rules, expiring, keys, stale;
	uint64_t combinations; /* in the longest list */
	uint64_t per_key;      /* intervals of the largest key */
	uint64_t bytes, bytes_free;
};

static void stats_records(struct ruleset *set, struct stats *stats)
{
	struct rules_record rule;
	uint32_t cursor = 0;

	while (ruleset_next(set, &cursor, &rule)) {
		stats->rules++;
		stats->expiring += rule.head.expires != 0;
	}
}

static void stats_blocks(struct ruleset *set, struct stats *stats)
{
	const struct rules_header *header = set_header(set);

	for (uint64_t bucket = 0; header->cells && bucket <= header->bucket_mask; bucket++) {
		const struct rules_cell *cell = arena_at(&set->arena, header->buckets + (uint32_t)bucket, 1);

		for (unsigned int i = 0; i < RULES_SLOTS; i++) {
			uint64_t slot = __atomic_load_n(&cell->word[i], __ATOMIC_RELAXED);
			const struct rules_block *block;

			if (slot <= RULES_SLOT_DELETED || (uint32_t)slot >= header->cells)
				continue;
			block = set_block(set, (uint32_t)slot);
			if (block->count > stats->per_key)
				stats->per_key = block->count;
		}
	}
}

static void stats_header(struct ruleset *set, struct stats *stats)
{
	const struct rules_header *header = set_header(set);

	stats->keys = header->keys;
	stats->stale = header->stale;
	stats->bytes = (uint64_t)set->arena.count * RULES_CELL_SIZE;
	stats->bytes_free = (uint64_t)(header->blocks_start - header->records_end) * RULES_CELL_SIZE;
	for (unsigned int list = 0; list < RULES_LISTS; list++)
		if (RULES_LIST_COUNT(header->list[list]) > stats->combinations)
			stats->combinations = RULES_LIST_COUNT(header->list[list]);
}

static void row_out(struct out *out, const char *name, uint64_t value, const char *unit, const char *text)
{
	out_begin(out);
	out_text(out, "name", "NAME", name);
	out_number(out, "value", "VALUE", value);
	out_text(out, "unit", "UNIT", unit);
	out_text(out, "text", "MEANING", text);
	out_end(out);
}

static void stats_out(struct out *out, const struct stats *s)
{
	do {
		row_out(out, "rules", s->rules, "rules", "all there are");
		row_out(out, "expiring", s->expiring, "rules", "of them, with an end");
		row_out(out, "keys", s->keys, "keys", "rules that differ in ports, tag or priority only share one");
		row_out(out, "per-key", s->per_key, "intervals", "in the largest key");
		row_out(out, "combinations", s->combinations, "lengths", "that a packet looks for, at most of 512");
		row_out(out, "stale", s->stale, "keys", "deleted, still in the filter until the next build");
		row_out(out, "memory", s->bytes, "bytes", "of the arena");
		row_out(out, "per-rule", s->rules ? s->bytes / s->rules : 0, "bytes", "of it, for each rule");
		row_out(out, "free", s->bytes_free, "bytes", "of it, for rules to come");
		row_out(out, "cost", cost_of_flow(s->combinations, s->bytes), "ns",
			"expected for a new flow that is not in the caches");
	} while (out_again(out));
}

int stats_print(const struct pins *pins, enum out_form form, struct error *error)
{
	struct stats stats = { 0 };
	struct ruleset set;
	struct out out;

	if (ruleset_open(&set, pins, &pin_rules, false, error))
		return -1;
	if (arena_map_whole(&set.arena, error)) {
		ruleset_close(&set);
		return -1;
	}
	stats_records(&set, &stats);
	stats_blocks(&set, &stats);
	stats_header(&set, &stats);
	out_open(&out, form);
	stats_out(&out, &stats);
	ruleset_close(&set);
	return 0;
}
