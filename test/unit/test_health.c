/* SPDX-License-Identifier: GPL-2.0-only */
/* Rise and fall: tables of results and states, and the same against a plain restatement for random results. */
#include "health.h"
#include "tap.h"

/* What becomes of a backend, a letter for each result: '+' success, '-' failure; U up, D down, after each. */
struct row {
	const char *name;
	uint32_t rise, fall;
	bool up; /* at first */
	const char *results, *states;
};

static const struct row table[] = {
	{ "up while all is well", 2, 3, true, "+++++", "UUUUU" },
	{ "down while nothing answers", 2, 3, false, "-----", "DDDDD" },
	{ "falls at the third failure", 2, 3, true, "----", "UUDD" },
	{ "a success in between counts anew", 2, 3, true, "--+--+---", "UUUUUUUUD" },
	{ "rises at the second success", 2, 3, false, "+++", "DUU" },
	{ "a failure in between counts anew", 2, 3, false, "+-+-++", "DDDDDU" },
	{ "fall 1: the first failure", 2, 1, true, "-++-", "DDUD" },
	{ "rise 1: the first success", 1, 2, false, "+--+", "UUDU" },
	{ "both 1: as the last result", 1, 1, true, "-+-+--", "DUDUDD" },
	{ "failures before it fell do not count towards the next fall", 1, 2, true, "--+-", "UDUU" },
	{ "successes before it rose do not count towards the next rise", 2, 1, false, "++-+", "DUDD" },
};

static void check_row(const struct row *row)
{
	struct health_rule rule = { .rise = row->rise, .fall = row->fall };
	struct health health;
	char states[16] = "", changes[16] = "", expected[16] = "";

	health_set(&health, row->up);
	for (size_t i = 0; row->results[i]; i++) {
		char before = i ? row->states[i - 1] : row->up ? 'U' : 'D';

		changes[i] = health_take(&health, &rule, row->results[i] == '+') ? 'C' : '=';
		expected[i] = row->states[i] != before ? 'C' : '=';
		states[i] = health.up ? 'U' : 'D';
	}
	check_text(states, row->states, "%s: states", row->name);
	check_text(changes, expected, "%s: what is told", row->name);
}

static void check_set(void)
{
	struct health_rule rule = { .rise = 2, .fall = 2 };
	struct health health;

	health_set(&health, true);
	health_take(&health, &rule, false);
	health_set(&health, true);
	check(health_take(&health, &rule, false), false, "what is known from elsewhere begins to count anew");
	check(health_take(&health, &rule, false), true, "and then counts");
	check(health.up, false, "it is down");
}

/* The state is that which the last run of `rise` successes or `fall` failures left. */
static bool restated(const bool *results, size_t count, const struct health_rule *rule, bool up)
{
	uint32_t run = 0;

	for (size_t i = 0; i < count; i++) {
		run = i && results[i] == results[i - 1] ? run + 1 : 1;
		if (run >= (results[i] ? rule->rise : rule->fall))
			up = results[i];
	}
	return up;
}

static void check_random(void)
{
	char counterexample[80] = "";

	for (int trial = 0; trial < 2000 && !*counterexample; trial++) {
		struct health_rule rule = { .rise = 1 + random_next() % 4, .fall = 1 + random_next() % 4 };
		bool up = random_next() % 2, results[40];
		struct health health;

		health_set(&health, up);
		for (size_t i = 0; i < 40 && !*counterexample; i++) {
			results[i] = random_next() % 2;
			health_take(&health, &rule, results[i]);
			if (health.up != restated(results, i + 1, &rule, up))
				snprintf(counterexample, sizeof(counterexample), "trial %d, result %zu: got %d", trial,
					 i, health.up);
		}
	}
	check_property(counterexample, "random results: the last long run decides");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_row(&table[i]);
	check_set();
	check_random();
	return tap_done();
}
