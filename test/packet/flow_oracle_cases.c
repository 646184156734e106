/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random packets through flow.o and the model, all fields of all sessions compared. PACKET_TEST_SEED repeats it,
 * PACKET_TEST_RUNS lengthens it.
 */
#include "flow_play.h"

#include <netinet/in.h>
#include <stdio.h>

#define RUNS 12000
#define BUCKETS 512
#define COMPARED 100 /* packets between looks */
#define ROTATED 900
#define SET 77

struct draw {
	struct numbers numbers;
	struct stage *stage;
	int family;
	uint64_t at;
};

static size_t below(struct draw *draw, size_t limit)
{
	return numbers_below(&draw->numbers, limit);
}

static bool once_in(struct draw *draw, size_t times)
{
	return !below(draw, times);
}

/* Mostly short, of any magnitude; at times one after which a session is over; at times back. */
static void draw_time(struct draw *draw, struct shot *shot)
{
	if (once_in(draw, 200))
		draw->at += 59999999990ull + below(draw, 20);
	else if (once_in(draw, 1000))
		draw->at += 3600000000001ull;
	else if (!once_in(draw, 10))
		draw->at += numbers_next(&draw->numbers) >> (32 + below(draw, 32));
	shot->at = draw->at;
	if (once_in(draw, 50))
		shot->at -= below(draw, 5000000);
}

static void draw_ends(struct draw *draw, struct shot *shot)
{
	shot->client = (uint8_t)(7 + below(draw, 3));
	shot->server = (uint8_t)(5 + below(draw, 3)); /* may be the client's: a packet to itself */
	shot->sport = (uint16_t)(once_in(draw, 3) ? 53 : 1000 + below(draw, 3) * 0x101);
	shot->dport = (uint16_t)(once_in(draw, 3) ? 53 : 80);
	shot->back = below(draw, 2);
	shot->hops = (uint8_t)(1 + below(draw, 255));
}

static void draw_link(struct draw *draw, struct shot *shot)
{
	static const enum context contexts[] = { ON_PEER, OUT_PEER, ON_LOOPBACK, OUT_LOOPBACK };

	shot->on = once_in(draw, 2) ? ON_VETH : OUT_VETH;
	if (once_in(draw, 8))
		shot->on = contexts[below(draw, COUNT(contexts))];
	if (once_in(draw, 10))
		shot->tag = once_in(draw, 2) ? 0x8100 : 0x88a8;
	if (once_in(draw, 10))
		shot->vlan = (uint16_t)(99 + below(draw, 3));
	if (once_in(draw, 5))
		shot->pad = (uint16_t)below(draw, 50);
}

static void draw_network(struct draw *draw, struct shot *shot)
{
	static const char *const chains[] = { "", "H", "D", "R", "S", "M", "HDRS", "L" };

	if (once_in(draw, 5))
		shot->ip_options = (uint16_t)(4 * below(draw, 11));
	if (once_in(draw, 5))
		shot->chain = chains[below(draw, COUNT(chains))];
	if (!once_in(draw, 8))
		return;
	shot->fragment = FIRST + below(draw, draw->family == 6 ? 4 : 3);
	shot->id = (uint16_t)(1 + below(draw, 4));
	shot->offset = (uint16_t)(5 + below(draw, 100));
}

static void draw_payload(struct draw *draw, struct shot *shot)
{
	if (!once_in(draw, 3))
		shot->payload = (uint16_t)(once_in(draw, 2) ? below(draw, 4) : below(draw, 1300));
	if (shot->proto != IPPROTO_TCP && shot->proto != IPPROTO_UDP)
		shot->payload = (uint16_t)(4 + shot->payload);
	else if (once_in(draw, 6) && !shot->fragment)
		shot->gso_size = (uint16_t)(once_in(draw, 2) ? 100 : 20 + below(draw, 500));
	if (shot->gso_size && shot->payload > shot->gso_size && once_in(draw, 2))
		shot->gso_segs = (uint16_t)((shot->payload + shot->gso_size - 1) / shot->gso_size);
	/* the unit of offsets */
	if (shot->fragment == FIRST || shot->fragment == LATER)
		shot->payload = (uint16_t)((shot->payload + 7) & ~7u);
}

static void draw_proto(struct draw *draw, struct shot *shot)
{
	static const uint8_t protos[] = { IPPROTO_UDP,  IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMP,
					  IPPROTO_SCTP, IPPROTO_GRE, IPPROTO_ESP };
	static const uint8_t types[] = { 0, 8, 128, 129, 3, 11 };

	shot->proto = below(draw, 10) < 7 ? IPPROTO_TCP : protos[below(draw, COUNT(protos))];
	if (shot->proto != IPPROTO_ICMP)
		return;
	shot->icmp_type = types[below(draw, COUNT(types))];
	shot->icmp_code = (uint8_t)(once_in(draw, 3) ? below(draw, 3) : 0);
	shot->icmp_id = (uint16_t)below(draw, 3);
}

static uint32_t draw_near(struct draw *draw, uint32_t number)
{
	static const int distances[] = { -1, 1, -10, 10, -100, 100, 1000, -1000 };

	if (once_in(draw, 100))
		return (uint32_t)numbers_next(&draw->numbers);
	return number + (uint32_t)distances[below(draw, COUNT(distances))];
}

/* Numbers that go on from what the model has seen, mostly. */
static void draw_numbers(struct draw *draw, struct shot *shot)
{
	const struct flow *flow =
		model_find(&draw->stage->model, shot, (uint32_t)context_ifindex(draw->stage->fixture, shot->on));
	const struct flow_side *side, *other;
	bool first;

	if (!flow) {
		shot->seq =
			once_in(draw, 3) ? 0u - (uint32_t)below(draw, 2000) : (uint32_t)numbers_next(&draw->numbers);
		shot->ack = (uint32_t)numbers_next(&draw->numbers);
		return;
	}
	/* which side it is need not be known: a number of the wrong one is as good as any */
	first = shot->back == (flow->originator != 0);
	side = &flow->side[!first];
	other = &flow->side[first];
	shot->seq = side->next;
	if (once_in(draw, 4))
		shot->seq = draw_near(draw, side->next);
	else if (once_in(draw, 4))
		shot->seq = side->hole_from;
	else if (once_in(draw, 10))
		shot->seq = side->letter_seq[below(draw, 4)];
	shot->ack = once_in(draw, 10) ? draw_near(draw, other->next) : other->next;
}

static void draw_tcp(struct draw *draw, struct shot *shot)
{
	static const uint8_t usual[] = { TCP_ACK, TCP_ACK,           TCP_ACK,          TCP_ACK | 8,
					 TCP_SYN, TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK };

	shot->flags = usual[below(draw, once_in(draw, 3) ? COUNT(usual) : 4)];
	if (once_in(draw, 30))
		shot->flags = (uint8_t)numbers_next(&draw->numbers);
	else if (once_in(draw, 60))
		shot->flags = TCP_RST | TCP_ACK;
	shot->window = (uint16_t)(once_in(draw, 10) ? 0 : numbers_next(&draw->numbers));
	if (once_in(draw, 4))
		shot->tcp_options = (uint16_t)(4 * below(draw, 11));
	draw_numbers(draw, shot);
}

static struct shot draw_shot(struct draw *draw)
{
	struct shot shot = shot_usual(draw->family);

	draw_time(draw, &shot);
	draw_proto(draw, &shot);
	draw_ends(draw, &shot);
	draw_link(draw, &shot);
	draw_network(draw, &shot);
	draw_payload(draw, &shot);
	if (shot.proto == IPPROTO_TCP)
		draw_tcp(draw, &shot);
	return shot;
}

/* Of what begins from now on. */
static void draw_settings(struct draw *draw)
{
	struct flow_settings *settings = &draw->stage->now->head->settings;

	settings->detailed = (uint32_t)below(draw, 2);
	settings->without_content = once_in(draw, 3);
	draw->stage->model.settings = *settings;
}

static void look(struct draw *draw, unsigned long run, unsigned long *wrong_at)
{
	struct stage *stage = draw->stage;

	if (generation_lost(stage->now).evicted)
		stage_wrong(stage, "the table is too small for this");
	if (stage->now->head->malformed.packets)
		stage_wrong(stage, "a packet is malformed");
	stage_compare(stage);
	if (*stage->wrong && !*wrong_at)
		*wrong_at = run;
}

static void oracle_run(struct fixture *fixture, int family)
{
	unsigned long runs = numbers_setting("PACKET_TEST_RUNS", RUNS), wrong_at = 0;
	struct draw draw = { .numbers = numbers_seeded(), .family = family, .at = SHOTS_BEGIN };
	char name[96];

	draw.stage = stage_open(fixture, BUCKETS, NULL);
	for (unsigned long run = 1; run <= runs && !wrong_at; run++) {
		const struct shot shot = draw_shot(&draw);

		stage_shoot(draw.stage, &shot);
		if (run % SET == 0)
			draw_settings(&draw);
		if (run % COMPARED == 0)
			look(&draw, run, &wrong_at);
		if (run % ROTATED == 0 && !wrong_at)
			stage_rotate(draw.stage, BUCKETS + (uint32_t)below(&draw, 100));
	}
	snprintf(name, sizeof(name), "oracle: %lu packets", wrong_at ? wrong_at : runs);
	stage_report(draw.stage, name, family);
	stage_close(draw.stage);
}

void flow_oracle_cases(struct fixture *fixture)
{
	stages_open(fixture);
	for (int family = 4; family <= 6; family += 2)
		oracle_run(fixture, family);
	stages_close(fixture);
}
