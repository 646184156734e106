/* SPDX-License-Identifier: GPL-2.0-only */
/* flow.o, both ways: whatever comes it passes as it is, and is counted once, as what a plain reading finds it to be. */
#include "packet/generation.h"
#include "trial.h"

#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>

#define BUCKETS 8

static struct {
	struct generation *generation;
	bool cut_allowed; /* its clock is that of packets: as if it read a capture */
} flow;

struct counted_as {
	struct flow_tally sessions, malformed, not_ip;
};

static void open_flow(struct trial *trial)
{
	trial->fixture.tested = FLOW;
	fixture_open(&trial->fixture);
	flow.generation = generation_new(1, BUCKETS, BUCKETS * 4);
	generation_place(&trial->fixture, flow.generation, FLOW_NOW);
}

static void close_flow(struct trial *trial)
{
	generation_free(flow.generation);
	fixture_close(&trial->fixture);
}

static void begin_flow(struct trial *trial)
{
	struct flow_settings *settings = &flow.generation->head->settings;

	generation_clear(flow.generation, 1 + numbers_below(&trial->numbers, 1000));
	flow.cut_allowed = ONE_IN(&trial->numbers, 4);
	settings->clock = flow.cut_allowed ? FLOW_CLOCK_PACKET : FLOW_CLOCK_KERNEL;
	settings->session_packets = ONE_IN(&trial->numbers, 2) ? 3 : 0;
	settings->sessions = 5;
	settings->detailed = ONE_IN(&trial->numbers, 2);
}

static void draw_flow(struct trial *trial, struct frame *frame)
{
	frame_draw(&trial->numbers, frame);
}

static enum context where_flow(struct trial *trial)
{
	static const enum context contexts[] = { ON_VETH, ON_PEER, OUT_VETH, OUT_PEER, ON_LOOPBACK, OUT_LOOPBACK };

	return contexts[numbers_below(&trial->numbers, sizeof(contexts) / sizeof(contexts[0]))];
}

static struct counted_as counted_now(void)
{
	const struct generation *generation = flow.generation;
	const struct generation_lost lost = generation_lost(generation);
	struct counted_as now = { generation_total(generation), generation->head->malformed, generation->head->not_ip };

	now.sessions.packets += lost.evicted_tally.packets + lost.missed.packets;
	now.sessions.bytes += lost.evicted_tally.bytes + lost.missed.bytes;
	return now;
}

static struct flow_tally tally_since(const struct flow_tally *now, const struct flow_tally *before)
{
	return (struct flow_tally){ .packets = now->packets - before->packets, .bytes = now->bytes - before->bytes };
}

static bool tally_is(const struct flow_tally *tally, bool one, uint64_t bytes)
{
	return tally->packets == one && tally->bytes == (one ? bytes : 0);
}

/* What a capture has less of than its lengths say is none the worse for it. */
static bool counts_hold(const struct frame *frame, const struct plain *plain, bool counts,
			const struct counted_as *since, struct wrong *wrong)
{
	uint64_t all = since->sessions.packets + since->malformed.packets + since->not_ip.packets;
	bool malformed = counts && plain->kind == PLAIN_MALFORMED, ip = counts && plain->kind == PLAIN_IP;

	if (all != counts)
		return wrong_say(wrong, "each frame is counted once", "%llu times", (unsigned long long)all);
	if (flow.cut_allowed && plain->kind == PLAIN_MALFORMED)
		return true;
	if (tally_is(&since->malformed, malformed, frame->len) &&
	    tally_is(&since->sessions, ip, plain->end - plain->l3) &&
	    tally_is(&since->not_ip, counts && !malformed && !ip, frame->len))
		return true;
	return wrong_say(
		wrong, "it is counted as what a plain reading finds",
		"sessions %llu packets %llu bytes, malformed %llu %llu, not IP %llu %llu; kind %d of %zu bytes",
		(unsigned long long)since->sessions.packets, (unsigned long long)since->sessions.bytes,
		(unsigned long long)since->malformed.packets, (unsigned long long)since->malformed.bytes,
		(unsigned long long)since->not_ip.packets, (unsigned long long)since->not_ip.bytes, plain->kind,
		frame->len);
}

static bool holds_flow(struct trial *trial, enum context context, const struct frame *frame, struct wrong *wrong)
{
	struct fixture *fixture = &trial->fixture;
	struct counted_as before = counted_now(), after, since;
	struct plain plain;
	int action;

	if (frame->len < frame_shortest(frame))
		return true;
	plain_read(frame, &plain);
	action = fixture_run_quick(fixture, context, frame);
	trial->frames++;
	if (action != TC_ACT_UNSPEC)
		return wrong_say(wrong, "every frame passes", "%d", action);
	if (fixture->out_len != frame->len || memcmp(fixture->out, frame->data, frame->len))
		return wrong_say(wrong, "no frame is changed", "%zu bytes of %zu", fixture->out_len, frame->len);
	after = counted_now();
	since = (struct counted_as){ tally_since(&after.sessions, &before.sessions),
				     tally_since(&after.malformed, &before.malformed),
				     tally_since(&after.not_ip, &before.not_ip) };
	return counts_hold(frame, &plain, context != OUT_LOOPBACK, &since, wrong);
}

static bool end_flow(struct trial *trial, struct wrong *wrong)
{
	(void)trial;
	return generation_is_free(flow.generation) || wrong_say(wrong, "no lock stays taken", "one did");
}

const struct program program_flow = {
	.name = "flow.o",
	.open = open_flow,
	.begin = begin_flow,
	.draw = draw_flow,
	.where = where_flow,
	.holds = holds_flow,
	.end = end_flow,
	.close = close_flow,
};
