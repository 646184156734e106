/* SPDX-License-Identifier: GPL-2.0-only */
/* What the command words of lb_backend do. */
#ifndef SPLICER_LBVERB_H
#define SPLICER_LBVERB_H

#include "error.h"
#include "lbchange.h"
#include "option.h"
#include "pin.h"

#include <stddef.h>
#include <stdint.h>

/* The options, in this order in the table of the tool. */
enum lb_row_of_options { LB_ROW_WEIGHT, LB_ROW_ALL, LB_ROW_SAVE, LB_ROW_WATCH };

#define LB_BIT(row) (1u << (row))

/* What the options of a command line or of a line of a file say. */
struct lb_request {
	uint32_t given; /* LB_BIT(row) */
	const char *weight, *watch;
};

/* One run of the tool. */
struct lb_work {
	const struct command *command;
	struct common_options common;
	struct lb_request request;
	const char *word; /* the command */
	char **operands;  /* those after it */
	int count;
	/* inside */
	struct pins pins;
	struct lb_change change;
};

/* An option_callback; the context is a struct lb_request. */
int lb_take_option(void *context, size_t row, const char *value, struct error *error);

/* A batch_callback for a line of a file of the command; the context is a struct lb_work. */
int lb_take_line(void *context, unsigned long line, int argc, char **argv, struct error *error);

/* Runs the command and prints what it did. */
int lb_work_run(struct lb_work *work, struct error *error);
void lb_work_end(struct lb_work *work);

#endif
