/* SPDX-License-Identifier: GPL-2.0-only */
/* What flow_dump does: shows sessions, hands them out, shows them again and again. */
#ifndef SPLICER_FLOWVIEW_H
#define SPLICER_FLOWVIEW_H

#include "error.h"
#include "flowcols.h"
#include "flowout.h"
#include "flowselect.h"
#include "pin.h"

#include <stdbool.h>
#include <stdint.h>

/* What is to be shown, and how. */
struct flow_request {
	struct flow_selector selector;
	struct flow_choice choice;      /* of columns; none: those that suit the form */
	const struct flow_column *sort; /* NULL: bytes */
	enum flow_form form;
	const char *ipfix;       /* where FLOW_AS_IPFIX goes */
	uint64_t top;            /* rows at most; 0: all */
	bool summary;            /* only sums */
	bool quiet;              /* no notes */
	bool packets;            /* sampled packets instead of sessions */
	const char *result_path; /* sampled packets to this file, NULL: none */
	const char *debug_path;  /* and to files in this directory, NULL: none */
};

/* All that was not handed out, and what the generation in force has counted. */
int flowview_print(const struct pins *pins, const struct flow_request *request, struct error *error);

/*
 * Ends the generation in force, shows it and those before that were not handed out, and when stdout and the files have
 * taken all of it, marks them as handed out; otherwise the next one shows them again. Returns 0 also when stdout could
 * not be written: errno and output_finish (error.h) tell.
 */
int flowview_reset(const struct pins *pins, const struct flow_request *request, struct error *error);

/*
 * Every so many seconds the sessions with their rates, busiest first; see screen_run (screen.h).
 */
int flowview_watch(const struct pins *pins, const struct flow_request *request, uint64_t seconds, struct error *error);

#endif
