/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules as records of an output, and what the system around them says of them. */
#ifndef SPLICER_RULEOUT_H
#define SPLICER_RULEOUT_H

#include "abi/rules.h"
#include "age.h"
#include "error.h"
#include "netlink.h"
#include "option.h"
#include "out.h"
#include "ruleset.h"

/* What rules are checked against. */
struct surroundings {
	struct listeners listeners;
	struct prefix_list routes; /* local, sorted */
};

int surroundings_read(struct surroundings *surroundings, struct error *error);
void surroundings_free(struct surroundings *surroundings);

/* 1: packets to the rule's destination reach a socket; 0: its local route is missing; -1: it needs none. */
int rule_is_routed(const struct rules_record *rule, const struct surroundings *surroundings);

/* The fields of one rule, between out_begin and out_end. */
void rule_out(struct out *out, const struct rules_record *rule, const struct surroundings *surroundings);

/* The time of its last hit: in JSON seconds since the epoch, in the table how long ago. */
void rule_last_out(struct out *out, const struct rules_record *rule);

/* When it expires, in JSON: seconds since the epoch. */
void rule_expires_out(struct out *out, const struct rules_record *rule);

/* How long that is from now, "58.2s", to text; "" where it does not expire. Returns text. */
char *rule_left_format(const struct rules_record *rule, char text[AGE_TEXT_MAX]);

/* Prints rules on stderr: callers copy stdout to their logs. */
int rules_print_aside(struct ruleset *set, const struct rule_place *places, size_t count,
		      void (*print)(const struct rules_record *rule), struct error *error);

/* What a command did, as -v, -n and -j ask for it: a letter and the line of each rule, or JSON. */
void changes_print(const struct common_options *common, const struct changes *changes);

/* With -v: whether something had to be repaired first, also where the command failed then. */
void changes_note_repair(const struct common_options *common, const struct changes *changes);

#endif
