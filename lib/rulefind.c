/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulefind.h"

#include "array.h"
#include "netlink.h"
#include "rule.h"
#include "ruleindex.h"
#include "rulekey.h"

#include <stdlib.h>
#include <string.h>

struct finder {
	struct ruleset *set;
	struct listeners *listeners; /* NULL: not asked for yet */
	rule_several *several;
	bool many; /* questions: they are worth an index */
	struct rule_index by_dst, by_src;
	bool dst_indexed, src_indexed;
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
	rule_index_free(&finder->by_dst);
	rule_index_free(&finder->by_src);
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

/* One destination and one source that a selector takes; NULL: whatever it is. */
struct pair {
	const struct prefix *dst, *src;
};

static bool is_of(const struct prefix *prefix, uint8_t family, uint8_t len)
{
	return !prefix || (family == (prefix->family == 6 ? RULES_IPV6 : RULES_IPV4) && len == prefix->len);
}

/* Whether rules of this tuple can match; *open: and their key is not known from the selector alone. */
static bool tuple_is_selected(const struct selector *selector, const struct pair *pair,
			      const struct rules_record *tuple, bool *open)
{
	bool named = tuple->head.ifindex != 0;

	if (!is_of(pair->dst, tuple->family, tuple->dst_len) || !is_of(pair->src, tuple->family, tuple->src_len) ||
	    (selector->has_proto && tuple->proto != selector->proto) ||
	    (selector->has_direction && tuple->direction != selector->direction) ||
	    (selector->has_interface && named != (selector->ifindex != 0)))
		return false;
	*open = (tuple->dst_len && !pair->dst) || (tuple->src_len && !pair->src) || (named && !selector->has_interface);
	return true;
}

/* The keys that the selector leaves; 1: they are not known from it alone, *matched then is of no use. */
static int match_tuples(struct finder *finder, const struct rule_wanted *wanted, const struct pair *pair,
			struct error *error)
{
	const struct selector *selector = &wanted->selector;
	struct rules_record like;
	uint32_t cursor = 0;
	bool open;

	while (ruleset_next_tuple(finder->set, &cursor, &like)) {
		if (!tuple_is_selected(selector, pair, &like, &open))
			continue;
		if (open)
			return 1;
		if (pair->dst)
			memcpy(like.dst, pair->dst->addr, sizeof(like.dst));
		if (pair->src)
			memcpy(like.src, pair->src->addr, sizeof(like.src));
		like.head.ifindex = selector->has_interface ? selector->ifindex : 0;
		if (match_key(finder, wanted, &like, error))
			return -1;
	}
	return 0;
}

static int index_need(struct finder *finder, bool by_src, struct error *error)
{
	bool *indexed = by_src ? &finder->src_indexed : &finder->dst_indexed;
	int result = *indexed ? 0
			      : rule_index_make(by_src ? &finder->by_src : &finder->by_dst, finder->set,
						by_src ? rule_src : rule_dst, error);

	*indexed = !result;
	return result;
}

/* By the longer prefix: the fewer rules have it. */
static int match_index(struct finder *finder, const struct rule_wanted *wanted, const struct pair *pair,
		       struct error *error)
{
	bool by_src = !pair->dst || (pair->src && pair->src->len > pair->dst->len);
	struct rules_record rule;
	uint32_t cell;
	size_t at = 0;

	if (index_need(finder, by_src, error))
		return -1;
	while ((cell = rule_index_next(by_src ? &finder->by_src : &finder->by_dst, by_src ? pair->src : pair->dst,
				       &at)))
		if (ruleset_read(finder->set, &(struct rule_place){ .cell = cell }, &rule) &&
		    match_add(finder, wanted, cell, &rule, error))
			return -1;
	return 0;
}

#define PAIRS_MAX 4 /* looked for one by one */

static const struct prefix *list_item(const struct prefix_list *list, size_t i)
{
	return list->count ? &list->items[i] : NULL;
}

/* As match_tuples and match_index, for each pair. */
static int match_pairs(struct finder *finder, const struct rule_wanted *wanted, struct error *error)
{
	const struct prefix_list *dst = &wanted->selector.dst, *src = &wanted->selector.src;
	int result = 0;

	for (size_t d = 0; !result && d < (dst->count ? dst->count : 1); d++) {
		for (size_t s = 0; !result && s < (src->count ? src->count : 1); s++) {
			struct pair pair = { list_item(dst, d), list_item(src, s) };

			result = finder->many ? match_index(finder, wanted, &pair, error)
					      : match_tuples(finder, wanted, &pair, error);
		}
	}
	return result;
}

/* Looks at as few rules as it takes. */
static int match(struct finder *finder, const struct rule_wanted *wanted, struct error *error)
{
	size_t dst = wanted->selector.dst.count, src = wanted->selector.src.count;
	int result;

	finder->count = 0;
	if (!ruleset_is_sound(finder->set))
		return match_scan(finder, wanted, error);
	if (wanted->like)
		return match_key(finder, wanted, wanted->like, error);
	if ((!dst && !src) || (dst ? dst : 1) * (src ? src : 1) > PAIRS_MAX)
		return match_scan(finder, wanted, error);
	result = match_pairs(finder, wanted, error);
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

/* Without a prefix, one command makes a rule of each family. */
static bool are_twins(struct finder *finder)
{
	struct rules_record rules[2];

	if (finder->count != 2 || !ruleset_read(finder->set, &finder->places[0], &rules[0]) ||
	    !ruleset_read(finder->set, &finder->places[1], &rules[1]))
		return false;
	if (rules[0].dst_len || rules[0].src_len || rules[0].family == rules[1].family)
		return false;
	rules[1].family = rules[0].family;
	return !rule_compare(&rules[0], &rules[1]);
}

static int find_only(struct finder *finder, const struct rule_wanted *wanted, struct changes *changes,
		     struct error *error)
{
	return are_twins(finder) ? find_all(finder, changes, error) : refuse_several(finder, wanted, error);
}

static int find_one(struct finder *finder, const struct rule_wanted *wanted, struct changes *changes,
		    struct error *error)
{
	struct rules_record rule = { 0 };

	if (!finder->count)
		return wanted->or_none ? 0 : error_state(error, wanted->named, "no such rule");
	if (finder->count == 1)
		return find_all(finder, changes, error);
	if (wanted->which == RULE_ONLY)
		return find_only(finder, wanted, changes, error);
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
