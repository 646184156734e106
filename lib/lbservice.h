/* SPDX-License-Identifier: GPL-2.0-only */
/* A service as it stands in its map, from what is known of it in memory and back. */
#ifndef SPLICER_LBSERVICE_H
#define SPLICER_LBSERVICE_H

#include "abi/lb.h"
#include "lbset.h"

/* All but index, changed and gone; -1 with errno. item->backends is released with free(). */
int lb_service_read(const struct lb_service *service, struct lb_item *item);

/* Builds it, with its table; -1 with errno. *service is all zero before. */
int lb_service_build(const struct lb_item *item, struct lb_service *service);

#endif
