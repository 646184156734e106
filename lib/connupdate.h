/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections put into the tables, as conn_list --save has printed them. */
#ifndef SPLICER_CONNUPDATE_H
#define SPLICER_CONNUPDATE_H

#include "connselect.h"
#include "error.h"
#include "option.h"
#include "pin.h"

#include <stddef.h>

/* Times are ns since the epoch: see connline.h. */
struct conn_updates {
	struct conn_row *items;
	size_t count;
};

int conn_updates_add(struct conn_updates *updates, const struct conn_row *row, struct error *error);
void conn_updates_free(struct conn_updates *updates);

/*
 * Takes pins_lock and puts them in; see flowput.h for what stays as it is. What is overdue, and what there is no room
 * for, is left out. Prints what -v and -n ask for.
 */
int connections_update(const struct pins *pins, const struct conn_updates *updates, const struct common_options *common,
		       struct error *error);

#endif
