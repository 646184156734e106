/* SPDX-License-Identifier: GPL-2.0-only */
/* What a prober of backends prints. */
#ifndef SPLICER_LBCHECKOUT_H
#define SPLICER_LBCHECKOUT_H

#include "lbtargets.h"

#include <stdbool.h>

/* The results of one round, as a table or as JSON. */
void lb_results_print(const struct lb_targets *targets, bool json);

/* A line, also in JSON: the result of a probe that just ended; a backend that went up or down, with why. */
void lb_result_print(const struct lb_probed *probed, bool json);
void lb_change_print(const struct lb_probed *probed, bool json);

/* On stderr, that a backend could not be probed. */
void lb_unprobed_note(const struct lb_probed *probed);

#endif
