/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the tables of columns, flowcols.c (our own) and flowcic.c (those of CICFlowMeter), and the functions that
 * give them their values: flowcols_session.c (of a whole session), flowcols_side.c (what one end sent),
 * flowcols_detail.c (what is kept where it was asked for), flowcic_values.c.
 */
#ifndef SPLICER_FLOWCOLS_INTERNAL_H
#define SPLICER_FLOWCOLS_INTERNAL_H

#include "flowcols.h"
#include "flowdetail.h"
#include "proto.h"

#include <netinet/in.h>

/* Each of these functions gives a column its value; not every one looks at all it is given. */
#define VALUE(name)                                                                    \
	struct flow_value name(__attribute__((unused)) const struct flow_scene *scene, \
			       __attribute__((unused)) const struct flow_row *row,     \
			       __attribute__((unused)) const struct flow_column *column)

/* ---- fields ---- */

#define SIDE(field) offsetof(struct flow_side, field)
#define DETAIL(field) offsetof(struct flow_detail, field)
#define DETAIL_SIDE(field) offsetof(struct flow_detail_side, field)

static inline const struct flow_side *side_of(const struct flow_row *row, const struct flow_column *column)
{
	return &row->flow->side[column->side];
}

/* At column->offset of the side that the column is of. */
static inline const void *field_of(const struct flow_row *row, const struct flow_column *column)
{
	return (const uint8_t *)side_of(row, column) + column->offset;
}

/* Of the detail of that side. */
static inline const struct flow_detail_side *detail_side_of(const struct flow_row *row,
							    const struct flow_column *column)
{
	return &row->flow->detail.side[column->side];
}

static inline const void *detail_field_of(const struct flow_row *row, const struct flow_column *column)
{
	return (const uint8_t *)detail_side_of(row, column) + column->offset;
}

/* Those at column->offset of the detail; of spells of activity also the one that may go on. */
static inline struct flow_times times_of(const struct flow_row *row, const struct flow_column *column)
{
	if (column->offset == DETAIL(active))
		return flow_active(row->flow);
	return *(const struct flow_times *)((const uint8_t *)&row->flow->detail + column->offset);
}

/* ---- values ---- */

static inline struct flow_value seconds_or_none(bool known, uint64_t ns)
{
	return known ? value_of(VALUE_SECONDS, ns) : value_none();
}

static inline struct flow_value number_or_none(bool known, uint64_t number)
{
	return known ? value_of(VALUE_NUMBER, number) : value_none();
}

static inline bool is_tcp(const struct flow_row *row)
{
	return row->id.key.proto == IPPROTO_TCP;
}

static inline bool is_icmp(const struct flow_row *row)
{
	return proto_ports(row->id.key.proto) == PROTO_HAS_TYPES;
}

/* Of a session. */
VALUE(col_proto);
VALUE(col_address);
VALUE(col_port);
VALUE(col_family);
VALUE(col_iface);
VALUE(col_vlan);
VALUE(col_icmp_type);
VALUE(col_icmp_code);
VALUE(col_icmp_id);
VALUE(col_id);
VALUE(col_start);
VALUE(col_start_time);
VALUE(col_last);
VALUE(col_last_time);
VALUE(col_duration);
VALUE(col_state);
VALUE(col_end);
VALUE(col_history);
VALUE(col_rtt);
VALUE(col_rtt_responder);
VALUE(col_rtt_originator);
VALUE(col_server);
VALUE(col_server_method);
VALUE(col_service);
VALUE(col_continued);
VALUE(col_generation);
VALUE(col_samples);
VALUE(col_bytes);

/* Of what one end sent: fields of struct flow_side as they are. */
VALUE(col_side_time);
VALUE(col_side_u64);
VALUE(col_side_u32);
VALUE(col_tcp_u64); /* of TCP only */
VALUE(col_tcp_u32);
VALUE(col_packet_u16); /* where the end has sent something */
VALUE(col_packet_u8);
VALUE(col_gap_time); /* where there are gaps */
VALUE(col_window);
VALUE(col_histogram_of_lengths);
VALUE(col_histogram_of_gaps);
/* and what is made of several */
VALUE(col_length_mean);
VALUE(col_length_stddev);
VALUE(col_gap_mean);
VALUE(col_gap_stddev);
VALUE(col_gap_squares);
VALUE(col_payload_mean);

/* Of detail: fields of struct flow_detail_side; none where it is not kept. */
VALUE(col_detail_u64);
VALUE(col_detail_u32);
VALUE(col_detail_u16); /* where the end has sent something */
VALUE(col_detail_time);
VALUE(col_payload_stddev);
VALUE(col_pauses);
/* and of struct flow_times, whose offset the column has */
VALUE(col_times_count);
VALUE(col_times_min);
VALUE(col_times_max);
VALUE(col_times_mean);
VALUE(col_times_stddev);
VALUE(col_times_sum);
VALUE(col_times_squares);

/*
 * As CICFlowMeter has it: 0 where there is nothing. Those that need detail have COLUMN_DETAIL, and nothing without.
 */
VALUE(cic_flow_id);
VALUE(cic_port);
VALUE(cic_protocol);
VALUE(cic_timestamp);
VALUE(cic_duration);
VALUE(cic_payload_max);
VALUE(cic_payload_min);
VALUE(cic_payload_mean);
VALUE(cic_payload_std);
VALUE(cic_byte_rate);
VALUE(cic_packet_rate);
VALUE(cic_side_packet_rate);
/* of what flow_side_gaps has, or of detail */
VALUE(cic_times_total);
VALUE(cic_times_mean);
VALUE(cic_times_std);
VALUE(cic_times_max);
VALUE(cic_times_min);
VALUE(cic_headers);
VALUE(cic_all_payload_min);
VALUE(cic_all_payload_max);
VALUE(cic_all_payload_mean);
VALUE(cic_all_payload_std);
VALUE(cic_all_payload_variance);
VALUE(cic_flag);
VALUE(cic_down_up);
VALUE(cic_bytes_of_bulk);
VALUE(cic_packets_of_bulk);
VALUE(cic_bulk_rate);
VALUE(cic_packets_of_subflow);
VALUE(cic_bytes_of_subflow);
VALUE(cic_window);
VALUE(cic_data_packets);
VALUE(cic_header_min);
VALUE(cic_label);

#endif
