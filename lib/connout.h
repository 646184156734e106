/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections as records of an output. */
#ifndef SPLICER_CONNOUT_H
#define SPLICER_CONNOUT_H

#include "connview.h"
#include "out.h"

/* The fields of one connection, between out_begin and out_end. */
void conn_out(struct out *out, const struct connview *view, const struct conn_row *row);

/* All rows of the view, or only how many they are. */
void connview_print(const struct connview *view, enum out_form form);
void connview_print_count(const struct connview *view, enum out_form form);

/* Those that are in a table, as conn_update -f reads them. */
void connview_print_lines(const struct connview *view);

/* "tcp 10.0.0.1:4000 10.0.0.2:80 wan0" and a newline: as rule_list --match takes it. */
void conn_print_line(const struct conn_row *row);

#endif
