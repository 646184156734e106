/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes to the pinned rules of xdp_filter.o. */
#ifndef SPLICER_XDPCHANGE_H
#define SPLICER_XDPCHANGE_H

#include "error.h"
#include "pin.h"
#include "rulefind.h"
#include "ruleset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xdp_change {
	struct changes changes; /* what to do; out: letters, and what a replacement took away */
	/* of a replacement: what of the rules that there are it is about; all zero: all but defaults and never-drop */
	bool all;                           /* these too */
	bool has_service;                   /* only rules of this tag */
	uint8_t service[RULES_SERVICE_MAX]; /* all zero: of none */
	bool dry_run;                       /* only the letters */
	bool force;                         /* also what cuts the caller's own session: see guard.h */
};

/* Makes the changes, all of them or on -1 none. Released with free(changes.items). */
int xdp_rules_change(const struct pins *pins, struct xdp_change *change, struct error *error);

struct xdp_deletion {
	const struct rule_wanted *wanted; /* all or none of these */
	size_t count;
	rule_several *several; /* see rules_find */
};

/* Finds the rules and deletes them; change has no changes yet, and has them then. */
int xdp_rules_delete(const struct pins *pins, const struct xdp_deletion *deletion, struct xdp_change *change,
		     struct error *error);

#endif
