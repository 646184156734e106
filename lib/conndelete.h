/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections forgotten, and their local sockets destroyed. */
#ifndef SPLICER_CONNDELETE_H
#define SPLICER_CONNDELETE_H

#include "connview.h"
#include "error.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>

struct conn_deletion {
	bool sockets; /* local sockets too */
	bool overdue; /* entries that count as absent too, without a word: a longer timeout would bring them back */
	bool dry_run;
	size_t spared; /* set: connections of the caller's own SSH session, which stay */
};

/*
 * Deletes the connections of the view: first the sockets (their resets still belong to the connection), then the
 * entries, whichever table they are in by now. Those that stay, or ended by themselves meanwhile, are taken out of the
 * view. The caller holds pins_lock, unless it is a dry run. -1 with *error; the view then has what was deleted before.
 */
int connections_delete(const struct pins *pins, struct connview *view, struct conn_deletion *deletion,
		       struct error *error);

#endif
