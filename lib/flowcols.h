/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The columns of sessions: a table of our own and one of those of CICFlowMeter, from which every form of output, the
 * order, the list of columns and the page splicer.flows(5) derive.
 */
#ifndef SPLICER_FLOWCOLS_H
#define SPLICER_FLOWCOLS_H

#include "error.h"
#include "flowrow.h"
#include "flowvalue.h"
#include "ifnames.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What rows are shown with. */
struct flow_scene {
	const struct flowrows *rows;
	struct ifnames names; /* of the interfaces of all rows */
};

#define COLUMN_COMMON 1 /* the table has it where nothing else is asked for */
#define COLUMN_WORDS 2  /* its values are text, where they are something */
#define COLUMN_DETAIL 4 /* it is made of what is only kept where flow_set --details was on */

struct flow_column {
	const char *name;    /* in JSON, in CSV, as an operand */
	const char *heading; /* in the table */
	const char *unit;    /* "": it has none */
	const char *formula; /* one line: how it is made of what the program counts */
	struct flow_value (*value)(const struct flow_scene *scene, const struct flow_row *row,
				   const struct flow_column *column);
	size_t offset;     /* of the field that it is about, in the struct that `value` looks at */
	unsigned int side; /* 0: of the originator, 1: of the responder */
	unsigned int traits;
};

extern const struct flow_column flow_columns[];
extern const size_t flow_column_count;

/* Those of CICFlowMeter V4, in its order and under its names, all of which are others than those of flow_columns. */
extern const struct flow_column flow_cic_columns[];
extern const size_t flow_cic_column_count;

/* The column of a name, of both tables. NULL with *error (EXIT_USAGE). */
const struct flow_column *flow_column_find(const char *name, struct error *error);

/* No fewer than there are in both tables. */
#define FLOW_OWN_COLUMNS_MAX 160
#define FLOW_CIC_COLUMNS_MAX 84
#define FLOW_COLUMNS_MAX (FLOW_OWN_COLUMNS_MAX + FLOW_CIC_COLUMNS_MAX)

/* Columns that were chosen, in their order. */
struct flow_choice {
	const struct flow_column *items[FLOW_COLUMNS_MAX];
	size_t count;
	bool asks_detail; /* what needs detail is among them, and was asked for other than with all the rest */
};

/*
 * Names with commas between, of columns and of sets of columns: all (of flow_columns), common (of these, those of the
 * table), cic (flow_cic_columns). No column twice. -1 with *error (EXIT_USAGE).
 */
int flow_choice_parse(const char *text, struct flow_choice *choice, struct error *error);

/* The sets all and common. */
void flow_choice_all(struct flow_choice *choice);
void flow_choice_common(struct flow_choice *choice);

#endif
