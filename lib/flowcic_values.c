/* SPDX-License-Identifier: GPL-2.0-only */
#include "clock.h"
#include "deviation.h"
#include "flowcols_internal.h"
#include "flowstate.h"

#include <math.h>
#include <string.h>

/* What goes by time is by that of the packets that are counted here: a session that goes on has others before. */
static uint64_t counted_first(const struct flow *flow)
{
	uint64_t fwd = flow->side[0].first, rev = flow->side[1].first;

	if (!fwd && !rev)
		return flow->start;
	return !rev || (fwd && fwd < rev) ? fwd : rev;
}

static uint64_t counted_time(const struct flow *flow)
{
	uint64_t first = counted_first(flow), last = flow_last(flow);

	return last > first ? last - first : 0;
}

/* ---- made of sums ---- */

static struct flow_value quotient(long double dividend, long double divisor)
{
	return value_real(divisor > 0 ? (double)(dividend / divisor) : 0);
}

/* For each second. */
static struct flow_value rate(uint64_t amount, uint64_t ns)
{
	return quotient((long double)amount * CLOCK_SECOND, ns);
}

static struct flow_value whole(uint64_t number)
{
	return value_of(VALUE_NUMBER, number);
}

static uint64_t all_packets(const struct flow *flow)
{
	return flow->side[0].packets + flow->side[1].packets;
}

static uint64_t all_payload(const struct flow *flow)
{
	return flow->side[0].payload + flow->side[1].payload;
}

/* Needs detail. */
static bool lacks(const struct flow_row *row)
{
	return !flow_is_detailed(row->flow);
}

/* ---- who and when ---- */

/* As bytes of Java, which have a sign. */
static int address_order(const uint8_t *a, const uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (a[i] != b[i])
			return (int8_t)a[i] < (int8_t)b[i] ? -1 : 1;
	return 0;
}

static uint16_t port_of(const struct flow *flow, unsigned int side)
{
	return flow_has_ports(flow) ? flow_port(flow, side) : 0;
}

VALUE(cic_flow_id)
{
	struct flow_value value = { .kind = VALUE_ENDS, .family = row->id.key.family };
	size_t size = value.family == 4 ? 4 : 16;
	unsigned int first = address_order(flow_address(row->flow, 0), flow_address(row->flow, 1), size) > 0;

	for (unsigned int i = 0; i < 2; i++) {
		memcpy(value.ends.address[i], flow_address(row->flow, first ^ i), sizeof(value.ends.address[i]));
		value.ends.port[i] = port_of(row->flow, first ^ i);
	}
	value.ends.proto = row->id.key.proto;
	return value;
}

VALUE(cic_port)
{
	return whole(port_of(row->flow, column->side));
}

VALUE(cic_protocol)
{
	return whole(row->id.key.proto);
}

VALUE(cic_timestamp)
{
	return value_of(VALUE_CIC_TIME, flowrows_epoch(scene->rows, row, counted_first(row->flow)));
}

VALUE(cic_duration)
{
	return whole(counted_time(row->flow) / 1000);
}

VALUE(cic_label)
{
	return value_word("No Label");
}

/* ---- lengths ---- */

VALUE(cic_payload_max)
{
	return number_or_none(!lacks(row), detail_side_of(row, column)->payload_max);
}

VALUE(cic_payload_min)
{
	return number_or_none(!lacks(row), detail_side_of(row, column)->payload_min);
}

VALUE(cic_payload_mean)
{
	const struct flow_side *side = side_of(row, column);

	return quotient(side->payload, side->packets);
}

VALUE(cic_payload_std)
{
	const struct flow_side *side = side_of(row, column);
	uint64_t squares = detail_side_of(row, column)->payload_squares;

	if (lacks(row))
		return value_none();
	return value_real((double)sqrtl(variance_sample(side->packets, side->payload, squares)));
}

VALUE(cic_all_payload_max)
{
	const struct flow_detail_side *side = row->flow->detail.side;
	uint64_t most = side[side[1].payload_max > side[0].payload_max].payload_max;

	return number_or_none(!lacks(row), most);
}

/* An end that sent nothing has no least. */
VALUE(cic_all_payload_min)
{
	const struct flow_detail_side *side = row->flow->detail.side;
	bool is_rev = !row->flow->side[0].packets ||
		      (row->flow->side[1].packets && side[1].payload_min < side[0].payload_min);

	return number_or_none(!lacks(row), side[is_rev].payload_min);
}

VALUE(cic_all_payload_mean)
{
	return quotient(all_payload(row->flow), all_packets(row->flow));
}

static long double all_payload_variance(const struct flow *flow)
{
	const struct flow_detail_side *side = flow->detail.side;

	return variance_sample(all_packets(flow), all_payload(flow),
			       (long double)side[0].payload_squares + side[1].payload_squares);
}

VALUE(cic_all_payload_variance)
{
	return lacks(row) ? value_none() : value_real((double)all_payload_variance(row->flow));
}

VALUE(cic_all_payload_std)
{
	return lacks(row) ? value_none() : value_real((double)sqrtl(all_payload_variance(row->flow)));
}

VALUE(cic_headers)
{
	return number_or_none(!lacks(row), detail_side_of(row, column)->headers);
}

VALUE(cic_header_min)
{
	return number_or_none(!lacks(row), detail_side_of(row, column)->header_min);
}

VALUE(cic_data_packets)
{
	return number_or_none(!lacks(row), detail_side_of(row, column)->data_packets);
}

/* ---- rates ---- */

VALUE(cic_byte_rate)
{
	return rate(all_payload(row->flow), counted_time(row->flow));
}

VALUE(cic_packet_rate)
{
	return rate(all_packets(row->flow), counted_time(row->flow));
}

VALUE(cic_side_packet_rate)
{
	return rate(side_of(row, column)->packets, counted_time(row->flow));
}

VALUE(cic_down_up)
{
	return quotient(row->flow->side[1].packets, row->flow->side[0].packets);
}

/* ---- times ---- */

/* False: they need detail that is not there. What there are none of is all 0. */
static bool times_find(const struct flow_row *row, const struct flow_column *column, struct flow_times *times)
{
	if (column->traits & COLUMN_DETAIL && lacks(row))
		return false;
	*times = column->traits & COLUMN_DETAIL ? times_of(row, column) : flow_side_gaps(side_of(row, column));
	if (!times->count)
		*times = (struct flow_times){ 0 };
	return true;
}

static struct flow_value microseconds(uint64_t ns)
{
	return value_of(VALUE_MICROSECONDS, ns);
}

VALUE(cic_times_total)
{
	struct flow_times times;

	return times_find(row, column, &times) ? microseconds(times.sum) : value_none();
}

VALUE(cic_times_mean)
{
	struct flow_times times;

	if (!times_find(row, column, &times))
		return value_none();
	return microseconds(times.count ? (times.sum + times.count / 2) / times.count : 0);
}

VALUE(cic_times_std)
{
	struct flow_times times;
	long double variance;

	if (!times_find(row, column, &times))
		return value_none();
	variance = variance_sample(times.count, times.sum, (long double)flow_squares(times.squares));
	return microseconds((uint64_t)llroundl(sqrtl(variance)));
}

VALUE(cic_times_max)
{
	struct flow_times times;

	return times_find(row, column, &times) ? microseconds(times.max) : value_none();
}

VALUE(cic_times_min)
{
	struct flow_times times;

	return times_find(row, column, &times) ? microseconds(times.min) : value_none();
}

/* ---- of TCP ---- */

VALUE(cic_flag)
{
	const struct flow_side *side = row->flow->side;
	size_t offset = column->offset;

	return whole((uint64_t) * (const uint32_t *)((const uint8_t *)&side[0] + offset) +
		     *(const uint32_t *)((const uint8_t *)&side[1] + offset));
}

VALUE(cic_window)
{
	const struct flow_side *side = side_of(row, column);
	struct flow_value value = { .kind = VALUE_INTEGER };

	value.integer = side->known & FLOW_KNOWS_WINDOW ? side->window : -1;
	return value;
}

/* ---- bulks and subflows ---- */

VALUE(cic_bytes_of_bulk)
{
	const struct flow_detail_side *side = detail_side_of(row, column);

	return lacks(row) ? value_none() : quotient(side->bulk_bytes, side->bulks);
}

VALUE(cic_packets_of_bulk)
{
	const struct flow_detail_side *side = detail_side_of(row, column);

	return lacks(row) ? value_none() : quotient(side->bulk_packets, side->bulks);
}

VALUE(cic_bulk_rate)
{
	const struct flow_detail_side *side = detail_side_of(row, column);

	return lacks(row) ? value_none() : rate(side->bulk_bytes, side->bulk_time);
}

VALUE(cic_packets_of_subflow)
{
	return lacks(row) ? value_none()
			  : quotient(side_of(row, column)->packets, (long double)row->flow->detail.pauses + 1);
}

VALUE(cic_bytes_of_subflow)
{
	return lacks(row) ? value_none()
			  : quotient(side_of(row, column)->payload, (long double)row->flow->detail.pauses + 1);
}
