/* SPDX-License-Identifier: GPL-2.0-only */
#include "events_subscribers.h"

#include "bench.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>

#define DECISIONS (1u << EVENT_DECISION | 1u << EVENT_REDECISION)

static int event_count(void *context, void *data, size_t size)
{
	(void)data;
	(void)size;
	++*(uint64_t *)context;
	return 0;
}

void subscribers_open(struct subscribers *subscribers, const struct pins *pins)
{
	struct event_filter silent = { 0 };
	struct error error;

	for (size_t i = 0; i < SUBSCRIBERS; i++) {
		struct subscription *one = &subscribers->each[i];
		int result;

		if (subscription_open(one, pins, &silent, SUBSCRIPTION_RING, false, &error))
			exit(error_print(&error));
		if (!subscribers->rings)
			subscribers->rings = ring_buffer__new(one->ring, event_count, &subscribers->received[i], NULL);
		result = !subscribers->rings ||
			 (i && ring_buffer__add(subscribers->rings, one->ring, event_count, &subscribers->received[i]));
		if (result)
			bench_fail(EVENT_RINGS);
	}
}

void subscribers_close(struct subscribers *subscribers)
{
	ring_buffer__free(subscribers->rings);
	for (size_t i = 0; i < SUBSCRIBERS; i++) {
		subscription_stop(&subscribers->each[i]);
		subscription_close(&subscribers->each[i]);
	}
}

void subscribers_drain(struct subscribers *subscribers)
{
	memset(subscribers->received, 0, sizeof(subscribers->received));
	if (ring_buffer__consume(subscribers->rings) < 0)
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

static struct event_filter filter_make(const struct listeners *listeners, uint32_t family, bool decided)
{
	struct event_filter filter = { .types = DECISIONS };

	if (listeners->wish == WISH_SAMPLE || (!decided && listeners->wish != WISH_DECISIONS)) {
		filter.types = 1u << EVENT_PACKET;
		filter.sample = listeners->sample ? listeners->sample : 1;
	}
	if (listeners->wish == WISH_INTERFACE)
		filter.ifindex[filter.ifindexes++] = 1;
	if (listeners->wish == WISH_ADDRESS)
		filter.end[filter.ends++] = other_range(family);
	if (listeners->wish == WISH_SERVICE)
		snprintf((char *)filter.service, sizeof(filter.service), "another");
	return filter;
}

void subscribers_wake(struct subscribers *subscribers, const struct listeners *listeners, uint32_t family, bool decided)
{
	struct event_filter filter = filter_make(listeners, family, decided);

	for (uint32_t i = 0; i < listeners->count; i++) {
		struct subscription *one = &subscribers->each[i];

		one->slots[one->slot].filter = filter;
		for (int type = 0; type < EVENT_TYPES; type++)
			if (filter.types & 1u << type)
				one->control->wanted[type] |= 1ull << one->slot;
	}
}

void subscribers_silence(struct subscribers *subscribers)
{
	memset(subscribers->each[0].control, 0, sizeof(*subscribers->each[0].control));
}
