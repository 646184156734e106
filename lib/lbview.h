/* SPDX-License-Identifier: GPL-2.0-only */
/* The services of the load balancer, their backends and what went there. Takes no lock. */
#ifndef SPLICER_LBVIEW_H
#define SPLICER_LBVIEW_H

#include "error.h"
#include "lbset.h"
#include "pin.h"

#include <stdbool.h>
#include <stdint.h>

enum lbview_mode {
	LBVIEW_ONCE,  /* a table, or JSON: one row for each backend */
	LBVIEW_SAVE,  /* lines of lb_backend apply -f that make all of it again */
	LBVIEW_WATCH, /* backends and their rates again and again, busiest first, until SIGINT or SIGTERM */
};

struct lbview_request {
	bool has_service;
	struct lb_name service; /* only this one */
	enum lbview_mode mode;
	uint64_t seconds; /* of LBVIEW_WATCH: 1 to SCREEN_SECONDS_MAX */
	bool json;        /* not with LBVIEW_SAVE */
	bool quiet;       /* no note that forwarding is off */
};

/* Returns 0 also when stdout could not be written: errno and output_finish (error.h) tell. */
int lbview_run(const struct pins *pins, const struct lbview_request *request, struct error *error);

#endif
