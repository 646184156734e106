/* SPDX-License-Identifier: GPL-2.0-only */
/* What the part "state" is made of: a stateful filter, in test runs and on packets that go through the stack. */
#ifndef SPLICER_BENCH_STATE_H
#define SPLICER_BENCH_STATE_H

#include "frames.h"

#define STATE_FLOWS 500000 /* new ones, each from a source of its own */

/* The ways to filter, each in a network namespace of this name. */
enum state_way { WAY_NONE, WAY_SPLICER, WAY_NFT, STATE_WAYS };
extern const char *const state_ways[STATE_WAYS];

struct state_row {
	char packet[64];
	double ns[STATE_WAYS]; /* WAY_NONE: an empty program, or no filter; below 0: not measured */
};

struct state {
	struct bench bench;
	struct bench_box boxes[STATE_WAYS];
	uint32_t out[STATE_WAYS]; /* the interface in each where replies come in */
	struct state_row run[16], live[16], flood[4];
	size_t runs, lives, floods;
};

/* Prepares STATE_FLOWS packets from sources of their own. */
void state_prepare(struct state *state, uint32_t family, uint16_t port);

/* The boxes, before anything is measured in them. */
void state_boxes_open(struct state *state);

/* Forwarded packets, in each of the boxes. */
void state_measure_live(struct state *state);

/* Datagrams that a host sends as fast as it can to a socket of the box. */
void state_measure_flood(struct state *state);

#endif
