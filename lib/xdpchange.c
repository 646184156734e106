/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdpchange.h"

#include "abi/xdp.h"
#include "guard.h"
#include "rulekey.h"
#include "xdprule.h"

#include <bpf/bpf.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the table of sources that rates are kept in ---- */

static int sources_entries(int outer, uint32_t *entries)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = pin_inner_open(outer, 0), result;

	if (fd < 0)
		return -1;
	result = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	*entries = info.max_entries;
	return result;
}

/* What the small one had is not carried over: without a rule that has a rate there is nothing in it. */
static int sources_enlarge(int outer)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "xdp_sources", sizeof(struct xdp_source), sizeof(__u64),
				XDP_SOURCES_DEFAULT, NULL);
	__u32 zero = 0;
	int result;

	if (fd < 0)
		return -1;
	result = bpf_map_update_elem(outer, &zero, &fd, BPF_ANY);
	close(fd);
	return result;
}

/* Rules with a rate need room for the sources they see. Where the rules then cannot be changed, the room stays. */
static int sources_prepare(const struct pins *pins, struct error *error)
{
	int outer = pin_open(pins, &pin_xdp_sources, error), result = 0;
	uint32_t entries;

	if (outer < 0)
		return -1;
	if (sources_entries(outer, &entries) || (entries < XDP_SOURCES_DEFAULT && sources_enlarge(outer)))
		result = error_errno(error, XDP_SOURCES);
	close(outer);
	return result;
}

static bool changes_have_rate(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind == CHANGE_PUT && rule_rate(&changes->items[i].rule))
			return true;
	return false;
}

/* ---- what to change ---- */

static int rules_add(struct xdp_change *change, const struct rules_record *rules, size_t count, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = changes_add(&change->changes, CHANGE_PUT, &rules[i], error);
	return result;
}

int xdp_change_add(struct xdp_change *change, const struct xdp_rule_options *options, bool in_file, struct error *error)
{
	struct rules_record *rules;
	size_t count;
	int result = 0;

	if (xdp_rule_parse(options, &rules, &count, error))
		return -1;
	if (!rule_has_expired(&rules[0]))
		result = rules_add(change, rules, count, error);
	else if (!in_file)
		result = error_usage(error, options->expires, "is past");
	free(rules);
	return result;
}

int xdp_change_default(struct xdp_change *change, const char *verdict, const struct xdp_rule_options *options,
		       struct error *error)
{
	struct rules_record *rules;
	size_t count;
	int result;

	if (xdp_default_parse(verdict, options->interfaces, options->interface_count, &rules, &count, error))
		return -1;
	result = rules_add(change, rules, count, error);
	free(rules);
	return result;
}

/* ---- changing it ---- */

static bool change_spares(const struct changes *changes, const struct rules_record *rule)
{
	const struct xdp_change *change = (const void *)((const char *)changes - offsetof(struct xdp_change, changes));

	return !selector_matches(&change->scope, rule, NULL);
}

static int check_nothing(struct ruleset *set, const struct xdp_change *change, struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;
	size_t gone = 0;

	while (change->nothing && ruleset_next(set, &cursor, &rule))
		gone += !change_spares(&change->changes, &rule);
	if (!gone)
		return 0;
	return error_state(error, change->nothing,
			   "no rule in it, and %zu would go: nothing was changed; 'xdp_rule flush' deletes them", gone);
}

static int change_locked(const struct pins *pins, struct ruleset *set, struct xdp_change *change, struct error *error)
{
	struct changes *changes = &change->changes;

	changes->spares = change_spares;
	if (check_nothing(set, change, error))
		return -1;
	if (!change->force && guard_check(changes, set, error))
		return -1;
	if (!change->dry_run && changes_have_rate(changes) && sources_prepare(pins, error))
		return -1;
	return ruleset_apply(set, changes, change->dry_run, error);
}

/* With no changes all that ruleset_apply does is to repair: what is searched next must be sound. */
static int deletion_find(struct ruleset *set, const struct xdp_deletion *deletion, struct xdp_change *change,
			 struct error *error)
{
	if (!change->dry_run && ruleset_apply(set, &change->changes, false, error))
		return -1;
	return rules_find(set, deletion->wanted, deletion->count, deletion->several, &change->changes, error);
}

/* Finds what is to be deleted first, if anything is (NULL: nothing). */
static int change_make(const struct pins *pins, const struct xdp_deletion *deletion, struct xdp_change *change,
		       struct error *error)
{
	struct ruleset set;
	int result = -1;

	if (pins_lock(pins, error))
		return -1;
	if (!ruleset_open(&set, pins, &pin_xdp_rules, true, error)) {
		result = deletion ? deletion_find(&set, deletion, change, error) : 0;
		if (!result)
			result = change_locked(pins, &set, change, error);
		ruleset_close(&set);
	}
	pins_unlock(pins);
	return result;
}

int xdp_rules_change(const struct pins *pins, struct xdp_change *change, struct error *error)
{
	return change_make(pins, NULL, change, error);
}

int xdp_rules_delete(const struct pins *pins, const struct xdp_deletion *deletion, struct xdp_change *change,
		     struct error *error)
{
	return change_make(pins, deletion, change, error);
}
