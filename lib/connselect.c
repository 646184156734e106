/* SPDX-License-Identifier: GPL-2.0-only */
#include "connselect.h"

#include "abi/rules.h"
#include "num.h"
#include "proto.h"
#include "rule.h"

#include <string.h>

static const char *const places[CONN_PLACES] = {
	[PLACE_CONFIRMED] = "confirmed",
	[PLACE_UNCONFIRMED] = "unconfirmed",
	[PLACE_SOCKET] = "socket",
};

const char *conn_place_name(enum conn_place place)
{
	return places[place];
}

/* ---- options ---- */

static int take_dir(struct conn_selector *selector, const char *value, struct error *error)
{
	selector->has_dir = true;
	selector->outbound = !strcmp(value, "out");
	return selector->outbound || !strcmp(value, "in") ? 0 : error_usage(error, value, "a direction is in or out");
}

static int take_place(struct conn_selector *selector, const char *value, struct error *error)
{
	selector->has_place = true;
	for (int place = 0; place < CONN_PLACES; place++) {
		selector->place = (enum conn_place)place;
		if (!strcmp(value, places[place]))
			return 0;
	}
	return error_usage(error, value, "a table is confirmed, unconfirmed or socket");
}

static int take_proto(struct conn_selector *selector, const char *value, struct error *error)
{
	if (proto_parse(value, &selector->proto, error))
		return -1;
	selector->has_proto = selector->proto != PROTO_ANY;
	return 0;
}

int conn_selector_option(struct conn_selector *selector, size_t row, const char *value, struct error *error)
{
	switch ((enum conn_select_row)row) {
	case CONN_SELECT_PROTO:
		return take_proto(selector, value, error);
	case CONN_SELECT_SOURCE:
		return end_take_prefix(&selector->src, value, error);
	case CONN_SELECT_DESTINATION:
		return end_take_prefix(&selector->dst, value, error);
	case CONN_SELECT_SPORT:
		return end_take_ports(&selector->sport, value, error);
	case CONN_SELECT_DPORT:
		return end_take_ports(&selector->dport, value, error);
	case CONN_SELECT_INTERFACE:
		selector->has_interface = true;
		return rule_parse_interface(value, &selector->ifindex, error);
	case CONN_SELECT_STATE:
		selector->has_state = true;
		return conn_state_parse(value, &selector->state, error);
	case CONN_SELECT_DIR:
		return take_dir(selector, value, error);
	case CONN_SELECT_TABLE:
		return take_place(selector, value, error);
	default:
		selector->has_rule = true;
		return num_parse(value, 1, RULES_SEQUENCE_MAX, &selector->rule, error);
	}
}

int conn_selector_operands(struct conn_selector *selector, char *const *operands, int count, struct error *error)
{
	if (count > 1)
		return error_usage(error, operands[1], "expected at most one prefix");
	return count ? end_take_prefix(&selector->either, operands[0], error) : 0;
}

/* ---- matching ---- */

static bool addresses_match(const struct conn_selector *selector, const struct conn_row *row)
{
	struct conn_end src = conn_source(&row->key, &row->conn), dst = conn_destination(&row->key, &row->conn);
	uint8_t family = row->key.family;

	return end_is_in(&selector->src, family, src.addr) && end_is_in(&selector->dst, family, dst.addr) &&
	       (end_is_in(&selector->either, family, src.addr) || end_is_in(&selector->either, family, dst.addr));
}

static bool ports_match(const struct conn_selector *selector, const struct conn_row *row)
{
	struct conn_end src = conn_source(&row->key, &row->conn), dst = conn_destination(&row->key, &row->conn);

	if (!selector->sport.given && !selector->dport.given)
		return true;
	if (proto_ports(row->key.proto) != PROTO_HAS_PORTS)
		return false;
	return end_port_is_in(&selector->sport, src.port) && end_port_is_in(&selector->dport, dst.port);
}

bool conn_selector_matches(const struct conn_selector *selector, const struct conn_row *row)
{
	if (selector->has_proto && selector->proto != row->key.proto)
		return false;
	if (selector->has_place && selector->place != row->place)
		return false;
	if (selector->has_state && selector->state != row->conn.state)
		return false;
	if (selector->has_dir && selector->outbound != !!(row->conn.flags & CONN_OUTBOUND))
		return false;
	if (selector->has_interface && selector->ifindex != conn_interface(&row->conn))
		return false;
	if (selector->has_rule && !conn_has_rule(&row->conn, selector->rule))
		return false;
	return addresses_match(selector, row) && ports_match(selector, row);
}
