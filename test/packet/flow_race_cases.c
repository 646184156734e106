/* SPDX-License-Identifier: GPL-2.0-only */
/* Several CPUs at a time: what they ran is what was counted, to the packet and the byte. */
#include "flow_play.h"

#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define THREADS 4
#define ROUNDS 60  /* of a thread */
#define REPEAT 500 /* packets of a round */
#define REPEAT_SHORT 50
#define ROTATIONS 24

/* What all threads do. */
struct race {
	struct fixture *fixture;
	int family;
	uint32_t sessions; /* each thread goes through as many */
	bool both;         /* directions */
	bool is_endless;   /* until stop is set */
	_Atomic bool stop;
	_Atomic uint64_t packets, bytes, failed; /* that were run, and test runs that were not */
};

struct racer {
	struct race *race;
	uint32_t number;
	pthread_t thread;
};

static void run_many(struct race *race, const struct frame *frame)
{
	struct __sk_buff skb = { .ifindex = (uint32_t)context_ifindex(race->fixture, ON_VETH) };
	int repeat = race->is_endless ? REPEAT_SHORT : REPEAT;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->data, .data_size_in = (uint32_t)frame->len,
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb), .repeat = repeat);

	if (bpf_prog_test_run_opts(race->fixture->program, &options))
		race->failed++;
	race->packets += (uint64_t)repeat;
	race->bytes += (frame->len - FRAME_ETH_SIZE) * (uint64_t)repeat;
}

static void *race_run(void *argument)
{
	struct racer *racer = argument;
	struct race *race = racer->race;

	for (uint32_t round = 0; race->is_endless ? !race->stop : round < ROUNDS; round++) {
		struct shot shot = shot_usual(race->family);
		struct frame frame;

		shot.proto = IPPROTO_UDP;
		shot.sport = (uint16_t)(1 + (round * 7 + racer->number) % race->sessions);
		shot.payload = (uint16_t)((round + racer->number) % 1000);
		shot.back = race->both && (round + racer->number) % 2;
		shot_build(&shot, &frame);
		run_many(race, &frame);
	}
	return NULL;
}

static void race_start(struct race *race, struct racer racers[THREADS])
{
	for (uint32_t i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ .race = race, .number = i };
		if (pthread_create(&racers[i].thread, NULL, race_run, &racers[i]))
			err(2, "thread");
	}
}

static void race_finish(struct race *race, struct racer racers[THREADS], struct stage *stage)
{
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(racers[i].thread, NULL);
	if (race->failed)
		stage_wrong(stage, "%llu test runs failed", (unsigned long long)race->failed);
}

/* What generations have, of packets that were run. */
static void race_add(const struct generation *generation, struct flow_tally *total)
{
	const struct generation_lost lost = generation_lost(generation);
	const struct flow_tally there = generation_total(generation);

	total->packets += there.packets + lost.evicted_tally.packets + lost.missed.packets;
	total->bytes += there.bytes + lost.evicted_tally.bytes + lost.missed.bytes;
}

static void race_compare(struct stage *stage, const struct race *race, const struct flow_tally *total)
{
	if (total->packets != race->packets || total->bytes != race->bytes)
		stage_wrong(stage, "%llu packets of %llu, %llu bytes of %llu", (unsigned long long)total->packets,
			    (unsigned long long)race->packets, (unsigned long long)total->bytes,
			    (unsigned long long)race->bytes);
	if (!generation_is_free(stage->now))
		stage_wrong(stage, "a lock is still held");
}

/* Of one piece: each number of a session fits the others. */
static void flow_check(struct stage *stage, const struct flow *flow)
{
	for (int i = 0; i < 2; i++) {
		const struct flow_side *side = &flow->side[i];
		uint64_t lengths = 0, gaps = 0;

		for (int bin = 0; bin < FLOW_LENGTH_BINS; bin++)
			lengths += side->lengths[bin];
		for (int bin = 0; bin < FLOW_GAP_BINS; bin++)
			gaps += side->gap_times[bin];
		if (lengths != side->packets || gaps != side->gaps || side->gaps + 1 != side->packets + !side->packets)
			stage_wrong(stage, "%llu packets with %llu lengths and %llu gaps",
				    (unsigned long long)side->packets, (unsigned long long)lengths,
				    (unsigned long long)gaps);
	}
}

static void same_run(struct fixture *fixture, int family, uint32_t sessions, uint32_t buckets, const char *name)
{
	struct stage *stage = stage_open(fixture, buckets, NULL);
	struct race race = { .fixture = fixture, .family = family, .sessions = sessions, .both = true };
	const struct flow *there[SESSIONS_MAX];
	struct racer racers[THREADS];
	struct flow_tally total = { 0 };
	size_t count;

	stage->now->head->settings.clock = FLOW_CLOCK_KERNEL;
	race_start(&race, racers);
	race_finish(&race, racers, stage);
	race_add(stage->now, &total);
	race_compare(stage, &race, &total);
	count = generation_sessions(stage->now, there);
	for (size_t i = 0; i < count; i++)
		flow_check(stage, there[i]);
	if (buckets > 1 && count != sessions)
		stage_wrong(stage, "%zu sessions", count);
	if (buckets == 1 && sessions > FLOW_WAYS && !generation_lost(stage->now).evicted)
		stage_wrong(stage, "nobody was evicted");
	stage_report(stage, name, family);
	stage_close(stage);
}

/* Generations change while packets come: nothing is counted twice, nothing lost. */
static void rotation_run(struct fixture *fixture, int family)
{
	struct stage *stage = stage_open(fixture, 16, NULL);
	struct race race = { .fixture = fixture, .family = family, .sessions = 8, .both = true, .is_endless = true };
	struct generation *generations[ROTATIONS + 1] = { stage->now };
	struct racer racers[THREADS];
	struct flow_tally total = { 0 };
	size_t count = 1, used = 0;

	stage->now->head->settings.clock = FLOW_CLOCK_KERNEL;
	race_start(&race, racers);
	while (count <= ROTATIONS) {
		stage->before = NULL; /* kept here */
		stage_rotate(stage, 16);
		generations[count++] = stage->now;
	}
	race.stop = true;
	race_finish(&race, racers, stage);
	for (size_t i = 0; i < count; i++) {
		uint64_t packets = total.packets;

		race_add(generations[i], &total);
		used += total.packets != packets;
	}
	race_compare(stage, &race, &total);
	if (used < ROTATIONS / 2)
		stage_wrong(stage, "%zu generations have packets", used);
	stage_report(stage, "generations change under traffic", family);
	for (size_t i = 0; i + 2 < count; i++)
		generation_free(generations[i]);
	stage_close(stage);
}

/* Just so many sessions are taken up, and just so many packets of each. */
static void sampling_check(struct stage *stage, uint32_t taken, uint32_t packets)
{
	const struct flow *there[SESSIONS_MAX];
	size_t count = generation_sessions(stage->now, there);
	uint64_t sampled = 0, others = 0, full = 0;

	for (size_t i = 0; i < count; i++) {
		sampled += there[i]->sampled;
		full += there[i]->sampled == packets;
		if (!there[i]->sample_epoch)
			others += there[i]->side[0].packets + there[i]->side[1].packets;
	}
	for (uint32_t i = 0; i < stage->now->room; i++)
		if (stage->now->records[i].round != (i < taken * packets))
			stage_wrong(stage, "record %u is of round %u", i, stage->now->records[i].round);
	if (stage->now->head->taken != taken || full != taken || sampled != (uint64_t)taken * packets ||
	    stage->now->packets_head->next != taken * packets || stage->now->head->refused != others)
		stage_wrong(stage, "%u taken up, %llu full, %llu sampled, %u records, %llu refused of %llu",
			    stage->now->head->taken, (unsigned long long)full, (unsigned long long)sampled,
			    stage->now->packets_head->next, (unsigned long long)stage->now->head->refused,
			    (unsigned long long)others);
}

static void sampling_run(struct fixture *fixture, int family)
{
	struct stage *stage =
		stage_open(fixture, 16,
			   "session_packets=10 sessions=5 packets=60 session_restart=1000s packet_restart=1000s "
			   "buffer_restart=1000s");
	struct race race = { .fixture = fixture, .family = family, .sessions = 16, .both = true };
	struct racer racers[THREADS];
	struct flow_tally total = { 0 };

	stage->now->head->settings.clock = FLOW_CLOCK_KERNEL;
	race_start(&race, racers);
	race_finish(&race, racers, stage);
	race_add(stage->now, &total);
	race_compare(stage, &race, &total);
	sampling_check(stage, 5, 10);
	stage_report(stage, "sampling", family);
	stage_close(stage);
}

void flow_race_cases(struct fixture *fixture)
{
	stages_open(fixture);
	for (int family = 4; family <= 6; family += 2) {
		same_run(fixture, family, 1, 1, "one session");
		same_run(fixture, family, 40, 1, "one bucket, more sessions than places");
		same_run(fixture, family, 40, 64, "many sessions");
		rotation_run(fixture, family);
		sampling_run(fixture, family);
	}
	stages_close(fixture);
}
