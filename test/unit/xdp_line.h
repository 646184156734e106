/* SPDX-License-Identifier: GPL-2.0-only */
/* Text to rules as xdp_rule reads a file: lines of a list, options, operands. */
#ifndef SPLICER_TEST_XDP_LINE_H
#define SPLICER_TEST_XDP_LINE_H

#include "batch.h"
#include "option.h"
#include "xdpverb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row xdp_rows[] = {
	[XDP_ROW_SOURCE] = { "source", 's', "PREFIX", "" },
	[XDP_ROW_DESTINATION] = { "destination", 'd', "PREFIX", "" },
	[XDP_ROW_PROTO] = { "proto", 'p', "PROTO", "" },
	[XDP_ROW_DPORT] = { "dport", 0, "PORTS", "" },
	[XDP_ROW_ICMP] = { "icmp", 0, "TYPE", "" },
	[XDP_ROW_INTERFACE] = { "iface", 'i', "NAME", "" },
	[XDP_ROW_PRIORITY] = { "priority", 'P', "NUMBER", "" },
	[XDP_ROW_SERVICE] = { "service", 'S', "TAG", "" },
	[XDP_ROW_MASK] = { "mask", 0, NULL, "" },
	[XDP_ROW_TTL] = { "ttl", 0, "SECONDS", "" },
	[XDP_ROW_EXPIRES] = { "expires", 0, "TIME", "" },
	[XDP_ROW_RATE] = { "rate", 0, "PPS", "" },
	{ 0 },
};

static const char *const xdp_synopsis[] = { NULL };

static const struct command xdp_command = {
	.name = "rules", .synopsis = xdp_synopsis, .summary = "", .options = xdp_rows, .common = ""
};

/* What a text says, as xdp_rule -f takes it; standard input is used up. Released with free(work->change.changes.items).
 */
static inline int xdp_lines_read(const char *text, size_t size, struct xdp_work *work, struct error *error)
{
	int result;

	work->command = &xdp_command;
	stdin = fmemopen((void *)(uintptr_t)text, size, "r");
	if (!stdin)
		return error_errno(error, "fmemopen");
	result = batch_read_list("-", xdp_add_line, work, error);
	fclose(stdin);
	stdin = NULL;
	return result;
}

#endif
