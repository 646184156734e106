/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/rates.c */
#include "rates.h"

#include "tap.h"

static struct rates rates;

static void take(uint64_t sequence, uint64_t packets, uint64_t bytes, const char *expected, const char *what)
{
	struct reading reading = { sequence, packets, bytes };
	struct error error;
	struct rate rate = { 0 };
	char text[64];

	if (rates_take(&rates, &reading, &rate, &error))
		bail_out(error.text);
	snprintf(text, sizeof(text), "%g %g", rate.packets, rate.bytes);
	check_text(text, expected, "%s", what);
}

static void test_rates(void)
{
	rates_begin(&rates, 100);
	take(7, 10, 1000, "-1 -1", "at first nothing is known");
	take(3, 20, 2000, "-1 -1", "at first nothing is known, of the second rule");
	rates_begin(&rates, 102);
	take(3, 20, 2000, "0 0", "a rule that stood still");
	take(9, 5, 50, "-1 -1", "a rule that is new");
	take(7, 11, 1500, "0.5 250", "a rule in another place than before");
	rates_begin(&rates, 102.5);
	take(3, 30, 3000, "20 2000", "by the time that passed, not by the interval");
	take(7, 1, 1500, "-1 -1", "packets that went backwards");
	take(9, 6, 49, "-1 -1", "bytes that went backwards");
	rates_begin(&rates, 102.5);
	take(3, 40, 4000, "-1 -1", "no time passed");
	rates_begin(&rates, 103);
	rates_begin(&rates, 104);
	take(3, 40, 4000, "-1 -1", "a reading without any rule forgets");
	rates_free(&rates);
	rates_begin(&rates, 105);
	take(3, 40, 4000, "-1 -1", "after rates_free it begins anew");
	rates_free(&rates);
}

/* Counters that appear when they first count: their rate is known at once. */
static void test_from_zero(void)
{
	rates.from_zero = true;
	rates_begin(&rates, 10);
	take(1, 100, 1000, "-1 -1", "from zero: at first nothing is known all the same");
	rates_begin(&rates, 12);
	take(1, 102, 1020, "1 10", "from zero: one that was there");
	take(2, 50, 400, "25 200", "from zero: one that was not");
	rates_begin(&rates, 14);
	take(1, 3, 30, "-1 -1", "from zero: one that went backwards");
	rates_free(&rates);
}

/* Each rule's rate is what was added to it, however many there are and in whatever order they come. */
static void test_many(void)
{
	enum { RULES = 1000 };
	char wrong[128] = "";
	struct error error;

	for (int round = 0; round < 3; round++) {
		rates_begin(&rates, round);
		for (uint64_t i = 0; i < RULES && !*wrong; i++) {
			uint64_t id = round % 2 ? RULES - i : i + 1;
			struct reading reading = { id, id * (uint64_t)round, 7 * id * (uint64_t)round };
			struct rate rate;

			if (rates_take(&rates, &reading, &rate, &error))
				bail_out(error.text);
			if (round && (rate.packets != (double)id || rate.bytes != 7 * (double)id))
				snprintf(wrong, sizeof(wrong), "rule %" PRIu64 ": %g %g", id, rate.packets, rate.bytes);
		}
	}
	rates_free(&rates);
	check_property(wrong, "each of many rules has its own rate");
}

int main(void)
{
	test_rates();
	test_from_zero();
	test_many();
	return tap_done();
}
