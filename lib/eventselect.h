/* SPDX-License-Identifier: GPL-2.0-only */
/* Which events a command means, as the filter that the programs apply. What is not selected matches anything. */
#ifndef SPLICER_EVENTSELECT_H
#define SPLICER_EVENTSELECT_H

#include "abi/event.h"
#include "error.h"
#include "option.h"

#include <stdbool.h>
#include <stdint.h>

/* The selector options, in this order in the table of each tool that takes them. */
enum event_select_row {
	EVENT_SELECT_INTERFACE,
	EVENT_SELECT_PROTO,
	EVENT_SELECT_SOURCE,
	EVENT_SELECT_DESTINATION,
	EVENT_SELECT_SPORT,
	EVENT_SELECT_DPORT,
	EVENT_SELECT_SERVICE,
	EVENT_SELECT_RULE,
	EVENT_SELECT_VERDICT,
	EVENT_SELECT_ACTION,
	EVENT_SELECT_REASON,
	EVENT_SELECT_HOOK,
	EVENT_SELECT_OBJECT,
	EVENT_SELECT_EVENT,
	EVENT_SELECT_SAMPLE,
	EVENT_SELECT_ROWS
};
#define EVENT_SELECT_OPTION_ROWS                                                                                       \
	{ "iface", 'i', "NAME", "of this interface" }, { "proto", 'p', "PROTO", "of this IP protocol" },               \
		{ "source", 's', "PREFIX", "from here; A-B is a range" }, { "destination", 'd', "PREFIX", "to here" }, \
		{ "sport", 0, "PORT", "from this port; LOW-HIGH is a range" }, { "dport", 0, "PORT", "to this port" }, \
		{ "service", 'S', "TAG", "decided by a rule of this service" },                                        \
		{ "rule", 'r', "NUMBER", "decided by the rule of this number" },                                       \
		{ "verdict", 0, "VERDICT", "ALLOWED, BLOCKED or DETECTED" },                                           \
		{ "action", 0, "ACTION", "dropped, passed, spliced or translated" },                                   \
		{ "reason", 0, "REASON", "decided for this reason, see splicer(7)" },                                  \
		{ "hook", 0, "HOOK", "ingress, egress or driver" },                                                    \
		{ "object", 0, "OBJECT", "of this program: splicer, xdp, lb or flow" },                                \
		{ "event", 0, "TYPE", "decision, redecision or packet; without: decision and redecision" },            \
	{                                                                                                              \
		"sample", 0, "NUMBER", "packets, one in so many at random; without --event, nothing else"              \
	}

struct event_select {
	struct event_filter filter;
	uint32_t verdicts, actions; /* each as a mask of verdicts; 0: any */
	const char *action;         /* as it was last given */
	bool any_proto;
};

/* Takes one selector option. */
int event_select_option(struct event_select *select, size_t row, const char *value, struct error *error);

/* As it, takes the operands: prefixes or ranges where one of the two ends is. */
int event_select_operands(struct event_select *select, char *const *operands, int count, struct error *error);

/* After them all: select->filter is what was selected. An error where nothing can ever match. */
int event_select_finish(struct event_select *select, struct error *error);

#endif
