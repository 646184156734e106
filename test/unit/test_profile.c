/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/profile.c, lib/profilefile.c, lib/spread.c */
#include "profile_text.h"
#include "signs_feed.h"

#define WINDOW (60 * SECOND)

/* ---- means and deviations ---- */

static void test_spread(void)
{
	static const double values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
	struct spread spread = { 0 };

	check(spread_deviation(&spread) == 0, true, "of nothing there is no deviation");
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		spread_add(&spread, values[i]);
	check((long long)spread.count, 8, "count");
	check(fabs(spread.mean - 5) < 1e-12, true, "mean 5, got %.17g", spread.mean);
	check(fabs(spread_deviation(&spread) - sqrt(32.0 / 7)) < 1e-12, true, "deviation of the sample, got %.17g",
	      spread_deviation(&spread));
	check(spread.most == 9, true, "most");
	/* where sums of squares have lost all digits */
	spread = (struct spread){ 0 };
	for (int i = 0; i < 1000; i++)
		spread_add(&spread, 1e9 + i % 2);
	check(fabs(spread_deviation(&spread) - sqrt(250.0 / 999)) < 1e-6, true, "a small deviation of a large mean");
}

/* ---- print, read, print ---- */

static struct series random_series(void)
{
	uint8_t family = random_below(2) ? 4 : 6;
	struct host src = feed_host(random_below(50), family), dst = feed_host(random_below(50), family);
	struct series series = { .dport = (uint16_t)random_next(), .proto = (uint8_t)random_next(), .family = family };

	memcpy(series.src, src.addr, sizeof(series.src));
	memcpy(series.dst, dst.addr, sizeof(series.dst));
	return series;
}

static struct host random_host(void)
{
	return feed_host(random_below(200), random_below(2) ? 4 : 6);
}

static void learn_one(struct profile *profile)
{
	struct host host = random_host();
	struct series series = random_series();

	switch (random_below(4)) {
	case 0:
		profile_observe(profile, (enum sign_kind)random_below(SIGN_KINDS), 100 * random_share());
		break;
	case 1:
		profile_talked(profile, &host, random_below(10), random_next() >> (14 + random_below(40)));
		break;
	case 2:
		profile_add_beacon(profile, &series, 1000 * random_share());
		break;
	default:
		profile_add_entropy(profile, &host, 12 * random_share());
	}
}

static struct profile *random_profile(void)
{
	struct profile *profile = profile_new((1 + random_below(3600)) * SECOND);
	uint32_t windows = random_below(5);

	for (uint32_t i = 0; i < windows; i++) {
		struct moment moment = { .now = EPOCH + i * SECOND };

		for (uint32_t more = random_below(200); more; more--)
			learn_one(profile);
		profile_end_window(profile, &moment);
	}
	return profile;
}

static void test_round_trip(void)
{
	char wrong[600] = "";

	for (int i = 0; i < 200 && !*wrong; i++) {
		struct profile *profile = random_profile(), *again;
		size_t size, size_again;
		char *text = text_of_profile(profile, &size), *text_again;
		struct error error;

		again = profile_of_text(text, size, &error);
		if (!again) {
			snprintf(wrong, sizeof(wrong), "%.590s", error.text);
		} else {
			text_again = text_of_profile(again, &size_again);
			if (strcmp(text, text_again))
				snprintf(wrong, sizeof(wrong), "another text in profile %d", i);
			free(text_again);
		}
		free(text);
		profile_free(profile);
		profile_free(again);
	}
	check_property(wrong, "200 profiles printed, read and printed again are the same");
}

/* Whoever learns, is stopped, and goes on, has learned the same as who was not. */
static void test_continue(void)
{
	struct profile *whole = profile_new(WINDOW), *halves = profile_new(WINDOW);
	char *expected, *got;
	struct error error;
	size_t size;

	for (uint32_t i = 0; i < 40; i++) {
		struct moment moment = { .now = EPOCH + i * WINDOW };
		struct host host = feed_host(i % 7, i % 2 ? 4 : 6);
		uint64_t bytes = random_next() >> 40;

		profile_talked(whole, &host, 1, bytes);
		profile_talked(halves, &host, 1, bytes);
		profile_end_window(whole, &moment);
		profile_end_window(halves, &moment);
		got = text_of_profile(halves, &size);
		profile_free(halves);
		halves = profile_of_text(got, size, &error);
		free(got);
		if (!halves)
			bail_out(error.text);
	}
	expected = text_of_profile(whole, &size);
	got = text_of_profile(halves, &size);
	check_text(got, expected, "written and read 40 times while it is learned, it is the same");
	free(expected);
	free(got);
	profile_free(whole);
	profile_free(halves);
}

/* ---- the file ---- */

static void test_text(void)
{
	struct profile *profile = profile_new(WINDOW);
	struct host four = feed_host(1, 4), six = feed_host(1, 6);
	struct series series = { .dport = 443, .proto = IPPROTO_TCP, .family = 4 };
	struct moment moment = { .now = EPOCH };
	size_t size;
	char *text;

	memcpy(series.src, four.addr, sizeof(series.src));
	memcpy(series.dst, four.addr, sizeof(series.dst));
	profile_talked(profile, &six, 3, 0);
	profile_talked(profile, &four, 2, 0);
	profile_add_beacon(profile, &series, 60.5);
	profile_add_entropy(profile, &six, 2.5);
	profile_observe(profile, SIGN_PORT_SCAN, 2);
	profile_end_window(profile, &moment);
	text = text_of_profile(profile, &size);
	check_text(text,
		   "# What is usual, as flow_watch --learn found it: see splicer.profile(5)\n"
		   "profile 1\nwindow 60\nlearned 1 1800000000 1800000000\ndropped 0\n"
		   "observed port-scan 1 2 0 2\n"
		   "talker 10.0.0.1 1 0 0 0 2 1\n"
		   "talker 2000::1 1 0 0 0 3 1\n"
		   "beacon 10.0.0.1 10.0.0.1 tcp 443 60.5 1\n"
		   "entropy 2000::1 1 2.5 0 2.5 1\n",
		   "the file of a profile");
	free(text);
	profile_free(profile);
}

#define HEAD "profile 1\nwindow 60\nlearned 1 5 5\n"

static const struct {
	const char *text, *error;
} refusals[] = {
	{ "", "-: not a profile of flow_watch, which begins with profile VERSION" },
	{ "window 60\n", "stdin:1:1: window: not a profile of flow_watch, which begins with profile VERSION" },
	{ "profile 2\ntalkers 5\n", "stdin:1:9: 2: a profile of version 2, this program reads version 1" },
	{ "profile 1\nprofile 1\n", "stdin:2:1: profile: is there twice" },
	{ "profile 1\nlearned 1 5 5\n", "-: has no line window" },
	{ "profile 1\nwindow 60\n", "-: has no line learned" },
	{ "profile 1\nwindow 0\n", "stdin:2:8: 0: out of range (1-31536000)" },
	{ "profile 1\nlearned 1 5 4\n", "stdin:2:13: 4: out of range (5-1152921504606846976)" },
	{ HEAD "talk 1\n", "stdin:4:1: talk: nothing that a profile has" },
	{ HEAD "observed scans 1 2 0 2\n", "stdin:4:10: scans: no kind of sign" },
	{ HEAD "observed beacon 1 2 0 2\nobserved beacon 1 2 0 2\n", "stdin:5:10: beacon: is there twice" },
	{ HEAD "talker 10.0.0.1 1 0 0 0 2\n", "stdin:4:1: talker: has 7 words after it, not 6" },
	{ HEAD "talker 10.0.0.1 0 0 0 0 2 1\n", "stdin:4:17: 0: out of range (1-1152921504606846976)" },
	{ HEAD "talker 10.0.0 1 0 0 0 2 1\n", "stdin:4:8: 10.0.0: not an IPv4 or IPv6 address" },
	{ HEAD "talker ::1 1 nan 0 0 2 1\n", "stdin:4:14: nan: not a number" },
	{ HEAD "talker ::1 1 0x5 0 0 2 1\n", "stdin:4:14: 0x5: not a number" },
	{ HEAD "talker ::1 1 -5 0 0 2 1\n", "stdin:4:14: -5: not a number" },
	{ HEAD "talker ::1 1 5 1e101 0 2 1\n", "stdin:4:16: 1e101: out of range (0-1e+100)" },
	{ HEAD "talker ::1 1 5 1e999 0 2 1\n", "stdin:4:16: 1e999: out of range (0-1e+100)" },
	{ HEAD "talker ::1 1 5 1e 0 2 1\n", "stdin:4:16: 1e: not a number" },
	{ HEAD "talker ::1 1 0 0 0 2 1\ntalker ::1 1 0 0 0 2 1\n", "stdin:5:8: ::1: is there twice" },
	{ HEAD "beacon ::1 10.0.0.1 tcp 5 6 1\n", "stdin:4:12: 10.0.0.1: of another family than ::1" },
	{ HEAD "beacon ::1 ::2 any 5 6 1\n", "stdin:4:16: any: no protocol of packets" },
	{ HEAD "beacon ::1 ::2 tcp 65536 6 1\n", "stdin:4:20: 65536: out of range (0-65535)" },
	{ HEAD "entropy ::1 1 2 3 4\n", "stdin:4:1: entropy: has 6 words after it, not 5" },
};

static void test_refusals(void)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct error error = { .text = "" };
		struct profile *profile = profile_of_text(refusals[i].text, strlen(refusals[i].text), &error);

		check_text(profile ? "taken" : error.text, refusals[i].error, "refused: %s", refusals[i].text);
		if (!profile)
			check(error.exit, EXIT_USAGE, "exit status of %s", refusals[i].text);
		profile_free(profile);
	}
}

static void test_no_file(void)
{
	struct error error;

	check(profile_read("/nonexistent/profile", &error) == NULL, true, "a file that is not there");
	check(error.exit, EXIT_STATE, "is no malformed one");
	check_text(error.text, "/nonexistent/profile: No such file or directory", "and named");
}

/* ---- room ---- */

static void test_room(void)
{
	struct profile *profile = profile_new(WINDOW);
	struct moment moment = { .now = EPOCH };
	struct host known = feed_host(1, 4);

	for (int i = 0; i < 3; i++) {
		profile_talked(profile, &known, 1, 1000);
		profile_end_window(profile, &moment);
	}
	for (uint32_t i = 0; i < 2 * PROFILE_TALKERS; i++) {
		struct host forged = feed_host(i, 6);

		profile_talked(profile, &forged, 1, 40);
	}
	check(profile_talker(profile, &known) != NULL, true, "forged sources do not push out who was here before");
	check(profile_dropped(profile) >= PROFILE_TALKERS, true, "how many had to go is said");
	profile_free(profile);
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_spread();
	test_round_trip();
	test_continue();
	test_text();
	test_refusals();
	test_no_file();
	test_room();
	return tap_done();
}
