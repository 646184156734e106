/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables that are full: of one bucket, so that all sessions have the same places. */
#include "flow_play.h"

#include <stdio.h>
#include <string.h>

#define EIGHT                                                                                                    \
	"> A sport=1; > A sport=2 +1s; > A sport=3 +1s; > A sport=4 +1s; > A sport=5 +1s; > A sport=6 +1s; > A " \
	"sport=7 +1s; > A sport=8 +1s"

/* clang-format off */
static const struct scene scenes[] = {
	{ "eight have a place", 0, EIGHT, "lost.evicted=0 start=0;start=1s;start=2s;start=3s;start=4s;start=5s;start=6s;start=7s" },
	{ "of nine the oldest has not", 0, EIGHT "; > A sport=9 +1s", "lost.evicted=1 lost.evicted_tally.packets=1 start=1s;start=2s;start=3s;start=4s;start=5s;start=6s;start=7s;start=8s" },
	{ "the oldest is who has sent nothing for the longest time", 0, EIGHT "; > A sport=1 +1s; > A sport=9 +1s", "start=0 o.packets=2;start=2s;start=3s;start=4s;start=5s;start=6s;start=7s;start=9s" },
	{ "who was answered stays", 0, "> A sport=1; < A sport=1; > A sport=2 +1s; > A sport=3 +1s; > A sport=4 +1s; > A sport=5 +1s; > A sport=6 +1s; > A sport=7 +1s; > A sport=8 +1s; > A sport=9 +1s", "start=0 r.packets=1;start=2s;start=3s;;;;;start=8s" },
	{ "also who has answered", 0, "< udp sport=1; > udp sport=1; > A sport=2 +1s; > A sport=3 +1s; > A sport=4 +1s; > A sport=5 +1s; > A sport=6 +1s; > A sport=7 +1s; > A sport=8 +1s; > A sport=9 +1s", "start=0;start=2s;;;;;;" },
	{ "not when it ended", 0, "> A sport=1; < R sport=1; > A sport=2 +1s; > A sport=3 +1s; > A sport=4 +1s; > A sport=5 +1s; > A sport=6 +1s; > A sport=7 +1s; > A sport=8 +1s; > A sport=9 +1s", "lost.evicted_tally.packets=2 start=1s;start=2s;;;;;;" },
	{ "what was evicted", 4, "> udp sport=1 len=100; < udp sport=1 len=10; > A sport=2 +1s; < A sport=2; > A sport=3 +1s; < A sport=3; > A sport=4 +1s; < A sport=4; > A sport=5 +1s; < A sport=5; > A sport=6 +1s; < A sport=6; > A sport=7 +1s; < A sport=7; > A sport=8 +1s; < A sport=8; > A sport=9 +1s", "lost.evicted=1 lost.evicted_tally.packets=2 lost.evicted_tally.bytes=166;;;;;;;" },
	{ "packets of who was evicted open it anew", 0, EIGHT "; > A sport=9 +1s; > A sport=1 +1s", "lost.evicted=2 start=2s;;;;;;start=8s;start=9s o.packets=1 o.gaps=0 flags=0" },
	{ "a session that is over gives its place too", 0, "> R sport=1; > S sport=1 +1s; > A sport=2; > A sport=3; > A sport=4; > A sport=5; > A sport=6; > A sport=7; > A sport=8", "lost.evicted=1 start=1s;;;;;;;" },
	{ "one key, again and again", 0, "> udp; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s", "lost.evicted=1 start=61s;;;;;;;start=488s" },
	{ "a full bucket whose own session begins anew", 0, EIGHT "; > R sport=3 +1s; > S sport=3 +1s", "lost.evicted=1 start=1s;start=2s ended=2;;;;;;start=9s history=S" },
};
/* clang-format on */

static void scene_run(struct fixture *fixture, const struct scene *scene, int family)
{
	struct stage *stage = stage_open(fixture, 1, scene->settings);

	stage_play(stage, family, scene->play);
	stage_expect(stage, stage->now, scene->expected);
	stage_report(stage, scene->name, family);
	stage_close(stage);
}

static struct shot numbered(int family, unsigned long number)
{
	struct shot shot = shot_usual(family);

	shot.sport = (uint16_t)(1 + number);
	shot.client = (uint8_t)(20 + number / 65536);
	shot.at += number * 1000000;
	return shot;
}

/* Whether the session of the packet is there, with so many packets. */
static void expect_packets(struct stage *stage, const struct shot *shot, uint64_t packets)
{
	const struct flow *wanted =
		model_find(&stage->model, shot, (uint32_t)context_ifindex(stage->fixture, shot->on));
	const struct flow *sessions[SESSIONS_MAX];
	size_t count = generation_sessions(stage->now, sessions);

	for (size_t i = 0; wanted && i < count; i++)
		if (!memcmp(&sessions[i]->key, &wanted->key, sizeof(wanted->key)) &&
		    sessions[i]->side[0].packets + sessions[i]->side[1].packets == packets)
			return;
	stage_wrong(stage, "port %u is not there with its %llu packets", shot->sport, (unsigned long long)packets);
}

/* However many come that nobody answers, seven that were answered stay. */
static void flood_run(struct fixture *fixture, int family, unsigned long packets)
{
	struct stage *stage = stage_open(fixture, 1, NULL);
	struct generation_lost lost;
	char why[128];

	for (unsigned long i = 0; i < 14; i++) {
		struct shot shot = numbered(family, i / 2);

		shot.back = i % 2;
		stage_shoot(stage, &shot);
	}
	for (unsigned long i = 0; i < packets; i++) {
		struct shot shot = numbered(family, 100 + i);

		if (!shot_run(fixture, &shot, why, sizeof(why)))
			stage_wrong(stage, "%s", why);
	}
	for (unsigned long i = 0; i < 7; i++) {
		const struct shot shot = numbered(family, i);

		expect_packets(stage, &shot, 2);
	}
	lost = generation_lost(stage->now);
	if (lost.evicted != packets - 1 || lost.evicted_tally.packets != packets - 1)
		stage_wrong(stage, "%llu evicted", (unsigned long long)lost.evicted);
	stage_report(stage, "a flood evicts only itself", family);
	stage_close(stage);
}

/* Whatever the size: what is in sessions and what was evicted is what there was. */
static void total_run(struct fixture *fixture, int family, uint32_t buckets)
{
	struct stage *stage = stage_open(fixture, buckets, NULL);
	struct numbers numbers = numbers_seeded();
	struct flow_tally total;
	struct generation_lost lost;
	uint64_t bytes = 0;
	char name[64], why[128];

	for (unsigned long i = 0; i < 1000; i++) {
		struct shot shot = numbered(family, numbers_below(&numbers, 100));

		shot.at = SHOTS_BEGIN + i * 20000000;
		shot.back = numbers_below(&numbers, 2);
		shot.payload = (uint16_t)numbers_below(&numbers, 100);
		bytes += (family == 4 ? 40u : 60u) + shot.payload;
		if (!shot_run(fixture, &shot, why, sizeof(why)))
			stage_wrong(stage, "%s", why);
	}
	total = generation_total(stage->now);
	lost = generation_lost(stage->now);
	if (total.packets + lost.evicted_tally.packets != 1000 || total.bytes + lost.evicted_tally.bytes != bytes ||
	    lost.missed.packets)
		stage_wrong(stage, "%llu packets and %llu evicted", (unsigned long long)total.packets,
			    (unsigned long long)lost.evicted_tally.packets);
	if (buckets > 16 ? lost.evicted : !lost.evicted)
		stage_wrong(stage, "%llu sessions evicted", (unsigned long long)lost.evicted);
	snprintf(name, sizeof(name), "100 sessions in %u buckets", buckets);
	stage_report(stage, name, family);
	stage_close(stage);
}

/* Nobody has chosen a seed, or a size: the first packet does, and there are as many buckets as the object declares. */
static void seed_run(struct fixture *fixture, int family)
{
	struct stage *stage = stage_open(fixture, FLOW_BUCKETS_DEFAULT, NULL);
	uint64_t seed = 0;

	stage->now->head->seed = 0;
	stage->now->head->buckets = 0;
	for (unsigned long i = 0; i < 200; i++) {
		const struct shot shot = numbered(family, i);

		stage_shoot(stage, &shot);
		if (!seed)
			seed = stage->now->head->seed;
	}
	if (!seed || stage->now->head->seed != seed)
		stage_wrong(stage, "the seed was chosen twice, or not at all");
	stage_compare(stage);
	stage_report(stage, "a seed of the first packet, the size of the object", family);
	stage_close(stage);
}

void flow_place_cases(struct fixture *fixture)
{
	stages_open(fixture);
	for (int family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < COUNT(scenes); i++)
			if (!scenes[i].family || scenes[i].family == family)
				scene_run(fixture, &scenes[i], family);
		flood_run(fixture, family, 2000);
		total_run(fixture, family, 1);
		total_run(fixture, family, 3);
		total_run(fixture, family, 64);
		seed_run(fixture, family);
	}
	stages_close(fixture);
}
