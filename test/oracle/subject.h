/* SPDX-License-Identifier: GPL-2.0-only */
/* The pinned rule set and its model, which is changed alongside. */
#ifndef TEST_ORACLE_SUBJECT_H
#define TEST_ORACLE_SUBJECT_H

#include "draw.h"
#include "question.h"
#include "ruleset.h"

struct subject {
	struct pins pins;
	struct ruleset set;
	struct oracle model; /* oldest first, as in places, between two changes */
	struct oracle past;  /* rules that have expired since the set was loaded: they may stand in the arena yet */
	struct rule_place *places;
	size_t count;
	/* ns of CLOCK_MONOTONIC, longer than any run: one for all, as a replacement ignores small differences */
	uint64_t far;
	struct changes last; /* the newest that were made; none after loading or expiry */
	struct error error;
};

/* What became of a change. */
enum change_outcome {
	CHANGE_DONE,
	CHANGE_CROWDED, /* no room for so many that expire, or for so many combinations: nothing was changed */
	CHANGE_FAILED,  /* subject->error says why */
};

/* Exits when the pins cannot be opened. */
void subject_open(struct subject *subject, const char *pin_dir);
void subject_close(struct subject *subject);

/* Oldest first. */
void rules_sort(struct plain_rule *rules, size_t count);

/* Rules that stand there twice become one, the last of them. Returns how many are left. */
size_t rules_unique(struct plain_rule *rules, size_t count);

/*
 * The rules, all different and oldest first, become the whole set. Those that expire at EXPIRES_PAST are made to stand
 * in the arena all the same.
 */
enum change_outcome subject_load(struct subject *subject, const struct plain_rule *rules, size_t count);

/* Makes the changes, in the set and in the model; takes them over. */
enum change_outcome subject_change(struct subject *subject, struct changes *changes);

/* Adds to changes; exits when there is no memory. */
void subject_plan(struct changes *changes, enum change_kind kind, const struct plain_rule *rule);

/* The time of rule i of the model is up. Then subject_settle must be called. */
void subject_expire(struct subject *subject, size_t i);

/* Takes rules out of the model whose time is up. Then subject_settle must be called. */
void subject_let_expire(struct subject *subject, uint64_t now);

/* Reads the set anew; CHANGE_FAILED when it does not list the rules of the model in their order. */
enum change_outcome subject_settle(struct subject *subject);

/* What must become of a packet by the model. */
void subject_expect(const struct subject *subject, const struct plain_packet *packet, struct answer *answer);

/* The rule of the model with a sequence number; NULL: none. */
const struct plain_rule *subject_rule(const struct subject *subject, uint64_t sequence);

#endif
