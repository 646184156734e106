/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What subscribers cost a packet, in test runs. No reader runs meanwhile: rings are emptied between runs that fit into
 * them, so a run neither finds them full (unless it is to) nor waits for a reader.
 */
#include "events.h"
#include "subscribe.h"

#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define SUBSCRIBERS 8
#define BATCH 4000  /* packets whose events fit into a ring */
#define ROUND 20000 /* packets of a round, at most */
#define ROUND_QUICK 1000
/* No flow comes twice: each row takes a round so often and once before, and fills a ring each time at most twice. */
#define FLOWS(round) (((round) * (1 + LISTENERS_MAX) + 2 * BATCH) * (BENCH_ROUNDS + 1))
#define DECISIONS (1u << EVENT_DECISION | 1u << EVENT_REDECISION)

/* What the subscribers of a row ask for. */
enum wish { WISH_NONE, WISH_INTERFACE, WISH_ADDRESS, WISH_SERVICE, WISH_ALL, WISH_DECISIONS, WISH_SAMPLE };

struct listeners {
	const char *name;
	enum wish wish;
	uint32_t count;
	uint32_t sample; /* of WISH_SAMPLE */
	uint32_t wakeup; /* of struct event_slot */
	bool full;       /* the rings are never read */
	bool decided;    /* only for packets that are decided: else it is the same as another row */
};

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
	{ "this packet, a wake-up each", WISH_ALL, .count = 1, .wakeup = 1, .decided = true },
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
	struct subscription subscriptions[SUBSCRIBERS];
	struct ring_buffer *rings;
	uint64_t received[SUBSCRIBERS];
};

/* ---- subscribers ---- */

static int event_count(void *context, void *data, size_t size)
{
	(void)data;
	(void)size;
	++*(uint64_t *)context;
	return 0;
}

/* They keep their places all the time, and are silent until a row has need of them. */
static void subscribers_open(struct cost *cost)
{
	struct event_filter silent = { 0 };
	struct error error;

	for (size_t i = 0; i < SUBSCRIBERS; i++) {
		struct subscription *one = &cost->subscriptions[i];
		int result;

		if (subscription_open(one, &cost->events->pins, &silent, SUBSCRIPTION_RING, 0, &error))
			exit(error_print(&error));
		if (!cost->rings)
			cost->rings = ring_buffer__new(one->ring, event_count, &cost->received[i], NULL);
		result = !cost->rings ||
			 (i && ring_buffer__add(cost->rings, one->ring, event_count, &cost->received[i]));
		if (result)
			bench_fail(EVENT_RINGS);
	}
}

static void subscribers_close(struct cost *cost)
{
	ring_buffer__free(cost->rings);
	for (size_t i = 0; i < SUBSCRIBERS; i++) {
		subscription_stop(&cost->subscriptions[i]);
		subscription_close(&cost->subscriptions[i]);
	}
}

static void subscribers_drain(struct cost *cost)
{
	memset(cost->received, 0, sizeof(cost->received));
	if (ring_buffer__consume(cost->rings) < 0)
		bench_fail(EVENT_RINGS);
}

/* 198.18.0.0/15 or 2001:db8:ffff::/48: no packet of the bench has such an address. */
static struct event_range other_range(uint32_t family)
{
	uint64_t low = family == RULES_IPV4 ? 0xc612000000000000 : 0x20010db8ffff0000;
	uint64_t high = family == RULES_IPV4 ? 0xc613ffff00000000 : 0x20010db8ffffffff;

	return (struct event_range){ .low = { low, 0 },
				     .high = { high, family == RULES_IPV4 ? 0 : UINT64_MAX },
				     .family = family == RULES_IPV4 ? 4 : 6 };
}

static struct event_filter filter_make(const struct subject *subject, const struct listeners *listeners)
{
	struct event_filter filter = { .types = DECISIONS };

	if (listeners->wish == WISH_SAMPLE || (!subject->decided && listeners->wish != WISH_DECISIONS)) {
		filter.types = 1u << EVENT_PACKET;
		filter.sample = listeners->sample ? listeners->sample : 1;
	}
	if (listeners->wish == WISH_INTERFACE)
		filter.ifindex[filter.ifindexes++] = 1;
	if (listeners->wish == WISH_ADDRESS)
		filter.end[filter.ends++] = other_range(subject->family);
	if (listeners->wish == WISH_SERVICE)
		snprintf((char *)filter.service, sizeof(filter.service), "another");
	return filter;
}

static void subscribers_wake(struct cost *cost, const struct listeners *listeners)
{
	struct event_filter filter = filter_make(cost->subject, listeners);

	for (uint32_t i = 0; i < listeners->count; i++) {
		struct subscription *one = &cost->subscriptions[i];

		one->slots[one->slot].filter = filter;
		one->slots[one->slot].wakeup = listeners->wakeup;
		for (int type = 0; type < EVENT_TYPES; type++)
			if (filter.types & 1u << type)
				one->control->wanted[type] |= 1ull << one->slot;
	}
}

static void subscribers_silence(struct cost *cost)
{
	memset(cost->subscriptions->control, 0, sizeof(*cost->subscriptions->control));
}

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
static uint64_t lost_now(const struct cost *cost)
{
	return subscription_lost(&cost->subscriptions[0]);
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

	subscribers_drain(cost);
	received_check(cost, listeners, cost->received, repeat);
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

	subscribers_wake(cost, listeners);
	for (int left = total; left > 0; left -= BATCH) {
		int batch = left < BATCH ? left : BATCH;

		ns += batch * (listeners->full ? batch_full(cost, listeners, program, batch)
					       : batch_drained(cost, listeners, program, batch));
	}
	subscribers_silence(cost);
	subscribers_drain(cost);
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
	subscribers_open(&cost);
	measure_dropped(&cost, RULES_IPV4);
	measure_dropped(&cost, RULES_IPV6);
	measure_by_socket(&cost);
	measure_by_table(&cost);
	measure_new(&cost);
	subscribers_close(&cost);
}
