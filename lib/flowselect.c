/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowselect.h"

#include "num.h"
#include "proto.h"
#include "rule.h"

#define VLAN_MAX 4094

/* ---- options ---- */

static int take_proto(struct flow_selector *selector, const char *value, struct error *error)
{
	if (proto_parse(value, &selector->proto, error))
		return -1;
	selector->has_proto = selector->proto != PROTO_ANY;
	return 0;
}

static int take_vlan(struct flow_selector *selector, const char *value, struct error *error)
{
	uint64_t id;

	if (num_parse(value, 0, VLAN_MAX, &id, error))
		return -1;
	selector->has_vlan = true;
	selector->vlan = (uint16_t)id;
	return 0;
}

int flow_selector_option(struct flow_selector *selector, size_t row, const char *value, struct error *error)
{
	selector->given = true;
	switch ((enum flow_select_row)row) {
	case FLOW_SELECT_PROTO:
		return take_proto(selector, value, error);
	case FLOW_SELECT_SOURCE:
		return end_take_prefix(&selector->src, value, error);
	case FLOW_SELECT_DESTINATION:
		return end_take_prefix(&selector->dst, value, error);
	case FLOW_SELECT_SPORT:
		return end_take_ports(&selector->sport, value, error);
	case FLOW_SELECT_DPORT:
		return end_take_ports(&selector->dport, value, error);
	case FLOW_SELECT_PORT:
		return end_take_ports(&selector->port, value, error);
	case FLOW_SELECT_INTERFACE:
		selector->has_interface = true;
		return rule_parse_interface(value, &selector->ifindex, error);
	case FLOW_SELECT_VLAN:
		return take_vlan(selector, value, error);
	case FLOW_SELECT_STATE:
		selector->has_state = true;
		return flow_state_parse(value, &selector->state, error);
	case FLOW_SELECT_END:
		selector->has_end = true;
		return flow_finish_parse(value, &selector->end, error);
	default:
		return num_parse(value, 0, UINT64_MAX, &selector->min_bytes, error);
	}
}

int flow_selector_operands(struct flow_selector *selector, char *const *operands, int count, struct error *error)
{
	if (count > 1)
		return error_usage(error, operands[1], "expected at most one prefix");
	if (!count)
		return 0;
	selector->given = true;
	return end_take_prefix(&selector->either, operands[0], error);
}

/* ---- matching ---- */

static bool addresses_match(const struct flow_selector *selector, const struct flow *flow)
{
	const uint8_t *src = flow_address(flow, 0), *dst = flow_address(flow, 1);
	uint8_t family = flow->key.family;

	return end_is_in(&selector->src, family, src) && end_is_in(&selector->dst, family, dst) &&
	       (end_is_in(&selector->either, family, src) || end_is_in(&selector->either, family, dst));
}

static bool ports_match(const struct flow_selector *selector, const struct flow *flow)
{
	uint16_t sport = flow_port(flow, 0), dport = flow_port(flow, 1);

	if (!selector->sport.given && !selector->dport.given && !selector->port.given)
		return true;
	if (!flow_has_ports(flow))
		return false;
	return end_port_is_in(&selector->sport, sport) && end_port_is_in(&selector->dport, dport) &&
	       (end_port_is_in(&selector->port, sport) || end_port_is_in(&selector->port, dport));
}

bool flow_selector_wants(const void *context, const struct flow *flow)
{
	const struct flow_selector *selector = context;

	if (selector->has_proto && selector->proto != flow->key.proto)
		return false;
	if (selector->has_interface && selector->ifindex != flow->key.ifindex)
		return false;
	if (selector->has_vlan && selector->vlan != flow->key.vlan)
		return false;
	return addresses_match(selector, flow) && ports_match(selector, flow);
}

bool flow_selector_matches(const struct flow_selector *selector, const struct flow_row *row)
{
	const struct flow *flow = row->flow;

	if (flow->side[0].bytes + flow->side[1].bytes < selector->min_bytes)
		return false;
	if (selector->has_state && selector->state != flow_state(flow))
		return false;
	return !selector->has_end || selector->end == flow_finish(flow, &row->part->settings, row->part->now);
}
