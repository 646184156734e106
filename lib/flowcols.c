/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowcols_internal.h"

#include <stddef.h>

#define ROW(name, heading, unit, formula, value, traits)          \
	{                                                         \
		name, heading, unit, formula, value, 0, 0, traits \
	}
#define END(name, heading, formula, value, side, traits)                             \
	{                                                                            \
		name, heading, "", formula, value, 0, side, COLUMN_COMMON | (traits) \
	}
#define WORD(name, heading, formula, value) ROW(name, heading, "", formula, value, COLUMN_WORDS)
#define WORD_COMMON(name, heading, formula, value) ROW(name, heading, "", formula, value, COLUMN_COMMON | COLUMN_WORDS)
#define ONE(name, heading, unit, formula, value) ROW(name, heading, unit, formula, value, 0)
#define PAIR(name, heading, unit, formula, value, offset, traits)                    \
	{ name "_fwd", heading "_FWD", unit, formula, value, offset, 0, traits },    \
	{                                                                            \
		name "_rev", heading "_REV", unit, formula, value, offset, 1, traits \
	}
#define BOTH(name, heading, unit, formula, value, offset) PAIR(name, heading, unit, formula, value, offset, 0)
#define KEPT(name, heading, unit, formula, value, field) \
	PAIR(name, heading, unit, formula, value, DETAIL_SIDE(field), COLUMN_DETAIL)
#define TIME(name, heading, unit, formula, value, field)                             \
	{                                                                            \
		name, heading, unit, formula, value, DETAIL(field), 0, COLUMN_DETAIL \
	}
#define TIMES(count, count_heading, name, heading, formula, field)                                                \
	TIME(count, count_heading, "", formula ": how many", col_times_count, field),                             \
		TIME(name "_min", heading "_MIN", "s", "shortest of them", col_times_min, field),                 \
		TIME(name "_max", heading "_MAX", "s", "longest of them", col_times_max, field),                  \
		TIME(name "_mean", heading "_MEAN", "s", name "_sum / " count, col_times_mean, field),            \
		TIME(name "_stddev", heading "_DEV", "s", "sqrt(" name "_squares / " count " - " name "_mean^2)", \
		     col_times_stddev, field),                                                                    \
		TIME(name "_sum", heading "_SUM", "s", "sum of them", col_times_sum, field),                      \
		TIME(name "_squares", heading "_SQUARES", "ns^2", "sum of their squares, up to 128 bits",         \
		     col_times_squares, field)
#define FLAG(name, heading, bit) \
	BOTH(name, heading, "packets", "TCP: packets with " heading, col_tcp_u32, SIDE(tcp[bit]))

const struct flow_column flow_columns[] = {
	WORD_COMMON("proto", "PROTO", "protocol after the IP and extension headers, a name or a number", col_proto),
	END("src", "SRC", "address of the originator", col_address, 0, COLUMN_WORDS),
	END("sport", "SPORT", "its port", col_port, 0, 0),
	END("dst", "DST", "address of the responder", col_address, 1, COLUMN_WORDS),
	END("dport", "DPORT", "its port", col_port, 1, 0),
	PAIR("packets", "PKTS", "packets", "IP packets on the wire", col_side_u64, SIDE(packets), COLUMN_COMMON),
	PAIR("bytes", "BYTES", "bytes", "sum of IP lengths: headers and payload", col_side_u64, SIDE(bytes),
	     COLUMN_COMMON),
	ONE("bytes", "BYTES", "bytes", "bytes_fwd + bytes_rev", col_bytes),
	BOTH("payload", "PAYLOAD", "bytes", "bytes after the header of TCP, UDP, ICMP; else after the IP headers",
	     col_side_u64, SIDE(payload)),
	WORD_COMMON("state", "STATE", "Zeek's conn_state, by the history", col_state),
	WORD_COMMON("end", "END", "open, fin, rst, or idle by the times that flow_set gives", col_end),
	WORD_COMMON("history", "HISTORY", "letters of what happened, as Zeek writes them", col_history),
	ROW("duration", "DURATION", "s", "last - start", col_duration, COLUMN_COMMON),
	WORD("id", "ID", "of key and start, in hexadecimal: the same wherever the session is shown", col_id),
	ONE("start", "START", "s", "time of the first packet, since 1970", col_start),
	WORD("start_time", "START_TIME", "the same as ISO 8601, UTC", col_start_time),
	ONE("last", "LAST", "s", "time of the last packet, since 1970", col_last),
	WORD("last_time", "LAST_TIME", "the same as ISO 8601, UTC", col_last_time),
	BOTH("first", "FIRST", "s", "time of the first packet that is counted here, since 1970", col_side_time,
	     SIDE(first)),
	BOTH("last", "LAST", "s", "time of the last packet, since 1970", col_side_time, SIDE(last)),
	WORD_COMMON("iface", "IFACE", "interface where it was seen; #N where interface N is gone", col_iface),
	ONE("vlan", "VLAN", "", "id of the outermost VLAN tag", col_vlan),
	ONE("family", "FAMILY", "", "4 or 6", col_family),
	ONE("icmp_type", "TYPE", "", "ICMP: type of the first packet", col_icmp_type),
	ONE("icmp_code", "CODE", "", "ICMP: code of the first packet", col_icmp_code),
	ONE("icmp_id", "ID", "", "ICMP echo: identifier", col_icmp_id),
	ONE("rtt", "RTT", "s", "rtt_responder + rtt_originator", col_rtt),
	ONE("rtt_responder", "RTT_RESP", "s", "TCP: time of the first SYN+ACK - time of the first SYN",
	    col_rtt_responder),
	ONE("rtt_originator", "RTT_ORIG", "s", "TCP: time of what acknowledges the SYN+ACK - time of the SYN+ACK",
	    col_rtt_originator),
	WORD("server", "SERVER", "which end serves, a guess: src or dst", col_server),
	WORD("server_method", "METHOD", "what the guess was made by, see below", col_server_method),
	WORD("service", "SERVICE", "by the first bytes that each end sent, whatever its port, see below", col_service),
	ONE("continued", "CONTINUED", "", "it began in a generation that is not counted here", col_continued),
	ONE("generation", "GENERATION", "", "number of the generation, of several the newest", col_generation),
	ONE("samples", "SAMPLES", "", "records that sampling made of it", col_samples),
	BOTH("length_min", "LEN_MIN", "bytes", "shortest IP packet", col_packet_u16, SIDE(length_min)),
	BOTH("length_max", "LEN_MAX", "bytes", "longest IP packet", col_packet_u16, SIDE(length_max)),
	BOTH("length_mean", "LEN_MEAN", "bytes", "bytes / number of IP packets", col_length_mean, 0),
	BOTH("length_stddev", "LEN_DEV", "bytes", "sqrt(length_squares / number of IP packets - length_mean^2)",
	     col_length_stddev, 0),
	BOTH("length_squares", "LEN_SQUARES", "bytes^2", "sum of squares of IP lengths", col_side_u64,
	     SIDE(length_squares)),
	BOTH("gaps", "GAPS", "", "times between two packets in turn: how many", col_side_u64, SIDE(gaps)),
	BOTH("gap_min", "GAP_MIN", "s", "shortest of them", col_gap_time, SIDE(gap_min)),
	BOTH("gap_max", "GAP_MAX", "s", "longest of them", col_gap_time, SIDE(gap_max)),
	BOTH("gap_mean", "GAP_MEAN", "s", "gap_sum / gaps", col_gap_mean, 0),
	BOTH("gap_stddev", "GAP_DEV", "s", "sqrt(gap_squares / gaps - gap_mean^2)", col_gap_stddev, 0),
	BOTH("gap_sum", "GAP_SUM", "s", "sum of them", col_gap_time, SIDE(gap_sum)),
	BOTH("gap_squares", "GAP_SQUARES", "ns^2", "sum of their squares, up to 128 bits", col_gap_squares, 0),
	BOTH("hops_min", "HOPS_MIN", "", "least TTL or hop limit", col_packet_u8, SIDE(hops_min)),
	BOTH("hops_max", "HOPS_MAX", "", "largest TTL or hop limit", col_packet_u8, SIDE(hops_max)),
	FLAG("fin", "FIN", 0),
	FLAG("syn", "SYN", 1),
	FLAG("rst", "RST", 2),
	FLAG("psh", "PSH", 3),
	FLAG("ack", "ACK", 4),
	FLAG("urg", "URG", 5),
	FLAG("ece", "ECE", 6),
	FLAG("cwr", "CWR", 7),
	BOTH("window", "WINDOW", "", "TCP: window of the first packet as the header has it, not scaled", col_window, 0),
	BOTH("zero_windows", "ZERO_WINDOWS", "packets", "TCP: packets that offer no window, without resets",
	     col_tcp_u32, SIDE(zero_windows)),
	BOTH("retransmitted", "RETRANS", "packets", "TCP: packets that carry what was sent before", col_tcp_u32,
	     SIDE(retransmitted)),
	BOTH("out_of_order", "DISORDER", "packets", "TCP: packets that fill a hole soon after it came to be",
	     col_tcp_u32, SIDE(out_of_order)),
	BOTH("missed", "MISSED", "bytes", "TCP: bytes that the other end acknowledged and nobody here saw", col_tcp_u64,
	     SIDE(missed)),
	BOTH("missed_times", "MISSED_TIMES", "", "TCP: how often that was noticed", col_tcp_u32, SIDE(missed_times)),
	BOTH("fragments", "FRAGMENTS", "packets", "IP packets that are parts of one", col_side_u32, SIDE(fragments)),
	BOTH("lengths", "LENGTHS", "packets", "histogram of IP lengths, see below", col_histogram_of_lengths, 0),
	BOTH("gap_times", "GAP_TIMES", "", "histogram of gaps, see below", col_histogram_of_gaps, 0),
	BOTH("payload_mean", "PAYLOAD_MEAN", "bytes", "payload / number of IP packets", col_payload_mean, 0),
	KEPT("payload_min", "PAYLOAD_MIN", "bytes", "least payload of a packet, also of those without", col_detail_u16,
	     payload_min),
	KEPT("payload_max", "PAYLOAD_MAX", "bytes", "largest payload of a packet", col_detail_u16, payload_max),
	KEPT("payload_stddev", "PAYLOAD_DEV", "bytes", "sqrt(payload_squares / number of IP packets - payload_mean^2)",
	     col_payload_stddev, payload_squares),
	KEPT("payload_squares", "PAYLOAD_SQUARES", "bytes^2", "sum of squares of their payloads", col_detail_u64,
	     payload_squares),
	KEPT("data", "DATA", "packets", "packets with payload", col_detail_u32, data_packets),
	KEPT("headers", "HEADERS", "bytes", "sum of headers of TCP, UDP, ICMP", col_detail_u64, headers),
	KEPT("header_min", "HEADER_MIN", "bytes", "shortest of them, 0 where one was not there", col_detail_u16,
	     header_min),
	KEPT("bulks", "BULKS", "", "how often it sent a bulk, see below", col_detail_u32, bulks),
	KEPT("bulk_data", "BULK_DATA", "packets", "packets of these", col_detail_u32, bulk_packets),
	KEPT("bulk_bytes", "BULK_BYTES", "bytes", "payload of these", col_detail_u64, bulk_bytes),
	KEPT("bulk_time", "BULK_TIME", "s", "sum of the times from the first packet of each to its last",
	     col_detail_time, bulk_time),
	TIMES("gaps", "GAPS", "gap", "GAP", "times between two packets in turn, whoever sent them", gaps),
	TIME("pauses", "PAUSES", "", "how many of these are longer than 1 s", col_pauses, pauses),
	TIMES("idle_spells", "IDLE", "idle", "IDLE", "those longer than 5 s", idle),
	TIMES("active_spells", "ACTIVE", "active", "ACTIVE", "times from packet to packet without such a one", active),
};

const size_t flow_column_count = sizeof(flow_columns) / sizeof(flow_columns[0]);

_Static_assert(sizeof(flow_columns) / sizeof(flow_columns[0]) <= FLOW_OWN_COLUMNS_MAX, "all columns can be chosen");
