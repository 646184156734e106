/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowdetail.h"

#include "flowstate.h"

#include <stddef.h>

bool flow_is_detailed(const struct flow *flow)
{
	return flow->flags & FLOW_DETAILED;
}

/* ---- sums ---- */

void flow_count_add(__u32 *count, __u32 more)
{
	if (__builtin_add_overflow(*count, more, count))
		*count = UINT32_MAX;
}

unsigned __int128 flow_squares(const __u64 squares[2])
{
	return (unsigned __int128)squares[1] << 64 | squares[0];
}

static void squares_set(__u64 squares[2], unsigned __int128 sum)
{
	squares[0] = (__u64)sum;
	squares[1] = (__u64)(sum >> 64);
}

void flow_squares_add(__u64 sum[2], const __u64 more[2])
{
	squares_set(sum, flow_squares(sum) + flow_squares(more));
}

/* ---- two records of one session ---- */

static void times_merge(struct flow_times *times, const struct flow_times *older)
{
	if (older->count && (!times->count || older->min < times->min))
		times->min = older->min;
	MOST(times->max, older->max);
	times->count += older->count;
	times->sum += older->sum;
	flow_squares_add(times->squares, older->squares);
}

/* Of extremes, an end that sent nothing has none. What may become a bulk is what the newer record has of it. */
static void side_merge(struct flow *flow, const struct flow *older, unsigned int end)
{
	struct flow_detail_side *side = &flow->detail.side[end];
	const struct flow_detail_side *more = &older->detail.side[end];

	if (older->side[end].packets && flow->side[end].packets) {
		LEAST(side->payload_min, more->payload_min);
		LEAST(side->header_min, more->header_min);
	} else if (older->side[end].packets) {
		side->payload_min = more->payload_min;
		side->header_min = more->header_min;
	}
	MOST(side->payload_max, more->payload_max);
	side->payload_squares += more->payload_squares;
	side->headers += more->headers;
	side->bulk_bytes += more->bulk_bytes;
	side->bulk_time += more->bulk_time;
	flow_count_add(&side->data_packets, more->data_packets);
	flow_count_add(&side->bulks, more->bulks);
	flow_count_add(&side->bulk_packets, more->bulk_packets);
}

void flow_detail_merge(struct flow *flow, const struct flow *older)
{
	struct flow_detail *detail = &flow->detail;

	if (!flow_is_detailed(flow) || !flow_is_detailed(older))
		return;
	times_merge(&detail->gaps, &older->detail.gaps);
	times_merge(&detail->active, &older->detail.active);
	times_merge(&detail->idle, &older->detail.idle);
	flow_count_add(&detail->pauses, older->detail.pauses);
	side_merge(flow, older, 0);
	side_merge(flow, older, 1);
}

/* ---- read ---- */

struct flow_times flow_active(const struct flow *flow)
{
	const struct flow_detail *detail = &flow->detail;
	uint64_t last = flow_last(flow), spell;
	struct flow_times one = { .count = 1 };

	if (!detail->active_since || last <= detail->active_since)
		return detail->active;
	spell = last - detail->active_since;
	one.sum = one.min = one.max = spell;
	squares_set(one.squares, (unsigned __int128)spell * spell);
	times_merge(&one, &detail->active);
	return one;
}

struct flow_times flow_side_gaps(const struct flow_side *side)
{
	return (struct flow_times){
		.count = side->gaps,
		.sum = side->gap_sum,
		.squares = { side->gap_squares[0], side->gap_squares[1] },
		.min = side->gap_min,
		.max = side->gap_max,
	};
}
