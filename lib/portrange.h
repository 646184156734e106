/* SPDX-License-Identifier: GPL-2.0-only */
/* A port or a range of ports as the argument of an option. */
#ifndef SPLICER_PORTRANGE_H
#define SPLICER_PORTRANGE_H

#include "error.h"

#include <stdint.h>

/* "80" or "80-90", both included, each 0-65535; host byte order. -1 with *error (EXIT_USAGE). */
int portrange_parse(const char *text, uint16_t *low, uint16_t *high, struct error *error);

#endif
