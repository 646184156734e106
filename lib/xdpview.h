/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of xdp_filter.o and what they did. Takes no lock. */
#ifndef SPLICER_XDPVIEW_H
#define SPLICER_XDPVIEW_H

#include "error.h"
#include "pin.h"
#include "select.h"

#include <stdbool.h>
#include <stdint.h>

enum xdpview_mode {
	XDPVIEW_RULES,    /* a table, or JSON: rules oldest first, then defaults, one row for each interface */
	XDPVIEW_SAVE,     /* lines of xdp_rule -f that make all of them again */
	XDPVIEW_WATCH,    /* rules and their rates again and again, busiest first, until SIGINT or SIGTERM */
	XDPVIEW_DEFAULTS, /* the defaults alone, as in XDPVIEW_RULES */
};

struct xdpview_request {
	struct selector selector; /* see xdpselect.h */
	enum xdpview_mode mode;
	uint64_t seconds; /* of XDPVIEW_WATCH: 1 to SCREEN_SECONDS_MAX */
	bool json;        /* not with XDPVIEW_SAVE */
};

/* Returns 0 also when stdout could not be written: errno and output_finish (error.h) tell. */
int xdpview_run(const struct pins *pins, const struct xdpview_request *request, struct error *error);

#endif
