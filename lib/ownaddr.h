/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_OWNADDR_H
#define SPLICER_OWNADDR_H

#include "error.h"
#include "pin.h"

/*
 * Brings the pinned interface addresses up to date with the caller's network namespace: new ones are added before old
 * ones go, so an address that stays is never missing. The caller holds pins_lock.
 */
int own_addresses_sync(const struct pins *pins, struct error *error);

#endif
