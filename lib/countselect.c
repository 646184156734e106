/* SPDX-License-Identifier: GPL-2.0-only */
#include "countselect.h"

#include "array.h"
#include "registry.h"
#include "rule.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const field_names[COUNT_FIELDS] = {
	[COUNT_OBJECT] = "object",   [COUNT_IFACE] = "iface",   [COUNT_HOOK] = "hook",
	[COUNT_VERDICT] = "verdict", [COUNT_ACTION] = "action", [COUNT_REASON] = "reason",
};

const char *count_field_name(enum count_field field)
{
	return field_names[field];
}

static int take_interface(struct count_selector *selector, const char *value, struct error *error)
{
	uint32_t *ifindexes, ifindex;

	if (rule_parse_interface(value, &ifindex, error))
		return -1;
	ifindexes = array_room(selector->ifindexes, selector->ifindex_count, sizeof(*ifindexes));
	if (!ifindexes)
		return error_errno(error, value);
	selector->ifindexes = ifindexes;
	ifindexes[selector->ifindex_count++] = ifindex;
	return 0;
}

static bool field_find(const char *word, size_t size, unsigned int *fields)
{
	for (unsigned int i = 0; i < COUNT_FIELDS; i++) {
		if (strlen(field_names[i]) != size || strncasecmp(field_names[i], word, size) != 0)
			continue;
		*fields |= 1u << i;
		return true;
	}
	return false;
}

static int take_fields(struct count_selector *selector, const char *value, struct error *error)
{
	const char *word = value;
	size_t size;

	for (;; word += size + 1) {
		size = strcspn(word, ",");
		if (!field_find(word, size, &selector->fields))
			return error_usage(error, value, "not a list of object, iface, hook, verdict, action, reason");
		if (!word[size])
			return 0;
	}
}

int count_selector_option(struct count_selector *selector, size_t row, const char *value, struct error *error)
{
	switch ((enum count_select_row)row) {
	case COUNT_SELECT_INTERFACE:
		return take_interface(selector, value, error);
	case COUNT_SELECT_VERDICT:
		return verdict_parse(value, &selector->verdicts, error);
	case COUNT_SELECT_ACTION:
		return verdict_action_parse(value, &selector->actions, error);
	case COUNT_SELECT_REASON:
		return reason_parse(value, selector->reasons, error);
	case COUNT_SELECT_HOOK:
		return hook_parse(value, &selector->hooks, error);
	case COUNT_SELECT_OBJECT:
		return object_parse(value, &selector->objects, error);
	default:
		return take_fields(selector, value, error);
	}
}

static bool mask_has(uint32_t mask, unsigned int number)
{
	return !mask || (number < 32 && mask & 1u << number);
}

static bool reasons_have(const __u64 reasons[2], unsigned int reason)
{
	if (!reasons[0] && !reasons[1])
		return true;
	return reason < 128 && reasons[reason / 64] & UINT64_C(1) << reason % 64;
}

static bool interfaces_have(const struct count_selector *selector, uint32_t ifindex)
{
	for (size_t i = 0; i < selector->ifindex_count; i++)
		if (selector->ifindexes[i] == ifindex)
			return true;
	return !selector->ifindex_count;
}

bool count_selector_matches(const struct count_selector *selector, const struct count_key *key)
{
	return mask_has(selector->verdicts, key->verdict) && mask_has(selector->actions, key->verdict) &&
	       mask_has(selector->hooks, key->hook) && mask_has(selector->objects, key->object) &&
	       reasons_have(selector->reasons, key->reason) && interfaces_have(selector, key->ifindex);
}
