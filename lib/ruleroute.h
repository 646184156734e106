/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local routes of rules that were inserted with --route. The kernel remembers which are ours (ROUTE_PROTOCOL); a
 * route of anybody else is left alone.
 */
#ifndef SPLICER_RULEROUTE_H
#define SPLICER_RULEROUTE_H

#include "error.h"
#include "prefix.h"
#include "ruleset.h"

/*
 * Adds the routes that the changes ask for, before the changes are made. What was added goes to *added, released with
 * free(added->items). Takes RULES_ROUTE from changes whose route is not ours. On -1 no route is left.
 */
int rule_routes_add(struct changes *changes, struct prefix_list *added, struct error *error);

/* What rule_routes_add would do to the changes, without adding any. */
int rule_routes_preview(struct changes *changes, struct error *error);

/* Takes back what rule_routes_add added. */
void rule_routes_undo(const struct prefix_list *added);

/*
 * After deletions: removes the routes of the deleted rules that no rule is left for; with `all` every route of ours
 * that no rule is left for, also what killed tools left.
 */
int rule_routes_remove(struct ruleset *set, const struct changes *deleted, bool all, struct error *error);

#endif
