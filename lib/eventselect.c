/* SPDX-License-Identifier: GPL-2.0-only */
#include "eventselect.h"

#include "abi/rules.h"
#include "num.h"
#include "portrange.h"
#include "prefix.h"
#include "proto.h"
#include "registry.h"
#include "rule.h"

#include <endian.h>
#include <string.h>

/* ---- lists: one of their terms must match ---- */

/* Whether the list has room for one more. */
static int term_check(uint8_t used, const char *value, struct error *error)
{
	if (used < EVENT_TERMS)
		return 0;
	return error_usage(error, value, "at most %d of a kind", EVENT_TERMS);
}

static void address_words(const uint8_t addr[16], __u64 words[2])
{
	memcpy(words, addr, 2 * sizeof(*words));
	words[0] = be64toh(words[0]);
	words[1] = be64toh(words[1]);
}

static int take_range(struct event_range *ranges, uint8_t *used, const char *value, struct error *error)
{
	struct prefix first, last;

	if (term_check(*used, value, error) || prefix_parse_range(value, &first, &last, error))
		return -1;
	ranges[*used].family = first.family;
	address_words(first.addr, ranges[*used].low);
	address_words(last.addr, ranges[*used].high);
	++*used;
	return 0;
}

static int take_ports(struct event_ports *ports, uint8_t *used, const char *value, struct error *error)
{
	if (term_check(*used, value, error) || portrange_parse(value, &ports[*used].low, &ports[*used].high, error))
		return -1;
	++*used;
	return 0;
}

static int take_interface(struct event_filter *filter, const char *value, struct error *error)
{
	if (term_check(filter->ifindexes, value, error) ||
	    rule_parse_interface(value, &filter->ifindex[filter->ifindexes], error))
		return -1;
	filter->ifindexes++;
	return 0;
}

/* ---- masks: each word adds a bit ---- */

static int take_proto(struct event_select *select, const char *value, struct error *error)
{
	uint16_t proto;

	if (proto_parse(value, &proto, error))
		return -1;
	if (proto == PROTO_ANY)
		select->any_proto = true;
	else
		select->filter.protos[proto / 64] |= UINT64_C(1) << proto % 64;
	return 0;
}

/* ---- what there can be one of ---- */

static int once_check(bool given, const char *value, const char *what, struct error *error)
{
	return given ? error_usage(error, value, "%s is given twice", what) : 0;
}

static int take_service(struct event_filter *filter, const char *value, struct error *error)
{
	if (once_check(filter->service[0], value, "the service", error))
		return -1;
	return rule_parse_service(value, filter->service, error);
}

static int take_rule(struct event_filter *filter, const char *value, struct error *error)
{
	uint64_t rule;

	if (once_check(filter->rule, value, "the rule", error) || num_parse(value, 1, RULES_SEQUENCE_MAX, &rule, error))
		return -1;
	filter->rule = rule;
	return 0;
}

static int take_sample(struct event_filter *filter, const char *value, struct error *error)
{
	uint64_t sample;

	if (once_check(filter->sample, value, "the sample", error) || num_parse(value, 1, UINT32_MAX, &sample, error))
		return -1;
	filter->sample = (uint32_t)sample;
	return 0;
}

/* ---- all ---- */

static int take_end_or_port(struct event_filter *filter, enum event_select_row row, const char *value,
			    struct error *error)
{
	switch (row) {
	case EVENT_SELECT_SOURCE:
		return take_range(filter->src, &filter->srcs, value, error);
	case EVENT_SELECT_DESTINATION:
		return take_range(filter->dst, &filter->dsts, value, error);
	case EVENT_SELECT_SPORT:
		return take_ports(filter->sport, &filter->sports, value, error);
	default:
		return take_ports(filter->dport, &filter->dports, value, error);
	}
}

int event_select_option(struct event_select *select, size_t row, const char *value, struct error *error)
{
	struct event_filter *filter = &select->filter;

	switch ((enum event_select_row)row) {
	case EVENT_SELECT_INTERFACE:
		return take_interface(filter, value, error);
	case EVENT_SELECT_PROTO:
		return take_proto(select, value, error);
	case EVENT_SELECT_SERVICE:
		return take_service(filter, value, error);
	case EVENT_SELECT_RULE:
		return take_rule(filter, value, error);
	case EVENT_SELECT_VERDICT:
		return verdict_parse(value, &select->verdicts, error);
	case EVENT_SELECT_ACTION:
		select->action = value;
		return verdict_action_parse(value, &select->actions, error);
	case EVENT_SELECT_REASON:
		return reason_parse(value, filter->reasons, error);
	case EVENT_SELECT_HOOK:
		return hook_parse(value, &filter->hooks, error);
	case EVENT_SELECT_OBJECT:
		return object_parse(value, &filter->objects, error);
	case EVENT_SELECT_EVENT:
		return event_type_parse(value, &filter->types, error);
	case EVENT_SELECT_SAMPLE:
		return take_sample(filter, value, error);
	default:
		return take_end_or_port(filter, (enum event_select_row)row, value, error);
	}
}

int event_select_operands(struct event_select *select, char *const *operands, int count, struct error *error)
{
	for (int i = 0; i < count; i++)
		if (take_range(select->filter.end, &select->filter.ends, operands[i], error))
			return -1;
	return 0;
}

/* A verdict and an action are two words for one number, and both must hold. */
static int verdicts_finish(struct event_select *select, struct error *error)
{
	if (!select->verdicts || !select->actions) {
		select->filter.verdicts = select->verdicts | select->actions;
		return 0;
	}
	select->filter.verdicts = select->verdicts & select->actions;
	if (select->filter.verdicts)
		return 0;
	return error_usage(error, select->action, "no packet of this verdict is %s", select->action);
}

static int types_finish(struct event_filter *filter, struct error *error)
{
	if (filter->sample)
		filter->types |= 1u << EVENT_PACKET;
	else if (filter->types & 1u << EVENT_PACKET)
		return error_usage(error, "packet", "needs --sample NUMBER: one in so many");
	if (!filter->types)
		filter->types = 1u << EVENT_DECISION | 1u << EVENT_REDECISION;
	return 0;
}

int event_select_finish(struct event_select *select, struct error *error)
{
	if (select->any_proto)
		memset(select->filter.protos, 0, sizeof(select->filter.protos));
	return verdicts_finish(select, error) || types_finish(&select->filter, error) ? -1 : 0;
}
