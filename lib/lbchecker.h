/* SPDX-License-Identifier: GPL-2.0-only */
/* Probes backends and sets them up or down: one round, or round after round until SIGINT or SIGTERM. */
#ifndef SPLICER_LBCHECKER_H
#define SPLICER_LBCHECKER_H

#include "error.h"
#include "health.h"
#include "lbtargets.h"

#include <stdbool.h>
#include <stdint.h>

struct lb_check {
	struct lb_select select;
	struct lb_how how;
	struct health_rule rule;
	uint64_t interval; /* ns from the beginning of one round to that of the next */
	const char *pin_dir;
	bool dry_run, verbose, quiet, json;
};

/*
 * One round: a single result decides. Prints all and sets the states. *healthy: each was probed, and all is well. -1
 * with *error, and nothing was set, also when a signal came.
 */
int lb_check_once(const struct lb_check *check, bool *healthy, struct error *error);

/*
 * Round after round; services and backends are read anew in each. Prints what changes. Returns 0 when a signal ends it,
 * and also when stdout could not be written: errno and output_finish (error.h) tell. -1 with *error where there are no
 * maps when it begins; should they go later, or not take a change, it says so and tries again in the next round.
 */
int lb_check_run(const struct lb_check *check, struct error *error);

#endif
