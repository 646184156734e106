/* SPDX-License-Identifier: GPL-2.0-only */
/* Which connections a command means. An absent selector matches anything. */
#ifndef SPLICER_CONNSELECT_H
#define SPLICER_CONNSELECT_H

#include "conn.h"
#include "endselect.h"
#include "error.h"
#include "option.h"
#include "prefix.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a connection is known from. */
enum conn_place {
	PLACE_CONFIRMED = CONNS_CONFIRMED,
	PLACE_UNCONFIRMED = CONNS_UNCONFIRMED,
	PLACE_SOCKET = CONN_TABLES, /* only from a local socket */
	CONN_PLACES
};

/* "confirmed", "unconfirmed", "socket" */
const char *conn_place_name(enum conn_place place);

struct conn_row {
	struct conn_key key;
	struct conn conn; /* PLACE_SOCKET: only opener, state, interface and CONN_OUTBOUND mean something */
	enum conn_place place;
	uint32_t socket; /* its local socket: place in a list + 1; 0: none */
};

/* The selector options, in this order in the table of each tool that takes them. */
enum conn_select_row {
	CONN_SELECT_PROTO,
	CONN_SELECT_SOURCE,
	CONN_SELECT_DESTINATION,
	CONN_SELECT_SPORT,
	CONN_SELECT_DPORT,
	CONN_SELECT_INTERFACE,
	CONN_SELECT_STATE,
	CONN_SELECT_DIR,
	CONN_SELECT_TABLE,
	CONN_SELECT_RULE,
	CONN_SELECT_ROWS
};
#define CONN_SELECT_OPTION_ROWS                                                                               \
	{ "proto", 'p', "PROTO", "of this protocol" },                                                        \
		{ "source", 's', "PREFIX", "opened from here; A-B is a range" },                              \
		{ "destination", 'd', "PREFIX", "opened to here" },                                           \
		{ "sport", 0, "PORT", "whose opener has this port; LOW-HIGH is a range" },                    \
		{ "dport", 0, "PORT", "opened to this port" },                                                \
		{ "iface", 'i', "NAME", "whose first packet was seen on this interface" },                    \
		{ "state", 0, "STATE", "new, handshake, established, closing or closed" },                    \
		{ "dir", 0, "DIR", "in or out: how the first packet went" },                                  \
		{ "table", 0, "TABLE", "confirmed, unconfirmed, or socket: known from a local socket only" }, \
	{                                                                                                     \
		"rule", 'r', "NUMBER", "that the rule of this number let in or out"                           \
	}

struct conn_selector {
	bool has_proto, has_interface, has_state, has_dir, has_place, has_rule;
	struct prefix_list src, dst, either; /* sorted; empty: any */
	struct end_ports sport, dport;       /* connections without ports have none that match */
	uint32_t ifindex;
	enum conn_place place;
	uint64_t rule;
	uint16_t proto;
	uint8_t state;
	bool outbound;
};

/* Takes one selector option. What it allocates lives as long as the program. */
int conn_selector_option(struct conn_selector *selector, size_t row, const char *value, struct error *error);

/* As it, takes the operand, if there is one: a prefix or range where one of the two ends is. */
int conn_selector_operands(struct conn_selector *selector, char *const *operands, int count, struct error *error);

bool conn_selector_matches(const struct conn_selector *selector, const struct conn_row *row);

#endif
