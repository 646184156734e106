/* SPDX-License-Identifier: GPL-2.0-only */
/* Sources that are never to be shut out. */
#ifndef SPLICER_NEVER_H
#define SPLICER_NEVER_H

#include "error.h"
#include "netlink.h"
#include "prefix.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero to begin with; released with never_free. */
struct never {
	struct prefix_list listed; /* sorted */
	struct own_addresses own;
};

/* A prefix, address or range, or a file of such, one a line. -1 with *error, of a file with file:line:column. */
int never_take(struct never *never, const char *value, struct error *error);

/* Reads the addresses of this host anew. */
int never_refresh(struct never *never, struct error *error);

/*
 * What is listed, addresses of this host, and those that no other host has as its own: loopback, link-local,
 * multicast, unspecified, and IPv4 in IPv6 form.
 */
bool never_has(const struct never *never, uint8_t family, const uint8_t addr[16]);

void never_free(struct never *never);

#endif
