/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rules match a packet by themselves, in which order, and by which criterion one of them yields to another. */
#ifndef SPLICER_RULEWHY_H
#define SPLICER_RULEWHY_H

#include "abi/rules.h"
#include "error.h"
#include "question.h"
#include "ruleset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Best first; released with free(items). */
struct rivals {
	struct rules_record *items;
	size_t count;
};

/* Whether a rule matches by itself. The question names its interface and direction. */
bool rule_matches(const struct rules_record *rule, const struct question *question);

int rivals_find(struct ruleset *set, const struct question *question, struct rivals *out, struct error *error);

/* As it, by a few looks into the table however many rules there are. The caller holds pins_lock. */
int rivals_find_locked(struct ruleset *set, const struct question *question, struct rivals *out, struct error *error);

/* By rank and decision, as abi/rules.h states them: positive when a wins, 0 for a rule and itself. */
int precedence_compare(const struct rules_record *a, const struct rules_record *b);

/* The first criterion in which the loser yields to the winner, in words. */
const char *rule_why(const struct rules_record *loser, const struct rules_record *winner);

#endif
