/* SPDX-License-Identifier: GPL-2.0-only */
#include "golden.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RING 65536

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static void expect_ip(const struct frame *frame, struct event *event)
{
	size_t size = frame->family == 6 ? 16 : 4;
	const uint8_t *addresses = frame->data + frame->network + (frame->family == 6 ? 8 : 12);
	const uint8_t *transport = frame->data + frame->transport;

	event->family = (uint8_t)frame->family;
	event->proto = frame->data[frame->next];
	memcpy(event->src, addresses, size);
	memcpy(event->dst, addresses + size, size);
	if (event->fragment == EVENT_LATER_FRAGMENT || event->reason == REASON_TRUNCATED)
		return;
	if (has_ports(event->proto)) {
		memcpy(&event->sport, transport, sizeof(event->sport));
		memcpy(&event->dport, transport + 2, sizeof(event->dport));
	} else if (event->proto == IPPROTO_ICMP || event->proto == IPPROTO_ICMPV6) {
		event->icmp_type = transport[0];
		event->icmp_code = transport[1];
	}
}

static uint32_t ifindex_of(const struct fixture *fixture, enum context context)
{
	if (context == ON_LOOPBACK || context == OUT_LOOPBACK)
		return 1;
	return (uint32_t)(context == ON_PEER || context == OUT_PEER ? fixture->veth_peer : fixture->veth);
}

static void place_fill(const struct fixture *fixture, const struct golden *golden, struct event *event)
{
	event->object = EVENT_SPLICER;
	event->hook = golden->context >= OUT_VETH ? EVENT_EGRESS : EVENT_INGRESS;
	if (fixture->tested == XDP_FILTER) {
		event->object = EVENT_XDP;
		event->hook = EVENT_DRIVER;
	}
}

/* The record that the frame must make, as a packet; without its time. */
static struct event expected_of(const struct fixture *fixture, const struct golden *golden, const struct frame *frame)
{
	struct event event = golden->has;

	event.size = sizeof(event);
	event.version = 1;
	event.type = EVENT_PACKET;
	place_fill(fixture, golden, &event);
	event.verdict = golden->verdict;
	event.reason = golden->reason;
	event.ifindex = ifindex_of(fixture, golden->context);
	event.length = (uint32_t)frame->len;
	event.rule = golden->rule;
	event.sample = 1;
	if (golden->tag)
		memcpy(event.service, golden->tag, strnlen(golden->tag, sizeof(event.service)));
	if (golden->has.ethertype)
		return event; /* its headers are not read further */
	event.ethertype = frame->family == 6 ? ETH_P_IPV6 : ETH_P_IP;
	expect_ip(frame, &event);
	return event;
}

/* "16:07" for each byte that differs: offset and what was got */
static void difference_print(const struct event *got, const struct event *expected, char *text, size_t size)
{
	const uint8_t *a = (const uint8_t *)got, *b = (const uint8_t *)expected;
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(*got) && used + 8 < size; i++)
		if (a[i] != b[i])
			used += (size_t)snprintf(text + used, size - used, " %zu:%02x/%02x", i, a[i], b[i]);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* What was read is one record, made since `from`, that is as expected; says why not. */
static bool record_is(struct listener *listener, size_t count, struct event expected, uint64_t from, char *got,
		      size_t size)
{
	struct event *event = &listener->event[0];
	uint64_t until = now(), time;

	if (listener->count != count || listener->odd) {
		snprintf(got, size, "%zu events, %zu of an odd size", listener->count, listener->odd);
		return false;
	}
	if (!count)
		return true;
	time = event->time;
	event->time = 0;
	difference_print(event, &expected, got, size);
	if (!*got && (time < from || time > until))
		snprintf(got, size, "its time is off");
	event->time = time;
	return !*got;
}

static void golden_run(struct fixture *fixture, struct listener listeners[2], const struct golden *golden, int family)
{
	struct spec spec = golden->spec;
	struct outcome outcome;
	struct event expected;
	struct frame frame;
	char got[512];
	uint64_t from;
	bool right;

	if (golden->before)
		golden->before(fixture, family);
	spec.family = family;
	spec_build(&spec, &frame);
	from = now();
	fixture_run(fixture, golden->context, &frame, &outcome);
	listener_read(&listeners[0]);
	listener_read(&listeners[1]);
	expected = expected_of(fixture, golden, &frame);
	right = record_is(&listeners[1], 1, expected, from, got, sizeof(got));
	expected.type = (uint8_t)golden->type;
	expected.sample = 0;
	right = right && record_is(&listeners[0], golden->type != EVENT_NONE, expected, from, got, sizeof(got));
	if (right && golden->type != EVENT_NONE && listeners[0].event[0].time != listeners[1].event[0].time)
		right = !snprintf(got, sizeof(got), "two times");
	if (right)
		tap_ok("record: %s (IPv%d)", golden->name, family);
	else
		tap_not_ok("the record, at OFFSET:GOT/EXPECTED no difference", got, "record: %s (IPv%d)", golden->name,
			   family);
}

void goldens_open(struct fixture *fixture, struct goldens *run, int family, const char *const *rules, size_t count)
{
	const struct event_filter decisions = { .types = TYPES(EVENT_DECISION, EVENT_REDECISION) };
	const struct event_filter packets = { .types = TYPES(EVENT_PACKET), .sample = 1 };

	fixture_open(fixture);
	run->plane = plane_of(fixture);
	listener_open(&run->listeners[0], &run->plane, 0, &decisions, RING);
	listener_open(&run->listeners[1], &run->plane, EVENT_SLOT_COUNT - 1, &packets, RING);
	for (size_t i = 0; i < count; i++)
		if (rule_insert(fixture, family, rules[i]))
			tap_not_ok("exit 0", "another", "record: rule %s", rules[i]);
}

void goldens_run(struct fixture *fixture, struct goldens *run, int family, const struct golden *goldens, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!goldens[i].spec.family || goldens[i].spec.family == family)
			golden_run(fixture, run->listeners, &goldens[i], family);
}

void goldens_close(struct fixture *fixture, struct goldens *run)
{
	listener_close(&run->listeners[0]);
	listener_close(&run->listeners[1]);
	fixture_close(fixture);
}
