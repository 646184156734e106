/* SPDX-License-Identifier: GPL-2.0-only */
#include "ruleroute.h"

#include "netlink.h"
#include "rule.h"

#include <stdlib.h>

void rule_routes_undo(const struct prefix_list *added)
{
	struct error ignored;

	for (size_t i = 0; i < added->count; i++)
		netlink_local_route(ROUTE_DELETE, &added->items[i], NULL, &ignored);
}

static int routes_add(const struct changes *changes, struct prefix_list *added, struct error *error)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct prefix dst = rule_dst(&changes->items[i].rule);
		int is_new;

		if (!(changes->items[i].rule.head.decision & RULES_ROUTE))
			continue;
		if (netlink_local_route(ROUTE_ADD, &dst, &is_new, error))
			return -1;
		if (is_new && prefix_list_add(added, &dst))
			return error_errno(error, "--route");
	}
	return 0;
}

/* The prefixes whose routes are the tool's own: those of rules that are there, and those just added. Sorted. */
static int routes_own(struct ruleset *set, const struct prefix_list *added, struct prefix_list *own)
{
	struct rules_record rule;
	uint32_t cursor = 0;
	int result = 0;

	while (!result && ruleset_next(set, &cursor, &rule)) {
		struct prefix dst = rule_dst(&rule);

		if (rule.head.decision & RULES_ROUTE)
			result = prefix_list_add(own, &dst);
	}
	for (size_t i = 0; added && i < added->count && !result; i++)
		result = prefix_list_add(own, &added->items[i]);
	prefix_list_sort(own);
	return result;
}

static bool routes_wanted(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].rule.head.decision & RULES_ROUTE)
			return true;
	return false;
}

static int routes_disown(struct ruleset *set, struct changes *changes, const struct prefix_list *added,
			 struct error *error)
{
	struct prefix_list own = { 0 };
	int result = routes_own(set, added, &own);

	for (size_t i = 0; i < changes->count && !result; i++) {
		struct prefix dst = rule_dst(&changes->items[i].rule);

		if (!prefix_list_has(&own, &dst))
			changes->items[i].rule.head.decision &= ~RULES_ROUTE;
	}
	free(own.items);
	return result ? error_errno(error, "--route") : 0;
}

int rule_routes_add(struct ruleset *set, struct changes *changes, struct prefix_list *added, struct error *error)
{
	if (!routes_wanted(changes))
		return 0;
	if (!routes_add(changes, added, error) && !routes_disown(set, changes, added, error))
		return 0;
	rule_routes_undo(added);
	return -1;
}

int rule_routes_remove(struct ruleset *set, const struct changes *deleted, struct error *error)
{
	struct prefix_list own = { 0 };
	int result = 0;

	if (!routes_wanted(deleted))
		return 0;
	if (routes_own(set, NULL, &own))
		result = error_errno(error, "--route");
	for (size_t i = 0; i < deleted->count && !result; i++) {
		struct prefix dst = rule_dst(&deleted->items[i].rule);

		if (deleted->items[i].rule.head.decision & RULES_ROUTE && !prefix_list_has(&own, &dst))
			result = netlink_local_route(ROUTE_DELETE, &dst, NULL, error);
	}
	free(own.items);
	return result;
}
