/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of events besides their filter: sampling, a ring that is full, and nobody who listens. */
#include "listener.h"

#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define RING 65536
#define SMALL_RING 4096
#define RECORD (sizeof(struct event) + 8) /* with the header of the kernel: BPF_RINGBUF_HDR_SZ */
#define DROPPED                          \
	{                                \
		.family = 4, .dport = 79 \
	}

/* Runs the frame so many times. */
static void repeat(const struct fixture *fixture, const struct spec *spec, int times)
{
	struct __sk_buff skb = { .ifindex = (uint32_t)fixture->veth };
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &skb, .ctx_size_in = sizeof(skb), .repeat = times);

	spec_build(spec, &frame);
	options.data_in = frame.data;
	options.data_size_in = (uint32_t)frame.len;
	if (bpf_prog_test_run_opts(fixture->program, &options))
		err(2, "test run");
}

static void expect(uint64_t expected, uint64_t got, const char *name)
{
	char want[32], have[32];

	snprintf(want, sizeof(want), "%llu", (unsigned long long)expected);
	snprintf(have, sizeof(have), "%llu", (unsigned long long)got);
	if (expected == got)
		tap_ok("%s", name);
	else
		tap_not_ok(want, have, "%s", name);
}

/* ---- sampling ---- */

/*
 * Of 100,000 packets, one in so many. Outside these bounds it falls with less than one chance in 10^9 for all rows
 * together, by Bernstein's inequality: the distance d from the mean m = n/N is 8 + sqrt(64 + 48 v), v = m (1 - 1/N), so
 * that 2 exp(-d^2 / 2 (v + d/3)) = 2 exp(-24) < 10^-10 each.
 */
#define PACKETS 100000
static const struct {
	uint32_t sample;
	uint64_t low, high;
} samples[] = {
	{ 1, PACKETS, PACKETS }, { 2, 48896, 51104 }, { 7, 13510, 15061 }, { 100, 773, 1227 }, { 4000, 0, 69 },
};

/* All that fell to it, whether it found room or not. */
static uint64_t drawn(struct listener *listener)
{
	return listener_read(listener) + listener_lost(listener);
}

static void sample_case(struct fixture *fixture, struct listener *listener, size_t row)
{
	const struct event_filter filter = { .types = TYPES(EVENT_PACKET), .sample = samples[row].sample };
	const struct spec spec = DROPPED;
	char expected[64], got[64];
	uint64_t count;

	listener_set(listener, &filter);
	repeat(fixture, &spec, PACKETS);
	count = drawn(listener);
	snprintf(expected, sizeof(expected), "%llu to %llu, each standing for %u", (unsigned long long)samples[row].low,
		 (unsigned long long)samples[row].high, samples[row].sample);
	snprintf(got, sizeof(got), "%llu, standing for %u", (unsigned long long)count, listener->event[0].sample);
	if (count >= samples[row].low && count <= samples[row].high &&
	    (!listener->count || listener->event[0].sample == samples[row].sample))
		tap_ok("sampling: one packet in %u", samples[row].sample);
	else
		tap_not_ok(expected, got, "sampling: one packet in %u", samples[row].sample);
}

static unsigned int count_type(const struct listener *listener, enum event_type type)
{
	unsigned int count = 0;

	for (size_t i = 0; i < listener->count && i < LISTENER_EVENTS; i++)
		count += listener->event[i].type == type;
	return count;
}

/* A decision is told as such, and as a packet, to who wants both. */
static void both_case(struct fixture *fixture, struct listener *listener)
{
	const struct event_filter filter = { .types = TYPES(EVENT_DECISION, EVENT_PACKET), .sample = 1 };
	const struct spec spec = DROPPED;

	listener_set(listener, &filter);
	repeat(fixture, &spec, 10);
	listener_read(listener);
	expect(10, count_type(listener, EVENT_DECISION), "sampling: 10 decisions as such");
	expect(10, count_type(listener, EVENT_PACKET), "sampling: and as packets");
}

/* Decisions are never sampled. */
static void decisions_case(struct fixture *fixture, struct listener *listener)
{
	const struct event_filter filter = { .types = TYPES(EVENT_DECISION), .sample = 1000 };
	const struct spec spec = DROPPED;

	listener_set(listener, &filter);
	repeat(fixture, &spec, 50);
	expect(50, listener_read(listener), "sampling: decisions are not");
	expect(0, listener->event[0].sample, "sampling: nor do they stand for more");
}

static void sampling_cases(struct fixture *fixture, const struct plane *plane)
{
	const struct event_filter none = { 0 };
	struct listener listener;

	listener_open(&listener, plane, 3, &none, RING);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		sample_case(fixture, &listener, i);
	both_case(fixture, &listener);
	decisions_case(fixture, &listener);
	listener_close(&listener);
}

/* ---- rings ---- */

/* A ring and a filter, but no bit: nothing is written, nothing is lost. */
static void nobody_case(struct fixture *fixture, const struct plane *plane)
{
	const struct event_filter filter = { .types = TYPES(EVENT_DECISION, EVENT_PACKET), .sample = 1 };
	const struct spec spec = DROPPED;
	struct listener listener;

	listener_open(&listener, plane, 0, &filter, RING);
	listener_mute(&listener);
	repeat(fixture, &spec, 100);
	expect(0, listener_read(&listener), "nobody listens: no ring is written");
	expect(0, listener_lost(&listener), "nobody listens: nothing is lost");
	listener_close(&listener);
}

/* As many as fit are there; all others are lost, also to a slot without a ring, and no other slot loses any. */
static void full_case(struct fixture *fixture, const struct plane *plane)
{
	const struct event_filter filter = { .types = TYPES(EVENT_DECISION) };
	const struct spec spec = DROPPED;
	const size_t fit = (SMALL_RING - 1) / RECORD;
	struct listener small, large, without;
	uint32_t slot = 9;

	listener_open(&small, plane, 8, &filter, SMALL_RING);
	listener_open(&without, plane, slot, &filter, SMALL_RING);
	listener_open(&large, plane, 10, &filter, RING);
	if (bpf_map_delete_elem(plane->rings, &slot))
		err(2, EVENT_RINGS);
	repeat(fixture, &spec, 100);
	expect(fit, listener_read(&small), "a full ring: as many as fit");
	expect(100 - fit, listener_lost(&small), "a full ring: the others are lost");
	expect(0, listener_read(&without), "no ring: none");
	expect(100, listener_lost(&without), "no ring: all are lost");
	expect(100, listener_read(&large), "a larger ring beside them: all");
	expect(0, listener_lost(&large), "a larger ring beside them: none is lost");
	repeat(fixture, &spec, 5);
	expect(5, listener_read(&small), "the ring was read: there is room again");
	expect(100 - fit, listener_lost(&small), "the ring was read: no more are lost");
	listener_close(&small);
	listener_close(&without);
	listener_close(&large);
}

/* A question decides a packet that nobody sent. */
static void question_case(struct fixture *fixture, const struct plane *plane)
{
	const struct event_filter filter = { .types = TYPES(EVENT_DECISION, EVENT_PACKET), .sample = 1 };
	const struct spec spec = DROPPED;
	struct listener listener;
	struct frame frame;

	spec_build(&spec, &frame);
	listener_open(&listener, plane, 0, &filter, RING);
	if (fixture_ask(fixture, ON_VETH, &frame) < 0)
		err(2, "question");
	expect(0, listener_read(&listener), "a question is no event");
	listener_close(&listener);
}

/* Bits of slots that there are not, and of slots without a filter. */
static void foreign_case(struct fixture *fixture, const struct plane *plane)
{
	const struct event_filter filter = { .types = TYPES(EVENT_DECISION) };
	const struct spec spec = DROPPED;
	struct event_control control = { 0 };
	struct listener listener;
	uint32_t zero = 0;

	listener_open(&listener, plane, EVENT_SLOT_COUNT - 1, &filter, RING);
	for (int type = 0; type < EVENT_TYPES; type++)
		control.wanted[type] = ~0ull;
	if (bpf_map_update_elem(plane->control, &zero, &control, BPF_ANY))
		err(2, EVENT_CONTROL);
	repeat(fixture, &spec, 10);
	expect(10, listener_read(&listener), "every bit set: each event once");
	control = (struct event_control){ 0 };
	if (bpf_map_update_elem(plane->control, &zero, &control, BPF_ANY))
		err(2, EVENT_CONTROL);
	listener_close(&listener);
}

void event_ring_cases(struct fixture *fixture)
{
	struct plane plane;

	fixture_open(fixture);
	fixture_set_rules_seen(fixture, 1);
	plane = plane_of(fixture);
	sampling_cases(fixture, &plane);
	nobody_case(fixture, &plane);
	full_case(fixture, &plane);
	question_case(fixture, &plane);
	foreign_case(fixture, &plane);
	fixture_close(fixture);
}
