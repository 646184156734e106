/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules with a rate. What a source may send is bounded from both sides by the clock: its burst, and what the rate gives
 * in the time that the test took. With one packet per second that is the burst, unless the machine stood still.
 */
#include "abi/xdp.h"
#include "harness.h"
#include "xdp_rules.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define UDP IPPROTO_UDP
#define NS 1000000000ull
#define SOURCES 6000 /* more than the table of the fixture holds */

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS + (uint64_t)time.tv_nsec;
}

/* ---- one after another ---- */

/* What became of some frames. */
struct tally {
	unsigned int passed, dropped, detected, rate; /* by verdict; and those of reason rate */
	unsigned int odd;                             /* runs that failed, or were counted otherwise */
	uint64_t ns;                                  /* that they took */
};

static void run_one(struct fixture *fixture, const struct frame *frame, struct tally *tally)
{
	struct outcome outcome;

	fixture_run(fixture, ON_VETH, frame, &outcome);
	tally->odd += !outcome_has(&outcome, outcome.reason, outcome.counted.verdict, frame);
	tally->passed += outcome.counted.verdict == VERDICT_PASS;
	tally->dropped += outcome.counted.verdict == VERDICT_DROP;
	tally->detected += outcome.counted.verdict == VERDICT_DETECT;
	tally->rate += outcome.reason == REASON_RATE;
}

static struct tally run_some(struct fixture *fixture, int family, const struct spec *like, unsigned int count)
{
	struct tally tally = { 0 };
	struct spec spec = *like;
	uint64_t begin = now();
	struct frame frame;

	spec.family = family;
	spec_build(&spec, &frame);
	while (count--)
		run_one(fixture, &frame, &tally);
	tally.ns = now() - begin;
	return tally;
}

/* A bucket that was full gave this many: its burst, and one for each second that went by. */
static bool is_burst(unsigned int got, unsigned int burst, uint64_t ns)
{
	return got >= burst && got <= burst + ns / NS;
}

static void told(bool right, const struct tally *tally, const char *expected, const char *name, int family)
{
	char got[160];

	if (right && !tally->odd) {
		tap_ok("rate: %s (IPv%d)", name, family);
		return;
	}
	snprintf(got, sizeof(got), "%u passed, %u dropped, %u detected, %u by rate, %u odd, in %llu ns", tally->passed,
		 tally->dropped, tally->detected, tally->rate, tally->odd, (unsigned long long)tally->ns);
	tap_not_ok(expected, got, "rate: %s (IPv%d)", name, family);
}

/* The time goes by for all sources; never beyond the beginning of time. */
static void age(const struct fixture *fixture, uint64_t ns)
{
	struct xdp_source key, *from = NULL;
	uint64_t full;

	for (; !bpf_map_get_next_key(fixture->sources, from, &key); from = &key) {
		if (bpf_map_lookup_elem(fixture->sources, &key, &full))
			err(2, XDP_SOURCES);
		full = full > ns ? full - ns : 1;
		if (bpf_map_update_elem(fixture->sources, &key, &full, BPF_EXIST))
			err(2, XDP_SOURCES);
	}
}

static const struct spec usual = { .proto = UDP, .dport = 53 };

static void open_with(struct fixture *fixture, int family, const char *const *rules, size_t count)
{
	fixture_open(fixture);
	for (size_t i = 0; i < count; i++)
		if (rule_insert(fixture, family, rules[i]))
			tap_not_ok("exit 0", "another", "rate: rule %s", rules[i]);
}
#define OPEN_WITH(fixture, family, ...)                                  \
	open_with(fixture, family, (const char *const[]){ __VA_ARGS__ }, \
		  sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void burst_then_rate(struct fixture *fixture, int family)
{
	struct tally tally;
	uint64_t ns;

	OPEN_WITH(fixture, family, "drop --rate 1:5 -S limit");
	tally = run_some(fixture, family, &usual, 20);
	told(is_burst(tally.passed, 5, tally.ns) && tally.rate == tally.dropped, &tally, "5 passed, the rest by rate",
	     "a burst, and no more", family);
	ns = tally.ns;
	age(fixture, NS + NS / 2);
	tally = run_some(fixture, family, &usual, 20);
	told(is_burst(tally.passed, 1, tally.ns + ns + NS / 2), &tally, "1 passed", "a second later, one more", family);
	age(fixture, 1000 * NS);
	tally = run_some(fixture, family, &usual, 20);
	told(is_burst(tally.passed, 5, tally.ns), &tally, "5 passed", "after a long time, a burst again", family);
	fixture_close(fixture);
}

static void burst_of_one(struct fixture *fixture, int family)
{
	struct tally tally;

	OPEN_WITH(fixture, family, "drop --rate 1:1 -S limit");
	tally = run_some(fixture, family, &usual, 10);
	told(is_burst(tally.passed, 1, tally.ns), &tally, "1 passed", "a burst of one", family);
	fixture_close(fixture);
	OPEN_WITH(fixture, family, "drop --rate 10000000:10000000 -S limit");
	tally = run_some(fixture, family, &usual, 100);
	told(tally.passed == 100, &tally, "100 passed", "the most there can be", family);
	fixture_close(fixture);
}

static void each_action(struct fixture *fixture, int family)
{
	struct tally tally;

	OPEN_WITH(fixture, family, "default drop", "pass --rate 1:5 -S limit");
	tally = run_some(fixture, family, &usual, 20);
	told(is_burst(tally.passed, 5, tally.ns) && tally.rate == 0, &tally, "5 passed, the rest by the default",
	     "a pass rule has what is within", family);
	fixture_close(fixture);
	OPEN_WITH(fixture, family, "monitor --rate 1:5 -S limit");
	tally = run_some(fixture, family, &usual, 20);
	told(is_burst(tally.passed, 5, tally.ns) && tally.detected == tally.rate && !tally.dropped, &tally,
	     "5 passed, the rest detected by rate", "a monitor rule tells what is beyond", family);
	fixture_close(fixture);
}

/* Other sources, other rules: other buckets. */
static void each_apart(struct fixture *fixture, int family)
{
	static const char *const sources[] = { "198.51.100.7", "198.51.100.8", "192.0.2.7" };
	struct tally tally;

	OPEN_WITH(fixture, family, "drop -p udp --dport 53 --rate 1:5 -S dns",
		  "drop -p udp --dport 54 --rate 1:3 -S b");
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const struct spec spec = { .src = sources[i], .proto = UDP, .dport = 53 };

		tally = run_some(fixture, family, &spec, 10);
		told(is_burst(tally.passed, 5, tally.ns), &tally, "5 passed", "each source has its own", family);
	}
	tally = run_some(fixture, family, &(const struct spec){ .proto = UDP, .dport = 54 }, 10);
	told(is_burst(tally.passed, 3, tally.ns), &tally, "3 passed", "each rule has its own", family);
	tally = run_some(fixture, family, &(const struct spec){ .proto = UDP, .dport = 55 }, 10);
	told(tally.passed == 10, &tally, "10 passed", "no rule, no limit", family);
	tally = run_some(fixture, family, &(const struct spec){ .dst = "203.0.113.9", .proto = UDP, .dport = 53 }, 10);
	told(tally.passed <= tally.ns / NS + 1, &tally, "none passed", "the destination does not matter", family);
	fixture_close(fixture);
}

/* Sources that share their first bits are one. */
static void by_prefix(struct fixture *fixture, int family)
{
	struct tally tally;

	OPEN_WITH(fixture, family, "drop --rate 1:5/24 -S net");
	tally = run_some(fixture, family, &(const struct spec){ .src = "198.51.100.0", .proto = UDP }, 10);
	told(is_burst(tally.passed, 5, tally.ns), &tally, "5 passed", "of a prefix, the first address", family);
	tally = run_some(fixture, family, &(const struct spec){ .src = "198.51.100.255", .proto = UDP }, 10);
	told(tally.passed <= tally.ns / NS + 1, &tally, "none passed", "of a prefix, the last address", family);
	tally = run_some(fixture, family, &(const struct spec){ .src = "198.51.101.0", .proto = UDP }, 10);
	told(is_burst(tally.passed, 5, tally.ns), &tally, "5 passed", "of the next prefix", family);
	fixture_close(fixture);
}

/* Where the lengths of IPv6 meet the two halves of an address. */
static void by_prefix6(struct fixture *fixture, const char *rule, const char *same, const char *other)
{
	const char *const sources[] = { "2001:db8:1:2:3:4:5:6", same, other };
	struct tally tally;

	OPEN_WITH(fixture, 6, rule);
	for (size_t i = 0; i < 3; i++) {
		tally = run_some(fixture, 6, &(const struct spec){ .src = sources[i], .proto = UDP }, 10);
		told(i == 1 ? tally.passed <= tally.ns / NS + 1 : is_burst(tally.passed, 5, tally.ns), &tally,
		     i == 1 ? "none passed" : "5 passed", rule, 6);
	}
	fixture_close(fixture);
}

static void next_best(struct fixture *fixture, int family)
{
	struct tally tally;

	OPEN_WITH(fixture, family, "198.51.100.7/32 pass --rate 1:2 -S few", "198.51.100.0/24 drop -S net");
	tally = run_some(fixture, family, &usual, 10);
	told(is_burst(tally.passed, 2, tally.ns) && !tally.rate, &tally, "2 passed, the rest by the next rule",
	     "beyond a pass rule the next best decides", family);
	fixture_close(fixture);
	OPEN_WITH(fixture, family, "198.51.100.7/32 drop --rate 1:2 -S few", "198.51.100.0/24 drop --rate 1:4 -S net");
	tally = run_some(fixture, family, &usual, 10);
	told(is_burst(tally.passed, 2, tally.ns) && tally.rate == tally.dropped, &tally, "2 passed, the rest by rate",
	     "nested: the inner is the tighter", family);
	fixture_close(fixture);
	OPEN_WITH(fixture, family, "198.51.100.7/32 drop --rate 1:4 -S few", "198.51.100.0/24 drop --rate 1:2 -S net");
	tally = run_some(fixture, family, &usual, 10);
	told(is_burst(tally.passed, 2, tally.ns) && tally.rate == tally.dropped, &tally, "2 passed, the rest by rate",
	     "nested: the outer is the tighter", family);
	fixture_close(fixture);
	OPEN_WITH(fixture, family, "198.51.100.0/24 drop --rate 1:4 -S a", "198.51.100.0/24 drop --rate 1:2 -P 1 -S b",
		  "198.51.100.0/24 monitor -P -1 -S c");
	tally = run_some(fixture, family, &usual, 10);
	told(is_burst(tally.detected, 2, tally.ns) && tally.rate == tally.dropped && !tally.passed, &tally,
	     "2 detected, the rest by rate", "several of one prefix, and one without a rate", family);
	fixture_close(fixture);
	OPEN_WITH(fixture, family, "drop --rate 1:1 -S limit", "198.51.100.7/32 never-drop -S guard");
	tally = run_some(fixture, family, &usual, 10);
	told(tally.passed == 10, &tally, "10 passed", "never-drop is above", family);
	fixture_close(fixture);
}

/* Rules of prefixes that nest, all in vain. */
static void open_nested(struct fixture *fixture, int family, unsigned int count)
{
	char text[64];

	fixture_open(fixture);
	for (unsigned int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "0.0.0.0/%u monitor --rate 1:100 -S r%u", i + 1, i);
		if (rule_insert(fixture, family, text))
			tap_not_ok("exit 0", "another", "rate: rule %s", text);
	}
}

static void too_many(struct fixture *fixture, int family)
{
	const struct spec spec = { .src = "0.0.0.1", .proto = UDP, .dport = 53 };
	struct tally tally;

	open_nested(fixture, family, XDP_RATES_MAX);
	tally = run_some(fixture, family, &spec, 3);
	told(tally.passed == 3, &tally, "3 passed", "as many in vain as there may be", family);
	fixture_close(fixture);
	open_nested(fixture, family, XDP_RATES_MAX + 1);
	tally = run_some(fixture, family, &spec, 3);
	told(tally.dropped == 3 && tally.rate == 3, &tally, "3 dropped by rate", "one more", family);
	if (xdp_rules_counted(fixture).rules)
		tap_not_ok("no rule", "some", "rate: one more: counted by (IPv%d)", family);
	else
		tap_ok("rate: one more: counted by no rule (IPv%d)", family);
	fixture_close(fixture);
}

/* ---- the table of sources ---- */

static void crowd(struct fixture *fixture, int family)
{
	struct spec spec = { .family = family, .proto = UDP, .dport = 53 };
	struct tally tally = { 0 };
	char source[FRAME_ADDRESS_TEXT];
	struct frame frame;
	size_t known;

	OPEN_WITH(fixture, family, "drop --rate 1:1 -S limit");
	spec.src = source;
	for (unsigned int i = 0; i < SOURCES; i++) {
		snprintf(source, sizeof(source), "10.9.%u.%u", i >> 8, i & 255);
		spec_build(&spec, &frame);
		run_one(fixture, &frame, &tally);
	}
	told(tally.passed == SOURCES, &tally, "all passed", "a source that does not fit in takes another's place",
	     family);
	known = state_count(fixture->sources);
	if (known > 100 && known < SOURCES)
		tap_ok("rate: the table is full (IPv%d)", family);
	else
		tap_not_ok("fewer than there were", known ? "all, or few" : "none", "rate: the table is full (IPv%d)",
			   family);
	tally = run_some(fixture, family, &spec, 5);
	told(tally.passed <= tally.ns / NS + 1 && tally.rate == tally.dropped, &tally, "all by rate",
	     "the newest is remembered", family);
	fixture_close(fixture);
}

/* Without a table all is beyond any rate. */
static void no_table(struct fixture *fixture, int family)
{
	int outer;
	uint32_t zero = 0;
	struct tally tally;

	OPEN_WITH(fixture, family, "drop -p udp --rate 1:100 -S udp", "pass -p tcp --rate 1:100 -S tcp",
		  "default drop");
	outer = bpf_object__find_map_fd_by_name(fixture->object, XDP_SOURCES);
	if (bpf_map_delete_elem(outer, &zero))
		err(2, XDP_SOURCES);
	tally = run_some(fixture, family, &usual, 3);
	told(tally.rate == 3 && tally.dropped == 3, &tally, "3 by rate", "no table: drop rules match", family);
	tally = run_some(fixture, family, &(const struct spec){ .dport = 53 }, 3);
	told(!tally.rate && tally.dropped == 3, &tally, "3 by the default", "no table: pass rules do not", family);
	fixture_close(fixture);
}

/* ---- several CPUs ---- */

struct worker {
	const struct fixture *fixture;
	const struct frame *frame;
	pthread_barrier_t *start;
	int cpu;
	uint32_t repeat;
	pthread_t thread;
	int error;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct xdp_md md = { .data_end = (uint32_t)worker->frame->len,
			     .ingress_ifindex = (uint32_t)worker->fixture->veth };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = worker->frame->data,
		    .data_size_in = (uint32_t)worker->frame->len, .ctx_in = &md, .ctx_size_in = sizeof(md),
		    .repeat = (int)worker->repeat);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(worker->cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		worker->error = EINVAL;
	pthread_barrier_wait(worker->start);
	if (bpf_prog_test_run_opts(worker->fixture->program, &options))
		worker->error = errno;
	return NULL;
}

/* The first two that this process may run on; false: there are no two. */
static bool cpus_find(int cpus[2])
{
	cpu_set_t set;
	int found = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		err(2, "sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[found++] = cpu;
	return found == 2;
}

/* Runs the frame on two CPUs at the same time; ns that it took. */
static uint64_t run_on_both(struct fixture *fixture, const struct frame *frame, const int cpus[2], uint32_t repeat)
{
	struct worker workers[2];
	pthread_barrier_t start;
	uint64_t begin;

	pthread_barrier_init(&start, NULL, 2);
	begin = now();
	for (int i = 0; i < 2; i++) {
		workers[i] = (struct worker){ fixture, frame, &start, cpus[i], repeat, 0, 0 };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			errx(2, "pthread_create");
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].error)
			errx(2, "test run on CPU %d: %s", cpus[i], strerror(workers[i].error));
	}
	pthread_barrier_destroy(&start);
	return now() - begin;
}

/* A packet may have been looked at on each CPU before either took the last token: that many more than the clock says.
 */
static void two_cpus(struct fixture *fixture, const struct frame *frame, const int cpus[2], uint32_t rate,
		     uint32_t burst, uint32_t repeat)
{
	char text[64], got[128], expected[64];
	struct rules_counted counted;
	uint64_t ns, most;

	snprintf(text, sizeof(text), "pass --rate %u:%u -S limit", rate, burst);
	OPEN_WITH(fixture, frame->family, text);
	ns = run_on_both(fixture, frame, cpus, repeat);
	counted = xdp_rules_counted(fixture);
	most = burst + ns * rate / NS + 1;
	snprintf(expected, sizeof(expected), "%u to %llu", burst, (unsigned long long)most);
	snprintf(got, sizeof(got), "%llu in %llu ns", (unsigned long long)counted.packets, (unsigned long long)ns);
	if (counted.packets >= burst && counted.packets <= most)
		tap_ok("rate: two CPUs at once, %u:%u", rate, burst);
	else
		tap_not_ok(expected, got, "rate: two CPUs at once, %u:%u", rate, burst);
	fixture_close(fixture);
}

static void two_cpus_run(struct fixture *fixture)
{
	const struct spec spec = { .family = 4, .proto = UDP, .dport = 53 };
	struct frame frame;
	int cpus[2];

	if (!cpus_find(cpus)) {
		tap_skip("one CPU only", "rate: two CPUs at once");
		return;
	}
	spec_build(&spec, &frame);
	two_cpus(fixture, &frame, cpus, 1, 1, 20000);
	two_cpus(fixture, &frame, cpus, 1, 10000, 100000);
	two_cpus(fixture, &frame, cpus, 100000, 10, 100000);
	two_cpus(fixture, &frame, cpus, 1000000, 1000, 100000);
}

void xdp_rate_cases(struct fixture *fixture)
{
	for (int family = 4; family <= 6; family += 2) {
		burst_then_rate(fixture, family);
		burst_of_one(fixture, family);
		each_action(fixture, family);
		each_apart(fixture, family);
		by_prefix(fixture, family);
		next_best(fixture, family);
		too_many(fixture, family);
		crowd(fixture, family);
		no_table(fixture, family);
	}
	by_prefix6(fixture, "drop --rate 1:5/32", "2001:db8:1:2:ffff::", "2001:db8:1:3:3:4:5:6");
	by_prefix6(fixture, "drop --rate 1:5/33", "2001:db8:1:2:7fff::", "2001:db8:1:2:8003:4:5:6");
	by_prefix6(fixture, "drop --rate 1:5/95", "2001:db8:1:2:3:4:5:7", "2001:db8:1:2:3:4:5:4");
	by_prefix6(fixture, "drop --rate 1:5/96", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:7");
	two_cpus_run(fixture);
}
