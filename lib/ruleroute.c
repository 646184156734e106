/* SPDX-License-Identifier: GPL-2.0-only */
#include "ruleroute.h"

#include "netlink.h"
#include "rule.h"

#include <stdlib.h>

static bool wants_route(const struct change *change)
{
	return change->rule.head.decision & RULES_ROUTE;
}

void rule_routes_undo(const struct prefix_list *added)
{
	struct error ignored;

	for (size_t i = 0; i < added->count; i++)
		netlink_local_route(ROUTE_DELETE, &added->items[i], NULL, &ignored);
}

/* *existed: some route was there already. */
static int routes_add(const struct changes *changes, struct prefix_list *added, bool *existed, struct error *error)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct prefix dst = rule_dst(&changes->items[i].rule);
		int is_new;

		if (!wants_route(&changes->items[i]))
			continue;
		if (netlink_local_route(ROUTE_ADD, &dst, &is_new, error))
			return -1;
		*existed |= !is_new;
		if (is_new && prefix_list_add(added, &dst))
			return error_errno(error, "--route");
	}
	return 0;
}

/* Takes RULES_ROUTE from the changes whose route is among `there` and not among `own`, both sorted. */
static void routes_disown(struct changes *changes, const struct prefix_list *there, const struct prefix_list *own)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct prefix dst = rule_dst(&changes->items[i].rule);

		if (prefix_list_has(there, &dst) && !prefix_list_has(own, &dst))
			changes->items[i].rule.head.decision &= ~RULES_ROUTE;
	}
}

int rule_routes_preview(struct changes *changes, struct error *error)
{
	struct prefix_list there = { 0 }, own = { 0 };
	int result = netlink_local_routes(&there, error) || netlink_own_routes(&own, error) ? -1 : 0;

	prefix_list_sort(&there);
	prefix_list_sort(&own);
	if (!result)
		routes_disown(changes, &there, &own);
	free(there.items);
	free(own.items);
	return result;
}

int rule_routes_add(struct changes *changes, struct prefix_list *added, struct error *error)
{
	bool existed = false;

	if (!routes_add(changes, added, &existed, error) && (!existed || !rule_routes_preview(changes, error)))
		return 0;
	rule_routes_undo(added);
	return -1;
}

/* The prefixes that rules with a route of ours are for, sorted. */
static int routes_needed(struct ruleset *set, struct prefix_list *needed)
{
	struct rules_record rule;
	uint32_t cursor = 0;
	int result = 0;

	while (!result && ruleset_next(set, &cursor, &rule)) {
		struct prefix dst = rule_dst(&rule);

		if (rule.head.decision & RULES_ROUTE)
			result = prefix_list_add(needed, &dst);
	}
	prefix_list_sort(needed);
	return result;
}

static int routes_of(const struct changes *deleted, struct prefix_list *routes)
{
	int result = 0;

	for (size_t i = 0; i < deleted->count && !result; i++) {
		struct prefix dst = rule_dst(&deleted->items[i].rule);

		if (wants_route(&deleted->items[i]))
			result = prefix_list_add(routes, &dst);
	}
	return result;
}

/* Goes on after a route that cannot be removed, and reports the last such. */
static int routes_remove(const struct prefix_list *routes, const struct prefix_list *needed, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < routes->count; i++)
		if (!prefix_list_has(needed, &routes->items[i]) &&
		    netlink_local_route(ROUTE_DELETE, &routes->items[i], NULL, error))
			result = -1;
	return result;
}

int rule_routes_remove(struct ruleset *set, const struct changes *deleted, bool all, struct error *error)
{
	struct prefix_list routes = { 0 }, needed = { 0 };
	int result;

	if (all)
		result = netlink_own_routes(&routes, error);
	else
		result = routes_of(deleted, &routes) ? error_errno(error, "--route") : 0;
	if (!result && routes.count) {
		result = routes_needed(set, &needed) ? error_errno(error, "--route") : 0;
		if (!result)
			result = routes_remove(&routes, &needed, error);
	}
	free(routes.items);
	free(needed.items);
	return result;
}
