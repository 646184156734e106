/* SPDX-License-Identifier: GPL-2.0-only */
/* One reading of the rule set: the rules there are, and what the system around them says of them. Takes no lock. */
#ifndef SPLICER_RULEVIEW_H
#define SPLICER_RULEVIEW_H

#include "error.h"
#include "out.h"
#include "pin.h"
#include "ruleout.h"
#include "ruleset.h"
#include "select.h"

#include <stdbool.h>
#include <stddef.h>

struct ruleview {
	struct ruleset set;
	struct rule_place *places; /* oldest first */
	size_t count;
	struct surroundings surroundings; /* 32 KiB: not on the stack */
};

int ruleview_open(struct ruleview *view, const struct pins *pins, struct error *error);
void ruleview_close(struct ruleview *view);

/* Copies the rule at place i; false when it is gone or not selected. */
bool ruleview_read(struct ruleview *view, const struct selector *selector, size_t i, struct rules_record *rule);

/* The selected rules, oldest first: as lines of map_update, or as a table or JSON array. */
void ruleview_print_lines(struct ruleview *view, const struct selector *selector);
void ruleview_print(struct ruleview *view, const struct selector *selector, enum out_form form);

#endif
