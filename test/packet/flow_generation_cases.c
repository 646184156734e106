/* SPDX-License-Identifier: GPL-2.0-only */
/* Generations: what is known of a session from the one before. */
#include "flow_play.h"

/* clang-format off */
static const struct scene scenes[] = {
	{ "nothing is left", 0, "> udp; rotate", NULL },
	{ "direction, start and history go on, counters begin anew", 0, "< udp len=5; > udp len=5; rotate; > udp len=5 @7us; < udp len=5 @9us", "flags=2 start=0 originator=0 history=Dd o.packets=1 r.packets=1 o.first=9us r.first=7us o.gaps=1 o.gap_sum=9000 r.gap_sum=7000 o.payload=5" },
	{ "the gap across counts", 0, "> udp; rotate; > udp +1us; > udp +2us", "o.packets=2 o.gaps=2 o.gap_sum=3000 o.gap_min=1000 o.gap_max=2000 o.gap_times.0=1 o.gap_times.1=1" },
	{ "an end that was not seen before has no gap", 0, "> udp; rotate; < udp +1us; > udp +1us", "r.gaps=0 o.gaps=1 flags=2" },
	{ "sequence numbers go on", 0, "> A seq=1 len=10 win=7; < A seq=1 len=5 win=9; rotate; > A seq=1 len=10; > A seq=11 len=5; < A seq=1 len=5; < A ack=20 seq=6", "o.retransmitted=1 r.retransmitted=1 o.next=20 o.missed=4 o.window=7 r.window=9 o.known=7 history=DdTtaG" },
	{ "holes go on", 0, "> A seq=1 len=10; > A seq=21 len=10; rotate; > A seq=11 len=10", "o.out_of_order=1 o.retransmitted=0" },
	{ "letters go on", 0, "> S seq=1; < SA seq=5; rotate; > S seq=1; < SA seq=5; > S seq=2; > A; > A", "history=ShSA flags=2" },
	{ "the handshake goes on", 0, "> S seq=1 @1us; rotate; < SA seq=5 ack=2 @5us; rotate; > A seq=2 ack=6 @9us", "start=1us syn=1us synack=5us ack=9us flags=6 history=ShA" },
	{ "the end goes on", 0, "> FA seq=1; rotate; < FA seq=1; rotate; > A seq=2", "ended=1 history=FfA flags=2" },
	{ "what was opened the other way round stays so", 0, "< SA seq=5; rotate; > A; < A", "flags=3 history=^hAa o.packets=1 r.packets=1" },
	{ "types of ICMP go on", 0, "> icmp type=3 code=1; rotate; > icmp type=3 code=1", "icmp_type=3 icmp_code=1 flags=2" },
	{ "not what was idle for too long", 0, "> udp; rotate; > udp @61s", "flags=0 start=61s o.gaps=0" },
	{ "just not too long", 0, "> udp; rotate; > udp @60s", "flags=2 start=0 o.gaps=1" },
	{ "not a SYN after the end", 0, "> R seq=1; rotate; > S seq=1 @1us", "flags=0 start=1us history=S" },
	{ "what comes after the end is of it", 0, "> R seq=1; rotate; > A seq=1 @1us", "flags=2 start=0 ended=2 history=RA" },
	{ "only of the generation before", 0, "> udp; rotate; > gre; rotate; > udp @5us", "flags=0 start=5us" },
	{ "through several", 0, "> udp; rotate; > udp +1us; rotate; > udp +1us; rotate; > udp +1us", "flags=2 start=0 o.packets=1 o.gap_sum=1000" },
	{ "of one that ended there is nothing to go on", 0, "> S seq=1; < SA seq=5; rotate; > R seq=2; > S seq=100 +1us; < SA seq=500", "flags=2 start=0 history=ShR;flags=0 start=1us history=Sh o.retransmitted=0" },
	{ "nor of one that ended after it began here", 0, "> S seq=1; < SA seq=5; rotate; > R seq=2; > S seq=100 +1us; > R seq=101; > S seq=200 +1us", "flags=2;flags=0 start=1us history=SR;flags=0 start=2us history=S" },
	{ "the generation stands in both slots", 0, "both; > udp; < udp +1us; > R +1us; > S +1us", "o.packets=1 r.packets=1 flags=0;flags=0;flags=0" },
	{ "a generation that is rotated stands in both slots", 0, "> udp; rotate; > udp +1us; both; > udp +1us; > A +1us", "o.packets=2;o.packets=1 flags=0" },
	{ "sessions of all kinds", 0, "> A seq=1 len=1; > udp +1us; > icmp type=3 +1us; > gre +1us; > sctp len=8 +1us; rotate; < A +1us; < udp; < icmp type=3; < gre; < sctp len=8", "r.packets=1 flags=2;r.packets=1 flags=2;r.packets=1 flags=2;r.packets=1 flags=2;r.packets=1 flags=2" },
};
/* clang-format on */

/* One of the two buckets of the generation before is full, so that some of its sessions are in their second. */
static void full_run(struct fixture *fixture, int family)
{
	struct stage *stage = stage_open(fixture, 2, NULL);

	for (int round = 0; round < 2; round++) {
		for (uint16_t i = 0; i < 14; i++) {
			struct shot shot = shot_usual(family);

			shot.sport = (uint16_t)(1000 + i);
			shot.at += i;
			stage_shoot(stage, &shot);
		}
		stage_compare(stage);
		if (!round)
			stage_rotate(stage, 64);
	}
	if (generation_lost(stage->before).evicted ||
	    !(stage->before->buckets[0].used[FLOW_WAYS - 1] | stage->before->buckets[1].used[FLOW_WAYS - 1]))
		stage_wrong(stage, "no bucket is full, or one too full: choose another seed");
	stage_expect(stage, stage->now,
		     "flags=2;flags=2;flags=2;flags=2;flags=2;flags=2;flags=2;flags=2;flags=2;flags=2;flags=2;flags=2;"
		     "flags=2;flags=2");
	stage_report(stage, "from the first and the second bucket", family);
	stage_close(stage);
}

/* What stands in the second slot, but is not from before, says nothing: tools may be just changing them. */
static void later_run(struct fixture *fixture, int family)
{
	struct stage *stage = stage_open(fixture, 64, NULL);
	struct generation *later;

	stage_rotate(stage, 64);
	stage_play(stage, family, "> udp");
	later = stage->now;
	stage->now = stage->before;
	stage->before = later;
	generation_place(fixture, stage->now, FLOW_NOW);
	generation_place(fixture, later, FLOW_BEFORE);
	stage_play(stage, family, "> udp +1us");
	stage_expect(stage, stage->now, "flags=0 start=1us o.packets=1 o.gaps=0");
	stage_report(stage, "a later generation in the slot of the one before", family);
	stage_close(stage);
}

void flow_generation_cases(struct fixture *fixture)
{
	scenes_run(fixture, scenes, COUNT(scenes));
	stages_open(fixture);
	for (int family = 4; family <= 6; family += 2) {
		full_run(fixture, family);
		later_run(fixture, family);
	}
	stages_close(fixture);
}
