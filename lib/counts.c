/* SPDX-License-Identifier: GPL-2.0-only */
#include "counts.h"

#include "abi/reasons.h"
#include "array.h"
#include "registry.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CELLS_AT_ONCE 512

static int by_key(const void *a, const void *b)
{
	const struct count_key *one = &((const struct count_row *)a)->key, *two = &((const struct count_row *)b)->key;

	if (one->object != two->object)
		return one->object < two->object ? -1 : 1;
	if (one->ifindex != two->ifindex)
		return one->ifindex < two->ifindex ? -1 : 1;
	if (one->hook != two->hook)
		return one->hook < two->hook ? -1 : 1;
	if (one->verdict != two->verdict)
		return one->verdict < two->verdict ? -1 : 1;
	return (one->reason > two->reason) - (one->reason < two->reason);
}

/* Cells of several CPUs, or of one, may have the same key. */
static void rows_merge(struct counts *counts)
{
	size_t kept = 0;

	if (!counts->count)
		return;
	qsort(counts->rows, counts->count, sizeof(*counts->rows), by_key);
	for (size_t i = 1; i < counts->count; i++) {
		if (by_key(&counts->rows[kept], &counts->rows[i])) {
			counts->rows[++kept] = counts->rows[i];
			continue;
		}
		counts->rows[kept].packets += counts->rows[i].packets;
		counts->rows[kept].bytes += counts->rows[i].bytes;
	}
	counts->count = kept + 1;
}

static int cells_take(struct counts *counts, const struct count_cell *cells, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct count_row *rows;

		if (!cells[i].packets)
			continue;
		rows = array_room(counts->rows, counts->count, sizeof(*rows));
		if (!rows)
			return -1;
		counts->rows = rows;
		rows[counts->count++] = (struct count_row){ cells[i].key, cells[i].packets, cells[i].bytes };
	}
	return 0;
}

/* 0, or -1 with errno */
static int cells_read(int map, size_t cpus, struct counts *counts)
{
	struct count_cell *cells = calloc(CELLS_AT_ONCE * cpus, sizeof(*cells));
	uint32_t keys[CELLS_AT_ONCE], next, *from = NULL;
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	int result = cells ? 0 : -1;
	bool more = true;

	while (!result && more) {
		uint32_t count = CELLS_AT_ONCE;

		/* -ENOENT: these were the last */
		result = bpf_map_lookup_batch(map, from, &next, keys, cells, &count, &options);
		more = !result;
		if (result == -ENOENT)
			result = 0;
		if (!result)
			result = cells_take(counts, cells, count * cpus);
		from = &next;
	}
	free(cells);
	return result;
}

int counts_read_map(int map, struct counts *counts)
{
	int cpus = libbpf_num_possible_cpus();

	*counts = (struct counts){ 0 };
	if (cpus < 0 || cells_read(map, (size_t)cpus, counts))
		return -1;
	rows_merge(counts);
	return 0;
}

int counts_read(const struct pins *pins, struct counts *counts, struct error *error)
{
	int map = pin_open(pins, &pin_counts, error), result;

	*counts = (struct counts){ 0 };
	if (map < 0)
		return -1;
	result = counts_read_map(map, counts);
	if (result)
		error_errno(error, EVENT_COUNTS);
	close(map);
	return result;
}

/* ---- sums, and their order ---- */

static uint8_t verdict_of(uint8_t verdict, unsigned int fields)
{
	switch (fields & (1u << COUNT_VERDICT | 1u << COUNT_ACTION)) {
	case 0:
		return 0;
	case 1u << COUNT_VERDICT:
		return (uint8_t)verdict_name_first(verdict);
	case 1u << COUNT_ACTION:
		return (uint8_t)verdict_action_first(verdict);
	default:
		return verdict;
	}
}

void counts_sum(struct counts *counts, unsigned int fields)
{
	for (size_t i = 0; i < counts->count; i++) {
		struct count_key *key = &counts->rows[i].key;

		if (!(fields & 1u << COUNT_OBJECT))
			key->object = 0;
		if (!(fields & 1u << COUNT_IFACE))
			key->ifindex = 0;
		if (!(fields & 1u << COUNT_HOOK))
			key->hook = 0;
		if (!(fields & 1u << COUNT_REASON))
			key->reason = 0;
		key->verdict = verdict_of(key->verdict, fields);
	}
	rows_merge(counts);
}

/* By the word that people look for. */
static int verdict_rank(unsigned int verdict)
{
	return verdict == VERDICT_DROP ? 0 : verdict == VERDICT_DETECT ? 1 : 2;
}

static int most_wanted_first(const void *a, const void *b)
{
	const struct count_row *one = a, *two = b;
	int rank = verdict_rank(one->key.verdict) - verdict_rank(two->key.verdict);

	if (rank)
		return rank;
	if (one->packets != two->packets)
		return one->packets < two->packets ? 1 : -1;
	return by_key(a, b);
}

void counts_order(struct counts *counts)
{
	if (counts->count)
		qsort(counts->rows, counts->count, sizeof(*counts->rows), most_wanted_first);
}

void counts_free(struct counts *counts)
{
	free(counts->rows);
	*counts = (struct counts){ 0 };
}
