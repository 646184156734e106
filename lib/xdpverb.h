/* SPDX-License-Identifier: GPL-2.0-only */
/* What the command words of xdp_rule do. */
#ifndef SPLICER_XDPVERB_H
#define SPLICER_XDPVERB_H

#include "error.h"
#include "option.h"
#include "pin.h"
#include "rulefind.h"
#include "xdpchange.h"
#include "xdprule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The options, in this order in the table of the tool. */
enum xdp_row {
	XDP_ROW_SOURCE,
	XDP_ROW_DESTINATION,
	XDP_ROW_PROTO,
	XDP_ROW_DPORT,
	XDP_ROW_ICMP,
	XDP_ROW_INTERFACE,
	XDP_ROW_PRIORITY,
	XDP_ROW_SERVICE,
	XDP_ROW_MASK,
	XDP_ROW_TTL,
	XDP_ROW_EXPIRES,
	XDP_ROW_RATE,
	XDP_ROW_REPLACE,
	XDP_ROW_ALL,
	XDP_ROW_FORCE,
	XDP_ROW_SAVE,
	XDP_ROW_WATCH,
};

#define XDP_BIT(row) (1u << (row))
#define XDP_OF_PACKETS (XDP_BIT(XDP_ROW_INTERFACE + 1) - 1) /* what says which packets a rule is for */
#define XDP_SELECTORS (XDP_BIT(XDP_ROW_MASK + 1) - 1)       /* what says which rules are meant */
#define XDP_OF_RULES (XDP_BIT(XDP_ROW_RATE + 1) - 1)        /* what says of a rule how it is */

/* What the options of a command line or of a line of a file say. */
struct xdp_request {
	struct xdp_rule_options options;
	uint32_t given; /* XDP_BIT(row) */
	const char *watch;
};

/* One run of the tool. */
struct xdp_work {
	const struct command *command;
	struct common_options common;
	struct xdp_request request;
	char **operands; /* those after the command word */
	int count;
	/* inside */
	struct pins pins;
	size_t lines; /* of the file, that say something */
	struct xdp_change change;
	struct wanted_list wanted;
};

/* An option_callback; the context is a struct xdp_request. */
int xdp_take_option(void *context, size_t row, const char *value, struct error *error);

struct xdp_verb {
	const char *name;
	uint32_t rows; /* options that it takes: XDP_BIT(row) */
	bool file;     /* it takes -f */
	int operands;  /* at most */
	int (*run)(struct xdp_work *work, struct error *error);
};

/* Checks that the verb takes what there is, runs it and prints what it did. */
int xdp_verb_run(const struct xdp_verb *verb, struct xdp_work *work, struct error *error);

/* Releases what is inside; with -v, tells first whether something had to be repaired. */
void xdp_work_end(struct xdp_work *work);

/* A batch_callback for a line of a file of rules; the context is a struct xdp_work. */
int xdp_add_line(void *context, unsigned long line, int argc, char **argv, struct error *error);

int xdp_verb_add(struct xdp_work *work, struct error *error);
int xdp_verb_delete(struct xdp_work *work, struct error *error);
int xdp_verb_list(struct xdp_work *work, struct error *error);
int xdp_verb_flush(struct xdp_work *work, struct error *error);
int xdp_verb_default(struct xdp_work *work, struct error *error);

#endif
