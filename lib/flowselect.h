/* SPDX-License-Identifier: GPL-2.0-only */
/* Which sessions a command means. An absent selector matches anything. */
#ifndef SPLICER_FLOWSELECT_H
#define SPLICER_FLOWSELECT_H

#include "endselect.h"
#include "error.h"
#include "flowrow.h"
#include "flowstate.h"
#include "option.h"
#include "prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The selector options, in this order in the table of each tool that takes them. */
enum flow_select_row {
	FLOW_SELECT_PROTO,
	FLOW_SELECT_SOURCE,
	FLOW_SELECT_DESTINATION,
	FLOW_SELECT_SPORT,
	FLOW_SELECT_DPORT,
	FLOW_SELECT_PORT,
	FLOW_SELECT_INTERFACE,
	FLOW_SELECT_VLAN,
	FLOW_SELECT_STATE,
	FLOW_SELECT_END,
	FLOW_SELECT_BYTES,
	FLOW_SELECT_ROWS
};
/* Those by what all records of a session have in common. */
#define FLOW_SELECT_COMMON_ROWS FLOW_SELECT_STATE
#define FLOW_SELECT_COMMON_OPTION_ROWS                                                         \
	{ "proto", 'p', "PROTO", "of this protocol" },                                         \
		{ "source", 's', "PREFIX", "opened from here; A-B is a range" },               \
		{ "destination", 'd', "PREFIX", "opened to here" },                            \
		{ "sport", 0, "PORT", "whose originator has this port; LOW-HIGH is a range" }, \
		{ "dport", 0, "PORT", "opened to this port" },                                 \
		{ "port", 0, "PORT", "one of whose ends has this port" },                      \
		{ "iface", 'i', "NAME", "seen on this interface" },                            \
	{                                                                                      \
		"vlan", 0, "ID", "with this VLAN id; 0: untagged"                              \
	}
#define FLOW_SELECT_OPTION_ROWS                                                                                     \
	FLOW_SELECT_COMMON_OPTION_ROWS, { "state", 0, "STATE", "S0, S1, SF, REJ... as splicer.flows(5) has them" }, \
		{ "end", 0, "END", "open, or how it ended: fin, rst, idle" },                                       \
	{                                                                                                           \
		"min-bytes", 0, "NUMBER", "of which both ends together sent at least so many bytes"                 \
	}

struct flow_selector {
	bool given; /* any of them */
	bool has_proto, has_interface, has_vlan, has_state, has_end;
	struct prefix_list src, dst, either; /* sorted; empty: any */
	struct end_ports sport, dport, port; /* sessions without ports have none that match */
	uint64_t min_bytes;
	uint32_t ifindex;
	enum flow_state state;
	enum flow_finish end;
	uint16_t proto, vlan;
};

/* Takes one selector option. What it allocates lives as long as the program. */
int flow_selector_option(struct flow_selector *selector, size_t row, const char *value, struct error *error);

/* As it, takes the operand, if there is one: a prefix or range where one of the two ends is. */
int flow_selector_operands(struct flow_selector *selector, char *const *operands, int count, struct error *error);

/* By what all records of a session have in common: a flow_wanted, of a selector. */
bool flow_selector_wants(const void *selector, const struct flow *flow);

/* By the rest, of a session that is whole. */
bool flow_selector_matches(const struct flow_selector *selector, const struct flow_row *row);

#endif
