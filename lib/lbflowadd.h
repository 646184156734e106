/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows put into the tables of the load balancer, as lb_flow list --save has printed them. */
#ifndef SPLICER_LBFLOWADD_H
#define SPLICER_LBFLOWADD_H

#include "error.h"
#include "lbflowline.h"
#include "option.h"
#include "pin.h"

#include <stddef.h>

struct lb_flow_lines {
	struct lb_flow_line *items; /* released with free() */
	size_t count;
};

int lb_flow_lines_add(struct lb_flow_lines *lines, const struct lb_flow_line *line, struct error *error);

/*
 * Takes pins_lock and puts them in, both directions; see flowput.h for what stays as it is. Left out is what is
 * overdue, what there is no room for, what has its service or backend no longer, or its port with a younger flow.
 * Without a common->file that the service or backend is not there is an error (EXIT_STATE). Prints what -v and -n ask
 * for.
 */
int lb_flows_add(const struct pins *pins, const struct lb_flow_lines *lines, const struct common_options *common,
		 struct error *error);

#endif
