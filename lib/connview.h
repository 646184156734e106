/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reading of the connections there are: both tables, and local sockets that have a peer. Takes no lock. A
 * connection that is in several of them, or moves while they are read, is there once; one that is overdue is not. When
 * a table is exchanged meanwhile (flowresize.h), all is read anew. What began in the moment of an exchange is in
 * neither table for the few milliseconds until it is carried over: a caller that must not miss it holds pins_lock.
 */
#ifndef SPLICER_CONNVIEW_H
#define SPLICER_CONNVIEW_H

#include "connselect.h"
#include "error.h"
#include "out.h"
#include "pin.h"
#include "sockets.h"

#include <stddef.h>
#include <stdint.h>

struct connview {
	struct conn_row *rows; /* those selected: tracked ones oldest first, then sockets */
	size_t count;
	struct local_sockets sockets;
	struct splicer_config config; /* timeouts when it was read */
	uint64_t now;                 /* likewise; ns of CLOCK_MONOTONIC */
	uint64_t now_epoch;           /* the same moment, ns since the epoch */
};

int connview_open(struct connview *view, const struct pins *pins, const struct conn_selector *selector,
		  struct error *error);
void connview_close(struct connview *view);

#endif
