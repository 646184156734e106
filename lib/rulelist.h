/* SPDX-License-Identifier: GPL-2.0-only */
/* One reading of a rule set: the rules there are, oldest first. Takes no lock. */
#ifndef SPLICER_RULELIST_H
#define SPLICER_RULELIST_H

#include "error.h"
#include "pin.h"
#include "ruleset.h"

#include <stdbool.h>
#include <stddef.h>

struct rulelist {
	struct ruleset set;
	struct rule_place *places; /* oldest first; see rulelist_order */
	size_t count;
};

/* Opens a pinned rule set (pin_rules, pin_xdp_rules) whose rules rulelist_close releases. */
int rulelist_open(struct rulelist *list, const struct pins *pins, const struct pin_shape *shape, struct error *error);
void rulelist_close(struct rulelist *list);

/* Finds the places; before it there are none. */
int rulelist_order(struct rulelist *list, struct error *error);

/* Copies the rule at place i; false when it is gone. */
bool rulelist_read(struct rulelist *list, size_t i, struct rules_record *rule);

#endif
