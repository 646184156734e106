/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulechange.h"

#include "ownaddr.h"
#include "rulekey.h"
#include "ruleroute.h"

#include <stdlib.h>

static bool changes_limit(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (rule_max_duration(&changes->items[i].rule))
			return true;
	return false;
}

/* The marks that stay until the pins go: see struct splicer_config. */
struct seen {
	uint32_t rules, durations;
};

static struct seen seen_read(const struct splicer_config *config)
{
	return (struct seen){ .rules = config->rules_seen, .durations = config->durations_seen };
}

static void seen_write(struct splicer_config *config, struct seen seen)
{
	__atomic_store_n(&config->rules_seen, seen.rules, __ATOMIC_SEQ_CST);
	__atomic_store_n(&config->durations_seen, seen.durations, __ATOMIC_SEQ_CST);
}

/* What must be so before the first packet meets a rule, and is taken back when the rules could not be changed. */
static int put_with_routes(const struct pins *pins, struct ruleset *set, struct changes *changes, struct error *error)
{
	struct seen before = seen_read(pins->config),
		    after = { .rules = before.rules || changes->count,
			      .durations = before.durations || changes_limit(changes) };
	struct prefix_list added = { 0 };
	int result = rule_routes_add(changes, &added, error);

	if (!result) {
		seen_write(pins->config, after);
		result = ruleset_apply(set, changes, false, error);
		if (result) {
			seen_write(pins->config, before);
			rule_routes_undo(&added);
		}
	}
	free(added.items);
	/* of rules that a replacement took away, or that have expired */
	if (!result && (changes->replace || set->route_left))
		result = rule_routes_remove(set, changes, true, error);
	return result;
}

/* Addresses first: with the first rule SSH is confined to them, and the operator must not be locked out. */
static int put_locked(const struct pins *pins, struct ruleset *set, struct changes *changes, bool dry_run,
		      struct error *error)
{
	if (dry_run)
		return rule_routes_preview(changes, error) || ruleset_apply(set, changes, true, error) ? -1 : 0;
	return own_addresses_sync(pins, error) || put_with_routes(pins, set, changes, error) ? -1 : 0;
}

int rules_put(const struct pins *pins, struct changes *changes, bool dry_run, struct error *error)
{
	struct ruleset set;
	int result = -1;

	if (pins_lock(pins, error))
		return -1;
	if (!ruleset_open(&set, pins, &pin_rules, true, error)) {
		result = put_locked(pins, &set, changes, dry_run, error);
		ruleset_close(&set);
	}
	pins_unlock(pins);
	return result;
}

/* With no changes all that ruleset_apply does is to repair: what is searched next must be sound. */
static int delete_prepare(const struct pins *pins, struct ruleset *set, struct changes *changes, struct error *error)
{
	if (own_addresses_sync(pins, error) || ruleset_apply(set, changes, false, error))
		return -1;
	return set->route_left ? rule_routes_remove(set, changes, true, error) : 0;
}

static int delete_locked(const struct pins *pins, struct ruleset *set, struct rule_deletion *deletion,
			 struct error *error)
{
	struct changes *changes = &deletion->changes;

	if (!deletion->dry_run && delete_prepare(pins, set, changes, error))
		return -1;
	if (rules_find(set, deletion->wanted, deletion->count, deletion->several, changes, error) ||
	    ruleset_apply(set, changes, deletion->dry_run, error))
		return -1;
	if (deletion->dry_run)
		return 0;
	return rule_routes_remove(set, changes, deletion->all_routes || set->route_left, error);
}

int rules_delete(const struct pins *pins, struct rule_deletion *deletion, struct error *error)
{
	struct ruleset set;
	int result = -1;

	if (pins_lock(pins, error))
		return -1;
	if (!ruleset_open(&set, pins, &pin_rules, true, error)) {
		result = delete_locked(pins, &set, deletion, error);
		ruleset_close(&set);
	}
	pins_unlock(pins);
	return result;
}
