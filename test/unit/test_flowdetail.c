/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lib/flowdetail.c, lib/deviation.c, flowcols_detail.c, flowcic.c: a session whose packets are of several generations
 * is put together to what it would be in one, wherever it was parted; what its columns are.
 */
#include "deviation.h"
#include "flowcols.h"
#include "flowdetail.h"
#include "flowrow.h"

#include "tap.h"

#include <math.h>
#include <netinet/in.h>

#define PACKETS_MAX 60
#define ROUNDS 20000
#define SECOND 1000000000ull

struct packet {
	uint64_t time;
	uint64_t since; /* when the spell began that it is of */
	/* of those with payload: how many in a row this one is the last of, when the first of them came, their bytes */
	uint64_t run_start;
	uint32_t run, run_bytes;
	unsigned int end;
	uint16_t payload, header;
};

/* ---- what packets come to, by what it means ---- */

static void times_add(struct flow_times *times, uint64_t time)
{
	unsigned __int128 squares = flow_squares(times->squares) + (unsigned __int128)time * time;

	times->min = !times->count || time < times->min ? time : times->min;
	times->max = time > times->max ? time : times->max;
	times->count++;
	times->sum += time;
	times->squares[0] = (uint64_t)squares;
	times->squares[1] = (uint64_t)(squares >> 64);
}

static void gap_add(struct flow_detail *detail, const struct packet *before, const struct packet *packet)
{
	uint64_t gap = packet->time - before->time;

	times_add(&detail->gaps, gap);
	detail->pauses += gap > FLOW_PAUSE;
	if (gap <= FLOW_IDLE_SPELL)
		return;
	times_add(&detail->idle, gap);
	if (before->time > before->since)
		times_add(&detail->active, before->time - before->since);
}

static void bulk_add(struct flow_detail_side *side, const struct packet *packet, const struct packet *last)
{
	if (packet->run == FLOW_BULK_PACKETS) {
		side->bulks++;
		side->bulk_packets += FLOW_BULK_PACKETS;
		side->bulk_bytes += packet->run_bytes;
		side->bulk_time += packet->time - packet->run_start;
	} else if (packet->run > FLOW_BULK_PACKETS) {
		side->bulk_packets++;
		side->bulk_bytes += packet->payload;
		side->bulk_time += packet->time - last->time;
	}
}

static void side_add(struct flow *flow, const struct packet *packet)
{
	struct flow_detail_side *detail = &flow->detail.side[packet->end];
	struct flow_side *side = &flow->side[packet->end];

	if (!side->packets || packet->payload < detail->payload_min)
		detail->payload_min = packet->payload;
	if (!side->packets || packet->header < detail->header_min)
		detail->header_min = packet->header;
	if (packet->payload > detail->payload_max)
		detail->payload_max = packet->payload;
	detail->payload_squares += (uint64_t)packet->payload * packet->payload;
	detail->headers += packet->header;
	detail->data_packets += packet->payload > 0;
	side->packets++;
}

/* The record of a generation that has packets [from, to) of all. */
static struct flow record(const struct packet *packets, size_t from, size_t to)
{
	struct flow flow = { .flags = FLOW_DETAILED | (from ? FLOW_CONTINUED : 0) };
	const struct packet *data[2] = { NULL };

	for (size_t i = 0; i < to; i++) {
		const struct packet *packet = &packets[i];

		flow.side[packet->end].last = packet->time;
		flow.detail.active_since = packet->since;
		if (i >= from && i)
			gap_add(&flow.detail, packet - 1, packet);
		if (i >= from)
			side_add(&flow, packet);
		if (i >= from && packet->payload)
			bulk_add(&flow.detail.side[packet->end], packet, data[packet->end]);
		if (packet->payload)
			data[packet->end] = packet;
	}
	for (int end = 0; end < 2; end++)
		if (data[end])
			flow.detail.side[end].run_packets = data[end]->run;
	return flow;
}

/* ---- packets ---- */

static uint64_t random_gap(void)
{
	static const uint64_t gaps[] = {
		0, 1, SECOND / 3, SECOND, SECOND + 1, 5 * SECOND, 5 * SECOND + 1, 7 * SECOND, 40000 * SECOND, 12345678
	};

	return random_below(3) ? gaps[random_below(3)] : RANDOM_OF(gaps);
}

static void run_set(struct packet *packet, const struct packet *before)
{
	bool goes_on = before && before->end == packet->end && packet->time - before->time <= FLOW_PAUSE;

	packet->run = goes_on ? before->run + 1 : 1;
	packet->run_start = goes_on ? before->run_start : packet->time;
	packet->run_bytes = packet->payload + (goes_on ? before->run_bytes : 0);
}

static void packets_make(struct packet *packets, size_t count)
{
	static const uint16_t payloads[] = { 0, 1, 512, 1400, 65535, 700 };
	const struct packet *data = NULL;
	uint64_t time = SECOND;

	for (size_t i = 0; i < count; i++) {
		uint64_t gap = random_gap();
		unsigned int end = random_below(5) ? (i ? packets[i - 1].end : 0) : random_below(2);

		time += gap;
		packets[i] =
			(struct packet){ .time = time, .end = end, .header = (uint16_t)(20 + 4 * random_below(11)) };
		packets[i].payload = RANDOM_OF(payloads);
		packets[i].since = i && gap <= FLOW_IDLE_SPELL ? packets[i - 1].since : time;
		if (!packets[i].payload)
			continue;
		run_set(&packets[i], data);
		data = &packets[i];
	}
}

/* ---- put together ---- */

static struct flow merged(const struct packet *packets, size_t count)
{
	size_t to = count, from = random_below((uint32_t)to);
	struct flow flow = record(packets, from, to);

	while (from) {
		struct flow older;

		to = from;
		from = random_below((uint32_t)to);
		older = record(packets, from, to);
		flow_merge(&flow, &older);
	}
	return flow;
}

static bool is_same(const struct flow *a, const struct flow *b)
{
	struct flow_times active_a = flow_active(a), active_b = flow_active(b);

	return !memcmp(&a->detail, &b->detail, sizeof(a->detail)) && !memcmp(&active_a, &active_b, sizeof(active_a)) &&
	       a->flags == b->flags;
}

static void test_splits(void)
{
	struct packet packets[PACKETS_MAX];
	char wrong[96] = "";
	uint64_t bulks = 0, idle = 0;

	for (int round = 0; round < ROUNDS && !*wrong; round++) {
		const size_t count = 1 + random_below(PACKETS_MAX);
		struct flow whole, parts;

		packets_make(packets, count);
		whole = record(packets, 0, count);
		parts = merged(packets, count);
		if (!is_same(&whole, &parts))
			snprintf(wrong, sizeof(wrong), "seed %" PRIu64 ", round %d, %zu packets", random_seed, round,
				 count);
		bulks += whole.detail.side[0].bulks + whole.detail.side[1].bulks;
		idle += whole.detail.idle.count;
	}
	check_property(wrong, "parted anywhere, a session is put together to the same");
	check(bulks > ROUNDS && idle > ROUNDS, 1, "bulks and spells were among them");
}

static void test_most(void)
{
	struct flow flow = { .flags = FLOW_DETAILED }, older = { .flags = FLOW_DETAILED };

	flow.detail.pauses = flow.detail.side[1].bulks = UINT32_MAX - 1;
	flow.detail.side[0].data_packets = flow.detail.side[0].bulk_packets = UINT32_MAX;
	older.detail.pauses = older.detail.side[1].bulks = 2;
	older.detail.side[0].data_packets = older.detail.side[0].bulk_packets = 1;
	flow_merge(&flow, &older);
	check(flow.detail.pauses, UINT32_MAX, "pauses: that or more");
	check(flow.detail.side[1].bulks, UINT32_MAX, "bulks: that or more");
	check(flow.detail.side[0].data_packets, UINT32_MAX, "packets with payload: that or more");
	check(flow.detail.side[0].bulk_packets, UINT32_MAX, "packets of bulks: that or more");
	flow = older;
	flow.flags = 0;
	flow_merge(&flow, &older);
	check(flow.detail.pauses, 2, "what is not kept is not added to");
}

static void test_content(void)
{
	struct flow flow = { .content_length = { 3, 0 }, .content = { "new", "" } };
	struct flow older = { .content_length = { 2, 4 }, .content = { "ne", "more" } };

	flow_merge(&flow, &older);
	check(flow.content_length[0] * 10 + flow.content_length[1], 34, "content: the longer one of each end");
	check(memcmp(flow.content[0], "new", 3) || memcmp(flow.content[1], "more", 4), 0, "and its bytes");
}

/* ---- columns ---- */

static const char *shown(const char *name, const struct flow *flow)
{
	static char text[FLOW_VALUE_SHOWN_MAX];
	struct flow_part part = { .settings.clock = FLOW_CLOCK_PACKET };
	struct flow_row row = { .id = { .key = flow->key }, .flow = flow, .part = &part };
	struct flowrows rows = { 0 };
	struct flow_scene scene = { 0 };
	struct error error;
	const struct flow_column *column = flow_column_find(name, &error);
	struct flow_value value;

	scene.rows = &rows;
	value = column->value(&scene, &row, column);
	return flow_value_format(&value, VALUE_AS_JSON, text);
}

static void check_shown(const struct flow *flow, const char *name, const char *expected)
{
	check_text(shown(name, flow), expected, "%s is %s", name, expected);
}

static void test_spell_under_way(void)
{
	struct flow flow = { .flags = FLOW_DETAILED };

	flow.detail.active_since = 10 * SECOND;
	flow.side[0].last = 10 * SECOND;
	check_shown(&flow, "active_spells", "0");
	check_shown(&flow, "active_mean", "null");
	check_shown(&flow, "Active Mean", "0.000");
	flow.side[1].last = 13 * SECOND;
	check_shown(&flow, "active_spells", "1");
	check_shown(&flow, "active_min", "3.000000000");
	times_add(&flow.detail.active, SECOND);
	check_shown(&flow, "active_min", "1.000000000");
	check_shown(&flow, "active_max", "3.000000000");
	check_shown(&flow, "active_stddev", "1.000000000");
	check_shown(&flow, "Active Std", "1414213.562");
	check_shown(&flow, "active_squares", "10000000000000000000");
}

/* One packet: no gap, no time, no deviation; and of the other end none. */
static void test_one_packet(void)
{
	struct flow flow = { .flags = FLOW_DETAILED, .key = { .proto = IPPROTO_UDP, .family = 4 } };

	flow.start = flow.side[0].first = flow.side[0].last = flow.detail.active_since = SECOND;
	flow.side[0].packets = 1;
	flow.side[0].payload = flow.detail.side[0].payload_min = flow.detail.side[0].payload_max = 100;
	flow.detail.side[0].payload_squares = 10000;
	check_shown(&flow, "payload_min_fwd", "100");
	check_shown(&flow, "payload_min_rev", "null");
	check_shown(&flow, "payload_stddev_fwd", "0.000000");
	check_shown(&flow, "gap_min", "null");
	check_shown(&flow, "gaps", "0");
	check_shown(&flow, "Pkt Len Min", "100");
	check_shown(&flow, "Pkt Len Std", "0.000000");
	check_shown(&flow, "Flow Byts/s", "0.000000");
	check_shown(&flow, "Flow IAT Min", "0.000");
	check_shown(&flow, "Down/Up Ratio", "0.000000");
	check_shown(&flow, "Fwd Blk Rate Avg", "0.000000");
	check_shown(&flow, "Init Fwd Win Byts", "-1");
	check_shown(&flow, "Bwd Seg Size Avg", "0.000000");
	flow.flags = 0;
	check_shown(&flow, "payload_min_fwd", "null");
	check_shown(&flow, "payload_mean_fwd", "100.000000");
	check_shown(&flow, "gaps", "null");
	check_shown(&flow, "Pkt Len Std", "null");
	check_shown(&flow, "Pkt Len Mean", "100.000000");
}

/* What goes on: its time is that of the packets that are counted. */
static void test_continued(void)
{
	struct flow flow = { .flags = FLOW_CONTINUED, .start = SECOND };

	flow.side[0].first = 9 * SECOND;
	flow.side[1].first = 8 * SECOND;
	flow.side[1].last = 10 * SECOND + 1;
	flow.side[1].packets = 3;
	check_shown(&flow, "Flow Duration", "2000000");
	check_shown(&flow, "Timestamp", "01/01/1970 12:00:08 AM");
	check_shown(&flow, "duration", "9.000000001");
	flow.side[1].first = 0;
	check_shown(&flow, "Flow Duration", "1000000");
}

static void test_deviations(void)
{
	check((long long)llroundl(1000 * deviation_whole(4, 10, 30)), 1118, "of 1, 2, 3, 4");
	check((long long)llroundl(1000 * variance_sample(4, 10, 30)), 1667, "variance of a population they are of");
	check((long long)variance_sample(1, 7, 49), 0, "of one");
	check((long long)variance_sample(0, 0, 0), 0, "of none");
	check((long long)deviation_whole(3, 0.3L, 0.03L - 1e-6L), 0, "rounding makes no negative variance");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_splits();
	test_most();
	test_content();
	test_spell_under_way();
	test_one_packet();
	test_continued();
	test_deviations();
	return tap_done();
}
