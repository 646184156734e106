/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of a service, by which a flow finds its backend. */
#ifndef SPLICER_MAGLEV_H
#define SPLICER_MAGLEV_H

#include "abi/lb.h"

#include <stdbool.h>

/* Whether it has a part of the table: somebody, of a weight, neither drained nor down. */
bool maglev_is_available(const struct lb_backend *backend);

/*
 * Fills table, available and the shares from the first `backends` places. Each available backend gets the entries that
 * its weight is of the sum, to the largest remainders, of equal ones in the order of address and port. Which entries
 * depends on nothing but the set of (address, port, weight): not on places, order, machine or what was before. When
 * backends come and go, few entries change but theirs. -1 with errno when memory ran out.
 */
int maglev_build(struct lb_service *service);

#endif
