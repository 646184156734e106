/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/follow.c: records of the ring, those of other versions too */
#include "follow.h"

#include "tap.h"

static uint64_t lengths; /* of the events that came, added up */

static void add_length(void *context, const struct event *event)
{
	(void)context;
	lengths += event->length;
}

/* A record that ends where it must, for the sanitizers; it is as long as a later version's could be. */
static int take(struct follow *follow, size_t size, uint32_t length)
{
	struct event event = { .length = length };
	char *record = calloc(1, size);
	int result;

	if (!record)
		bail_out("memory");
	memcpy(record, &event, size < sizeof(event) ? size : sizeof(event));
	result = follow_take(follow, record, size);
	free(record);
	return result;
}

static void test_sizes(void)
{
	struct follow follow = { .event = add_length };

	lengths = 0;
	check(take(&follow, sizeof(struct event), 1), 0, "a record goes on");
	check(take(&follow, sizeof(struct event) + 64, 10), 0, "a longer one too");
	check(take(&follow, sizeof(struct event) - 1, 100), 0, "and a shorter one");
	check(take(&follow, 1, 100), 0, "and one of a byte");
	check((long long)lengths, 11, "what is long enough is handed over");
	check((long long)follow.seen, 2, "and counted");
	check((long long)follow.skipped, 2, "the others are counted as skipped");
}

static void test_count(void)
{
	struct follow follow = { .event = add_length, .count = 2 };

	check(take(&follow, sizeof(struct event), 1), 0, "one of two goes on");
	check(take(&follow, 8, 1), 0, "one that is skipped is none of them");
	check(take(&follow, sizeof(struct event), 1) < 0, 1, "the second ends the round");
}

static void test_round(void)
{
	struct follow follow = { .event = add_length };
	long long taken = 1;

	while (!take(&follow, sizeof(struct event), 1) && taken < 1000000)
		taken++;
	check((long long)follow.taken, taken, "a round counts its records");
	check(taken < 1000000, 1, "a round ends, however many events there are");
}

int main(void)
{
	test_sizes();
	test_count();
	test_round();
	return tap_done();
}
