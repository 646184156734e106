/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of splicer.o, and what the system around them says of them. Takes no lock. */
#ifndef SPLICER_RULEVIEW_H
#define SPLICER_RULEVIEW_H

#include "error.h"
#include "out.h"
#include "pin.h"
#include "rulelist.h"
#include "ruleout.h"
#include "select.h"

#include <stdbool.h>
#include <stddef.h>

struct ruleview {
	struct rulelist list;
	struct surroundings surroundings; /* 32 KiB: not on the stack; see ruleview_look */
};

int ruleview_open(struct ruleview *view, const struct pins *pins, struct error *error);
void ruleview_close(struct ruleview *view);

/* Looks at the surroundings: before ruleview_print, and before a selector asks for what is dead. */
int ruleview_look(struct ruleview *view, struct error *error);

/* Copies the rule at place i; false when it is gone or not selected. */
bool ruleview_read(struct ruleview *view, const struct selector *selector, size_t i, struct rules_record *rule);

/* The selected rules, oldest first: as lines of map_update, or as a table or JSON array. */
void ruleview_print_lines(struct ruleview *view, const struct selector *selector);
void ruleview_print(struct ruleview *view, const struct selector *selector, enum out_form form);

#endif
