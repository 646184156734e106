/* SPDX-License-Identifier: GPL-2.0-only */
/* Text to connections and flows as conn_update and lb_flow add read a file. */
#ifndef SPLICER_TEST_FLOW_LINES_H
#define SPLICER_TEST_FLOW_LINES_H

#include "batch.h"
#include "connline.h"
#include "connupdate.h"
#include "lbflowadd.h"
#include "option.h"

#include <stdint.h>
#include <stdio.h>

#define FLOW_LINES_NOW 1800000000000000000ull /* ns since the epoch */

static inline int conn_lines_take(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct conn_row row;

	(void)line;
	return conn_line_parse(argv + 1, argc - 1, FLOW_LINES_NOW, true, &row, error) ||
			       conn_updates_add(context, &row, error)
		       ? -1
		       : 0;
}

static inline int lb_flow_lines_take(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct lb_flow_line flow;

	(void)line;
	return lb_flow_line_parse(argv + 1, argc - 1, FLOW_LINES_NOW, &flow, error) ||
			       lb_flow_lines_add(context, &flow, error)
		       ? -1
		       : 0;
}

/* take is one of these, and context what it adds to; standard input is used up. */
static inline int flow_lines_read(const char *text, size_t size, batch_callback *take, void *context,
				  struct error *error)
{
	int result;

	stdin = fmemopen((void *)(uintptr_t)text, size, "r");
	if (!stdin)
		return error_errno(error, "fmemopen");
	result = batch_read("-", take, context, error);
	fclose(stdin);
	stdin = NULL;
	return result;
}

#endif
