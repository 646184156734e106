/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows of the load balancer as text: the operands of lb_flow add, which lb_flow list --save prints.
 *
 * A service and a backend are named as lb_backend names them, for their places in the maps may be others by the time
 * that the line is read. Times are of day, as in connline.h.
 */
#ifndef SPLICER_LBFLOWLINE_H
#define SPLICER_LBFLOWLINE_H

#include "error.h"
#include "lbflow.h"
#include "lbtext.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

#define LB_FLOW_LINE_MAX 768 /* bytes of a line */

struct lb_flow_line {
	bool is_direct;           /* of service only proto means something, and backend has its port */
	struct lb_name service;   /* of the VIP */
	struct lb_target backend; /* as the service has it */
	struct lb_flow_end client;
	struct lb_flow_end source; /* as the backend sees it; family 0: as the mode has it */
	uint16_t port;             /* of the VIP, that the client speaks to; host byte order */
	uint8_t mode;              /* enum lb_mode */
	bool has_mode;             /* else that of the service */
	uint8_t state;             /* enum conn_state */
	uint8_t flags;             /* CONN_FIN_FORWARD... */
	uint8_t table;             /* enum conn_table */
	bool answered;
	uint64_t created, last; /* ns since the epoch */
};

/*
 * SERVICE BACKEND[:PORT] CLIENT:PORT [NAME=VALUE]..., or direct/PROTO BACKEND:PORT CLIENT:PORT [NAME=VALUE]... `last`
 * that is not said is `now`, ns since the epoch, and `created` is `last`.
 */
int lb_flow_line_parse(char *const *operands, int count, uint64_t now, struct lb_flow_line *line, struct error *error);

/* The same without a newline. */
void text_lb_flow_line(struct text *text, const struct lb_flow_line *line);

/* "192.0.2.1:80/tcp 10.0.0.2:8080 198.51.100.7:40000", which the line begins with. */
void text_lb_flow_ends(struct text *text, const struct lb_flow_line *line);

/* Of a flow whose service and backend are known, or of LB_DIRECT. offset: see clock_epoch_offset (clock.h). */
struct lb_flow_line lb_flow_line_of(const struct lb_flow_row *row, int64_t offset);

/* And back; now: ns of CLOCK_MONOTONIC, which nothing is later than. */
struct lb_flow_row lb_flow_line_row(const struct lb_flow_line *line, const struct lb_item *item,
				    const struct lb_backend *backend, int64_t offset, uint64_t now);

#endif
