/* SPDX-License-Identifier: GPL-2.0-only */
/* Text to commands as lb_backend apply reads a file. */
#ifndef SPLICER_TEST_LB_LINE_H
#define SPLICER_TEST_LB_LINE_H

#include "batch.h"
#include "lbverb.h"
#include "option.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row lb_line_rows[] = {
	[LB_ROW_WEIGHT] = { "weight", 'w', "NUMBER", "" },
	{ 0 },
};

static const char *const lb_line_synopsis[] = { NULL };

static const struct command lb_line_command = {
	.name = "services", .synopsis = lb_line_synopsis, .summary = "", .options = lb_line_rows, .common = ""
};

/* What a text says, in work->change.ops; standard input is used up. Released with lb_work_end. */
static inline int lb_lines_read(const char *text, size_t size, struct lb_work *work, struct error *error)
{
	int result;

	*work = (struct lb_work){ .command = &lb_line_command, .word = "apply" };
	stdin = fmemopen((void *)(uintptr_t)text, size, "r");
	if (!stdin)
		return error_errno(error, "fmemopen");
	result = batch_read("-", lb_take_line, work, error);
	fclose(stdin);
	stdin = NULL;
	return result;
}

#endif
