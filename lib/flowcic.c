/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowcols_internal.h"

#include <stddef.h>

/*
 * The columns of CICFlowMeter V4, in its order and under its names. Their formulas are in terms of our own, and of
 *
 *     n    packets_fwd + packets_rev
 *     time last - time of the first packet that is counted here, s
 */
#define CIC(name, unit, formula, value, offset, side, traits)          \
	{                                                              \
		name, name, unit, formula, value, offset, side, traits \
	}
#define WORD(name, formula, value, side) CIC(name, "", formula, value, 0, side, COLUMN_WORDS)
#define SENT(name, unit, formula, value, field, side) CIC(name, unit, formula, value, SIDE(field), side, 0)
#define MADE(name, unit, formula, value, side) CIC(name, unit, formula, value, 0, side, 0)
#define KEPT(name, unit, formula, value, side) CIC(name, unit, formula, value, 0, side, COLUMN_DETAIL)
#define TIME(name, formula, value, field) CIC(name, "us", formula, value, DETAIL(field), 0, COLUMN_DETAIL)
#define SAMPLE(squares, sum, count) "sqrt((" squares " - " sum "^2 / " count ") / (" count " - 1))"

#define LENGTHS(name, end, side)                                                                                   \
	KEPT(name " Pkt Len Max", "bytes", "payload_max_" end, cic_payload_max, side),                             \
		KEPT(name " Pkt Len Min", "bytes", "payload_min_" end, cic_payload_min, side),                     \
		MADE(name " Pkt Len Mean", "bytes", "payload_" end " / packets_" end, cic_payload_mean, side),     \
		KEPT(name " Pkt Len Std", "bytes", SAMPLE("payload_squares_" end, "payload_" end, "packets_" end), \
		     cic_payload_std, side)
#define GAPS(name, end, side)                                                                                       \
	MADE(name " IAT Tot", "us", "gap_sum_" end, cic_times_total, side),                                         \
		MADE(name " IAT Mean", "us", "gap_sum_" end " / gaps_" end, cic_times_mean, side),                  \
		MADE(name " IAT Std", "us", SAMPLE("gap_squares_" end, "gap_sum_" end, "gaps_" end), cic_times_std, \
		     side),                                                                                         \
		MADE(name " IAT Max", "us", "gap_max_" end, cic_times_max, side),                                   \
		MADE(name " IAT Min", "us", "gap_min_" end, cic_times_min, side)
#define SPELLS(name, own, field)                                                                            \
	TIME(name " Mean", own "_sum / " own "_spells", cic_times_mean, field),                             \
		TIME(name " Std", SAMPLE(own "_squares", own "_sum", own "_spells"), cic_times_std, field), \
		TIME(name " Max", own "_max", cic_times_max, field),                                        \
		TIME(name " Min", own "_min", cic_times_min, field)
#define FLAG(name, own, bit) SENT(name, "packets", own "_fwd + " own "_rev", cic_flag, tcp[bit], 0)
#define BULKS(name, end, side)                                                                                    \
	KEPT(name " Byts/b Avg", "bytes", "bulk_bytes_" end " / bulks_" end, cic_bytes_of_bulk, side),            \
		KEPT(name " Pkts/b Avg", "packets", "bulk_data_" end " / bulks_" end, cic_packets_of_bulk, side), \
		KEPT(name " Blk Rate Avg", "bytes/s", "bulk_bytes_" end " / bulk_time_" end, cic_bulk_rate, side)
#define SUBFLOWS(name, end, side)                                                                                 \
	KEPT("Subflow " name " Pkts", "packets", "packets_" end " / (pauses + 1)", cic_packets_of_subflow, side), \
		KEPT("Subflow " name " Byts", "bytes", "payload_" end " / (pauses + 1)", cic_bytes_of_subflow, side)

const struct flow_column flow_cic_columns[] = {
	WORD("Flow ID", "address-address-port-port-protocol; first the end with the lower address, of signed bytes",
	     cic_flow_id, 0),
	WORD("Src IP", "src", col_address, 0),
	MADE("Src Port", "", "sport, or 0", cic_port, 0),
	WORD("Dst IP", "dst", col_address, 1),
	MADE("Dst Port", "", "dport, or 0", cic_port, 1),
	MADE("Protocol", "", "number of proto", cic_protocol, 0),
	WORD("Timestamp", "time of the first packet that is counted here: dd/MM/yyyy hh:mm:ss AM or PM, UTC",
	     cic_timestamp, 0),
	MADE("Flow Duration", "us", "time, whole ones", cic_duration, 0),
	SENT("Tot Fwd Pkts", "packets", "packets_fwd", col_side_u64, packets, 0),
	SENT("Tot Bwd Pkts", "packets", "packets_rev", col_side_u64, packets, 1),
	SENT("TotLen Fwd Pkts", "bytes", "payload_fwd", col_side_u64, payload, 0),
	SENT("TotLen Bwd Pkts", "bytes", "payload_rev", col_side_u64, payload, 1),
	LENGTHS("Fwd", "fwd", 0),
	LENGTHS("Bwd", "rev", 1),
	MADE("Flow Byts/s", "bytes/s", "(payload_fwd + payload_rev) / time", cic_byte_rate, 0),
	MADE("Flow Pkts/s", "packets/s", "n / time", cic_packet_rate, 0),
	TIME("Flow IAT Mean", "gap_sum / gaps", cic_times_mean, gaps),
	TIME("Flow IAT Std", SAMPLE("gap_squares", "gap_sum", "gaps"), cic_times_std, gaps),
	TIME("Flow IAT Max", "gap_max", cic_times_max, gaps),
	TIME("Flow IAT Min", "gap_min", cic_times_min, gaps),
	GAPS("Fwd", "fwd", 0),
	GAPS("Bwd", "rev", 1),
	SENT("Fwd PSH Flags", "packets", "psh_fwd", col_side_u32, tcp[3], 0),
	SENT("Bwd PSH Flags", "packets", "psh_rev", col_side_u32, tcp[3], 1),
	SENT("Fwd URG Flags", "packets", "urg_fwd", col_side_u32, tcp[5], 0),
	SENT("Bwd URG Flags", "packets", "urg_rev", col_side_u32, tcp[5], 1),
	KEPT("Fwd Header Len", "bytes", "headers_fwd", cic_headers, 0),
	KEPT("Bwd Header Len", "bytes", "headers_rev", cic_headers, 1),
	MADE("Fwd Pkts/s", "packets/s", "packets_fwd / time", cic_side_packet_rate, 0),
	MADE("Bwd Pkts/s", "packets/s", "packets_rev / time", cic_side_packet_rate, 1),
	KEPT("Pkt Len Min", "bytes", "the lesser of payload_min_fwd and payload_min_rev", cic_all_payload_min, 0),
	KEPT("Pkt Len Max", "bytes", "the larger of payload_max_fwd and payload_max_rev", cic_all_payload_max, 0),
	MADE("Pkt Len Mean", "bytes", "(payload_fwd + payload_rev) / n", cic_all_payload_mean, 0),
	KEPT("Pkt Len Std", "bytes", "sqrt(Pkt Len Var)", cic_all_payload_std, 0),
	KEPT("Pkt Len Var", "bytes^2",
	     "(payload_squares_fwd + payload_squares_rev - (payload_fwd + payload_rev)^2 / n) / (n - 1)",
	     cic_all_payload_variance, 0),
	FLAG("FIN Flag Cnt", "fin", 0),
	FLAG("SYN Flag Cnt", "syn", 1),
	FLAG("RST Flag Cnt", "rst", 2),
	FLAG("PSH Flag Cnt", "psh", 3),
	FLAG("ACK Flag Cnt", "ack", 4),
	FLAG("URG Flag Cnt", "urg", 5),
	FLAG("CWE Flag Count", "cwr", 7),
	FLAG("ECE Flag Cnt", "ece", 6),
	MADE("Down/Up Ratio", "", "packets_rev / packets_fwd", cic_down_up, 0),
	MADE("Pkt Size Avg", "bytes", "Pkt Len Mean", cic_all_payload_mean, 0),
	MADE("Fwd Seg Size Avg", "bytes", "Fwd Pkt Len Mean", cic_payload_mean, 0),
	MADE("Bwd Seg Size Avg", "bytes", "Bwd Pkt Len Mean", cic_payload_mean, 1),
	BULKS("Fwd", "fwd", 0),
	BULKS("Bwd", "rev", 1),
	SUBFLOWS("Fwd", "fwd", 0),
	SUBFLOWS("Bwd", "rev", 1),
	MADE("Init Fwd Win Byts", "", "window_fwd, or -1", cic_window, 0),
	MADE("Init Bwd Win Byts", "", "window_rev, or -1", cic_window, 1),
	KEPT("Fwd Act Data Pkts", "packets", "data_fwd", cic_data_packets, 0),
	KEPT("Fwd Seg Size Min", "bytes", "header_min_fwd", cic_header_min, 0),
	SPELLS("Active", "active", active),
	SPELLS("Idle", "idle", idle),
	WORD("Label", "No Label", cic_label, 0),
};

const size_t flow_cic_column_count = sizeof(flow_cic_columns) / sizeof(flow_cic_columns[0]);

_Static_assert(sizeof(flow_cic_columns) / sizeof(flow_cic_columns[0]) <= FLOW_CIC_COLUMNS_MAX,
	       "all columns can be chosen");
