/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulefind.h"

#include "array.h"
#include "netlink.h"
#include "ruleindex.h"
#include "rulekey.h"

#include <stdlib.h>
#include <string.h>

struct finder {
	struct ruleset *set;
	struct listeners *listeners; /* NULL: not asked for yet */
	rule_several *several;
	bool many; /* questions: they are worth an index */
	struct rule_index index;
	bool indexed;
	struct rule_place *places; /* of the rules that match what is wanted just now */
	size_t count;
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

static void finder_free(struct finder *finder)
{
	free(finder->listeners);
	free(finder->places);
	rule_index_free(&finder->index);
}

/* ---- the rules that match ---- */

static bool is_like(const struct rule_wanted *wanted, const struct rules_record *rule)
{
	struct rules_record other = *rule;

	if (wanted->any_service)
		memcpy(other.service, wanted->like->service, sizeof(other.service));
	return !rule_compare(wanted->like, &other);
}

/* Notes the rule in that cell if it matches. */
static int match_add(struct finder *finder, const struct rule_wanted *wanted, uint32_t cell,
		     const struct rules_record *rule, struct error *error)
{
	struct rule_place *places;

	if (wanted->like ? !is_like(wanted, rule) : !selector_matches(&wanted->selector, rule, finder->listeners))
		return 0;
	places = array_room(finder->places, finder->count, sizeof(*places));
	if (!places)
		return error_errno(error, "rules");
	finder->places = places;
	places[finder->count++] = (struct rule_place){ rules_decision_sequence(rule->head.decision), cell };
	return 0;
}

static int match_key(struct finder *finder, const struct rule_wanted *wanted, const struct rules_record *like,
		     struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;
	int result = 0;

	while (!result && ruleset_next_of_key(finder->set, like, &cursor, &rule))
		result = match_add(finder, wanted, cursor, &rule, error);
	return result;
}

static int match_scan(struct finder *finder, const struct rule_wanted *wanted, struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;
	int result = 0;

	while (!result && ruleset_next(finder->set, &cursor, &rule))
		result = match_add(finder, wanted, cursor, &rule, error);
	return result;
}

/* Whether rules of this tuple can match; *open: and their key is not known from the selector alone. */
static bool tuple_is_selected(const struct selector *selector, const struct rules_record *tuple, bool *open)
{
	const struct prefix *dst = &selector->dst.items[0], *src = &selector->src.items[0];
	bool named = tuple->head.ifindex != 0;

	if (tuple->family != (dst->family == 6 ? RULES_IPV6 : RULES_IPV4) || tuple->dst_len != dst->len ||
	    (selector->has_proto && tuple->proto != selector->proto) ||
	    (selector->has_direction && tuple->direction != selector->direction) ||
	    (selector->has_interface && named != (selector->ifindex != 0)) ||
	    (selector->src.count && tuple->src_len != src->len))
		return false;
	*open = (tuple->src_len && !selector->src.count) || (named && !selector->has_interface);
	return true;
}

/* The keys that the selector leaves; 1: they are not known from it alone, *matched then is of no use. */
static int match_tuples(struct finder *finder, const struct rule_wanted *wanted, struct error *error)
{
	const struct selector *selector = &wanted->selector;
	struct rules_record like;
	uint32_t cursor = 0;
	bool open;

	while (ruleset_next_tuple(finder->set, &cursor, &like)) {
		if (!tuple_is_selected(selector, &like, &open))
			continue;
		if (open)
			return 1;
		memcpy(like.dst, selector->dst.items[0].addr, sizeof(like.dst));
		if (selector->src.count)
			memcpy(like.src, selector->src.items[0].addr, sizeof(like.src));
		like.head.ifindex = selector->has_interface ? selector->ifindex : 0;
		if (match_key(finder, wanted, &like, error))
			return -1;
	}
	return 0;
}

static int match_index(struct finder *finder, const struct rule_wanted *wanted, struct error *error)
{
	struct rules_record rule;
	uint32_t cell;
	size_t at = 0;

	if (!finder->indexed && rule_index_make(&finder->index, finder->set, error))
		return -1;
	finder->indexed = true;
	while ((cell = rule_index_next(&finder->index, &wanted->selector.dst.items[0], &at)))
		if (ruleset_read(finder->set, &(struct rule_place){ .cell = cell }, &rule) &&
		    match_add(finder, wanted, cell, &rule, error))
			return -1;
	return 0;
}

/* Looks at as few rules as it takes. */
static int match(struct finder *finder, const struct rule_wanted *wanted, struct error *error)
{
	int result;

	finder->count = 0;
	if (!ruleset_is_sound(finder->set))
		return match_scan(finder, wanted, error);
	if (wanted->like)
		return match_key(finder, wanted, wanted->like, error);
	if (wanted->selector.dst.count != 1 || wanted->selector.src.count > 1)
		return match_scan(finder, wanted, error);
	if (finder->many)
		return match_index(finder, wanted, error);
	result = match_tuples(finder, wanted, error);
	finder->count = result == 1 ? 0 : finder->count;
	return result == 1 ? match_scan(finder, wanted, error) : result;
}

/* ---- which of them ---- */

static int find_all(struct finder *finder, struct changes *changes, struct error *error)
{
	struct rules_record rule;

	for (size_t i = 0; i < finder->count; i++)
		if (ruleset_read(finder->set, &finder->places[i], &rule) &&
		    changes_add(changes, CHANGE_DELETE, &rule, error))
			return -1;
	return 0;
}

static int refuse_several(const struct finder *finder, const struct rule_wanted *wanted, struct error *error)
{
	if (finder->several && finder->several(finder->set, finder->places, finder->count, error))
		return -1;
	if (wanted->which == RULE_OLDEST_DEAD)
		return error_state(error, wanted->named, "%zu rules match and none is dead, nothing was deleted",
				   finder->count);
	return error_state(error, wanted->named, "%zu rules match, nothing was deleted; say which (see --help)",
			   finder->count);
}

/* Of several the dead one is meant: its listener went first. */
static int find_dead(struct finder *finder, const struct rule_wanted *wanted, struct rules_record *out,
		     struct error *error)
{
	struct rules_record rule;
	unsigned long dead = 0;

	if (finder_listeners(finder, error))
		return -1;
	qsort(finder->places, finder->count, sizeof(*finder->places), sequence_order);
	for (size_t i = 0; i < finder->count; i++)
		if (ruleset_read(finder->set, &finder->places[i], &rule) && rule_is_dead(&rule, finder->listeners) &&
		    !dead++)
			*out = rule;
	if (dead == 1 || (dead && wanted->which == RULE_OLDEST_DEAD))
		return 0;
	return refuse_several(finder, wanted, error);
}

static int find_one(struct finder *finder, const struct rule_wanted *wanted, struct changes *changes,
		    struct error *error)
{
	struct rules_record rule = { 0 };

	if (!finder->count)
		return wanted->or_none ? 0 : error_state(error, wanted->named, "no such rule");
	if (finder->count == 1)
		return find_all(finder, changes, error);
	if (find_dead(finder, wanted, &rule, error))
		return -1;
	return changes_add(changes, CHANGE_DELETE, &rule, error);
}

static int find_wanted(struct finder *finder, const struct rule_wanted *wanted, struct changes *changes,
		       struct error *error)
{
	if (wanted->selector.dead && finder_listeners(finder, error))
		return -1;
	if (match(finder, wanted, error))
		return -1;
	return wanted->which == RULE_ALL ? find_all(finder, changes, error) : find_one(finder, wanted, changes, error);
}

int rules_find(struct ruleset *set, const struct rule_wanted *wanted, size_t count, rule_several *several,
	       struct changes *changes, struct error *error)
{
	struct finder finder = { .set = set, .several = several, .many = count > 1 };
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = find_wanted(&finder, &wanted[i], changes, error);
	finder_free(&finder);
	return result;
}
