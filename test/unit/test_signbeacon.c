/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/signbeacon.c: what it finds and what it takes for a beacon, by simulation; the table is printed. */
#include "signs_feed.h"

enum { REPETITIONS = 300, CONTACTS_MOST = 500 };

#define DAY (86400 * SECOND)

static double times[CONTACTS_MOST]; /* seconds */

static void show(void)
{
	feed_look(signs_look_beacon, 0, EPOCH + 365 * DAY, 365 * DAY, true);
}

static void series(int count, uint32_t src)
{
	for (int i = 0; i < count; i++)
		feed_contact(src, 1 + src % 2, EPOCH + (uint64_t)(times[i] * SECOND));
}

/* ---- traffic ---- */

/* Each minute, give or take; some never get through. */
static void beacon_times(int count, double jitter, double loss)
{
	double time = 0;

	for (int i = 0; i < count;) {
		time += 60 * (1 + jitter * (2 * random_share() - 1));
		if (random_share() >= loss)
			times[i++] = time;
	}
}

static void poisson_times(int count, double mean, double unused)
{
	double time = 0;

	(void)unused;
	for (int i = 0; i < count; i++)
		times[i] = time += random_wait(mean);
}

/* Pages, each with connections in quick succession, and the time to read one (log-normal, median 30 s). */
static void web_times(int count, double sigma, double unused)
{
	double time = 0;

	(void)unused;
	for (int i = 0; i < count;) {
		int burst = 1 + (int)random_below(8);

		time += 30 * exp(sigma * random_normal());
		for (; burst && i < count; burst--, time += random_wait(0.3))
			times[i++] = time;
	}
}

/* ---- what is found ---- */

/* For comparison: the coefficient of variation as it comes, at any time from 12 gaps on, of the newest 32. */
static bool is_plainly_regular(int count)
{
	double gaps[CONTACTS_MOST];
	int gap_count = 0;

	for (int i = 1, begun = 0; i < count; i++) {
		if (times[i] - times[i - 1] < 0.25)
			continue;
		gaps[gap_count++] = times[i] - times[begun];
		begun = i;
	}
	for (int end = 12; end <= gap_count; end++) {
		struct spread spread = { 0 };

		for (int i = end > 32 ? end - 32 : 0; i < end; i++)
			spread_add(&spread, gaps[i]);
		if (spread_deviation(&spread) / spread.mean <= 0.15)
			return true;
	}
	return false;
}

typedef void make_times(int count, double a, double b);

struct score {
	int found, plain; /* of REPETITIONS */
};

static struct score measure(const char *what, make_times *make, int count, double a, double b)
{
	struct score score = { 0 };

	for (uint32_t i = 0; i < REPETITIONS; i++) {
		make(count, a, b);
		feed_open();
		series(count, i);
		show();
		score.found += found_count > 0;
		score.plain += is_plainly_regular(count);
		feed_close();
	}
	printf("# %-32s %3d contacts, %d series: %5.1f %%, not divided %5.1f %%\n", what, count, REPETITIONS,
	       100.0 * score.found / REPETITIONS, 100.0 * score.plain / REPETITIONS);
	return score;
}

static void test_detections(void)
{
	for (int jitter = 0; jitter <= 30; jitter += 10) {
		for (int loss = 0; loss <= 20; loss += 10) {
			char what[64];
			struct score score;

			snprintf(what, sizeof(what), "each minute, jitter %d %%, loss %d %%", jitter, loss);
			score = measure(what, beacon_times, 14, jitter / 100.0, loss / 100.0);
			if (jitter <= 20)
				check(score.found >= REPETITIONS * 9 / 10, true, "%s: nine of ten are found", what);
			if (loss == 20)
				check(score.plain <= REPETITIONS / 4, true, "%s: undivided hardly one is", what);
		}
	}
}

static void test_false_alarms(void)
{
	static const double means[] = { 0.05, 0.25, 0.5, 1, 4, 30, 600 };
	int all = 0;

	for (size_t i = 0; i < sizeof(means) / sizeof(*means); i++) {
		char what[64];

		snprintf(what, sizeof(what), "at random, one in %g s", means[i]);
		all += measure(what, poisson_times, 300, means[i], 0).found;
	}
	check(all <= 7 * REPETITIONS / 500, true, "of 2100 random series no more than 4 are taken for beacons, %d are",
	      all);
	all = measure("web, sigma 0.5", web_times, 400, 0.5, 0).found +
	      measure("web, sigma 1.2", web_times, 400, 1.2, 0).found;
	check(all <= 1, true, "of 600 series of page views no more than 1 is taken for a beacon, %d are", all);
}

/* What the row says is expected of contacts at random. */
static void test_expected(void)
{
	struct spread spread = { 0 };
	double expected = 0;

	for (uint32_t i = 0; i < REPETITIONS; i++) {
		poisson_times(60, 60, 0);
		feed_open();
		feed_set("beacon.most=1");
		series(60, i);
		show();
		for (size_t at = 0; at < found_count; at++) {
			spread_add(&spread, found[at].observed);
			expected = found[at].expected;
		}
		feed_close();
	}
	printf("# mean %.4f of %" PRIu64 " at random\n", spread.mean, spread.count);
	check(fabs(spread.mean - expected) < 0.02, true,
	      "what is expected is what comes at random: %.4f is not far from %.4f", spread.mean, expected);
}

/* ---- what is said ---- */

static void regular(int count, uint32_t src)
{
	for (int i = 0; i < count; i++)
		times[i] = 100 + 10 * i;
	series(count, src);
}

static void test_sign(void)
{
	feed_open();
	regular(12, 4);
	show();
	check((long long)found_count, 0, "11 gaps are too few");
	feed_forget();
	regular(13, 4);
	show();
	check((long long)found_count, 1, "12 gaps: one sign, though 12 contacts were seen twice");
	check(found[0].has_src && found[0].has_dst && found[0].has_dport && found[0].proto == IPPROTO_TCP, true,
	      "it names the series");
	check((long long)found[0].samples, 12, "samples are gaps");
	check(found[0].observed < 1e-6, true, "no variation");
	check((long long)((found[0].since - EPOCH) / SECOND), 100, "since the first contact");
	check((long long)((found[0].until - EPOCH) / SECOND), 220, "until the last");
	feed_close();
}

static void test_groups(void)
{
	feed_open();
	for (int i = 0; i < 13; i++)
		for (int tries = 0; tries < 4; tries++)
			times[4 * i + tries] = 100 + 10 * i + 0.2 * tries;
	series(52, 4);
	show();
	check(found_count > 0, true, "tries 0.2 s apart are one contact");
	check((long long)found[0].samples, 12, "and none of them a gap");
	feed_close();
}

static void test_settings(void)
{
	feed_open();
	feed_set("beacon.least=11");
	regular(20, 4);
	show();
	check((long long)found_count, 0, "a period of 10 s, when 11 is the least");
	feed_close();
	feed_open();
	feed_set("beacon.samples=3");
	regular(4, 4);
	show();
	check((long long)found_count, 1, "three gaps, when these are enough");
	feed_close();
}

static void test_not_attempts(void)
{
	feed_open();
	regular(20, 4);
	for (size_t i = 0; i < contact_count; i++)
		contacts[i].is_attempt = false;
	show();
	check((long long)found_count, 0, "answers of a server are no contacts");
	feed_close();
}

static void test_known(void)
{
	struct profile *profile = profile_new(60 * SECOND);

	feed_open();
	signs.learn = profile;
	regular(20, 4);
	regular(20, 5);
	show();
	check((long long)found_count, 0, "nothing is said while it is learned");
	feed_close();
	feed_open();
	signs.against = profile;
	regular(20, 4);
	regular(20, 5);
	show();
	check((long long)found_count, 0, "what was learned is no sign, IPv4 and IPv6");
	for (size_t i = 0; i < contact_count; i++)
		contacts[i].dport = 80;
	show();
	check(found_count > 0, true, "on another port it is");
	feed_close();
	profile_free(profile);
}

/* A scan has a series for each port, none of which comes again. */
static void test_scan(void)
{
	feed_open();
	regular(7, 4);
	show();
	feed_forget();
	for (uint32_t i = 0; i < 200000; i++)
		feed_contact(7 + i, 2, EPOCH + (uint64_t)(161 + i * 1e-5) * SECOND);
	show();
	feed_forget();
	regular(13, 4);
	memmove(contacts, contacts + 7, 6 * sizeof(*contacts));
	contact_count = 6;
	show();
	check((long long)found_count, 1, "200000 others in between do not hide a beacon");
	feed_close();
}

/* ---- one session ---- */

static struct contact *packets(double gap, double deviation, uint64_t gaps)
{
	struct contact *contact = feed_contact(4, 2, EPOCH);

	contact->proto = IPPROTO_ICMP;
	contact->dport = 0;
	contact->gaps = gaps;
	contact->gap_sum = (uint64_t)(gap * (double)gaps * SECOND);
	contact->gap_squares = (gap * gap + deviation * deviation) * (double)gaps * SECOND * SECOND;
	contact->last = EPOCH + contact->gap_sum;
	return contact;
}

static void test_session(double gap, double deviation, uint64_t gaps, long long expected, const char *what)
{
	feed_open();
	packets(gap, deviation, gaps);
	show();
	check((long long)found_count, expected, "one session: %s", what);
	if (found_count)
		check(llround(100 * found[0].observed), llround(100 * deviation / gap), "%s: its variation", what);
	feed_close();
}

static void test_session_again(void)
{
	feed_open();
	packets(5, 0.1, 100);
	feed_look(signs_look_beacon, EPOCH + 500 * SECOND, EPOCH + 510 * SECOND, 60 * SECOND, true);
	check((long long)found_count, 0, "of a session that is silent nothing is said again");
	feed_close();
}

int main(void)
{
	random_fixed(20261122);
	test_detections();
	test_false_alarms();
	test_expected();
	test_sign();
	test_groups();
	test_settings();
	test_not_attempts();
	test_known();
	test_scan();
	test_session(60, 1, 30, 1, "a packet each minute");
	test_session(60, 30, 30, 0, "packets at odd times");
	test_session(60, 1, 11, 0, "too few");
	test_session(0.5, 0.01, 1000, 0, "a call, two packets a second");
	test_session_again();
	return tap_done();
}
