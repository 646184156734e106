/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/talkers.c: against counting all */
#include "talkers.h"

#include "tap.h"

#include <arpa/inet.h>

enum { PLACES = 64, SOURCES = 4096 };

static struct talkers talkers;
static uint64_t exact[SOURCES], total;

static void talkers_begin(uint32_t places)
{
	struct error error;

	if (talkers_open(&talkers, places, &error))
		bail_out(error.text);
	memset(exact, 0, sizeof(exact));
	total = 0;
}

/* Both families; the same number of another family is another source. */
static struct source source_of(uint32_t number)
{
	struct source source = { .family = number % 2 ? 6 : 4 };
	uint32_t word = htonl(number / 2);

	memcpy(source.addr, &word, sizeof(word));
	return source;
}

static uint32_t number_of(const struct source *source)
{
	uint32_t word;

	memcpy(&word, source->addr, sizeof(word));
	return ntohl(word) * 2 + (source->family == 6);
}

static void add(uint32_t number, uint64_t events, int32_t port)
{
	struct source source = source_of(number);
	struct talk talk = { .events = events, .blocked = events, .bytes = 10 * events, .port = port };

	talkers_add(&talkers, &source, &talk);
	exact[number] += events;
	total += events;
}

/* "" or what is wrong with the sums, as lib/talkers.h promises them. */
static const char *sums_wrong(void)
{
	static char wrong[200];
	bool found[SOURCES] = { false };

	if (talkers.error > 2 * total / talkers.places)
		return "the error is above twice all over the places";
	for (uint32_t i = 0; i < talkers.count; i++) {
		const struct talker *talker = &talkers.items[i];
		uint32_t number = number_of(&talker->source);
		uint64_t got = talker->sum.events;

		if (found[number])
			return "a source is there twice";
		found[number] = true;
		snprintf(wrong, sizeof(wrong),
			 "source %" PRIu32 ": expected %" PRIu64 ", got %" PRIu64 " and an error of %" PRIu64, number,
			 exact[number], got, talkers.error);
		if (got > exact[number] || got + talkers.error < exact[number])
			return wrong;
	}
	for (uint32_t number = 0; number < SOURCES; number++) {
		snprintf(wrong, sizeof(wrong), "source %" PRIu32 " is missing: %" PRIu64 " events, error %" PRIu64,
			 number, exact[number], talkers.error);
		if (!found[number] && exact[number] > talkers.error)
			return wrong;
	}
	return "";
}

static void test_exact(void)
{
	talkers_begin(PLACES);
	for (uint32_t i = 0; i < PLACES; i++)
		for (uint32_t n = 0; n <= i; n++)
			add(i, 1, 53);
	check((long long)talkers.error, 0, "as many sources as places: exact");
	check((long long)talkers_sort(&talkers, 10), 10, "as many as are asked for");
	for (uint32_t i = 0; i < 10; i++) {
		check(number_of(&talkers.items[i].source), PLACES - 1 - i, "place %u of the busiest", i);
		check((long long)talkers.items[i].sum.events, PLACES - i, "its events");
		check((long long)talkers.items[i].sum.bytes, 10 * (PLACES - i), "its bytes");
		check((long long)talkers.items[i].sum.blocked, PLACES - i, "of them blocked");
	}
	add(PLACES - 1, 5, 53);
	check((long long)talkers.items[0].sum.events, PLACES + 5, "found again after sorting");
	talkers_clear(&talkers);
	check((long long)talkers_sort(&talkers, 10), 0, "nothing after it was cleared");
	add(7, 1, 53);
	check((long long)talkers_sort(&talkers, 10), 1, "fewer than are asked for");
	talkers_close(&talkers);
}

static void test_ports(void)
{
	talkers_begin(PLACES);
	add(1, 1, -1);
	check(talkers.items[0].sum.port, -1, "no port yet");
	check(talkers.items[0].port_count, 0, "and none remembered");
	for (int32_t port = 0; port < TALKER_PORTS; port++)
		for (int twice = 0; twice < 2; twice++)
			add(1, 1, 65535 - port);
	add(1, 1, -1);
	check(talkers.items[0].port_count, TALKER_PORTS, "each port once");
	check(talkers.items[0].more_ports, false, "these are all");
	check(talkers.items[0].sum.port, 65536 - TALKER_PORTS, "the last port");
	add(1, 1, 1);
	check(talkers.items[0].port_count, TALKER_PORTS, "no more are remembered");
	check(talkers.items[0].more_ports, true, "but that there were more is");
	talkers_close(&talkers);
}

/* A few sources send much, many a little, in an order of their own; weights of 1, or sampled packets. */
static void test_random(uint32_t places, uint32_t weight_limit)
{
	char wrong[240] = "";

	talkers_begin(places);
	for (uint32_t i = 0; i < 50000; i++) {
		add(random_below(4) ? random_below(SOURCES) : random_below(8), 1 + random_below(weight_limit), 80);
		if (i % 500 == 0 && *sums_wrong()) {
			snprintf(wrong, sizeof(wrong), "after %" PRIu32 ": %s", i, sums_wrong());
			break;
		}
	}
	check_property(wrong, "%" PRIu32 " places, weights to %" PRIu32 ": all within the error", places, weight_limit);
	check(talkers.error > 0, true, "the table was full");
	check_property(sums_wrong(), "in the end");
	talkers_sort(&talkers, 8);
	check_property(sums_wrong(), "and after sorting");
	talkers_close(&talkers);
}

/* Forged sources, each of them once, do not hide the one that sends a tenth of all. */
static void test_flood(void)
{
	struct source forged = { .family = 4 }, busy = source_of(3);
	struct talk talk = { .events = 1, .port = 22 };

	talkers_begin(TALKERS_PLACES);
	for (uint32_t i = 0; i < 1000000; i++) {
		uint64_t word = random_next();

		memcpy(forged.addr, &word, 4);
		talkers_add(&talkers, i % 10 ? &forged : &busy, &talk);
	}
	talkers_sort(&talkers, 1);
	check(number_of(&talkers.items[0].source), 3, "first among a million forged ones");
	check((long long)talkers.items[0].sum.events, 100000, "and counted exactly, as it was there before");
	check(talkers.error <= 2 * 1000000 / TALKERS_PLACES, true, "an error of %" PRIu64, talkers.error);
	talkers_close(&talkers);
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_exact();
	test_ports();
	test_random(2, 1);
	test_random(PLACES, 1);
	test_random(PLACES, 1000);
	test_random(1024, 1000);
	test_flood();
	return tap_done();
}
