/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes to the pinned rules with all that goes with them: the lock, interface addresses, local routes. */
#ifndef SPLICER_RULECHANGE_H
#define SPLICER_RULECHANGE_H

#include "error.h"
#include "pin.h"
#include "rulefind.h"
#include "ruleset.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes the changes, all CHANGE_PUT, and sets their letters; with dry_run only the letters. Adds the local routes
 * they ask for, and takes away those that a replacement leaves behind. On -1 no rule was changed, unless
 * the error is of a route to be taken away.
 */
int rules_put(const struct pins *pins, struct changes *changes, bool dry_run, struct error *error);

struct rule_deletion {
	const struct rule_wanted *wanted; /* all or none of these */
	size_t count;
	rule_several *several; /* see rules_find */
	bool dry_run;
	bool all_routes;        /* see rule_routes_remove */
	struct changes changes; /* out: what was deleted; released with free(changes.items) */
};

/* Finds the rules and deletes them, and local routes of ours that they leave behind. On -1 no rule was deleted, unless
 * the error is of a route. */
int rules_delete(const struct pins *pins, struct rule_deletion *deletion, struct error *error);

#endif
