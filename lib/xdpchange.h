/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes to the pinned rules of xdp_filter.o. */
#ifndef SPLICER_XDPCHANGE_H
#define SPLICER_XDPCHANGE_H

#include "error.h"
#include "pin.h"
#include "rulefind.h"
#include "ruleset.h"
#include "xdprule.h"

#include <stdbool.h>
#include <stddef.h>

struct xdp_change {
	struct changes changes; /* what to do; out: letters, and what a replacement took away */
	struct selector scope;  /* a replacement takes away rules that it takes */
	const char *nothing;    /* of a replacement: the file in which there is no rule, else NULL */
	bool dry_run;           /* only the letters */
	bool force;             /* also what cuts the caller's own session: see guard.h */
};

/*
 * Adds the rules that options stand for. In a file there may be some that have expired since it was saved: they are
 * left out; on a command line that is a usage error.
 */
int xdp_change_add(struct xdp_change *change, const struct xdp_rule_options *options, bool in_file,
		   struct error *error);

/* Adds the default verdict of the interfaces of options. */
int xdp_change_default(struct xdp_change *change, const char *verdict, const struct xdp_rule_options *options,
		       struct error *error);

/*
 * Makes the changes, all of them or on -1 none. A file in which there is no rule does not take any away: it may be a
 * download that failed, and a deny-list would be gone without a word. Released with free(changes.items).
 */
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
