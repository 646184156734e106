/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of interfaces, looked up once: a rename in the middle of an output gives no two of them one name. */
#ifndef SPLICER_IFNAMES_H
#define SPLICER_IFNAMES_H

#include "error.h"
#include "rule.h"

#include <stddef.h>
#include <stdint.h>

struct ifname {
	uint32_t ifindex;
	char text[INTERFACE_TEXT_MAX];
};

/* All zero to begin with; released with ifnames_free. */
struct ifnames {
	struct ifname *items;
	size_t count;
};

/* Index 0 is none, and may be added. */
int ifnames_add(struct ifnames *names, uint32_t ifindex, struct error *error);

/* Looks up all that were added. */
void ifnames_read(struct ifnames *names);

/* As interface_format (rule.h) has it, no two alike; NULL for index 0 and for what was not added. */
const char *ifnames_find(const struct ifnames *names, uint32_t ifindex);

/* Where it stands among the items that were looked up; their count: it does not. */
size_t ifnames_place(const struct ifnames *names, uint32_t ifindex);

void ifnames_free(struct ifnames *names);

#endif
