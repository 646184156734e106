/* SPDX-License-Identifier: GPL-2.0-only */
#include "generation.h"

#include <bpf/bpf.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int map_make(size_t value, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	int map =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "generation", sizeof(uint32_t), (uint32_t)value, entries, &options);

	if (map < 0)
		err(2, "generation");
	return map;
}

static void *map_memory(int map, size_t value, uint32_t entries)
{
	void *memory = mmap(NULL, value * entries, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	if (memory == MAP_FAILED)
		err(2, "generation: mmap");
	return memory;
}

void generation_clear(struct generation *generation, uint64_t number)
{
	memset(generation->head, 0, sizeof(struct flow_bucket) * (1 + (size_t)generation->bucket_count));
	memset(generation->packets_head, 0, sizeof(struct flow_packet) * (1 + (size_t)generation->room));
	generation->head->generation = generation->packets_head->generation = number;
	generation->head->seed = 0x1234567 * (number + 1) | 1;
	generation->head->buckets = generation->bucket_count;
	generation->head->settings.clock = FLOW_CLOCK_PACKET;
	generation->packets_head->room = generation->room;
}

struct generation *generation_new(uint64_t number, uint32_t buckets, uint32_t room)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	if (!generation)
		err(2, "generation");
	generation->bucket_count = buckets;
	generation->room = room;
	generation->sessions = map_make(sizeof(struct flow_bucket), 1 + buckets);
	generation->packets = map_make(sizeof(struct flow_packet), 1 + room);
	generation->buckets = map_memory(generation->sessions, sizeof(struct flow_bucket), 1 + buckets);
	generation->head = (struct flow_head *)generation->buckets++;
	generation->records = map_memory(generation->packets, sizeof(struct flow_packet), 1 + room);
	generation->packets_head = (struct flow_packets_head *)generation->records++;
	generation_clear(generation, number);
	return generation;
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	munmap(generation->head, sizeof(struct flow_bucket) * (1 + (size_t)generation->bucket_count));
	munmap(generation->packets_head, sizeof(struct flow_packet) * (1 + (size_t)generation->room));
	close(generation->sessions);
	close(generation->packets);
	free(generation);
}

void generation_place(const struct fixture *fixture, const struct generation *generation, uint32_t slot)
{
	if (bpf_map_update_elem(fixture->sessions, &slot, &generation->sessions, BPF_ANY) ||
	    bpf_map_update_elem(fixture->packets, &slot, &generation->packets, BPF_ANY))
		err(2, FLOW_SESSIONS);
}

void generation_remove(const struct fixture *fixture, uint32_t slot)
{
	if ((bpf_map_delete_elem(fixture->sessions, &slot) || bpf_map_delete_elem(fixture->packets, &slot)) &&
	    errno != ENOENT)
		err(2, FLOW_SESSIONS);
}

static int by_start(const void *a, const void *b)
{
	const struct flow *x = *(const struct flow *const *)a, *y = *(const struct flow *const *)b;

	return x->start < y->start ? -1 : x->start > y->start;
}

size_t generation_sessions(const struct generation *generation, const struct flow *sessions[SESSIONS_MAX])
{
	size_t count = 0;

	for (uint32_t i = 0; i < generation->bucket_count; i++)
		for (int way = 0; way < FLOW_WAYS; way++)
			if (generation->buckets[i].used[way] && count < SESSIONS_MAX)
				sessions[count++] = &generation->buckets[i].flows[way];
	qsort(sessions, count, sizeof(sessions[0]), by_start);
	return count;
}

struct flow_tally generation_total(const struct generation *generation)
{
	static const struct flow *sessions[SESSIONS_MAX];
	size_t count = generation_sessions(generation, sessions);
	struct flow_tally total = { 0 };

	for (size_t i = 0; i < count; i++)
		for (int side = 0; side < 2; side++) {
			total.packets += sessions[i]->side[side].packets;
			total.bytes += sessions[i]->side[side].bytes;
		}
	return total;
}

struct generation_lost generation_lost(const struct generation *generation)
{
	struct generation_lost lost = { 0 };

	for (uint32_t i = 0; i < generation->bucket_count; i++) {
		const struct flow_bucket *bucket = &generation->buckets[i];

		lost.evicted += bucket->evicted;
		lost.evicted_tally.packets += bucket->evicted_packets;
		lost.evicted_tally.bytes += bucket->evicted_bytes;
		lost.missed.packets += bucket->missed_packets;
		lost.missed.bytes += bucket->missed_bytes;
	}
	return lost;
}

bool generation_is_free(const struct generation *generation)
{
	uint32_t odd = generation->head->sample_lock | generation->packets_head->lock;

	for (uint32_t i = 0; i < generation->bucket_count; i++)
		odd |= generation->buckets[i].lock;
	return !(odd & 1);
}
