/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions as a table, JSON, JSON Lines or CSV: all of them by the columns of flowcols.h. */
#ifndef SPLICER_FLOWOUT_H
#define SPLICER_FLOWOUT_H

#include "flowcols.h"
#include "flowrow.h"
#include "out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flow_form {
	FLOW_AS_TABLE,
	FLOW_AS_JSON,
	FLOW_AS_JSON_LINES,
	FLOW_AS_CSV,
	FLOW_AS_ZEEK,        /* flowzeek.h */
	FLOW_AS_IPFIX,       /* flowipfix.h */
	FLOW_AS_OPENMETRICS, /* flowmetrics.h */
};

/* The fields of one row; the caller begins and ends it. */
void flow_out(struct out *out, const struct flow_scene *scene, const struct flow_row *row,
	      const struct flow_choice *choice);

/* The first `count` rows. */
void flows_print(const struct flow_scene *scene, size_t count, const struct flow_choice *choice, enum flow_form form);

/* Puts rows in the order of a column, equal ones in that of their keys. -1 with *error without memory. */
int flows_sort(const struct flow_scene *scene, struct flowrows *rows, const struct flow_column *column,
	       struct error *error);

/* A line of what there is in all, of which so many are shown, and one for each loss. */
void flows_print_totals(const struct flowrows *rows, size_t shown);

/* The losses alone, on stderr. */
void flows_note_losses(const struct flowrows *rows);

/* The sums as those lines, or as one record. */
void flows_print_summary(const struct flowrows *rows, enum out_form form);

/* On stderr, of how many of the first `count` rows what was asked for is not kept, and what would have it kept. */
void flows_note_details(const struct flowrows *rows, size_t count, const struct flow_choice *choice);

/* What columns there are: a table of these. */
void flow_columns_print(const struct flow_choice *choice, enum out_form form);

#endif
