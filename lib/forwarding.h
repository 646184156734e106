/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the kernel forwards, without which lb.o finds no route. */
#ifndef SPLICER_FORWARDING_H
#define SPLICER_FORWARDING_H

#include "pin.h"

#include <stdbool.h>

/*
 * Says on stderr where forwarding of these families is off: on the interfaces that lb.o is attached to, or where that
 * cannot be told, on all.
 */
void forwarding_note(const struct pins *pins, bool ipv4, bool ipv6);

#endif
