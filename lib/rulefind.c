/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulefind.h"

#include "netlink.h"
#include "rulekey.h"

#include <stdlib.h>
#include <string.h>

struct finder {
	struct ruleset *set;
	struct listeners *listeners; /* NULL: not asked for yet */
	rule_several *several;
};

static int finder_listeners(struct finder *finder, struct error *error)
{
	if (finder->listeners)
		return 0;
	finder->listeners = malloc(sizeof(*finder->listeners));
	if (!finder->listeners)
		return error_errno(error, "listeners");
	return netlink_listeners(finder->listeners, error);
}

static bool is_like(const struct rule_wanted *wanted, const struct rules_record *rule)
{
	struct rules_record other = *rule;

	if (wanted->any_service)
		memcpy(other.service, wanted->like->service, sizeof(other.service));
	return !rule_compare(wanted->like, &other);
}

/* The next rule that matches. */
static bool wanted_next(const struct finder *finder, const struct rule_wanted *wanted, uint32_t *cursor,
			struct rules_record *rule)
{
	if (wanted->like) {
		while (ruleset_next_of_key(finder->set, wanted->like, cursor, rule))
			if (is_like(wanted, rule))
				return true;
		return false;
	}
	while (ruleset_next(finder->set, cursor, rule))
		if (selector_matches(&wanted->selector, rule, finder->listeners))
			return true;
	return false;
}

static int find_all(struct finder *finder, const struct rule_wanted *wanted, struct changes *changes,
		    struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;

	while (wanted_next(finder, wanted, &cursor, &rule))
		if (changes_add(changes, CHANGE_DELETE, &rule, error))
			return -1;
	return 0;
}

static bool is_older(const struct rules_record *a, const struct rules_record *b)
{
	return rules_decision_sequence(a->head.decision) < rules_decision_sequence(b->head.decision);
}

static int refuse_several(const struct finder *finder, const struct rule_wanted *wanted, unsigned long count,
			  struct error *error)
{
	if (finder->several && finder->several(finder->set, wanted, error))
		return -1;
	if (wanted->which == RULE_OLDEST_DEAD)
		return error_state(error, wanted->named, "%lu rules match and none is dead, nothing was deleted",
				   count);
	return error_state(error, wanted->named, "%lu rules match, nothing was deleted; say which (see --help)", count);
}

/* Of several the dead one is meant: its listener went first. */
static int find_dead(struct finder *finder, const struct rule_wanted *wanted, unsigned long count,
		     struct rules_record *out, struct error *error)
{
	struct rules_record rule;
	unsigned long dead = 0;
	uint32_t cursor = 0;

	if (finder_listeners(finder, error))
		return -1;
	while (wanted_next(finder, wanted, &cursor, &rule))
		if (rule_is_dead(&rule, finder->listeners) && (!dead++ || is_older(&rule, out)))
			*out = rule;
	if (dead == 1 || (dead && wanted->which == RULE_OLDEST_DEAD))
		return 0;
	return refuse_several(finder, wanted, count, error);
}

static int find_one(struct finder *finder, const struct rule_wanted *wanted, struct changes *changes,
		    struct error *error)
{
	struct rules_record rule, match = { 0 };
	unsigned long count = 0;
	uint32_t cursor = 0;

	for (; wanted_next(finder, wanted, &cursor, &rule); count++)
		match = rule;
	if (!count)
		return wanted->or_none ? 0 : error_state(error, wanted->named, "no such rule");
	if (count > 1 && find_dead(finder, wanted, count, &match, error))
		return -1;
	return changes_add(changes, CHANGE_DELETE, &match, error);
}

static int find_wanted(struct finder *finder, const struct rule_wanted *wanted, struct changes *changes,
		       struct error *error)
{
	if (wanted->selector.dead && finder_listeners(finder, error))
		return -1;
	return wanted->which == RULE_ALL ? find_all(finder, wanted, changes, error)
					 : find_one(finder, wanted, changes, error);
}

int rules_find(struct ruleset *set, const struct rule_wanted *wanted, size_t count, rule_several *several,
	       struct changes *changes, struct error *error)
{
	struct finder finder = { .set = set, .several = several };
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = find_wanted(&finder, &wanted[i], changes, error);
	free(finder.listeners);
	return result;
}
