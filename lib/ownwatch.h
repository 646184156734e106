/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_OWNWATCH_H
#define SPLICER_OWNWATCH_H

#include "error.h"
#include "netlink.h"
#include "pin.h"

/* A change of the pinned addresses: 'A' added, 'D' deleted. */
typedef void own_address_callback(void *context, char letter, const struct own_address *address);

/*
 * Keeps the pinned interface addresses up to date, beginning now, and forgets settings of interfaces that go. Tells of
 * each change by the callback, if it is not NULL. What fails for once is said on stderr and tried again. Returns only
 * when it cannot go on: -1 with *error when the maps were removed, or standard output cannot be written.
 */
int own_addresses_watch(const struct pins *pins, own_address_callback *tell, void *context, struct error *error);

#endif
