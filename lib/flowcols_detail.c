/* SPDX-License-Identifier: GPL-2.0-only */
#include "deviation.h"
#include "flowcols_internal.h"

#include <math.h>

/* ---- of one end ---- */

VALUE(col_detail_u64)
{
	return number_or_none(flow_is_detailed(row->flow), *(const uint64_t *)detail_field_of(row, column));
}

VALUE(col_detail_u32)
{
	return number_or_none(flow_is_detailed(row->flow), *(const uint32_t *)detail_field_of(row, column));
}

VALUE(col_detail_u16)
{
	bool known = flow_is_detailed(row->flow) && side_of(row, column)->packets;

	return number_or_none(known, *(const uint16_t *)detail_field_of(row, column));
}

VALUE(col_detail_time)
{
	return seconds_or_none(flow_is_detailed(row->flow), *(const uint64_t *)detail_field_of(row, column));
}

VALUE(col_payload_stddev)
{
	const struct flow_side *side = side_of(row, column);
	uint64_t squares = detail_side_of(row, column)->payload_squares;

	if (!flow_is_detailed(row->flow) || !side->packets)
		return value_none();
	return value_real((double)deviation_whole(side->packets, side->payload, squares));
}

/* ---- times ---- */

VALUE(col_pauses)
{
	return number_or_none(flow_is_detailed(row->flow), row->flow->detail.pauses);
}

VALUE(col_times_count)
{
	return number_or_none(flow_is_detailed(row->flow), times_of(row, column).count);
}

/* Whether there are any. */
static bool times_are(const struct flow_row *row, const struct flow_times *times)
{
	return flow_is_detailed(row->flow) && times->count;
}

VALUE(col_times_min)
{
	struct flow_times times = times_of(row, column);

	return seconds_or_none(times_are(row, &times), times.min);
}

VALUE(col_times_max)
{
	struct flow_times times = times_of(row, column);

	return seconds_or_none(times_are(row, &times), times.max);
}

VALUE(col_times_mean)
{
	struct flow_times times = times_of(row, column);

	if (!times_are(row, &times))
		return value_none();
	return value_of(VALUE_SECONDS, (times.sum + times.count / 2) / times.count);
}

VALUE(col_times_stddev)
{
	struct flow_times times = times_of(row, column);
	long double squares = (long double)flow_squares(times.squares);

	if (!times_are(row, &times))
		return value_none();
	return value_of(VALUE_SECONDS, (uint64_t)llroundl(deviation_whole(times.count, times.sum, squares)));
}

VALUE(col_times_sum)
{
	struct flow_times times = times_of(row, column);

	return seconds_or_none(times_are(row, &times), times.sum);
}

VALUE(col_times_squares)
{
	struct flow_times times = times_of(row, column);

	if (!flow_is_detailed(row->flow))
		return value_none();
	return (struct flow_value){ .kind = VALUE_WIDE, .wide = flow_squares(times.squares) };
}
