/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracked connections as text: the operands of conn_update, which conn_list --save prints.
 *
 * Times are of day, so that a file that waits, or outlives a boot, makes no connection younger. What rules said of a
 * connection is not in the text: they are asked again.
 */
#ifndef SPLICER_CONNLINE_H
#define SPLICER_CONNLINE_H

#include "connselect.h"
#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* In the place of an interface that is gone: packets are counted nowhere then. */
#define CONN_INTERFACE_GONE INT32_MAX

#define CONN_LINE_MAX 768 /* bytes of a line */

/*
 * PROTO SRC[:PORT] DST[:PORT] [NAME=VALUE]..., to *row, whose times are ns since the epoch. `last` that is not said is
 * `now`, and `created` is `last`. in_file: an interface that is gone is CONN_INTERFACE_GONE, else an error
 * (EXIT_STATE).
 */
int conn_line_parse(char *const *operands, int count, uint64_t now, bool in_file, struct conn_row *row,
		    struct error *error);

/* The same without a newline; times of the row are ns since the epoch. */
void text_conn_line(struct text *text, const struct conn_row *row);

/* "tcp 10.0.0.1:4000 10.0.0.2:80", which the line begins with. */
void text_conn_ends(struct text *text, const struct conn_row *row);

/* Of a tracked connection, whose times become ns since the epoch: by what clock_epoch_offset (clock.h) said. */
void conn_row_to_epoch(struct conn_row *row, int64_t offset);

/* And back, to ns of CLOCK_MONOTONIC: what is in the future is `now`, of that clock too. */
void conn_row_from_epoch(struct conn_row *row, int64_t offset, uint64_t now);

/* Whether all of it has a text: another version may have written what has none. */
bool conn_row_has_text(const struct conn_row *row);

#endif
