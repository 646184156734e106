/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What subscribers cost a packet, in test runs. No reader runs meanwhile: rings are emptied between runs that fit into
 * them, so a run neither finds them full (unless it is to) nor waits for a reader.
 */
#include "events.h"
#include "events_subscribers.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH 4000  /* packets whose events fit into a ring */
#define ROUND 20000 /* packets of a round, at most */
#define ROUND_QUICK 1000
/* No flow comes twice: each row takes a round so often and once before, and fills a ring each time at most twice. */
#define FLOWS(round) (((round) * (1 + LISTENERS_MAX) + 2 * BATCH) * (BENCH_ROUNDS + 1))

static const struct listeners all_listeners[] = {
	{ .name = "-" },
	{ "another interface", WISH_INTERFACE, .count = 1 },
	{ "another interface", WISH_INTERFACE, .count = SUBSCRIBERS },
	{ "another address range", WISH_ADDRESS, .count = 1 },
	{ "another address range", WISH_ADDRESS, .count = SUBSCRIBERS },
	{ "another service", WISH_SERVICE, .count = 1 },
	{ "another service", WISH_SERVICE, .count = SUBSCRIBERS },
	{ "this packet", WISH_ALL, .count = 1 },
	{ "this packet", WISH_ALL, .count = SUBSCRIBERS },
	{ "this packet, ring full", WISH_ALL, .count = 1, .full = true },
	{ "decisions", WISH_DECISIONS, .count = SUBSCRIBERS },
	{ "1 in 1 packets", WISH_SAMPLE, .count = 1, .sample = 1, .decided = true },
	{ "1 in 100 packets", WISH_SAMPLE, .count = 1, .sample = 100 },
	{ "1 in 10000 packets", WISH_SAMPLE, .count = 1, .sample = 10000 },
};

#define LISTENERS_MAX (sizeof(all_listeners) / sizeof(*all_listeners))

struct subject {
	const char *name;
	uint32_t family;
	struct bench_frame frame;
	uint32_t round; /* packets, at most */
	bool decided;   /* each packet is decided; else they are of an established flow, and there are only samples */
};

struct cost {
	struct events *events;
	const struct subject *subject;
	const struct listeners *listeners[LISTENERS_MAX];
	uint32_t count;
	struct subscribers subscribers;
};

/* ---- runs ---- */

/* How many of the packets must have come to a subscriber; -1: chance says. */
static long expected_of(const struct cost *cost, const struct listeners *listeners, long packets)
{
	switch (listeners->wish) {
	case WISH_ALL:
		return packets;
	case WISH_SAMPLE:
		return listeners->sample == 1 ? packets : -1;
	case WISH_DECISIONS:
		return cost->subject->decided ? packets : 0;
	default:
		return 0;
	}
}

/* A cost of events that were not made would be a wrong one. */
static void received_check(const struct cost *cost, const struct listeners *listeners, const uint64_t *received,
			   long packets)
{
	long expected = expected_of(cost, listeners, packets);

	for (uint32_t i = 0; i < listeners->count; i++) {
		if (expected < 0 || received[i] == (uint64_t)expected)
			continue;
		fprintf(stderr, "events_bench: %s, %u subscribers to %s: %llu events of %ld packets, not %ld\n",
			cost->subject->name, listeners->count, listeners->name, (unsigned long long)received[i],
			packets, expected);
		exit(1);
	}
}

/* Of the first: there is one subscriber in those rows. */
static uint64_t lost_now(struct cost *cost)
{
	return subscription_lost(&cost->subscribers.each[0]);
}

static double batch_run(struct cost *cost, int program, int repeat)
{
	return bench_run_once(&cost->events->bench, &cost->subject->frame, program, repeat);
}

static double batch_full(struct cost *cost, const struct listeners *listeners, int program, int repeat)
{
	uint64_t before, lost;
	double ns;

	for (before = lost_now(cost); lost_now(cost) == before;)
		batch_run(cost, program, BATCH);
	before = lost_now(cost);
	ns = batch_run(cost, program, repeat);
	lost = lost_now(cost) - before;
	received_check(cost, listeners, &lost, repeat);
	return ns;
}

static double batch_drained(struct cost *cost, const struct listeners *listeners, int program, int repeat)
{
	double ns = batch_run(cost, program, repeat);

	subscribers_drain(&cost->subscribers);
	received_check(cost, listeners, cost->subscribers.received, repeat);
	return ns;
}

/* As bench_runner: 0 is the empty program, the others are splicer.o with these listeners. */
static double cost_run(void *context, uint32_t subject, int repeat)
{
	struct cost *cost = context;
	int program = bench_program(&cost->events->bench, subject ? "splicer_ingress" : "empty");
	const struct listeners *listeners = subject ? cost->listeners[subject - 1] : &all_listeners[0];
	int round = (int)cost->subject->round, total = repeat < round ? repeat : round;
	double ns = 0;

	subscribers_wake(&cost->subscribers, listeners, cost->subject->family, cost->subject->decided);
	for (int left = total; left > 0; left -= BATCH) {
		int batch = left < BATCH ? left : BATCH;

		ns += batch * (listeners->full ? batch_full(cost, listeners, program, batch)
					       : batch_drained(cost, listeners, program, batch));
	}
	subscribers_silence(&cost->subscribers);
	subscribers_drain(&cost->subscribers);
	return ns / total;
}

static void rows_add(struct cost *cost, const double *ns)
{
	struct events *events = cost->events;

	for (uint32_t i = 0; i < cost->count; i++)
		events->cost[events->costs++] = (struct events_cost){ .packet = cost->subject->name,
								      .wants = cost->listeners[i]->name,
								      .subscribers = cost->listeners[i]->count,
								      .empty = ns[0],
								      .none = ns[1],
								      .splicer = ns[1 + i] };
}

static void listeners_choose(struct cost *cost)
{
	cost->count = 0;
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		const struct listeners *one = &all_listeners[i];

		if (cost->subject->decided ? one->wish != WISH_DECISIONS : !one->decided)
			cost->listeners[cost->count++] = one;
	}
}

static void subject_measure(struct cost *cost, const struct subject *subject)
{
	uint32_t subjects[1 + LISTENERS_MAX];
	double ns[1 + LISTENERS_MAX];

	cost->subject = subject;
	listeners_choose(cost);
	for (uint32_t i = 0; i <= cost->count; i++)
		subjects[i] = i;
	bench_take_turns(&cost->events->bench, cost_run, cost, subjects, ns, 1 + cost->count);
	rows_add(cost, ns);
}

/* ---- packets ---- */

static void measure_dropped(struct cost *cost, uint32_t family)
{
	struct subject subject = { family == RULES_IPV4 ? "IPv4 UDP, dropped" : "IPv6 UDP, dropped", family,
				   .round = ROUND, .decided = true };

	frame_make(&subject.frame, family, IPPROTO_UDP, FRAME_OTHER_PORT, false, 0);
	subject_measure(cost, &subject);
}

static void measure_new(struct cost *cost)
{
	uint32_t round = cost->events->bench.quick ? ROUND_QUICK : BATCH;
	struct subject subject = { "IPv4 new UDP flow, passes", RULES_IPV4, .round = round, .decided = true };

	frame_make(&subject.frame, RULES_IPV4, IPPROTO_UDP, FRAME_PORT, false, 0);
	frames_prepare(&cost->events->bench, RULES_IPV4, FRAME_PORT, (uint32_t)FLOWS(round));
	subject_measure(cost, &subject);
	bench_choose(&cost->events->bench, RULES_IPV4, 0);
}

static void measure_by_socket(struct cost *cost)
{
	struct subject subject = { "IPv4 established TCP, by socket", RULES_IPV4, .round = ROUND };

	frame_make_connected(&subject.frame, RULES_IPV4, IPPROTO_TCP);
	subject_measure(cost, &subject);
}

static void measure_by_table(struct cost *cost)
{
	struct subject subject = { "IPv4 established TCP, by table", RULES_IPV4, .round = ROUND };
	struct bench *bench = &cost->events->bench;

	frame_make(&subject.frame, RULES_IPV4, IPPROTO_TCP, FRAME_PORT, false, TCP_SYN);
	bench_run_once(bench, &subject.frame, bench_program(bench, "splicer_ingress"), 1);
	frame_make(&subject.frame, RULES_IPV4, IPPROTO_TCP, FRAME_PORT, true, TCP_SYN | TCP_ACK);
	bench_run_once(bench, &subject.frame, bench_program(bench, "splicer_egress"), 1);
	frame_make(&subject.frame, RULES_IPV4, IPPROTO_TCP, FRAME_PORT, false, TCP_ACK);
	subject_measure(cost, &subject);
}

void events_measure_cost(struct events *events)
{
	struct cost cost = { .events = events };

	bench_room(&events->bench, RULES_IPV4, 1);
	subscribers_open(&cost.subscribers, &events->pins);
	measure_dropped(&cost, RULES_IPV4);
	measure_dropped(&cost, RULES_IPV6);
	measure_by_socket(&cost);
	measure_by_table(&cost);
	measure_new(&cost);
	subscribers_close(&cost.subscribers);
}
