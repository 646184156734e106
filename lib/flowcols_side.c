/* SPDX-License-Identifier: GPL-2.0-only */
#include "deviation.h"
#include "flowcols_internal.h"

#include <math.h>

/* ---- fields ---- */

VALUE(col_side_time)
{
	const uint64_t *time = field_of(row, column);

	return seconds_or_none(*time, flowrows_epoch(scene->rows, row, *time));
}

VALUE(col_side_u64)
{
	return value_of(VALUE_NUMBER, *(const uint64_t *)field_of(row, column));
}

VALUE(col_side_u32)
{
	return value_of(VALUE_NUMBER, *(const uint32_t *)field_of(row, column));
}

VALUE(col_tcp_u64)
{
	return is_tcp(row) ? col_side_u64(scene, row, column) : value_none();
}

VALUE(col_tcp_u32)
{
	return is_tcp(row) ? col_side_u32(scene, row, column) : value_none();
}

VALUE(col_packet_u16)
{
	return number_or_none(side_of(row, column)->packets, *(const uint16_t *)field_of(row, column));
}

VALUE(col_packet_u8)
{
	return number_or_none(side_of(row, column)->packets, *(const uint8_t *)field_of(row, column));
}

VALUE(col_gap_time)
{
	return seconds_or_none(side_of(row, column)->gaps, *(const uint64_t *)field_of(row, column));
}

VALUE(col_window)
{
	const struct flow_side *side = side_of(row, column);

	return number_or_none(side->known & FLOW_KNOWS_WINDOW, side->window);
}

VALUE(col_histogram_of_lengths)
{
	struct flow_value value = { .kind = VALUE_LIST };

	value.list.items = side_of(row, column)->lengths;
	value.list.count = FLOW_LENGTH_BINS;
	return value;
}

VALUE(col_histogram_of_gaps)
{
	struct flow_value value = { .kind = VALUE_LIST };

	value.list.items = side_of(row, column)->gap_times;
	value.list.count = FLOW_GAP_BINS;
	return value;
}

/* ---- mean and deviation ---- */

VALUE(col_length_mean)
{
	const struct flow_side *side = side_of(row, column);

	return side->packets ? value_real((double)side->bytes / (double)side->packets) : value_none();
}

VALUE(col_length_stddev)
{
	const struct flow_side *side = side_of(row, column);

	if (!side->packets)
		return value_none();
	return value_real((double)deviation_whole(side->packets, side->bytes, side->length_squares));
}

VALUE(col_gap_mean)
{
	const struct flow_side *side = side_of(row, column);

	return seconds_or_none(side->gaps, side->gaps ? (side->gap_sum + side->gaps / 2) / side->gaps : 0);
}

VALUE(col_gap_stddev)
{
	const struct flow_side *side = side_of(row, column);

	if (!side->gaps)
		return value_none();
	return value_of(VALUE_SECONDS,
			(uint64_t)llroundl(deviation_whole(side->gaps, side->gap_sum,
							   (long double)flow_squares(side->gap_squares))));
}

VALUE(col_gap_squares)
{
	return (struct flow_value){ .kind = VALUE_WIDE, .wide = flow_squares(side_of(row, column)->gap_squares) };
}

VALUE(col_payload_mean)
{
	const struct flow_side *side = side_of(row, column);

	return side->packets ? value_real((double)side->payload / (double)side->packets) : value_none();
}
