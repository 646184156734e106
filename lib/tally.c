/* SPDX-License-Identifier: GPL-2.0-only */
#include "tally.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Cell i of CPU c is items[i * CPUs + c]. */
int tallies_read(int fd, struct tallies *tallies)
{
	uint32_t keys[RULES_TALLIES], next, count = RULES_TALLIES;
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	int cpus = libbpf_num_possible_cpus(), result;

	*tallies = (struct tallies){ 0 };
	if (cpus < 0)
		return -1;
	tallies->items = calloc((size_t)RULES_TALLIES * (size_t)cpus, sizeof(*tallies->items));
	if (!tallies->items)
		return -1;
	result = bpf_map_lookup_batch(fd, NULL, &next, keys, tallies->items, &count, &options);
	/* -ENOENT: these were the last */
	if (result && result != -ENOENT) {
		tallies_free(tallies);
		return -1;
	}
	tallies->count = (size_t)RULES_TALLIES * (size_t)cpus;
	return 0;
}

void tallies_free(struct tallies *tallies)
{
	free(tallies->items);
	*tallies = (struct tallies){ 0 };
}

static bool tally_is_of(const struct rules_tally *tally, uint64_t arena, uint32_t record)
{
	return tally->packets && tally->record == record && tally->arena == arena;
}

void tally_add(const struct rules_tally *tally, struct rules_head *head)
{
	head->packets += tally->packets;
	head->bytes += tally->bytes;
	if (tally->last > head->last)
		head->last = tally->last;
}

void tallies_add(const struct tallies *tallies, uint64_t arena, uint32_t record, struct rules_head *head)
{
	size_t cpus = tallies->count / RULES_TALLIES;
	const struct rules_tally *tally = tallies->items + rules_tally_index(arena, record) * cpus;

	for (size_t cpu = 0; cpu < cpus; cpu++, tally++)
		if (tally_is_of(tally, arena, record))
			tally_add(tally, head);
}

int tally_forget(int fd, uint64_t arena, uint32_t record)
{
	uint32_t index = rules_tally_index(arena, record);
	int cpus = libbpf_num_possible_cpus(), result;
	struct rules_tally *cells;
	bool found = false;

	if (cpus < 0)
		return -1;
	cells = calloc((size_t)cpus, sizeof(*cells));
	if (!cells)
		return -1;
	result = bpf_map_lookup_elem(fd, &index, cells);
	for (int cpu = 0; !result && cpu < cpus; cpu++) {
		if (!tally_is_of(&cells[cpu], arena, record))
			continue;
		memset(&cells[cpu], 0, sizeof(cells[cpu]));
		found = true;
	}
	if (found)
		result = bpf_map_update_elem(fd, &index, cells, BPF_ANY);
	free(cells);
	return result ? -1 : 0;
}
