/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rules of xdp_filter.o a command means, by the same options that make rules. */
#ifndef SPLICER_XDPSELECT_H
#define SPLICER_XDPSELECT_H

#include "error.h"
#include "rulefind.h"
#include "select.h"
#include "xdprule.h"

/*
 * The selector for what options say of rules: prefix (also a range, which stands for several, "any", "session"),
 * protocol, ports, interface ("any": none in particular), action, priority, service (empty: none). What they do not say
 * matches anything; of expiry and rate nothing can be said. Usage errors name the operand. What it allocates lives as
 * long as the program.
 */
int xdp_selector_fill(const struct xdp_rule_options *options, struct selector *out, struct error *error);

/*
 * Adds the rules that options mean to be deleted: no defaults, and none that never drop unless the action says so. For
 * each prefix of a range and for each interface it adds wanted, with a selector of its own.
 */
int xdp_wanted_add(struct wanted_list *list, const struct xdp_rule_options *options, const struct rule_wanted *wanted,
		   struct error *error);

/* Adds the defaults of the interfaces that options name; where they name none, that of any interface. */
int xdp_wanted_defaults(struct wanted_list *list, const struct xdp_rule_options *options, struct error *error);

#endif
