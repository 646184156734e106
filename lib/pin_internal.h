/* SPDX-License-Identifier: GPL-2.0-only */
/* Between pin.c (how pins are opened) and pinshape.c (what each must be). */
#ifndef SPLICER_PIN_INTERNAL_H
#define SPLICER_PIN_INTERNAL_H

#include "pin.h"

/* All that tools open; NULL ends them. */
extern const struct pin_shape *const pin_shapes[];

/* Pinned beside them, and for the programs alone: their shapes are not asked, but who may write them. NULL ends them.
 */
extern const char *const pin_unread[];

#endif
