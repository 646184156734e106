/* SPDX-License-Identifier: GPL-2.0-only */
#include "block.h"

#include <stdlib.h>
#include <string.h>

unsigned int cells_class(uint32_t cells)
{
	unsigned int class = 0;

	while (1u << class < cells)
		class ++;
	return class;
}

unsigned int block_class(size_t intervals)
{
	return cells_class(rules_block_cells((uint32_t)intervals));
}

static int member_better_first(const void *left, const void *right)
{
	const struct member *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? 1 : -1;
	return a->decision < b->decision ? 1 : a->decision > b->decision ? -1 : 0;
}

static int point_order(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

/*
 * The ports are cut at every point where a member starts or ends. Members, best first, take the segments that are
 * still free; `next` skips what is taken (union-find), so each segment is visited about once.
 */
struct segments {
	uint32_t *points; /* segment i is points[i] to points[i + 1] - 1 */
	uint32_t *next;
	uint32_t *owner; /* record; 0: free */
	size_t count;
};

static int segments_init(struct segments *s, const struct member *members, size_t count)
{
	size_t used = 0;

	s->points = malloc(2 * count * sizeof(uint32_t));
	s->next = malloc(2 * count * sizeof(uint32_t));
	s->owner = calloc(2 * count, sizeof(uint32_t));
	if (!s->points || !s->next || !s->owner)
		return -1;
	for (size_t i = 0; i < count; i++) {
		s->points[2 * i] = members[i].low;
		s->points[2 * i + 1] = members[i].high + 1u;
	}
	qsort(s->points, 2 * count, sizeof(uint32_t), point_order);
	for (size_t i = 0; i < 2 * count; i++)
		if (!used || s->points[used - 1] != s->points[i])
			s->points[used++] = s->points[i];
	for (size_t i = 0; i < used; i++)
		s->next[i] = (uint32_t)i;
	s->count = used - 1;
	return 0;
}

static void segments_free(struct segments *s)
{
	free(s->points);
	free(s->next);
	free(s->owner);
}

/* The first free segment from i on; s->count when there is none. */
static uint32_t segment_free(struct segments *s, uint32_t i)
{
	while (s->next[i] != i) {
		s->next[i] = s->next[s->next[i]];
		i = s->next[i];
	}
	return i;
}

static uint32_t segment_at(const struct segments *s, uint32_t point)
{
	const uint32_t *found = bsearch(&point, s->points, s->count + 1, sizeof(point), point_order);

	return (uint32_t)(found - s->points);
}

static void segments_take(struct segments *s, const struct member *member)
{
	uint32_t end = segment_at(s, member->high + 1u);
	uint32_t i = segment_free(s, segment_at(s, member->low));

	for (; i < end; i = segment_free(s, i)) {
		s->owner[i] = member->record;
		s->next[i] = i + 1;
	}
}

/* Neighbours of one owner become one interval. */
static size_t segments_merge(const struct segments *s, struct rules_interval *out)
{
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct rules_interval interval = {
			.low = (uint16_t)s->points[i],
			.high = (uint16_t)(s->points[i + 1] - 1),
			.record = s->owner[i],
		};

		if (!interval.record)
			continue;
		if (count && out[count - 1].record == interval.record && out[count - 1].high + 1 == interval.low)
			out[count - 1].high = interval.high;
		else
			out[count++] = interval;
	}
	return count;
}

size_t block_compile(struct member *members, size_t count, struct rules_interval *out)
{
	struct segments segments;
	size_t result = 0;

	if (count == 1) {
		out[0] = (struct rules_interval){ members[0].low, members[0].high, members[0].record };
		return 1;
	}
	qsort(members, count, sizeof(*members), member_better_first);
	if (!segments_init(&segments, members, count)) {
		for (size_t i = 0; i < count; i++)
			segments_take(&segments, &members[i]);
		result = segments_merge(&segments, out);
	}
	segments_free(&segments);
	return result;
}

void block_write(struct rules_block *block, const struct rules_key *key, uint32_t link,
		 const struct rules_interval *intervals, size_t count)
{
	struct rules_cell *cells = (struct rules_cell *)block;
	uint32_t used = rules_block_cells((uint32_t)count);

	block->meta = key->meta;
	block->count = (uint32_t)count;
	block->link = link;
	memcpy(block->addr, key->addr, sizeof(block->addr));
	for (size_t word = RULES_BLOCK_WORD; word < (size_t)used * 8; word++) {
		size_t i = word - RULES_BLOCK_WORD;
		uint64_t value = RULES_INTERVAL_PAD;

		if (i < count)
			value = (uint64_t)intervals[i].low | (uint64_t)intervals[i].high << 16 |
				(uint64_t)intervals[i].record << 32;
		cells[word / 8].word[word % 8] = value;
	}
}
