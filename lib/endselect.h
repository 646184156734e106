/* SPDX-License-Identifier: GPL-2.0-only */
/* What selectors say of one end of a connection or session: where it is, and its port. */
#ifndef SPLICER_ENDSELECT_H
#define SPLICER_ENDSELECT_H

#include "error.h"
#include "portrange.h"
#include "prefix.h"

#include <stdbool.h>
#include <stdint.h>

/* Ports from low to high; not given: any. */
struct end_ports {
	bool given;
	uint16_t low, high; /* host byte order */
};

/* A prefix, an address or a range A-B, sorted, in the place of what the list had. */
int end_take_prefix(struct prefix_list *list, const char *value, struct error *error);

/* As portrange_parse. */
int end_take_ports(struct end_ports *ports, const char *value, struct error *error);

/* Whether the address is in a list; anything is in an empty one. */
bool end_is_in(const struct prefix_list *list, uint8_t family, const uint8_t addr[16]);

bool end_port_is_in(const struct end_ports *ports, uint16_t port);

#endif
