/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowzeek.h"

#include "flowstate.h"
#include "prefix.h"
#include "proto.h"
#include "service.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Each of the functions below gives a column its value, of the originator, side 0, or of the responder. */
#define VALUE(name)                                                                           \
	static struct flow_value name(__attribute__((unused)) const struct flow_scene *scene, \
				      const struct flow_row *row, __attribute__((unused)) unsigned int side)

static bool is_icmp(const struct flow_row *row)
{
	return proto_ports(row->id.key.proto) == PROTO_HAS_TYPES;
}

/* Zeek has neither time nor sizes of what is one moment. */
static bool lasts(const struct flow_row *row)
{
	return flow_duration(row->flow) > 0;
}

static struct flow_value number_or_none(bool known, uint64_t number)
{
	return known ? value_of(VALUE_NUMBER, number) : value_none();
}

/* ---- who ---- */

VALUE(ts)
{
	return value_of(VALUE_SECONDS, flowrows_epoch(scene->rows, row, row->flow->start));
}

#define UID_LENGTH 18

/* FNV-1a of 128 bits: its last 17 digits to the base 62 say as much as Zeek's do. */
VALUE(uid)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const unsigned __int128 prime = (unsigned __int128)1 << 88 | 0x13b;
	unsigned __int128 hash = (unsigned __int128)0x6c62272e07bb0142 << 64 | 0x62b821756295c58d;
	const unsigned char *bytes = (const unsigned char *)&row->id;
	char word[UID_LENGTH + 1] = "C";

	for (size_t i = 0; i < sizeof(row->id); i++)
		hash = (hash ^ bytes[i]) * prime;
	for (size_t i = 1; i < UID_LENGTH; i++, hash /= 62)
		word[i] = digits[hash % 62];
	return value_word(word);
}

VALUE(address)
{
	struct flow_value value = { .kind = VALUE_ADDRESS, .family = row->id.key.family };

	memcpy(value.address, flow_address(row->flow, side), sizeof(value.address));
	return value;
}

/* Types of ICMP of which one answers the other; an echo is one session here, the others are two. */
static const struct {
	uint8_t family, type, answer;
} icmp_pairs[] = {
	{ 4, 8, 0 },     { 4, 13, 14 },   { 4, 15, 16 },   { 4, 10, 9 },    { 4, 17, 18 },
	{ 6, 128, 129 }, { 6, 133, 134 }, { 6, 135, 136 }, { 6, 130, 131 }, { 6, 139, 140 },
};

/* What Zeek has in the place of ports: the type, and that of what answers it, or if nothing does, the code. */
static uint8_t icmp_port(const struct flow_row *row, unsigned int side)
{
	uint8_t type = row->flow->icmp_type;

	if (!side)
		return type;
	for (size_t i = 0; i < sizeof(icmp_pairs) / sizeof(icmp_pairs[0]); i++) {
		if (icmp_pairs[i].family != row->id.key.family)
			continue;
		if (icmp_pairs[i].type == type)
			return icmp_pairs[i].answer;
		if (icmp_pairs[i].answer == type)
			return icmp_pairs[i].type;
	}
	return row->flow->icmp_code;
}

VALUE(port)
{
	if (is_icmp(row))
		return value_of(VALUE_NUMBER, icmp_port(row, side));
	return value_of(VALUE_NUMBER, flow_has_ports(row->flow) ? flow_port(row->flow, side) : 0);
}

VALUE(proto)
{
	switch (row->id.key.proto) {
	case IPPROTO_TCP:
		return value_word("tcp");
	case IPPROTO_UDP:
		return value_word("udp");
	default:
		return value_word(is_icmp(row) ? "icmp" : "unknown_transport");
	}
}

/* Names that Zeek gives where they are others than ours. */
static const struct {
	enum service service;
	const char *tcp, *udp;
} zeek_services[] = {
	{ SERVICE_TLS, "ssl", "dtls" },
	{ SERVICE_VNC, "rfb", "rfb" },
	{ SERVICE_LDAP, "ldap_tcp", "ldap_udp" },
};

VALUE(service)
{
	enum service service = service_of(row->flow);

	for (size_t i = 0; i < sizeof(zeek_services) / sizeof(zeek_services[0]); i++)
		if (zeek_services[i].service == service)
			return value_word(row->id.key.proto == IPPROTO_UDP ? zeek_services[i].udp
									   : zeek_services[i].tcp);
	return value_word(service_name(service));
}

/* What IANA's registries of special-purpose addresses have as not for the Internet; local to Zeek 6 by default. */
static const struct prefix local_prefixes[] = {
	{ 4, 8, { 0 } },
	{ 4, 8, { 10 } },
	{ 4, 10, { 100, 64 } },
	{ 4, 8, { 127 } },
	{ 4, 16, { 169, 254 } },
	{ 4, 12, { 172, 16 } },
	{ 4, 24, { 192, 0, 0 } },
	{ 4, 24, { 192, 0, 2 } },
	{ 4, 16, { 192, 168 } },
	{ 4, 15, { 198, 18 } },
	{ 4, 24, { 198, 51, 100 } },
	{ 4, 24, { 203, 0, 113 } },
	{ 4, 4, { 240 } },
	{ 6, 127, { 0 } }, /* :: and ::1 */
	{ 6, 48, { 0, 0x64, 0xff, 0x9b, 0, 1 } },
	{ 6, 64, { 1 } },
	{ 6, 48, { 0x20, 1, 0, 2 } },
	{ 6, 32, { 0x20, 1, 0x0d, 0xb8 } },
	{ 6, 7, { 0xfc } },
	{ 6, 10, { 0xfe, 0x80 } },
};

VALUE(is_local)
{
	for (size_t i = 0; i < sizeof(local_prefixes) / sizeof(local_prefixes[0]); i++) {
		struct prefix around = { .family = row->id.key.family, .len = local_prefixes[i].len };

		memcpy(around.addr, flow_address(row->flow, side), sizeof(around.addr));
		prefix_mask(&around);
		if (!memcmp(&around, &local_prefixes[i], sizeof(around)))
			return value_word("T");
	}
	return value_word("F");
}

/* ---- what it was ---- */

VALUE(duration)
{
	return lasts(row) ? value_of(VALUE_SECONDS, flow_duration(row->flow)) : value_none();
}

VALUE(payload)
{
	return number_or_none(lasts(row), row->flow->side[side].payload);
}

VALUE(conn_state)
{
	return value_word(flow_state_name(flow_state(row->flow)));
}

VALUE(missed)
{
	return value_of(VALUE_NUMBER, row->flow->side[0].missed + row->flow->side[1].missed);
}

VALUE(history)
{
	const struct flow *flow = row->flow;
	char text[FLOW_HISTORY_MAX + 1];

	snprintf(text, sizeof(text), "%.*s", flow->history_length, flow->history);
	return value_word(text);
}

VALUE(packets)
{
	return value_of(VALUE_NUMBER, row->flow->side[side].packets);
}

VALUE(ip_bytes)
{
	return value_of(VALUE_NUMBER, row->flow->side[side].bytes);
}

VALUE(nothing)
{
	(void)row;
	return value_none();
}

VALUE(vlan)
{
	return number_or_none(row->id.key.vlan, row->id.key.vlan);
}

/* ---- the table ---- */

static const struct {
	const char *name, *type;
	struct flow_value (*value)(const struct flow_scene *scene, const struct flow_row *row, unsigned int side);
	unsigned int side;
} columns[] = {
	{ "ts", "time", ts, 0 },
	{ "uid", "string", uid, 0 },
	{ "id.orig_h", "addr", address, 0 },
	{ "id.orig_p", "port", port, 0 },
	{ "id.resp_h", "addr", address, 1 },
	{ "id.resp_p", "port", port, 1 },
	{ "proto", "enum", proto, 0 },
	{ "service", "string", service, 0 },
	{ "duration", "interval", duration, 0 },
	{ "orig_bytes", "count", payload, 0 },
	{ "resp_bytes", "count", payload, 1 },
	{ "conn_state", "string", conn_state, 0 },
	{ "local_orig", "bool", is_local, 0 },
	{ "local_resp", "bool", is_local, 1 },
	{ "missed_bytes", "count", missed, 0 },
	{ "history", "string", history, 0 },
	{ "orig_pkts", "count", packets, 0 },
	{ "orig_ip_bytes", "count", ip_bytes, 0 },
	{ "resp_pkts", "count", packets, 1 },
	{ "resp_ip_bytes", "count", ip_bytes, 1 },
	{ "tunnel_parents", "set[string]", nothing, 0 },
	{ "vlan", "int", vlan, 0 },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void time_print(const char *what)
{
	time_t now = time(NULL);
	char date[32];
	struct tm local;

	strftime(date, sizeof(date), "%Y-%m-%d-%H-%M-%S", localtime_r(&now, &local));
	printf("#%s\t%s\n", what, date);
}

static void header_print(void)
{
	puts("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn");
	time_print("open");
	fputs("#fields", stdout);
	for (size_t i = 0; i < COLUMNS; i++)
		printf("\t%s", columns[i].name);
	fputs("\n#types", stdout);
	for (size_t i = 0; i < COLUMNS; i++)
		printf("\t%s", columns[i].type);
	putchar('\n');
}

/* A cell of a table is what Zeek has: six digits after the point, "-" for what is not there. */
static void row_print(const struct flow_scene *scene, const struct flow_row *row)
{
	char text[FLOW_VALUE_SHOWN_MAX];

	for (size_t i = 0; i < COLUMNS; i++) {
		struct flow_value value = columns[i].value(scene, row, columns[i].side);

		if (i)
			putchar('\t');
		fputs(flow_value_format(&value, VALUE_AS_CELL, text), stdout);
	}
	putchar('\n');
}

void flowzeek_print(const struct flow_scene *scene, size_t count)
{
	header_print();
	for (size_t i = 0; i < count; i++)
		row_print(scene, &scene->rows->rows[i]);
	time_print("close");
}
