/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/block.c: the intervals of a key against a winner asked for at each of the 65,536 ports. */
#include "block.h"

#include "tap.h"

#define PORTS 65536
#define MEMBERS_MAX 200

static uint32_t expected[PORTS], got[PORTS];

/* The dumb way: at each port the best of all members. */
static void winners_expected(const struct member *members, size_t count)
{
	static const struct member *best[PORTS];

	memset(best, 0, sizeof(best));
	for (size_t i = 0; i < count; i++) {
		for (uint32_t port = members[i].low; port <= members[i].high; port++) {
			const struct member *now = best[port];

			if (!now || members[i].rank > now->rank ||
			    (members[i].rank == now->rank && members[i].decision > now->decision))
				best[port] = &members[i];
		}
	}
	for (uint32_t port = 0; port < PORTS; port++)
		expected[port] = best[port] ? best[port]->record : 0;
}

static void winners_got(const struct rules_interval *intervals, size_t count)
{
	memset(got, 0, sizeof(got));
	for (size_t i = 0; i < count; i++)
		for (uint32_t port = intervals[i].low; port <= intervals[i].high; port++)
			got[port] = intervals[i].record;
}

/* Sorted, disjoint, and no two neighbours that could be one. */
static bool intervals_are_proper(const struct rules_interval *intervals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (intervals[i].low > intervals[i].high || !intervals[i].record)
			return false;
		if (i && intervals[i - 1].high >= intervals[i].low)
			return false;
		if (i && intervals[i - 1].high + 1 == intervals[i].low &&
		    intervals[i - 1].record == intervals[i].record)
			return false;
	}
	return true;
}

static const char *compare(const struct member *members, size_t count)
{
	static struct rules_interval intervals[2 * MEMBERS_MAX];
	static struct member copy[MEMBERS_MAX];
	static char wrong[128];
	size_t result;

	memcpy(copy, members, count * sizeof(*members));
	result = block_compile(copy, count, intervals);
	if (!result || result > 2 * count - 1) {
		snprintf(wrong, sizeof(wrong), "%zu members: expected 1 to %zu intervals, got %zu", count,
			 2 * count - 1, result);
		return wrong;
	}
	if (!intervals_are_proper(intervals, result))
		return "expected sorted, disjoint and merged intervals";
	winners_expected(members, count);
	winners_got(intervals, result);
	for (uint32_t port = 0; port < PORTS; port++) {
		if (expected[port] == got[port])
			continue;
		snprintf(wrong, sizeof(wrong), "port %u: expected record %u, got %u", port, expected[port], got[port]);
		return wrong;
	}
	return "";
}

/* Ranges that overlap, touch and share their ends, up to both ends of all ports. */
static void random_range(struct member *member)
{
	uint16_t low = (uint16_t)random_next(), high = (uint16_t)random_next();

	switch (random_below(6)) {
	case 0:
		low = 0;
		break;
	case 1:
		high = 65535;
		break;
	case 2:
		high = low;
		break;
	case 3:
		low = (uint16_t)random_below(20);
		high = (uint16_t)random_below(20);
		break;
	case 4:
		low = (uint16_t)(65535 - random_below(20));
		high = (uint16_t)(65535 - random_below(20));
		break;
	}
	member->low = low < high ? low : high;
	member->high = low < high ? high : low;
}

static size_t random_members(struct member *members, size_t most)
{
	size_t count = 1 + random_below((uint32_t)most);

	for (size_t i = 0; i < count; i++) {
		random_range(&members[i]);
		members[i].record = (uint32_t)(3 * i + 1);
		members[i].rank = random_below(3) ? random_below(4) : random_next();
		/* never equal: it holds the sequence number */
		members[i].decision = (uint64_t)random_below(4) << 61 | (uint64_t)random_below(1000) << 16 | i;
	}
	return count;
}

static void test_random(size_t most, int rounds)
{
	static struct member members[MEMBERS_MAX];
	const char *wrong = "";

	for (int n = 0; n < rounds && !*wrong; n++)
		wrong = compare(members, random_members(members, most));
	check_property(wrong, "up to %zu members: the winner at every port, intervals sorted, disjoint, merged", most);
}

static void test_cases(void)
{
	static const struct member inside[] = { { 9, 1, 1, 10, 20 }, { 5, 9, 2, 0, 65535 } };
	static const struct member hidden[] = { { 9, 1, 1, 0, 65535 }, { 5, 9, 2, 10, 20 } };
	static const struct member halves[] = { { 9, 1, 1, 0, 32767 }, { 9, 2, 2, 32768, 65535 } };
	static const struct member same[] = { { 9, 1, 1, 80, 80 }, { 9, 3, 2, 80, 80 }, { 9, 2, 3, 80, 80 } };
	struct rules_interval out[6];
	struct member copy[3];

	check_property(compare(inside, 2), "a narrow range inside a wide one");
	check_property(compare(hidden, 2), "a range that never wins");
	check_property(compare(halves, 2), "ranges that touch");
	check_property(compare(same, 3), "equal ranks");
	memcpy(copy, hidden, sizeof(hidden));
	check((long long)block_compile(copy, 2, out), 1, "pieces of one winner are merged");
	memcpy(copy, inside, sizeof(inside));
	check((long long)block_compile(copy, 2, out), 3, "a range around another is cut in two");
	memcpy(copy, same, sizeof(same));
	check((long long)block_compile(copy, 3, out), 1, "one port, one interval");
	check(out[0].record, 2, "of the larger decision");
}

/* ---- the block as it stands in the arena ---- */

static void test_write(void)
{
	struct rules_key key = { .meta = 77, .addr = { 1, 2, 3, 4 } };
	struct rules_interval intervals[40];
	char wrong[128] = "";

	for (uint16_t i = 0; i < 40; i++)
		intervals[i] = (struct rules_interval){ (uint16_t)(10 * i), (uint16_t)(10 * i + 5), 100u + i };
	for (size_t count = 1; count <= 40 && !*wrong; count++) {
		static struct rules_cell cells[9];
		struct rules_block *block = (struct rules_block *)cells;
		uint32_t used = rules_block_cells((uint32_t)count);

		memset(cells, 0x55, sizeof(cells));
		block_write(block, &key, 9, intervals, count);
		if (block->meta != 77 || block->count != count || block->link != 9 ||
		    memcmp(block->addr, key.addr, sizeof(key.addr)))
			snprintf(wrong, sizeof(wrong), "%zu intervals: key, count or link differ", count);
		for (size_t word = RULES_BLOCK_WORD; word < 72 && !*wrong; word++) {
			uint64_t value = RULES_INTERVAL_PAD, is = cells[word / 8].word[word % 8];

			if (word - RULES_BLOCK_WORD < count)
				memcpy(&value, &intervals[word - RULES_BLOCK_WORD], sizeof(value));
			if (word >= (size_t)used * 8)
				value = 0x5555555555555555;
			if (is != value)
				snprintf(wrong, sizeof(wrong),
					 "%zu intervals, word %zu: expected %" PRIx64 ", got %" PRIx64, count, word,
					 value, is);
		}
	}
	check_property(wrong, "a block has its intervals, padding to the end of the cell, nothing after");
}

static void test_classes(void)
{
	check(cells_class(1), 0, "class of 1 cell");
	check(cells_class(2), 1, "class of 2 cells");
	check(cells_class(3), 2, "class of 3 cells");
	check(cells_class(512), 9, "class of 512 cells");
	check(block_class(2), 0, "2 intervals fit in one cell");
	check(block_class(3), 1, "3 do not");
	check(block_class(10), 1, "10 fit in two cells");
	check(block_class(11), 2, "11 do not");
	check(block_class(RULES_INTERVALS_MAX) < RULES_SIZES, 1, "the largest block has a class");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_cases();
	test_random(3, 1500);
	test_random(12, 1000);
	test_random(MEMBERS_MAX, 150);
	test_write();
	test_classes();
	return tap_done();
}
