/* SPDX-License-Identifier: GPL-2.0-only */
/* The two tables of flows of the load balancer (abi/lb.h) as maps. */
#ifndef SPLICER_LBTABLE_H
#define SPLICER_LBTABLE_H

#include "flowtable.h"

/* A flow has an entry for each direction, which count together: those of one that has only one are half a flow. */
extern const struct flow_shape lb_shape;

#endif
