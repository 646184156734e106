/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/signentropy.c: the formula, and by simulation how often ordinary windows are signs and floods are none. */
#include "signs_feed.h"

#define WINDOW (60 * SECOND)

static uint64_t now;

static void begin(void)
{
	feed_open();
	now = EPOCH;
}

static void window_end(void)
{
	now += WINDOW;
	feed_look(signs_look_entropy, now - WINDOW, now, WINDOW, true);
	free(contacts);
	contacts = NULL;
	contact_count = 0;
}

static void session(uint32_t src, uint32_t dst)
{
	feed_contact(src, dst, now + 1 + random_below(59) * SECOND);
}

/* ---- clients of a server: some come often, most seldom (Zipf, 300 of them) ---- */

enum { CLIENTS = 300 };

static double zipf[CLIENTS];

static void zipf_make(void)
{
	double sum = 0;

	for (int i = 0; i < CLIENTS; i++)
		zipf[i] = sum += 1.0 / (i + 1);
	for (int i = 0; i < CLIENTS; i++)
		zipf[i] /= sum;
}

static uint32_t client(void)
{
	double share = random_share();
	uint32_t number = 0;

	while (number < CLIENTS - 1 && zipf[number] < share)
		number++;
	return number;
}

/* Each minute of a day has more sessions or fewer. */
static void usual_sessions(uint32_t dst)
{
	for (uint32_t count = 100 + random_below(400); count; count--)
		session(client(), dst);
}

/* ---- tests ---- */

static void check_bits(double got, double expected, const char *what)
{
	check(llround(got * 1e6), llround(expected * 1e6), "%s, in millionths of a bit", what);
}

/* Two windows of one source, and one of `sources` equal ones, is a sign that tells the entropy. */
static double observed_of(uint32_t sources, uint32_t sessions)
{
	double observed;

	begin();
	feed_set("source-entropy.windows=2");
	for (int window = 0; window < 3; window++) {
		for (uint32_t i = 0; i < sessions; i++)
			session(window < 2 ? 0 : i % sources, 2);
		window_end();
	}
	check((long long)found_count, 1, "%u sources: one sign", sources);
	observed = found_count ? found[0].observed : -1;
	if (found_count) {
		check_bits(found[0].expected, 0, "expected of one source");
		check_bits(found[0].threshold, 1, "threshold: least");
		check((long long)found[0].samples, sessions, "samples are sessions");
	}
	feed_close();
	return observed;
}

static void test_formula(void)
{
	check_bits(observed_of(4, 100), 2 + 3 / (200 * M_LN2), "four equal sources of 100 sessions");
	check_bits(observed_of(64, 64), 6 + 63 / (128 * M_LN2), "64 sources of one session each");
}

enum { WINDOWS = 1000 };

static void test_usual(void)
{
	begin();
	signs.again = 0;
	for (int i = 0; i < WINDOWS; i++) {
		usual_sessions(1);
		usual_sessions(2);
		window_end();
	}
	printf("# usual traffic, IPv4 and IPv6: %zu signs in %d windows\n", found_count, 2 * WINDOWS);
	check(found_count <= 2, true, "ordinary windows are no signs, but for one in 1000");
	feed_close();
}

enum { FLOODS = 100 };

/* After ten usual windows, one with so many forged sessions more, each from another source. */
static void test_flood(uint32_t forged, bool is_one_source, int least)
{
	int detected = 0;

	for (int i = 0; i < FLOODS; i++) {
		begin();
		for (int window = 0; window < 10; window++) {
			usual_sessions(2);
			window_end();
		}
		detected -= found_count > 0;
		usual_sessions(2);
		for (uint32_t j = 0; j < forged; j++)
			session(is_one_source ? 7 : 1000 + (uint32_t)random_next() % 1000000, 2);
		window_end();
		detected += found_count > 0;
		feed_close();
	}
	printf("# %u sessions more of %s: %d of %d found\n", forged, is_one_source ? "one source" : "forged sources",
	       detected, FLOODS);
	check(detected >= least, true, "%u sessions more of %s are seen", forged,
	      is_one_source ? "one source" : "forged sources");
}

static void test_few(void)
{
	begin();
	for (int window = 0; window < 10; window++) {
		for (uint32_t i = 0; i < 49; i++)
			session(window < 9 ? 0 : i, 2);
		window_end();
	}
	check((long long)found_count, 0, "of 49 sessions nothing is said");
	feed_close();
}

/* A change that stays is a sign until it is what is usual. */
static void test_lasting_change(void)
{
	begin();
	signs.again = 0;
	for (int window = 0; window < 20; window++) {
		for (uint32_t i = 0; i < 100; i++)
			session(window < 10 ? 0 : i, 2);
		window_end();
	}
	check((long long)found_count, 5, "a change that stays is usual after five windows");
	feed_close();
}

static void test_profile(void)
{
	struct profile *profile = profile_new(WINDOW);

	begin();
	signs.learn = profile;
	for (int window = 0; window < 6; window++) {
		usual_sessions(1);
		usual_sessions(2);
		window_end();
	}
	check((long long)found_count, 0, "nothing is said while it is learned");
	feed_close();
	begin();
	signs.against = profile;
	usual_sessions(1);
	for (uint32_t i = 0; i < 500; i++)
		session(10000 + i, 2);
	window_end();
	check((long long)found_count, 1, "with a profile the first window can be a sign");
	check(found_count && found[0].has_dst && !found[0].has_src && found[0].family == 4, true,
	      "that of the destination");
	feed_close();
	profile_free(profile);
}

int main(void)
{
	random_fixed(20261122);
	zipf_make();
	test_formula();
	test_usual();
	test_flood(200, false, 90);
	test_flood(500, false, 90);
	test_flood(2000, false, 95);
	test_flood(500, true, 90);
	test_flood(2000, true, 95);
	test_few();
	test_lasting_change();
	test_profile();
	return tap_done();
}
