/* SPDX-License-Identifier: GPL-2.0-only */
#include "talkers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Half of it is free at all times. */
static uint32_t index_size(const struct talkers *talkers)
{
	return talkers->places * 2;
}

int talkers_open(struct talkers *talkers, uint32_t places, struct error *error)
{
	*talkers = (struct talkers){ .places = places, .index_mask = places * 2 - 1 };
	talkers->items = calloc(places, sizeof(*talkers->items));
	talkers->index = calloc(index_size(talkers), sizeof(*talkers->index));
	talkers->credits = calloc(places, sizeof(*talkers->credits));
	if (talkers->items && talkers->index && talkers->credits &&
	    getrandom(talkers->seed, sizeof(talkers->seed), 0) == sizeof(talkers->seed))
		return 0;
	error_errno(error, "sources");
	talkers_close(talkers);
	return -1;
}

/* Each bit of the result depends on each of the word (the finalizer of splitmix64). */
static uint64_t mixed(uint64_t word)
{
	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ word >> 27) * 0x94d049bb133111ebull;
	return word ^ word >> 31;
}

/* With a seed that is secret: whoever forges sources could else choose such as share a place. */
static uint32_t source_hash(const struct talkers *talkers, const struct source *source)
{
	uint64_t words[2];

	memcpy(words, source->addr, sizeof(words));
	return (uint32_t)mixed(mixed(words[0] ^ talkers->seed[0]) ^ words[1] ^ source->family ^ talkers->seed[1]);
}

static bool source_is(const struct source *a, const struct source *b)
{
	return a->family == b->family && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

/* Where in the index the source is, or would be. */
static uint32_t *index_find(const struct talkers *talkers, const struct source *source)
{
	uint32_t at = source_hash(talkers, source);

	for (;; at++) {
		uint32_t *place = &talkers->index[at & talkers->index_mask];

		if (!*place || source_is(&talkers->items[*place - 1].source, source))
			return place;
	}
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static uint64_t credit_median(const struct talkers *talkers)
{
	for (uint32_t i = 0; i < talkers->count; i++)
		talkers->credits[i] = talkers->items[i].credit;
	qsort(talkers->credits, talkers->count, sizeof(*talkers->credits), ascending);
	return talkers->credits[talkers->count / 2];
}

/* Makes at least half of the table free. */
static void table_thin(struct talkers *talkers)
{
	uint64_t median = credit_median(talkers);
	uint32_t kept = 0;

	memset(talkers->index, 0, index_size(talkers) * sizeof(*talkers->index));
	for (uint32_t i = 0; i < talkers->count; i++) {
		if (talkers->items[i].credit <= median)
			continue;
		talkers->items[kept] = talkers->items[i];
		talkers->items[kept].credit -= median;
		*index_find(talkers, &talkers->items[kept].source) = kept + 1;
		kept++;
	}
	talkers->count = kept;
	talkers->error += median;
}

static struct talker *talker_find(struct talkers *talkers, const struct source *source)
{
	uint32_t *place = index_find(talkers, source);
	struct talker *talker;

	if (*place)
		return &talkers->items[*place - 1];
	if (talkers->count == talkers->places) {
		table_thin(talkers);
		place = index_find(talkers, source);
	}
	*place = ++talkers->count;
	talker = &talkers->items[*place - 1];
	*talker = (struct talker){ .source = *source, .sum.port = -1, .missed = talkers->error };
	return talker;
}

static void port_add(struct talker *talker, uint16_t port)
{
	talker->sum.port = port;
	for (unsigned int i = 0; i < talker->port_count; i++)
		if (talker->ports[i] == port)
			return;
	if (talker->port_count < TALKER_PORTS)
		talker->ports[talker->port_count++] = port;
	else
		talker->more_ports = true;
}

void talkers_add(struct talkers *talkers, const struct source *source, const struct talk *talk)
{
	struct talker *talker = talker_find(talkers, source);

	talker->credit += talk->events;
	talker->sum.events += talk->events;
	talker->sum.blocked += talk->blocked;
	talker->sum.bytes += talk->bytes;
	if (talk->port >= 0)
		port_add(talker, (uint16_t)talk->port);
}

/* More events first; of those that are equal the lower address, so that the order is always the same. */
static int busiest_first(const void *a, const void *b)
{
	const struct talker *first = a, *second = b;

	if (first->sum.events != second->sum.events)
		return first->sum.events < second->sum.events ? 1 : -1;
	if (first->source.family != second->source.family)
		return first->source.family < second->source.family ? -1 : 1;
	return memcmp(first->source.addr, second->source.addr, sizeof(first->source.addr));
}

static void index_rebuild(struct talkers *talkers)
{
	memset(talkers->index, 0, index_size(talkers) * sizeof(*talkers->index));
	for (uint32_t i = 0; i < talkers->count; i++)
		*index_find(talkers, &talkers->items[i].source) = i + 1;
}

size_t talkers_sort(struct talkers *talkers, size_t top)
{
	qsort(talkers->items, talkers->count, sizeof(*talkers->items), busiest_first);
	index_rebuild(talkers);
	return top < talkers->count ? top : talkers->count;
}

void talkers_clear(struct talkers *talkers)
{
	memset(talkers->index, 0, index_size(talkers) * sizeof(*talkers->index));
	talkers->count = 0;
	talkers->error = 0;
}

void talkers_close(struct talkers *talkers)
{
	free(talkers->items);
	free(talkers->index);
	free(talkers->credits);
	*talkers = (struct talkers){ 0 };
}
