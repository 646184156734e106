/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between flowset.c (what is changed), flowsettext.c (what a command says), flowsetstate.c (what is in force) and
 * flowsetout.c (what is shown).
 */
#ifndef SPLICER_FLOWSET_INTERNAL_H
#define SPLICER_FLOWSET_INTERNAL_H

#include "abi/flow.h"
#include "flowset.h"

/*
 * Sessions for each bucket: three quarters of its places. Of sessions that take three quarters of all places, 1.6 in a
 * hundred lose theirs to others, of those that take half of them none.
 */
#define BUCKET_SESSIONS (FLOW_WAYS * 3 / 4)

/* ---- what there is ---- */

enum unit { UNIT_SESSIONS, UNIT_PACKETS, UNIT_SECONDS, UNIT_TIME, UNIT_SWITCH };

struct setting {
	const char *option;
	const char *word; /* of the original; NULL: it has none */
	enum unit unit;
	uint64_t least, most;
};

extern const struct setting flowset_settings[FLOWSET_COUNT];

struct time_unit {
	const char *name;
	uint64_t ns;
};

/* NULL: it has none. */
const char *unit_name(enum unit unit);

/* "on", "off" */
const char *switch_name(uint64_t value);

/* The largest unit of those that are shown in which it is a whole number. */
const struct time_unit *time_unit_of(uint64_t ns);

/* ---- in force ---- */

struct state {
	struct flow_settings settings;
	uint32_t buckets, room;
	/* of the sizes */
	uint64_t capacity_used, sessions_used, packets_used;
	uint64_t capacity_bytes, packets_bytes;
};

/* capacity_used, for which all buckets are read, is 0 without with_use. */
int state_read(const struct pins *pins, struct state *state, bool with_use, struct error *error);

/* As the maps have it: 0 is the default, but for sizes and switches. */
uint64_t value_get(const struct state *state, enum flowset_name name);
void value_put(struct state *state, enum flowset_name name, uint64_t value);

/* Puts what value_get has where nobody set anything. */
void value_reset(struct state *state, enum flowset_name name);

uint64_t value_default(const struct state *state, enum flowset_name name);

/* What is in force, or would be when sampling is turned on. */
uint64_t value_shown(const struct state *state, enum flowset_name name);

/* ---- printing ---- */

/* All settings; those that were given, with a letter, when there is a change. */
void state_print(const struct state *state, const struct flowset_change *change, enum out_form form);

/* What was given, a letter and an option of flow_set in each line. */
void change_print(const struct flowset_change *change, const struct state *next);

#endif
