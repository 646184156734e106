/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbtable.h"

#include "abi/lb.h"
#include "conn.h"

#include <string.h>

_Static_assert(sizeof(struct lb_key) <= FLOW_KEY_MAX && sizeof(struct lb_flow) <= FLOW_VALUE_MAX, "flowtable.h");

static bool is_overdue(const struct splicer_config *config, const void *left, const void *right, uint64_t now)
{
	const struct lb_key *key = left;
	const struct lb_flow *flow = right;

	return timeout_is_over(config, key->proto, flow->state, flow->last, now);
}

/* What only grows while a flow lasts. */
static bool is_further(const void *left, const void *right)
{
	const struct lb_flow *flow = left, *than = right;

	if (flow->created != than->created)
		return flow->created > than->created;
	if (flow->flags != than->flags)
		return flow->flags > than->flags;
	if (flow->is_answered != than->is_answered)
		return flow->is_answered > than->is_answered;
	return flow->told > than->told;
}

static bool is_counted(const void *value)
{
	const struct lb_flow *flow = value;

	return flow->kind != LB_REPLY;
}

/* As the programs make it. */
static bool make_other(const void *left, const void *right, void *out)
{
	const struct lb_key *key = left;
	const struct lb_flow *flow = right;
	struct lb_key *other = out;

	if (flow->mode == LB_DSR || flow->kind == LB_DIRECT)
		return false;
	*other = (struct lb_key){
		.sport = flow->dport, .dport = flow->sport, .proto = key->proto, .family = key->family
	};
	memcpy(other->src, flow->dst, sizeof(other->src));
	memcpy(other->dst, flow->src, sizeof(other->dst));
	return true;
}

const struct flow_shape lb_shape = {
	.pin = &pin_lb_flows,
	.map_names = { [CONNS_CONFIRMED] = "lb_confirmed", [CONNS_UNCONFIRMED] = "lb_unconfirmed" },
	.key_size = sizeof(struct lb_key),
	.value_size = sizeof(struct lb_flow),
	.unit = "flows",
	.entries = 2,
	.created = offsetof(struct lb_flow, created),
	.last = offsetof(struct lb_flow, last),
	.is_overdue = is_overdue,
	.is_further = is_further,
	.is_counted = is_counted,
	.make_other = make_other,
};
