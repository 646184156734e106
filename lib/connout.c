/* SPDX-License-Identifier: GPL-2.0-only */
#include "connout.h"

#include "clock.h"
#include "connline.h"
#include "ifcache.h"
#include "prefix.h"
#include "proto.h"
#include "stamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define END_TEXT_MAX (PREFIX_TEXT_MAX + 10)

/* "10.0.0.1:80", "[2001:db8::1]:80", or the address alone; of ICMP the identifier stands for the port. */
static void end_format(const struct conn_key *key, const struct conn_end *end, char text[END_TEXT_MAX])
{
	char address[PREFIX_TEXT_MAX];

	address_format(key->family, end->addr, address);
	if (proto_ports(key->proto) == PROTO_NO_PORTS)
		snprintf(text, END_TEXT_MAX, "%s", address);
	else
		snprintf(text, END_TEXT_MAX, key->family == 6 ? "[%s]:%u" : "%s:%u", address, end->port);
}

static void end_out(struct out *out, const struct conn_row *row, const struct conn_end *end, bool is_source)
{
	bool has_port = proto_ports(row->key.proto) == PROTO_HAS_PORTS;
	char text[END_TEXT_MAX];

	end_format(&row->key, end, text);
	out_text(out, NULL, is_source ? "SOURCE" : "DESTINATION", text);
	address_format(row->key.family, end->addr, text);
	out_text(out, is_source ? "src" : "dst", NULL, text);
	out_number_or(out, is_source ? "sport" : "dport", NULL, has_port ? end->port : -1, NULL);
}

static void counters_out(struct out *out, const struct conn_row *row)
{
	bool tracked = row->place != PLACE_SOCKET;
	const struct conn *conn = &row->conn;

	out_number_or(out, "packets_fwd", "PKTS_FWD", tracked ? (int64_t)conn->packets[CONN_FORWARD] : -1, "-");
	out_number_or(out, "packets_rev", "PKTS_REV", tracked ? (int64_t)conn->packets[CONN_BACK] : -1, "-");
	out_number_or(out, "bytes_fwd", "BYTES_FWD", tracked ? (int64_t)conn->bytes[CONN_FORWARD] : -1, "-");
	out_number_or(out, "bytes_rev", "BYTES_REV", tracked ? (int64_t)conn->bytes[CONN_BACK] : -1, "-");
}

static void times_out(struct out *out, const struct connview *view, const struct conn_row *row)
{
	uint32_t timeout = conn_timeout_seconds(&view->config, &row->key, &row->conn);
	struct stamp stamp = { view->now, view->now_epoch };
	bool tracked = row->place != PLACE_SOCKET;
	const struct conn *conn = &row->conn;

	stamp_out(out, &stamp, "created", "AGE", tracked ? conn->created : 0);
	stamp_out(out, &stamp, "last", "IDLE", tracked ? conn->last : 0);
	stamp_out(out, &stamp, "expires", "LEFT", tracked ? conn->last + timeout * CLOCK_SECOND : 0);
	out_number_or(out, "timeout", NULL, tracked ? (int64_t)timeout : -1, NULL);
	stamp_out(out, &stamp, "deadline", NULL, tracked ? conn->deadline : 0);
}

static const char *socket_state(const struct connview *view, const struct conn_row *row)
{
	return row->socket ? local_socket_state(row->key.proto, view->sockets.items[row->socket - 1].state) : NULL;
}

void conn_out(struct out *out, const struct connview *view, const struct conn_row *row)
{
	struct conn_end src = conn_source(&row->key, &row->conn), dst = conn_destination(&row->key, &row->conn);
	bool is_icmp = proto_ports(row->key.proto) == PROTO_HAS_TYPES;
	uint64_t rule = conn_rule(&row->conn);
	char proto[PROTO_TEXT_MAX];

	out_text(out, "proto", "PROTO", proto_format(row->key.proto, proto));
	end_out(out, row, &src, true);
	end_out(out, row, &dst, false);
	out_number_or(out, "icmp_id", NULL, is_icmp ? src.port : -1, NULL);
	out_text(out, "state", "STATE", conn_state_name(row->conn.state));
	out_text(out, "table", "TABLE", conn_place_name(row->place));
	out_text(out, "socket", "SOCKET", socket_state(view, row));
	out_text(out, "dir", "DIR", row->conn.flags & CONN_OUTBOUND ? "out" : "in");
	out_text(out, "iface", "IFACE", ifcache_name(conn_interface(&row->conn)));
	out_text(out, "iface_rev", NULL, ifcache_name(row->conn.ifindex[CONN_BACK]));
	times_out(out, view, row);
	counters_out(out, row);
	out_number_or(out, "rule", "RULE", rule ? (int64_t)rule : -1, "-");
	out_bool(out, "cut", !!(row->conn.flags & CONN_CUT));
}

void connview_print(const struct connview *view, enum out_form form)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < view->count; i++) {
			out_begin(&out);
			conn_out(&out, view, &view->rows[i]);
			out_end(&out);
		}
	} while (out_again(&out));
}

void connview_print_count(const struct connview *view, enum out_form form)
{
	size_t counts[CONN_PLACES] = { 0 };
	struct out out;

	if (form == OUT_TABLE) {
		printf("%zu\n", view->count);
		return;
	}
	for (size_t i = 0; i < view->count; i++)
		counts[view->rows[i].place]++;
	out_open(&out, form);
	out_begin(&out);
	out_number(&out, "connections", NULL, view->count);
	for (int place = 0; place < CONN_PLACES; place++)
		out_number(&out, conn_place_name((enum conn_place)place), NULL, counts[place]);
	out_end(&out);
	out_again(&out);
}

/* An ICMP identifier would be taken for a type there. */
static void end_print(const struct conn_row *row, const struct conn_end *end)
{
	char text[END_TEXT_MAX];

	if (proto_ports(row->key.proto) == PROTO_HAS_PORTS)
		end_format(&row->key, end, text);
	else
		address_format(row->key.family, end->addr, text);
	printf(" %s", text);
}

void conn_print_line(const struct conn_row *row)
{
	struct conn_end src = conn_source(&row->key, &row->conn), dst = conn_destination(&row->key, &row->conn);
	const char *interface = ifcache_name(conn_interface(&row->conn));
	char proto[PROTO_TEXT_MAX];

	fputs(proto_format(row->key.proto, proto), stdout);
	end_print(row, &src);
	end_print(row, &dst);
	printf(interface ? " %s\n" : "\n", interface);
}

void connview_print_lines(const struct connview *view)
{
	int64_t offset = (int64_t)(view->now_epoch - view->now);

	for (size_t i = 0; i < view->count; i++) {
		struct conn_row row = view->rows[i];
		char line[CONN_LINE_MAX];
		struct text text = TEXT_OF(line);

		if (row.place == PLACE_SOCKET || !conn_row_has_text(&row))
			continue;
		conn_row_to_epoch(&row, offset);
		text_conn_line(&text, &row);
		text_char(&text, '\n');
		fwrite(line, 1, text.length, stdout);
	}
}
