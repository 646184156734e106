/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reading of the flows that the load balancer has: both tables, and both directions as one row. Takes no lock. One
 * that is overdue is not there.
 */
#ifndef SPLICER_LBFLOWVIEW_H
#define SPLICER_LBFLOWVIEW_H

#include "endselect.h"
#include "error.h"
#include "lbflow.h"
#include "lbset.h"
#include "out.h"
#include "pin.h"
#include "stamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which flows a command means. An absent selector matches anything. */
struct lb_flow_selector {
	struct prefix_list client, vip, backend; /* sorted; empty: any */
	bool has_proto, has_state, has_service, drained;
	struct lb_name service;
	uint16_t proto;
	uint8_t state;
};

/* The selector options, in this order in the table of the tool. */
enum lb_flow_select_row {
	LB_FLOW_SELECT_SOURCE,
	LB_FLOW_SELECT_DESTINATION,
	LB_FLOW_SELECT_BACKEND,
	LB_FLOW_SELECT_PROTO,
	LB_FLOW_SELECT_STATE,
	LB_FLOW_SELECT_DRAINED,
	LB_FLOW_SELECT_ROWS
};
#define LB_FLOW_SELECT_OPTION_ROWS                                                                              \
	{ "source", 's', "PREFIX", "of this client; A-B is a range" },                                          \
		{ "destination", 'd', "PREFIX", "to this VIP" },                                                \
		{ "backend", 'b', "PREFIX", "whose backend is here" }, { "proto", 'p', "PROTO", "tcp or udp" }, \
		{ "state", 0, "STATE", "new, handshake, established, closing or closed" },                      \
	{                                                                                                       \
		"drained", 0, NULL, "whose backend takes no new ones"                                           \
	}

/* Takes one selector option. What it allocates lives as long as the program. */
int lb_flow_selector_option(struct lb_flow_selector *selector, size_t row, const char *value, struct error *error);

/* As it, takes the operand, if there is one: a service. */
int lb_flow_selector_operands(struct lb_flow_selector *selector, char *const *operands, int count, struct error *error);

struct lb_flow_view {
	struct lb_flow_row *rows; /* oldest first */
	size_t count;
	struct lbset set; /* that the rows point to */
	struct splicer_config config;
	struct stamp stamp;
};

int lb_flow_view_open(struct lb_flow_view *view, const struct pins *pins, const struct lb_flow_selector *selector,
		      struct error *error);
void lb_flow_view_close(struct lb_flow_view *view);

void lb_flow_view_print(const struct lb_flow_view *view, enum out_form form);

/* As lb_flow add -f reads them. Those whose service or backend is gone have no line; returns how many these are. */
size_t lb_flow_view_print_lines(const struct lb_flow_view *view);

#endif
