/* SPDX-License-Identifier: GPL-2.0-only */
#include "connline.h"

#include "assign.h"
#include "clock.h"
#include "endtext.h"
#include "flowflags.h"
#include "ifcache.h"
#include "num.h"
#include "proto.h"

#include <netinet/in.h>
#include <string.h>

enum { WORD_PROTO, WORD_SRC, WORD_DST, OPERANDS };

#define PORT_MAX 65535

/* A line while it is read. */
struct reading {
	struct conn_row *row;
	const char *id_word; /* icmp_id=, if it was said */
	uint16_t id;
	uint8_t proto, table;
	bool in_file, has_last, has_created;
};

/* ---- words ---- */

static int take_id(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	reading->id_word = word;
	return endtext_number(word, value, PORT_MAX, &reading->id, error);
}

static int take_dir(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	if (!strcmp(value, "out"))
		reading->row->conn.flags |= CONN_OUTBOUND;
	else if (strcmp(value, "in") != 0)
		return error_usage(error, word, "a direction is in or out");
	return 0;
}

static int take_state(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return conn_state_parse(value, &reading->row->conn.state, error) ? flow_word_fault(word, value, error) : 0;
}

static int take_table(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return flow_table_parse(word, value, &reading->table, error);
}

/* A name without an interface is no fault of a file, as long as it is one. */
static int interface_take(const struct reading *reading, const char *word, const char *value, uint32_t *ifindex,
			  struct error *error)
{
	if (!ifcache_index(value, ifindex, error))
		return 0;
	if (error->exit != EXIT_STATE || !reading->in_file)
		return flow_word_fault(word, value, error);
	*ifindex = CONN_INTERFACE_GONE;
	return 0;
}

static int take_interface(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return interface_take(reading, word, value, &reading->row->conn.ifindex[CONN_FORWARD], error);
}

static int take_interface_back(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return interface_take(reading, word, value, &reading->row->conn.ifindex[CONN_BACK], error);
}

/* "5,6": by enum conn_direction */
static int pair_parse(const char *word, const char *value, __u64 pair[2], struct error *error)
{
	size_t size = strcspn(value, ",");
	struct error ignored;
	char first[24] = "";
	uint64_t numbers[2];

	if (size < sizeof(first))
		memcpy(first, value, size);
	if (!value[size] || num_parse(first, 0, UINT64_MAX, &numbers[0], &ignored) ||
	    num_parse(value + size + 1, 0, UINT64_MAX, &numbers[1], &ignored))
		return error_usage(error, word, "expected two numbers: of the opener, and back");
	pair[0] = numbers[0];
	pair[1] = numbers[1];
	return 0;
}

static int take_packets(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return pair_parse(word, value, reading->row->conn.packets, error);
}

static int take_bytes(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return pair_parse(word, value, reading->row->conn.bytes, error);
}

static int time_take(const char *word, const char *value, __u64 *time, struct error *error)
{
	uint64_t epoch;

	if (flow_time_parse(word, value, &epoch, error))
		return -1;
	*time = epoch;
	return 0;
}

static int take_created(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	reading->has_created = true;
	return time_take(word, value, &reading->row->conn.created, error);
}

static int take_last(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	reading->has_last = true;
	return time_take(word, value, &reading->row->conn.last, error);
}

static int take_deadline(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return time_take(word, value, &reading->row->conn.deadline, error);
}

static int take_flags(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return flow_flags_parse(word, value, &reading->row->conn.flags, error);
}

static const struct assign_row names[] = {
	{ "icmp_id=", take_id },
	{ "dir=", take_dir },
	{ "state=", take_state },
	{ "table=", take_table },
	{ "iface=", take_interface },
	{ "iface_rev=", take_interface_back },
	{ "packets=", take_packets },
	{ "bytes=", take_bytes },
	{ "created=", take_created },
	{ "last=", take_last },
	{ "deadline=", take_deadline },
	{ "flags=", take_flags },
	{ 0 },
};

/* ---- ends ---- */

static int proto_take(const char *word, uint8_t *out, struct error *error)
{
	uint16_t proto;

	if (proto_parse(word, &proto, error))
		return -1;
	if (proto == PROTO_ANY)
		return error_usage(error, word, "a connection has one protocol");
	*out = (uint8_t)proto;
	return 0;
}

static int families_check(char *const *operands, uint8_t proto, const struct prefix address[2], struct error *error)
{
	uint8_t family = address[0].family;

	if (address[1].family != family)
		return error_usage(error, operands[WORD_DST], "not of the family of %s", operands[WORD_SRC]);
	if (proto == (family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return error_usage(error, operands[WORD_PROTO], "not a protocol of IPv%u", family);
	return 0;
}

/* Of ICMP the identifier stands for both ports. */
static int id_check(const struct reading *reading, char *const *operands, struct error *error)
{
	bool is_icmp = proto_ports(reading->proto) == PROTO_HAS_TYPES;

	if (is_icmp == !!reading->id_word)
		return 0;
	if (is_icmp)
		return error_usage(error, operands[WORD_PROTO], "needs icmp_id=, the identifier of its echo requests");
	return error_usage(error, reading->id_word, "is for icmp and icmpv6");
}

static int ends_take(const struct reading *reading, char *const *operands, struct error *error)
{
	bool has_ports = proto_ports(reading->proto) == PROTO_HAS_PORTS;
	struct conn_end end[2] = { { .port = reading->id }, { .port = reading->id } };
	struct prefix address[2];

	for (int i = 0; i < 2; i++) {
		if (endtext_parse(operands[WORD_SRC + i], &address[i], has_ports ? &end[i].port : NULL, error))
			return -1;
		memcpy(end[i].addr, address[i].addr, sizeof(end[i].addr));
	}
	if (families_check(operands, reading->proto, address, error))
		return -1;
	reading->row->conn.opener =
		(uint8_t)conn_key_make(&reading->row->key, address[0].family, reading->proto, &end[0], &end[1]);
	return 0;
}

static void times_complete(const struct reading *reading, uint64_t now)
{
	struct conn *conn = &reading->row->conn;

	if (!reading->has_last)
		conn->last = now;
	if (!reading->has_created)
		conn->created = conn->last;
}

int conn_line_parse(char *const *operands, int count, uint64_t now, bool in_file, struct conn_row *row,
		    struct error *error)
{
	struct reading reading = { .row = row, .in_file = in_file };

	*row = (struct conn_row){ .conn = { .state = CONN_ESTABLISHED } };
	if (count < OPERANDS)
		return error_usage(error, count ? operands[count - 1] : "operands",
				   "expected PROTO SRC[:PORT] DST[:PORT] [NAME=VALUE]...");
	if (proto_take(operands[WORD_PROTO], &reading.proto, error) ||
	    assign_parse(names, operands + OPERANDS, count - OPERANDS, &reading, error) ||
	    id_check(&reading, operands, error) || ends_take(&reading, operands, error))
		return -1;
	row->place = (enum conn_place)reading.table;
	times_complete(&reading, now);
	return 0;
}

/* ---- printing ---- */

static void text_word(struct text *text, const char *name, const char *value)
{
	text_char(text, ' ');
	text_put(text, name);
	text_put(text, value);
}

/* As batch_print_word: names of interfaces may have quotes in them, but no blanks. */
static void text_interface(struct text *text, const char *name, uint32_t ifindex)
{
	const char *value = ifcache_name(ifindex);
	bool quoted = value && strchr(value, '"');

	if (!value)
		return;
	text_put(text, quoted ? " \"" : " ");
	text_put(text, name);
	for (; *value; value++) {
		if (quoted && (*value == '"' || *value == '\\'))
			text_char(text, '\\');
		text_char(text, *value);
	}
	text_put(text, quoted ? "\"" : "");
}

static void text_pair(struct text *text, const char *name, const __u64 pair[2])
{
	text_char(text, ' ');
	text_put(text, name);
	text_number(text, pair[0]);
	text_char(text, ',');
	text_number(text, pair[1]);
}

void text_conn_ends(struct text *text, const struct conn_row *row)
{
	struct conn_end src = conn_source(&row->key, &row->conn), dst = conn_destination(&row->key, &row->conn);
	bool has_ports = proto_ports(row->key.proto) == PROTO_HAS_PORTS;
	char proto[PROTO_TEXT_MAX];

	text_put(text, proto_format(row->key.proto, proto));
	text_char(text, ' ');
	text_end(text, row->key.family, src.addr, has_ports ? src.port : -1);
	text_char(text, ' ');
	text_end(text, row->key.family, dst.addr, has_ports ? dst.port : -1);
	if (proto_ports(row->key.proto) != PROTO_HAS_TYPES)
		return;
	text_put(text, " icmp_id=");
	text_number(text, src.port);
}

void text_conn_line(struct text *text, const struct conn_row *row)
{
	const struct conn *conn = &row->conn;

	text_conn_ends(text, row);
	text_word(text, "dir=", conn->flags & CONN_OUTBOUND ? "out" : "in");
	text_word(text, "state=", conn_state_name(conn->state));
	text_word(text, "table=", flow_table_name((uint8_t)row->place));
	text_interface(text, "iface=", conn->ifindex[CONN_FORWARD]);
	text_interface(text, "iface_rev=", conn->ifindex[CONN_BACK]);
	text_pair(text, "packets=", conn->packets);
	text_pair(text, "bytes=", conn->bytes);
	text_flow_time(text, "created=", conn->created);
	text_flow_time(text, "last=", conn->last);
	if (conn->deadline)
		text_flow_time(text, "deadline=", conn->deadline);
	text_flow_flags(text, conn->flags);
}

/* ---- times ---- */

void conn_row_to_epoch(struct conn_row *row, int64_t offset)
{
	struct conn *conn = &row->conn;

	conn->created = clock_to_epoch_by(conn->created, offset);
	conn->last = clock_to_epoch_by(conn->last, offset);
	if (conn->deadline)
		conn->deadline = clock_to_epoch_by(conn->deadline, offset);
}

void conn_row_from_epoch(struct conn_row *row, int64_t offset, uint64_t now)
{
	struct conn *conn = &row->conn;

	conn->last = clock_past_by(conn->last, offset, now);
	conn->created = clock_past_by(conn->created, offset, conn->last);
	if (conn->deadline)
		conn->deadline = clock_from_epoch_by(conn->deadline, offset);
}

bool conn_row_has_text(const struct conn_row *row)
{
	uint8_t family = row->key.family;

	return row->conn.state <= CONN_CLOSED && (family == 4 || family == 6) &&
	       row->key.proto != (family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}
