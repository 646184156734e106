/* SPDX-License-Identifier: GPL-2.0-only */
/* The local routes of rules that were inserted with --route. A route that was there before is somebody else's. */
#ifndef SPLICER_RULEROUTE_H
#define SPLICER_RULEROUTE_H

#include "error.h"
#include "prefix.h"
#include "ruleset.h"

/*
 * Adds the routes that the changes ask for, before the changes are made. What was added goes to *added, released with
 * free(added->items). Takes RULES_ROUTE from changes whose route is not the tool's own. On -1 no route is left.
 */
int rule_routes_add(struct ruleset *set, struct changes *changes, struct prefix_list *added, struct error *error);

/* Takes back what rule_routes_add added. */
void rule_routes_undo(const struct prefix_list *added);

/* After deletions: removes the routes of the deleted rules that no rule is left for. */
int rule_routes_remove(struct ruleset *set, const struct changes *deleted, struct error *error);

#endif
