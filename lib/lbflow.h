/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows of the load balancer (abi/lb.h): what their entries are made of. */
#ifndef SPLICER_LBFLOW_H
#define SPLICER_LBFLOW_H

#include "abi/conns.h"
#include "abi/lb.h"
#include "lbset.h"

#include <stdbool.h>
#include <stdint.h>

/* An entry of a table: one direction of a flow. */
struct lb_entry {
	struct lb_key key;
	struct lb_flow flow;
};

/* As the programs find it: the differences of the sums over addresses, and over ports. */
void lb_entry_sum(struct lb_entry *entry);

/* The other direction of a flow that has two: neither LB_DIRECT nor LB_DSR. Its route is to be asked for. */
struct lb_entry lb_entry_other(const struct lb_entry *entry);

/* Whether a flow has an entry for each direction. */
bool lb_flow_is_double(const struct lb_flow *flow);

/* A flow by what it is, not by where things stand in maps. */
struct lb_flow_row {
	struct lb_entry forward;          /* from the client; LB_DIRECT: from the backend; LB_DSR: there is no other */
	enum conn_table table;            /* where it stands */
	const struct lb_item *item;       /* its service; NULL: LB_DIRECT, or it is gone */
	const struct lb_backend *backend; /* NULL: likewise */
};

/* Services by their index in LB_SERVICES; NULL: none is there. */
struct lb_flow_services {
	const struct lbset *set;
	const struct lb_item *at[LB_SERVICES_MAX];
};

void lb_flow_services_make(struct lb_flow_services *services, const struct lbset *set);

/* Finds service and backend of row->forward: by index, or where that is somebody else by now, by address. */
void lb_flow_resolve(struct lb_flow_row *row, const struct lb_flow_services *services);

/* The ends, ports in host byte order. */
struct lb_flow_end {
	uint8_t family; /* 4 or 6 */
	uint8_t addr[16];
	uint16_t port;
};

bool lb_flow_end_is(const struct lb_flow_end *a, const struct lb_flow_end *b);

struct lb_flow_end lb_flow_client(const struct lb_flow_row *row);
struct lb_flow_end lb_flow_vip(const struct lb_flow_row *row);     /* LB_DIRECT: the backend */
struct lb_flow_end lb_flow_backend(const struct lb_flow_row *row); /* where packets go */
struct lb_flow_end lb_flow_source(const struct lb_flow_row *row);  /* LB_DSR: of the tunnel */

/* The word of its mode, or "direct". */
const char *lb_flow_mode_name(const struct lb_flow *flow);

#endif
