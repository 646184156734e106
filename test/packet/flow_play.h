/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets in a row, as words of a table, through flow.o and the model; and what sessions they make. */
#ifndef TEST_FLOW_PLAY_H
#define TEST_FLOW_PLAY_H

#include "flow_model.h"
#include "generation.h"
#include "shots.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/*
 * A play: packets with ";" between them, each begun from the usual one, but later than the one before only if it says
 * so; "x=N" repeats it. In place of a packet: "rotate", or "both": the generation stands in both slots.
 *
 * What comes of it: the fields of each session, in the order of their start, with ";" between sessions; "" is one of
 * which nothing is asked, NULL: there is none. Fields of sides begin with "o." or "r.", those of details with "d.", of
 * their sides with "od." or "rd.", those of the head with "head.", those of what buckets lost with "lost."; the times
 * in "start", "syn", "synack", "ack", "first", "last" and "hole_time", "active_since", "run_start" and "run_last" are
 * since SHOTS_BEGIN, "none" is 0.
 *
 * Besides, all sessions must be what the model has.
 */
struct scene {
	const char *name;
	int family; /* 0: both */
	const char *play, *expected, *settings;
};

void scenes_run(struct fixture *fixture, const struct scene *scenes, size_t count);

/* For other cases: a fixture with one generation; every packet through both. */
struct stage {
	struct fixture *fixture;
	struct generation *now, *before;
	struct model model;
	uint64_t generations;
	char wrong[512]; /* the first that went wrong; "": nothing */
};

/* fixture_open and fixture_close, for stages. */
void stages_open(struct fixture *fixture);
void stages_close(struct fixture *fixture);
struct stage *stage_open(struct fixture *fixture, uint32_t buckets, const char *settings);
void stage_close(struct stage *stage);
void stage_shoot(struct stage *stage, const struct shot *shot);
void stage_rotate(struct stage *stage, uint32_t buckets);
/* Compares all sessions with the model's. */
void stage_compare(struct stage *stage);
void stage_wrong(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "ok" or what was wrong. */
void stage_report(const struct stage *stage, const char *name, int family);
/* Plays words. */
void stage_play(struct stage *stage, int family, const char *play);
/* Compares with words; the sessions of this generation. */
void stage_expect(struct stage *stage, const struct generation *generation, const char *expected);

/* Compares the records of the buffer, in their order, with words: fields of struct flow_packet. */
void stage_expect_records(struct stage *stage, const char *expected);

#endif
