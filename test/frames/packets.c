/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mutated frames for every program, under BPF_PROG_TEST_RUN, with rules, services and settings in the maps; after each,
 * what must hold is looked at. A frame for which it does not is made as small as it can be and printed.
 *
 *     packets SPLICER.o XDP_FILTER.o LB.o FLOW.o PIN_DIR
 *
 * SEED repeats a run; PACKETS says how many frames of each program (or FRAMES_SECONDS how long in all); PROGRAMS,
 * which.
 */
#include "packet/box.h"
#include "trial.h"

#include <err.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ROUND 400     /* frames that are drawn with the same rules and settings */
#define EVERY_CUT 400 /* one frame in so many is run at each of its lengths */
#define SHRINKS_MAX 4000

static const struct program *const programs[] = { &program_splicer, &program_xdp, &program_flow, &program_lb };
#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- a frame for which something does not hold ---- */

struct failure {
	enum context context;
	struct frame frame;
	struct wrong wrong;
};

/* Whether it is the same thing that does not hold of another frame. */
static bool fails_alike(const struct program *program, struct trial *trial, struct failure *failure,
			const struct frame *frame)
{
	struct wrong wrong = { .invariant = NULL };

	if (frame->len < FRAME_ETH_SIZE || program->holds(trial, failure->context, frame, &wrong) ||
	    wrong.invariant != failure->wrong.invariant)
		return false;
	failure->frame = *frame;
	failure->wrong = wrong;
	return true;
}

static bool shrink_length(const struct program *program, struct trial *trial, struct failure *failure)
{
	for (size_t step = failure->frame.len; step; step /= 2) {
		struct frame frame = failure->frame;

		if (step > frame.len)
			continue;
		frame.len -= step;
		if (fails_alike(program, trial, failure, &frame))
			return true;
	}
	return false;
}

static bool shrink_bytes(const struct program *program, struct trial *trial, struct failure *failure)
{
	bool shrunk = false;

	for (size_t i = 0; i < failure->frame.len; i++) {
		struct frame frame = failure->frame;

		frame.data[i] = 0;
		if (failure->frame.data[i] && fails_alike(program, trial, failure, &frame))
			shrunk = true;
	}
	return shrunk;
}

/* As short as it can be, and then as many bytes zero. */
static void shrink(const struct program *program, struct trial *trial, struct failure *failure)
{
	for (int i = 0; i < SHRINKS_MAX && shrink_length(program, trial, failure); i++)
		;
	for (int i = 0; i < 4 && shrink_bytes(program, trial, failure); i++)
		;
}

static void note_frame(const char *name, const struct frame *frame)
{
	char hex[2 * FRAME_MAX + 1] = "";

	for (size_t i = 0; i < frame->len; i++)
		snprintf(hex + 2 * i, 3, "%02x", frame->data[i]);
	tap_note("%s, %zu bytes: %s", name, frame->len, hex);
}

static void report(const struct program *program, struct trial *trial, struct failure *failure, unsigned long round)
{
	static const char *const contexts[] = { "in by veth0",  "in by veth1",  "in by lo", "without a context",
						"out by veth0", "out by veth1", "out by lo" };

	tap_not_ok(failure->wrong.invariant, failure->wrong.seen, "%s: %lu frames", program->name, trial->frames);
	tap_note("round %lu, %s", round, contexts[failure->context]);
	note_frame("frame", &failure->frame);
	if (!strcmp(failure->wrong.invariant, "rules count what they decide, packets and bytes"))
		return;
	shrink(program, trial, failure);
	note_frame("smaller", &failure->frame);
	tap_note("of which %s", failure->wrong.seen);
}

/* ---- all of a program ---- */

static bool every_cut_holds(const struct program *program, struct trial *trial, struct failure *failure)
{
	struct frame frame = failure->frame;

	while (frame.len > FRAME_ETH_SIZE) {
		frame.len--;
		if (!program->holds(trial, failure->context, &frame, &failure->wrong)) {
			failure->frame = frame;
			return false;
		}
	}
	return true;
}

static bool round_holds(const struct program *program, struct trial *trial, struct failure *failure)
{
	program->begin(trial);
	for (int i = 0; i < ROUND; i++) {
		program->draw(trial, &failure->frame);
		failure->context = program->where(trial);
		frame_mutate(&trial->numbers, &failure->frame);
		if (failure->frame.len < FRAME_ETH_SIZE)
			continue;
		if (!program->holds(trial, failure->context, &failure->frame, &failure->wrong) ||
		    (ONE_IN(&trial->numbers, EVERY_CUT) && !every_cut_holds(program, trial, failure)))
			return false;
	}
	return program->end(trial, &failure->wrong);
}

struct effort {
	unsigned long frames; /* 0: as many as there is time for */
	double seconds;
};

static bool is_done(const struct trial *trial, const struct effort *effort, double begin)
{
	return effort->frames ? trial->frames >= effort->frames : now() - begin >= effort->seconds;
}

/* So that it can be seen what was reached. */
static void note_reasons(const struct program *program, const struct trial *trial)
{
	char text[2048] = "";
	int used = 0;

	for (unsigned int reason = 1; reason < REASON_COUNT; reason++)
		if (trial->decided[reason])
			used += snprintf(text + used, sizeof(text) - (size_t)used, " %s %lu", reason_name(reason),
					 trial->decided[reason]);
	if (used)
		tap_note("%s decided:%s", program->name, text);
}

static void program_run(const struct program *program, struct trial *trial, const struct effort *effort)
{
	static struct failure failure;
	unsigned long round = 0;
	bool holds = true;
	double begin;

	program->open(trial);
	begin = now();
	while (holds && !is_done(trial, effort, begin)) {
		holds = round_holds(program, trial, &failure);
		if (!holds)
			report(program, trial, &failure, round);
		round++;
	}
	program->close(trial);
	if (holds)
		tap_ok("%s: %lu frames", program->name, trial->frames);
	tap_note("%s: %lu frames in %.1f s, %.0f a second", program->name, trial->frames, now() - begin,
		 (double)trial->frames / (now() - begin));
	note_reasons(program, trial);
}

static int interface_index(const char *name)
{
	unsigned int index = if_nametoindex(name);

	if (!index)
		err(2, "%s", name);
	return (int)index;
}

static void trial_run(const struct program *program, char **paths, uint64_t seed, const struct effort *effort)
{
	struct trial trial = { .fixture = { .object_path = { paths[0], paths[1], paths[2], paths[3] },
					    .pin_dir = paths[4],
					    .veth = interface_index(VETH_NAME),
					    .veth_peer = interface_index(VETH_PEER_NAME) },
			       .numbers = { seed } };
	struct box box;

	if (program->in_box)
		box_enter(&trial.fixture, &box);
	program_run(program, &trial, effort);
	if (program->in_box)
		box_leave(&trial.fixture, &box);
	free(trial.fixture.counted);
}

static uint64_t seed_drawn(void)
{
	const char *text = getenv("SEED");

	return text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
}

static bool is_wanted(const struct program *program)
{
	const char *only = getenv("PROGRAMS");

	return !only || strstr(only, program->name);
}

int main(int argc, char **argv)
{
	struct effort effort = { .frames = numbers_setting("PACKETS", 0),
				 .seconds = (double)numbers_setting("FRAMES_SECONDS", 24) / PROGRAMS };
	uint64_t seed = seed_drawn();

	if (argc != 6) {
		fprintf(stderr, "usage: packets SPLICER.o XDP_FILTER.o LB.o FLOW.o PIN_DIR\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	tap_note("SEED=%llu", (unsigned long long)seed);
	for (size_t i = 0; i < PROGRAMS; i++)
		if (is_wanted(programs[i]))
			trial_run(programs[i], argv + 1, seed + i, &effort);
	return tap_done();
}
