/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_OWNADDR_H
#define SPLICER_OWNADDR_H

#include "error.h"
#include "netlink.h"
#include "pin.h"

/*
 * Brings the pinned interface addresses up to date with the caller's network namespace: new ones are added before old
 * ones go, so an address that stays is never missing. The caller holds pins_lock.
 */
int own_addresses_sync(const struct pins *pins, struct error *error);

/* The pinned interface addresses as they are; out->items is released with free(). */
int own_addresses_read(const struct pins *pins, struct own_addresses *out, struct error *error);

/* How many of them are of one receiving interface. */
size_t own_addresses_count(const struct own_addresses *own, uint32_t ifindex);

#endif
