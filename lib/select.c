/* SPDX-License-Identifier: GPL-2.0-only */
#include "select.h"

#include "abi/xdp.h"
#include "num.h"
#include "proto.h"
#include "rule.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

int selector_option(struct selector *selector, size_t row, const char *value, struct error *error)
{
	uint64_t high;

	switch ((enum select_row)row) {
	case SELECT_SOURCE:
		return prefix_parse_cover(value, NULL, &selector->src, error);
	case SELECT_INTERFACE:
		selector->has_interface = true;
		selector->ifindex = 0;
		return !strcmp(value, "any") ? 0 : rule_parse_interface(value, &selector->ifindex, error);
	case SELECT_DIRECTION:
		selector->has_direction = true;
		return rule_parse_direction(value, &selector->direction, error);
	case SELECT_ACTION:
		selector->has_action = true;
		return rule_parse_action(value, &selector->action, error);
	case SELECT_PRIORITY:
		selector->has_priority = true;
		return rule_parse_priority(value, &selector->priority, error);
	case SELECT_SERVICE:
		selector->has_service = true;
		memset(selector->service, 0, sizeof(selector->service));
		return !*value ? 0 : rule_parse_service(value, selector->service, error);
	case SELECT_HIGH:
		selector->has_high = true;
		selector->high = -1;
		if (!strcmp(value, "any"))
			return 0;
		if (num_parse(value, 0, 65535, &high, error))
			return -1;
		selector->high = (long)high;
		return 0;
	default:
		selector->dead = true;
		return 0;
	}
}

/* The low port alone: what it means depends on the protocol, which a selector may leave open. */
static int low_parse(struct selector *selector, const char *text, struct error *error)
{
	bool types = selector->has_proto && proto_ports(selector->proto) == PROTO_HAS_TYPES;
	struct rules_head ports;

	if (rule_parse_ports(types ? selector->proto : IPPROTO_TCP, text, strcmp(text, "any") ? NULL : "any", &ports,
			     error))
		return -1;
	snprintf(selector->low, sizeof(selector->low), "%s", text);
	return 0;
}

int selector_operands(struct selector *selector, char *const *operands, int count, struct error *error)
{
	if (!count)
		return 0;
	if (count == 1 || count > SELECT_OPERANDS)
		return error_usage(error, operands[count - 1], "expected DST LEN [LOW [PROTO]]");
	if (prefix_parse_cover(operands[0], operands[1], &selector->dst, error))
		return -1;
	if (count > 3) {
		selector->has_proto = true;
		if (proto_parse(operands[3], &selector->proto, error))
			return -1;
	}
	if (count > 2) {
		selector->has_low = true;
		return low_parse(selector, operands[2], error);
	}
	return 0;
}

static bool list_takes(const struct prefix_list *list, struct prefix prefix)
{
	for (size_t i = 0; i < list->count; i++)
		if (!memcmp(&list->items[i], &prefix, sizeof(prefix)))
			return true;
	return !list->count;
}

/* A rule is named by its low port; for ICMP by its type. */
static bool low_is(const struct selector *selector, const struct rules_record *rule)
{
	struct rules_head want;
	struct error ignored;
	long low, high;

	rule_ports(rule, &low, &high);
	if (!strcmp(selector->low, "any"))
		return rule->head.low == 0 && rule->head.high == 65535;
	if (proto_ports(rule->proto) == PROTO_HAS_TYPES)
		return low >= 0 && !rule_parse_ports(rule->proto, selector->low, NULL, &want, &ignored) &&
		       want.low >> 8 == low;
	return !rule_parse_ports(IPPROTO_TCP, selector->low, NULL, &want, &ignored) && want.low == low;
}

static bool high_is(const struct selector *selector, const struct rules_record *rule)
{
	long low, high;

	rule_ports(rule, &low, &high);
	return high == selector->high;
}

bool selector_matches(const struct selector *selector, const struct rules_record *rule,
		      const struct listeners *listeners)
{
	if (!list_takes(&selector->dst, rule_dst(rule)) || !list_takes(&selector->src, rule_src(rule)))
		return false;
	if (selector->has_proto && selector->proto != rule->proto)
		return false;
	if (selector->has_low && !low_is(selector, rule))
		return false;
	if (selector->has_high && !high_is(selector, rule))
		return false;
	if (selector->has_interface && selector->ifindex != rule->head.ifindex)
		return false;
	if (selector->has_direction && selector->direction != rule->direction)
		return false;
	if (selector->has_action && selector->action != rules_decision_action(rule->head.decision))
		return false;
	if (selector->has_mode && selector->mode != rules_decision_mode(rule->head.decision))
		return false;
	if (selector->no_default && rule->priority == XDP_PRIORITY_DEFAULT)
		return false;
	if (selector->no_never_drop && rule->priority == XDP_PRIORITY_NEVER_DROP)
		return false;
	if (selector->has_priority && selector->priority != rule->priority)
		return false;
	if (selector->has_service && memcmp(selector->service, rule->service, sizeof(rule->service)))
		return false;
	return !selector->dead || rule_is_dead(rule, listeners);
}

bool rule_is_dead(const struct rules_record *rule, const struct listeners *listeners)
{
	if (rules_decision_action(rule->head.decision) != RULES_SPLICE)
		return false;
	return !listeners_have(listeners, rule->family == RULES_IPV6 ? 6 : 4, rule->proto,
			       rules_decision_port(rule->head.decision));
}
