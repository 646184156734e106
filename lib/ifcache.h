/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of interfaces that a million lines ask for, where there are few: asking the kernel would cost more than the
 * rest. */
#ifndef SPLICER_IFCACHE_H
#define SPLICER_IFCACHE_H

#include "error.h"

#include <stdint.h>

/* As interface_format (rule.h) has it, until the next call; NULL for index 0. */
const char *ifcache_name(uint32_t ifindex);

/* As rule_parse_interface. */
int ifcache_index(const char *name, uint32_t *ifindex, struct error *error);

#endif
