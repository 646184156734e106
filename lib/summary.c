/* SPDX-License-Identifier: GPL-2.0-only */
#include "summary.h"

#include "clock.h"
#include "proto.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- adding up ---- */

static void interval_begin(struct summary *summary, uint64_t lost)
{
	memset(summary->by, 0, sizeof(summary->by));
	summary->sum = (struct summary_sum){ 0 };
	summary->began = clock_seconds(CLOCK_MONOTONIC);
	summary->lost_before = lost;
	talkers_clear(&summary->talkers);
}

int summary_open(struct summary *summary, uint64_t seconds, bool json, struct error *error)
{
	if (talkers_open(&summary->talkers, TALKERS_PLACES, error))
		return -1;
	screen_open(&summary->screen, seconds, json);
	summary->screen.moment += summary->screen.seconds;
	summary->blocks = 0;
	interval_begin(summary, 0);
	return 0;
}

static uint64_t event_weight(const struct event *event)
{
	return event->type == EVENT_PACKET && event->sample ? event->sample : 1;
}

static bool has_port(const struct event *event)
{
	return proto_ports(event->proto) == PROTO_HAS_PORTS && event->fragment != EVENT_LATER_FRAGMENT;
}

static void sum_add(struct summary_sum *sum, const struct summary_sum *more)
{
	sum->events += more->events;
	sum->bytes += more->bytes;
}

void summary_take(struct summary *summary, const struct event *event)
{
	unsigned int verdict = event->verdict < VERDICT_COUNT ? event->verdict : VERDICT_COUNT;
	struct summary_sum sum = { .events = event_weight(event), .bytes = event_weight(event) * event->length };
	struct talk talk = { .events = sum.events, .bytes = sum.bytes, .port = -1 };
	struct source source = { .family = event->family };

	sum_add(&summary->sum, &sum);
	sum_add(&summary->by[verdict][event->reason], &sum);
	if (event->family != 4 && event->family != 6)
		return;
	memcpy(source.addr, event->src, sizeof(source.addr));
	if (event->verdict == VERDICT_DROP)
		talk.blocked = sum.events;
	if (has_port(event))
		talk.port = ntohs(event->dport);
	talkers_add(&summary->talkers, &source, &talk);
}

/* ---- again and again ---- */

void summary_print(struct summary *summary, double seconds, uint64_t lost)
{
	summary_block_print(summary, seconds, lost - summary->lost_before);
	summary->blocks++;
	interval_begin(summary, lost);
}

uint64_t summary_due(const struct summary *summary)
{
	return clock_now() + (uint64_t)(screen_left(&summary->screen) * (double)CLOCK_SECOND);
}

void summary_round(struct summary *summary, uint64_t lost)
{
	if (screen_left(&summary->screen) > 0)
		return;
	summary_print(summary, clock_seconds(CLOCK_MONOTONIC) - summary->began, lost);
	screen_next(&summary->screen);
}

/* On a screen the last whole block is worth more than what little came since. */
void summary_finish(struct summary *summary, uint64_t lost)
{
	bool stays = summary->screen.terminal && summary->blocks;

	if (!stays && (summary->sum.events || lost != summary->lost_before))
		summary_print(summary, clock_seconds(CLOCK_MONOTONIC) - summary->began, lost);
}

void summary_close(struct summary *summary)
{
	screen_close(&summary->screen);
	talkers_close(&summary->talkers);
}
