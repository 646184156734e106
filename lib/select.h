/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rules a command means. An absent selector matches anything. */
#ifndef SPLICER_SELECT_H
#define SPLICER_SELECT_H

#include "abi/rules.h"
#include "error.h"
#include "netlink.h"
#include "option.h"
#include "ruleset.h"

#include <stdbool.h>

/* The selector options, in this order in the table of each tool that takes them. */
enum select_row {
	SELECT_SOURCE,
	SELECT_INTERFACE,
	SELECT_DIRECTION,
	SELECT_ACTION,
	SELECT_PRIORITY,
	SELECT_SERVICE,
	SELECT_HIGH,
	SELECT_DEAD,
	SELECT_ROWS
};
#define SELECT_OPTION_ROWS                                                                               \
	{ "source", 's', "PREFIX", "rules for this source prefix" },                                     \
		{ "iface", 'i', "NAME", "rules for this interface; any: rules for none in particular" }, \
		{ "direction", 0, "in|out", "rules for packets that come in, or that leave" },           \
		{ "action", 'a', "ACTION", "rules that pass, drop or splice" },                          \
		{ "priority", 'P', "NUMBER", "rules of this priority" },                                 \
		{ "service", 'S', "TAG", "rules of this service; '': rules of none" },                   \
		{ "high", 0, "PORT", "rules whose highest port (ICMP: code, any) is this" },             \
	{                                                                                                \
		"dead", 0, NULL, "splice rules whose port nobody listens on"                             \
	}

#define SELECT_OPERANDS 4 /* DST LEN LOW PROTO */

struct selector {
	bool has_interface, has_direction, has_low, has_high, has_proto, has_action, has_priority, has_service, dead;
	struct prefix_list dst, src; /* one of these; empty: any. A range stands for several */
	uint32_t ifindex;
	enum rules_direction direction;
	char low[8]; /* "any" or a number; read when the protocol of a rule is known */
	long high;   /* ICMP: the code; -1: any */
	uint16_t proto;
	enum rules_action action;
	bool has_mode;
	enum rules_mode mode;
	int32_t priority;
	bool no_never_drop; /* rules of xdp_filter.o: none that never drop */
	bool no_default;    /* nor that are a default verdict */
	uint8_t service[RULES_SERVICE_MAX];
};

/* Takes one selector option. What it allocates lives as long as the program. */
int selector_option(struct selector *selector, size_t row, const char *value, struct error *error);

/* As it, takes up to SELECT_OPERANDS operands: DST LEN [LOW [PROTO]]. */
int selector_operands(struct selector *selector, char *const *operands, int count, struct error *error);

/* listeners is needed for `dead` only. */
bool selector_matches(const struct selector *selector, const struct rules_record *rule,
		      const struct listeners *listeners);

/* Whether nobody listens on the port that a splice rule names; other rules are never dead. */
bool rule_is_dead(const struct rules_record *rule, const struct listeners *listeners);

#endif
