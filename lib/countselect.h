/* SPDX-License-Identifier: GPL-2.0-only */
/* Which counters a command means, and by what they are summed. What is not given matches anything. */
#ifndef SPLICER_COUNTSELECT_H
#define SPLICER_COUNTSELECT_H

#include "counts.h"
#include "error.h"

#include <stdbool.h>

/* The selector options, in this order in the table of each tool that takes them. */
enum count_select_row {
	COUNT_SELECT_INTERFACE,
	COUNT_SELECT_VERDICT,
	COUNT_SELECT_ACTION,
	COUNT_SELECT_REASON,
	COUNT_SELECT_HOOK,
	COUNT_SELECT_OBJECT,
	COUNT_SELECT_BY,
	COUNT_SELECT_ROWS
};
#define COUNT_SELECT_OPTION_ROWS                                                                      \
	{ "iface", 'i', "NAME", "only this interface; #INDEX if it is gone" },                        \
		{ "verdict", 0, "VERDICT", "only these: BLOCKED, DETECTED or ALLOWED" },              \
		{ "action", 0, "ACTION", "only these: dropped, passed, spliced or translated" },      \
		{ "reason", 0, "REASON", "only this reason: no-rule" },                               \
		{ "hook", 0, "HOOK", "only this hook: ingress, egress or driver" },                   \
		{ "object", 0, "OBJECT", "only this object: splicer, xdp, lb or flow" },              \
	{                                                                                             \
		"by", 0, "KEY,...", "sum over all but these: object iface hook verdict action reason" \
	}

struct count_selector {
	uint32_t *ifindexes; /* one of these; none: any */
	size_t ifindex_count;
	uint32_t verdicts, actions; /* bit n: enum verdict n; 0: any */
	uint32_t hooks, objects;    /* bit n: enum event_hook n, enum event_object n; 0: any */
	__u64 reasons[2];           /* bit n % 64 of word n / 64: enum reason n; both 0: any */
	unsigned int fields;        /* bit n: enum count_field n; 0: all, nothing is summed */
};

/* Takes one of the options; those that are repeated are alternatives. What it allocates lives as long as the program.
 */
int count_selector_option(struct count_selector *selector, size_t row, const char *value, struct error *error);

bool count_selector_matches(const struct count_selector *selector, const struct count_key *key);

/* "iface": its key in JSON, and its label in OpenMetrics */
const char *count_field_name(enum count_field field);

#endif
