/* SPDX-License-Identifier: GPL-2.0-only */
/* Random rules that nest and overlap, and random packets that hit them and just miss them. */
#ifndef TEST_ORACLE_DRAW_H
#define TEST_ORACLE_DRAW_H

#include "packet/harness.h"
#include "sets/sets.h"
#include "unit/oracle.h"

#include <stdint.h>

#define LISTENER_PORT 20001    /* the only one where somebody listens, TCP and UDP, both families */
#define EXPIRES_PAST 1         /* ns of CLOCK_MONOTONIC: the time of such a rule is up */
#define INTERFACE_GONE 1000000 /* index of an interface that no packet comes from */

struct draw {
	struct numbers numbers;
	enum set_kind kind;     /* the rules of set_rule that all others come from */
	uint32_t family;        /* of most of them; enum rules_family */
	uint32_t interfaces[3]; /* two that packets come from, and INTERFACE_GONE */
	unsigned int expiring;  /* one rule in so many expires */
	uint64_t expires;       /* when, ns of CLOCK_MONOTONIC */
};

/* Below limit. */
uint32_t draw_below(struct draw *draw, uint32_t limit);

/* A rule that map_update could make: a new one or a relative of one in the model. */
struct plain_rule draw_rule(struct draw *draw, const struct oracle *model);

/* A packet: most are for a rule of the model, within it or just beside it. */
struct plain_packet draw_packet(struct draw *draw, const struct oracle *model);

#endif
