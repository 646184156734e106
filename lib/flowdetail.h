/* SPDX-License-Identifier: GPL-2.0-only */
/* What is kept of a session where details were asked for when it began; see struct flow_detail of abi/flow.h. */
#ifndef SPLICER_FLOWDETAIL_H
#define SPLICER_FLOWDETAIL_H

#include "abi/flow.h"

#include <stdbool.h>

/* Lowers or raises a to b, where that is less or more. */
#define LEAST(a, b)                \
	do {                       \
		if ((b) < (a))     \
			(a) = (b); \
	} while (0)
#define MOST(a, b)                 \
	do {                       \
		if ((b) > (a))     \
			(a) = (b); \
	} while (0)

bool flow_is_detailed(const struct flow *flow);

/* Adds those of an older record to those of a newer one, before the counters of their sides are added. */
void flow_detail_merge(struct flow *flow, const struct flow *older);

/* Sum of squares, ns^2. */
unsigned __int128 flow_squares(const __u64 squares[2]);

/* Adds squares to others, of 128 bits each. */
void flow_squares_add(__u64 sum[2], const __u64 more[2]);

/* Adds to a counter that stays at 4294967295 when there is more. */
void flow_count_add(__u32 *count, __u32 more);

/* Spells of activity, with the one that the last packet is of, if that lasted at all. */
struct flow_times flow_active(const struct flow *flow);

/* Times between packets that one end sent, as those of both are kept. */
struct flow_times flow_side_gaps(const struct flow_side *side);

#endif
