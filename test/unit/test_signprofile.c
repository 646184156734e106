/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/signprofile.c: new talkers and unusual volume, by simulation where chance is part of it. */
#include "signs_feed.h"

#define WINDOW (60 * SECOND)

static uint64_t now;
static struct profile *profile;

static void begin(bool learn)
{
	feed_open();
	signs.again = 0;
	if (learn)
		signs.learn = profile;
	else
		signs.against = profile;
	now = EPOCH;
}

static void contacts_forget_all(void)
{
	free(contacts);
	contacts = NULL;
	contact_count = 0;
}

/* A session of the window that begins now, with bytes all over it. */
static struct contact *talk(uint32_t src, uint32_t family, uint64_t bytes)
{
	struct contact *contact = feed_contact(src, family == 6 ? 1 : 2, now + SECOND);

	contact->more_bytes = bytes;
	contact->more_from = now;
	contact->more_to = now + WINDOW;
	return contact;
}

/* A window is looked at so many times, as --interval has it. */
static void window_end(sign_look *look, int looks)
{
	for (int i = 1; i <= looks; i++)
		feed_look(look, now + WINDOW / looks * (i - 1), now + WINDOW / looks * i, WINDOW, i == looks);
	now += WINDOW;
	contacts_forget_all();
}

/* ---- new talkers ---- */

static void learn_talkers(int windows)
{
	profile = profile_new(WINDOW);
	begin(true);
	for (int i = 0; i < windows; i++) {
		talk(1, 4, 1000);
		talk(1, 6, 1000);
		window_end(signs_look_volume, 1);
	}
	feed_close();
}

static void newcomers(int count)
{
	talk(1, 4, 1000);
	talk(1, 6, 1000);
	talk(4, 4, 1000)->is_attempt = false;
	for (int i = 0; i < count; i++) {
		talk(2, 4, 0);
		talk(3, 6, 0)->is_proven = i == 1;
	}
	window_end(signs_look_new_talker, 1);
}

static void test_new_talker(void)
{
	learn_talkers(10);
	begin(false);
	newcomers(3);
	check((long long)found_count, 2, "two new talkers; who was learned is none, nor is who only answers");
	check(found_count == 2 && found[0].family == 4 && found[1].family == 6, true, "IPv4 and IPv6");
	check((long long)found[0].observed, 3, "sessions are observed");
	check((long long)found[0].samples, 10, "samples are windows that were learned");
	check(found[0].is_proven, false, "a source without a handshake may be a forgery");
	check(found[1].is_proven, true, "one with a handshake is none");
	feed_close();
	begin(false);
	feed_set("new-talker.least=4");
	newcomers(3);
	check((long long)found_count, 0, "three sessions, when four are the least");
	feed_close();
	profile_free(profile);
}

static void test_young_profile(void)
{
	learn_talkers(9);
	begin(false);
	newcomers(3);
	check((long long)found_count, 0, "a profile of nine windows knows too little");
	feed_close();
	profile_free(profile);
}

/* ---- volume ---- */

enum { LEARNED = 60, TALKERS = 200, WINDOWS = 50 };

/* Log-normal, median 1 MB, and silent in one of three windows. */
static void usual_volume(double sigma)
{
	for (uint32_t src = 0; src < TALKERS; src++)
		if (random_below(3))
			talk(src, src % 2 ? 6 : 4, (uint64_t)(1e6 * exp(sigma * random_normal())));
}

static void learn_volume(double sigma)
{
	profile = profile_new(WINDOW);
	begin(true);
	for (int i = 0; i < LEARNED; i++) {
		usual_volume(sigma);
		window_end(signs_look_volume, 1);
	}
	check((long long)found_count, 0, "nothing is said while it is learned");
	feed_close();
}

static void test_volume(double sigma, double factor, int least)
{
	size_t alarms;
	int detected = 0;

	learn_volume(sigma);
	begin(false);
	for (int i = 0; i < WINDOWS; i++) {
		usual_volume(sigma);
		window_end(signs_look_volume, 6);
	}
	alarms = found_count;
	contacts_forget_all();
	for (uint32_t src = 0; src < TALKERS; src++)
		talk(src, src % 2 ? 6 : 4, (uint64_t)(factor * 1e6));
	window_end(signs_look_volume, 6);
	detected = (int)(found_count - alarms);
	printf("# sigma %.1f: %zu signs in %d usual windows of %d talkers; %g times the median: %d of %d found\n",
	       sigma, alarms, WINDOWS, TALKERS, factor, detected, TALKERS);
	check(alarms <= WINDOWS * TALKERS * 2 / 3 / 1000, true, "sigma %.1f: less than one in 1000 usual windows",
	      sigma);
	check(detected >= least, true, "sigma %.1f: %g times the median is seen", sigma, factor);
	feed_close();
	profile_free(profile);
}

/* The same bytes each window; what then takes more is what the rule has of its own. */
static void test_rule(uint64_t usual, uint64_t bytes, long long expected, const char *what)
{
	profile = profile_new(WINDOW);
	begin(true);
	for (int i = 0; i < 5; i++) {
		talk(1, 4, usual);
		window_end(signs_look_volume, 1);
	}
	feed_close();
	begin(false);
	talk(1, 4, bytes);
	window_end(signs_look_volume, 6);
	check((long long)found_count, expected, "%s", what);
	if (found_count) {
		check(llround(found[0].observed), (long long)bytes, "%s: observed", what);
		check(llround(found[0].expected), (long long)usual, "%s: expected", what);
		check((long long)found[0].samples, 5, "%s: samples", what);
	}
	feed_close();
	profile_free(profile);
}

/* Windows of silence are not learned: mean and deviation stay those of the others. */
static void test_silence(void)
{
	const struct usual_talker *talker;
	struct host host = feed_host(1, 4), server = feed_host(2, 4);

	profile = profile_new(WINDOW);
	begin(true);
	for (int i = 0; i < 20; i++) {
		if (i % 4 == 0)
			talk(1, 4, 5000000);
		talk(2, 4, 5000000)->is_attempt = false;
		window_end(signs_look_volume, 1);
	}
	talker = profile_talker(profile, &host);
	check(talker && talker->volume.count == 5, true, "five windows of twenty were not silent");
	check(llround(talker ? expm1(talker->volume.mean) : 0), 5000000, "and it is their bytes that are usual");
	check(profile_talker(profile, &server) == NULL, true, "who only answers is no talker");
	check((long long)profile_windows(profile), 20, "but all were learned from");
	feed_close();
	profile_free(profile);
}

int main(void)
{
	random_fixed(20261122);
	test_new_talker();
	test_young_profile();
	test_volume(0.5, 20, 195);
	test_volume(1, 100, 150);
	test_rule(6000000, 12000000, 0, "twice the most is not more than that");
	test_rule(6000000, 13000000, 1, "more than twice the most, and more than ten megabytes");
	test_rule(4000000, 9000000, 0, "less than ten megabytes");
	test_silence();
	return tap_done();
}
