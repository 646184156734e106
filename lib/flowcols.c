/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowcols.h"

#include "flowstate.h"
#include "proto.h"

#include <inttypes.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

typedef struct flow_value value_function(const struct flow_scene *scene, const struct flow_row *row,
					 const struct flow_column *column);

/* Each of the functions below gives a column its value; not every one looks at all it is given. */
#define VALUE(name)                                                                           \
	static struct flow_value name(__attribute__((unused)) const struct flow_scene *scene, \
				      __attribute__((unused)) const struct flow_row *row,     \
				      __attribute__((unused)) const struct flow_column *column)

static const struct flow_side *side_of(const struct flow_row *row, const struct flow_column *column)
{
	return &row->flow->side[column->side];
}

static const void *field_of(const struct flow_row *row, const struct flow_column *column)
{
	return (const uint8_t *)side_of(row, column) + column->offset;
}

static struct flow_value seconds_or_none(bool known, uint64_t ns)
{
	return known ? value_of(VALUE_SECONDS, ns) : value_none();
}

static struct flow_value number_or_none(bool known, uint64_t number)
{
	return known ? value_of(VALUE_NUMBER, number) : value_none();
}

static bool is_tcp(const struct flow_row *row)
{
	return row->id.key.proto == IPPROTO_TCP;
}

static bool is_icmp(const struct flow_row *row)
{
	return proto_ports(row->id.key.proto) == PROTO_HAS_TYPES;
}

/* ---- who ---- */

VALUE(proto)
{
	char text[PROTO_TEXT_MAX];

	return value_word(proto_format(row->id.key.proto, text));
}

VALUE(address)
{
	struct flow_value value = { .kind = VALUE_ADDRESS, .family = row->id.key.family };

	memcpy(value.address, flow_address(row->flow, column->side), sizeof(value.address));
	return value;
}

VALUE(port)
{
	return number_or_none(flow_has_ports(row->flow), flow_port(row->flow, column->side));
}

VALUE(family)
{
	return value_of(VALUE_NUMBER, row->id.key.family);
}

VALUE(iface)
{
	return value_word(ifnames_find(&scene->names, row->id.key.ifindex));
}

VALUE(vlan)
{
	return number_or_none(row->id.key.vlan, row->id.key.vlan);
}

VALUE(icmp_type)
{
	return number_or_none(is_icmp(row), row->flow->icmp_type);
}

VALUE(icmp_code)
{
	return number_or_none(is_icmp(row), row->flow->icmp_code);
}

VALUE(icmp_id)
{
	return number_or_none(row->id.key.kind == FLOW_ECHO, flow_port(row->flow, 0));
}

/* FNV-1a. The time is that of the program's clock: what it is since 1970 is not the same in each reading. */
VALUE(id)
{
	const unsigned char *bytes = (const unsigned char *)&row->id;
	uint64_t hash = 0xcbf29ce484222325;
	char word[17];

	for (size_t i = 0; i < sizeof(row->id); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	snprintf(word, sizeof(word), "%016" PRIx64, hash);
	return value_word(word);
}

/* ---- when ---- */

VALUE(start)
{
	return value_of(VALUE_SECONDS, flowrows_epoch(scene->rows, row, row->flow->start));
}

VALUE(start_time)
{
	return value_of(VALUE_TIME, flowrows_epoch(scene->rows, row, row->flow->start));
}

VALUE(last)
{
	return value_of(VALUE_SECONDS, flowrows_epoch(scene->rows, row, flow_last(row->flow)));
}

VALUE(last_time)
{
	return value_of(VALUE_TIME, flowrows_epoch(scene->rows, row, flow_last(row->flow)));
}

VALUE(duration)
{
	return value_of(VALUE_SECONDS, flow_duration(row->flow));
}

VALUE(side_time)
{
	const uint64_t *time = field_of(row, column);

	return seconds_or_none(*time, flowrows_epoch(scene->rows, row, *time));
}

/* ---- what it was ---- */

VALUE(state)
{
	return value_word(flow_state_name(flow_state(row->flow)));
}

VALUE(end)
{
	return value_word(flow_finish_name(flow_finish(row->flow, &row->part->settings, row->part->now)));
}

VALUE(history)
{
	char text[FLOW_HISTORY_MAX + 1];
	int length = row->flow->history_length < FLOW_HISTORY_MAX ? row->flow->history_length : FLOW_HISTORY_MAX;

	snprintf(text, sizeof(text), "%.*s", length, row->flow->history);
	return value_word(text);
}

VALUE(rtt_responder)
{
	uint64_t ns = 0;
	bool known = flow_rtt_responder(row->flow, &ns);

	return seconds_or_none(known, ns);
}

VALUE(rtt_originator)
{
	uint64_t ns = 0;
	bool known = flow_rtt_originator(row->flow, &ns);

	return seconds_or_none(known, ns);
}

VALUE(rtt)
{
	uint64_t there = 0, here = 0;
	bool known = flow_rtt_responder(row->flow, &there) && flow_rtt_originator(row->flow, &here);

	return seconds_or_none(known, there + here);
}

VALUE(server)
{
	return value_word(flow_server(row->flow).side ? "dst" : "src");
}

VALUE(server_method)
{
	return value_word(flow_method_name(flow_server(row->flow).method));
}

VALUE(continued)
{
	return value_of(VALUE_TRUTH, !!(row->flow->flags & FLOW_CONTINUED));
}

VALUE(generation)
{
	return value_of(VALUE_NUMBER, row->part->generation);
}

VALUE(samples)
{
	return value_of(VALUE_NUMBER, row->flow->sampled);
}

VALUE(bytes)
{
	return value_of(VALUE_NUMBER, row->flow->side[0].bytes + row->flow->side[1].bytes);
}

/* ---- what one end sent ---- */

VALUE(side_u64)
{
	return value_of(VALUE_NUMBER, *(const uint64_t *)field_of(row, column));
}

VALUE(side_u32)
{
	return value_of(VALUE_NUMBER, *(const uint32_t *)field_of(row, column));
}

VALUE(tcp_u64)
{
	return is_tcp(row) ? side_u64(scene, row, column) : value_none();
}

VALUE(tcp_u32)
{
	return is_tcp(row) ? side_u32(scene, row, column) : value_none();
}

VALUE(packet_u16)
{
	return number_or_none(side_of(row, column)->packets, *(const uint16_t *)field_of(row, column));
}

VALUE(packet_u8)
{
	return number_or_none(side_of(row, column)->packets, *(const uint8_t *)field_of(row, column));
}

VALUE(gap_time)
{
	return seconds_or_none(side_of(row, column)->gaps, *(const uint64_t *)field_of(row, column));
}

VALUE(window)
{
	const struct flow_side *side = side_of(row, column);

	return number_or_none(side->known & FLOW_KNOWS_WINDOW, side->window);
}

VALUE(histogram_of_lengths)
{
	struct flow_value value = { .kind = VALUE_LIST };

	value.list.items = side_of(row, column)->lengths;
	value.list.count = FLOW_LENGTH_BINS;
	return value;
}

VALUE(histogram_of_gaps)
{
	struct flow_value value = { .kind = VALUE_LIST };

	value.list.items = side_of(row, column)->gap_times;
	value.list.count = FLOW_GAP_BINS;
	return value;
}

/* ---- mean and deviation ---- */

static unsigned __int128 gap_squares_of(const struct flow_side *side)
{
	return (unsigned __int128)side->gap_squares[1] << 64 | side->gap_squares[0];
}

/* Of a whole population. */
static long double deviation(long double count, long double sum, long double squares)
{
	long double mean = sum / count, variance = squares / count - mean * mean;

	return variance > 0 ? sqrtl(variance) : 0;
}

VALUE(length_mean)
{
	const struct flow_side *side = side_of(row, column);

	return side->packets ? value_real((double)side->bytes / (double)side->packets) : value_none();
}

VALUE(length_stddev)
{
	const struct flow_side *side = side_of(row, column);

	if (!side->packets)
		return value_none();
	return value_real((double)deviation(side->packets, side->bytes, side->length_squares));
}

VALUE(gap_mean)
{
	const struct flow_side *side = side_of(row, column);

	return seconds_or_none(side->gaps, side->gaps ? (side->gap_sum + side->gaps / 2) / side->gaps : 0);
}

VALUE(gap_stddev)
{
	const struct flow_side *side = side_of(row, column);

	if (!side->gaps)
		return value_none();
	return value_of(VALUE_SECONDS,
			(uint64_t)llroundl(deviation(side->gaps, side->gap_sum, (long double)gap_squares_of(side))));
}

VALUE(gap_squares)
{
	return (struct flow_value){ .kind = VALUE_WIDE, .wide = gap_squares_of(side_of(row, column)) };
}

/* ---- the table ---- */

#define SIDE(field) offsetof(struct flow_side, field)
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
#define FLAG(name, heading, bit) BOTH(name, heading, "packets", "TCP: packets with " heading, tcp_u32, SIDE(tcp[bit]))

const struct flow_column flow_columns[] = {
	WORD_COMMON("proto", "PROTO", "protocol after the IP and extension headers, a name or a number", proto),
	END("src", "SRC", "address of the originator", address, 0, COLUMN_WORDS),
	END("sport", "SPORT", "its port", port, 0, 0),
	END("dst", "DST", "address of the responder", address, 1, COLUMN_WORDS),
	END("dport", "DPORT", "its port", port, 1, 0),
	PAIR("packets", "PKTS", "packets", "IP packets on the wire", side_u64, SIDE(packets), COLUMN_COMMON),
	PAIR("bytes", "BYTES", "bytes", "sum of IP lengths: headers and payload", side_u64, SIDE(bytes), COLUMN_COMMON),
	ONE("bytes", "BYTES", "bytes", "bytes_fwd + bytes_rev", bytes),
	BOTH("payload", "PAYLOAD", "bytes", "bytes after the header of TCP, UDP, ICMP; else after the IP headers",
	     side_u64, SIDE(payload)),
	WORD_COMMON("state", "STATE", "Zeek's conn_state, by the history", state),
	WORD_COMMON("end", "END", "open, fin, rst, or idle by the times that flow_set gives", end),
	WORD_COMMON("history", "HISTORY", "letters of what happened, as Zeek writes them", history),
	ROW("duration", "DURATION", "s", "last - start", duration, COLUMN_COMMON),
	WORD("id", "ID", "of key and start, in hexadecimal: the same wherever the session is shown", id),
	ONE("start", "START", "s", "time of the first packet, since 1970", start),
	WORD("start_time", "START_TIME", "the same as ISO 8601, UTC", start_time),
	ONE("last", "LAST", "s", "time of the last packet, since 1970", last),
	WORD("last_time", "LAST_TIME", "the same as ISO 8601, UTC", last_time),
	BOTH("first", "FIRST", "s", "time of the first packet that is counted here, since 1970", side_time,
	     SIDE(first)),
	BOTH("last", "LAST", "s", "time of the last packet, since 1970", side_time, SIDE(last)),
	WORD_COMMON("iface", "IFACE", "interface where it was seen; #N where interface N is gone", iface),
	ONE("vlan", "VLAN", "", "id of the outermost VLAN tag", vlan),
	ONE("family", "FAMILY", "", "4 or 6", family),
	ONE("icmp_type", "TYPE", "", "ICMP: type of the first packet", icmp_type),
	ONE("icmp_code", "CODE", "", "ICMP: code of the first packet", icmp_code),
	ONE("icmp_id", "ID", "", "ICMP echo: identifier", icmp_id),
	ONE("rtt", "RTT", "s", "rtt_responder + rtt_originator", rtt),
	ONE("rtt_responder", "RTT_RESP", "s", "TCP: time of the first SYN+ACK - time of the first SYN", rtt_responder),
	ONE("rtt_originator", "RTT_ORIG", "s", "TCP: time of what acknowledges the SYN+ACK - time of the SYN+ACK",
	    rtt_originator),
	WORD("server", "SERVER", "which end serves, a guess: src or dst", server),
	WORD("server_method", "METHOD", "what the guess was made by, see below", server_method),
	ONE("continued", "CONTINUED", "", "it began in a generation that is not counted here", continued),
	ONE("generation", "GENERATION", "", "number of the generation, of several the newest", generation),
	ONE("samples", "SAMPLES", "", "records that sampling made of it", samples),
	BOTH("length_min", "LEN_MIN", "bytes", "shortest IP packet", packet_u16, SIDE(length_min)),
	BOTH("length_max", "LEN_MAX", "bytes", "longest IP packet", packet_u16, SIDE(length_max)),
	BOTH("length_mean", "LEN_MEAN", "bytes", "bytes / number of IP packets", length_mean, 0),
	BOTH("length_stddev", "LEN_DEV", "bytes", "sqrt(length_squares / number of IP packets - length_mean^2)",
	     length_stddev, 0),
	BOTH("length_squares", "LEN_SQUARES", "bytes^2", "sum of squares of IP lengths", side_u64,
	     SIDE(length_squares)),
	BOTH("gaps", "GAPS", "", "times between two packets in turn: how many", side_u64, SIDE(gaps)),
	BOTH("gap_min", "GAP_MIN", "s", "shortest of them", gap_time, SIDE(gap_min)),
	BOTH("gap_max", "GAP_MAX", "s", "longest of them", gap_time, SIDE(gap_max)),
	BOTH("gap_mean", "GAP_MEAN", "s", "gap_sum / gaps", gap_mean, 0),
	BOTH("gap_stddev", "GAP_DEV", "s", "sqrt(gap_squares / gaps - gap_mean^2)", gap_stddev, 0),
	BOTH("gap_sum", "GAP_SUM", "s", "sum of them", gap_time, SIDE(gap_sum)),
	BOTH("gap_squares", "GAP_SQUARES", "ns^2", "sum of their squares, up to 128 bits", gap_squares, 0),
	BOTH("hops_min", "HOPS_MIN", "", "least TTL or hop limit", packet_u8, SIDE(hops_min)),
	BOTH("hops_max", "HOPS_MAX", "", "largest TTL or hop limit", packet_u8, SIDE(hops_max)),
	FLAG("fin", "FIN", 0),
	FLAG("syn", "SYN", 1),
	FLAG("rst", "RST", 2),
	FLAG("psh", "PSH", 3),
	FLAG("ack", "ACK", 4),
	FLAG("urg", "URG", 5),
	FLAG("ece", "ECE", 6),
	FLAG("cwr", "CWR", 7),
	BOTH("window", "WINDOW", "", "TCP: window of the first packet as the header has it, not scaled", window, 0),
	BOTH("zero_windows", "ZERO_WINDOWS", "packets", "TCP: packets that offer no window, without resets", tcp_u32,
	     SIDE(zero_windows)),
	BOTH("retransmitted", "RETRANS", "packets", "TCP: packets that carry what was sent before", tcp_u32,
	     SIDE(retransmitted)),
	BOTH("out_of_order", "DISORDER", "packets", "TCP: packets that fill a hole soon after it came to be", tcp_u32,
	     SIDE(out_of_order)),
	BOTH("missed", "MISSED", "bytes", "TCP: bytes that the other end acknowledged and nobody here saw", tcp_u64,
	     SIDE(missed)),
	BOTH("missed_times", "MISSED_TIMES", "", "TCP: how often that was noticed", tcp_u32, SIDE(missed_times)),
	BOTH("fragments", "FRAGMENTS", "packets", "IP packets that are parts of one", side_u32, SIDE(fragments)),
	BOTH("lengths", "LENGTHS", "packets", "histogram of IP lengths, see below", histogram_of_lengths, 0),
	BOTH("gap_times", "GAP_TIMES", "", "histogram of gaps, see below", histogram_of_gaps, 0),
};

const size_t flow_column_count = sizeof(flow_columns) / sizeof(flow_columns[0]);

_Static_assert(sizeof(flow_columns) / sizeof(flow_columns[0]) <= FLOW_COLUMNS_MAX, "all columns can be chosen");

/* ---- chosen ---- */

const struct flow_column *flow_column_find(const char *name, struct error *error)
{
	for (size_t i = 0; i < flow_column_count; i++)
		if (!strcmp(flow_columns[i].name, name))
			return &flow_columns[i];
	error_usage(error, name, "no such column; --list-columns has them");
	return NULL;
}

static int choice_add(struct flow_choice *choice, const char *name, struct error *error)
{
	const struct flow_column *column = flow_column_find(name, error);

	if (!column)
		return -1;
	for (size_t i = 0; i < choice->count; i++)
		if (choice->items[i] == column)
			return error_usage(error, name, "a column stands there twice");
	choice->items[choice->count++] = column;
	return 0;
}

int flow_choice_parse(const char *text, struct flow_choice *choice, struct error *error)
{
	char name[64];

	choice->count = 0;
	for (;; text++) {
		size_t length = strcspn(text, ",");

		snprintf(name, sizeof(name), "%.*s", length < sizeof(name) ? (int)length : (int)sizeof(name), text);
		if (choice_add(choice, name, error)) {
			error->operand = text;
			return -1;
		}
		text += length;
		if (!*text)
			return 0;
	}
}

static void choose(struct flow_choice *choice, bool only_common)
{
	choice->count = 0;
	for (size_t i = 0; i < flow_column_count; i++)
		if (!only_common || flow_columns[i].traits & COLUMN_COMMON)
			choice->items[choice->count++] = &flow_columns[i];
}

void flow_choice_all(struct flow_choice *choice)
{
	choose(choice, false);
}

void flow_choice_common(struct flow_choice *choice)
{
	choose(choice, true);
}
