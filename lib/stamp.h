/* SPDX-License-Identifier: GPL-2.0-only */
/* Times of maps as fields of an output. */
#ifndef SPLICER_STAMP_H
#define SPLICER_STAMP_H

#include "out.h"

#include <stdint.h>

/* When something was read, by two clocks. */
struct stamp {
	uint64_t now;       /* ns of CLOCK_MONOTONIC */
	uint64_t now_epoch; /* ns since the epoch */
};

/* time: ns of CLOCK_MONOTONIC, 0: none. In JSON seconds since the epoch, in the table how far it is from now. */
void stamp_out(struct out *out, const struct stamp *stamp, const char *key, const char *header, uint64_t time);

#endif
