/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbflowline.h"

#include "assign.h"
#include "clock.h"
#include "endtext.h"
#include "flowflags.h"
#include "proto.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { WORD_SERVICE, WORD_BACKEND, WORD_CLIENT, OPERANDS };

#define DIRECT "direct/"
#define PORT_MAX 65535

/* A line while it is read. */
struct reading {
	struct lb_flow_line *line;
	const char *port_word, *source_word; /* port= and source=, if they were said */
	bool has_last, has_created;
};

/* ---- words ---- */

static int end_take(const char *word, const char *value, struct lb_flow_end *out, struct error *error)
{
	struct prefix address;

	if (endtext_parse(value, &address, &out->port, error))
		return word == value ? -1 : flow_word_fault(word, value, error);
	out->family = address.family;
	memcpy(out->addr, address.addr, sizeof(out->addr));
	return 0;
}

static int take_port(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	reading->port_word = word;
	return endtext_number(word, value, PORT_MAX, &reading->line->port, error);
}

static int take_source(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	reading->source_word = word;
	return end_take(word, value, &reading->line->source, error);
}

static int take_mode(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	for (unsigned int mode = LB_NAT; mode <= LB_DSR; mode++) {
		if (strcmp(value, lb_mode_name(mode)) != 0)
			continue;
		reading->line->mode = (uint8_t)mode;
		reading->line->has_mode = true;
		return 0;
	}
	return error_usage(error, word, "a mode is nat, masquerade or dsr");
}

static int take_state(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return conn_state_parse(value, &reading->line->state, error) ? flow_word_fault(word, value, error) : 0;
}

static int take_table(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return flow_table_parse(word, value, &reading->line->table, error);
}

static int take_answered(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	reading->line->answered = !strcmp(value, "yes");
	return reading->line->answered || !strcmp(value, "no") ? 0 : error_usage(error, word, "it is yes or no");
}

static int take_created(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	reading->has_created = true;
	return flow_time_parse(word, value, &reading->line->created, error);
}

static int take_last(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	reading->has_last = true;
	return flow_time_parse(word, value, &reading->line->last, error);
}

static int take_flags(void *context, const char *word, const char *value, struct error *error)
{
	struct reading *reading = context;

	return flow_flags_parse(word, value, &reading->line->flags, error);
}

static const struct assign_row names[] = {
	{ "port=", take_port },       { "source=", take_source },
	{ "mode=", take_mode },       { "state=", take_state },
	{ "table=", take_table },     { "answered=", take_answered },
	{ "created=", take_created }, { "last=", take_last },
	{ "flags=", take_flags },     { 0 },
};

/* ---- operands ---- */

static int direct_take(struct lb_flow_line *line, char *const *operands, struct error *error)
{
	const char *word = operands[WORD_SERVICE];
	struct lb_flow_end backend;
	uint16_t proto;

	if (proto_parse(word + strlen(DIRECT), &proto, error) || (proto != IPPROTO_TCP && proto != IPPROTO_UDP))
		return error_usage(error, word, "the protocol is tcp or udp");
	if (end_take(operands[WORD_BACKEND], operands[WORD_BACKEND], &backend, error))
		return -1;
	line->is_direct = true;
	line->service.proto = (uint8_t)proto;
	line->service.family = backend.family;
	line->backend = (struct lb_target){ .family = backend.family, .port = backend.port };
	memcpy(line->backend.addr, backend.addr, sizeof(backend.addr));
	return 0;
}

static int operands_take(struct lb_flow_line *line, char *const *operands, struct error *error)
{
	if (!strncmp(operands[WORD_SERVICE], DIRECT, strlen(DIRECT))) {
		if (direct_take(line, operands, error))
			return -1;
	} else if (lb_name_parse(operands[WORD_SERVICE], &line->service, error) ||
		   lb_target_parse(operands[WORD_BACKEND], &line->backend, error)) {
		return -1;
	}
	if (end_take(operands[WORD_CLIENT], operands[WORD_CLIENT], &line->client, error))
		return -1;
	if (line->client.family != line->service.family)
		return error_usage(error, operands[WORD_CLIENT], "not of the family of %s", operands[WORD_SERVICE]);
	return 0;
}

/* ---- what goes together ---- */

static int port_check(const struct reading *reading, char *const *operands, struct error *error)
{
	struct lb_flow_line *line = reading->line;
	const struct lb_name *service = &line->service;

	if (line->is_direct && reading->port_word)
		return error_usage(error, reading->port_word, "is of a VIP");
	if (line->is_direct)
		return 0;
	if (!reading->port_word && service->low != service->high)
		return error_usage(error, operands[WORD_SERVICE], "has several ports: which one? expected port=PORT");
	if (!reading->port_word)
		line->port = service->low;
	if (line->port < service->low || line->port > service->high)
		return error_usage(error, reading->port_word, "none of %s", operands[WORD_SERVICE]);
	return 0;
}

static int families_check(const struct reading *reading, char *const *operands, struct error *error)
{
	const struct lb_flow_line *line = reading->line;

	if (line->is_direct && (reading->source_word || line->has_mode))
		return error_usage(error, reading->source_word ? reading->source_word : operands[WORD_SERVICE],
				   "direct flows stay as they are: neither source= nor mode=");
	if (reading->source_word && line->source.family != line->backend.family)
		return error_usage(error, reading->source_word, "not of the family of %s", operands[WORD_BACKEND]);
	if (line->has_mode && line->mode != LB_DSR && line->backend.family != line->service.family)
		return error_usage(error, operands[WORD_BACKEND], "not of the family of %s", operands[WORD_SERVICE]);
	return 0;
}

int lb_flow_line_parse(char *const *operands, int count, uint64_t now, struct lb_flow_line *line, struct error *error)
{
	struct reading reading = { .line = line };

	*line = (struct lb_flow_line){ .state = CONN_ESTABLISHED, .answered = true };
	if (count < OPERANDS)
		return error_usage(error, count ? operands[count - 1] : "operands",
				   "expected SERVICE BACKEND[:PORT] CLIENT:PORT [NAME=VALUE]...");
	if (operands_take(line, operands, error) ||
	    assign_parse(names, operands + OPERANDS, count - OPERANDS, &reading, error) ||
	    port_check(&reading, operands, error) || families_check(&reading, operands, error))
		return -1;
	if (!reading.has_last)
		line->last = now;
	if (!reading.has_created)
		line->created = line->last;
	return 0;
}

/* ---- printing ---- */

static void text_word(struct text *text, const char *name, const char *value)
{
	text_char(text, ' ');
	text_put(text, name);
	text_put(text, value);
}

void text_lb_flow_ends(struct text *text, const struct lb_flow_line *line)
{
	char word[LB_TEXT_MAX], proto[PROTO_TEXT_MAX];

	if (line->is_direct) {
		text_put(text, DIRECT);
		text_put(text, proto_format(line->service.proto, proto));
		text_char(text, ' ');
		text_end(text, line->backend.family, line->backend.addr, line->backend.port);
	} else {
		text_put(text, lb_name_format(&line->service, word));
		text_char(text, ' ');
		text_put(text, lb_target_format(&line->backend, word));
	}
	text_char(text, ' ');
	text_end(text, line->client.family, line->client.addr, line->client.port);
}

/* What the line needs to name the flow's ends by, besides the operands. */
static void text_translation(struct text *text, const struct lb_flow_line *line)
{
	if (line->service.low != line->service.high) {
		text_put(text, " port=");
		text_number(text, line->port);
	}
	if (line->source.family) {
		text_put(text, " source=");
		text_end(text, line->source.family, line->source.addr, line->source.port);
	}
	if (line->has_mode)
		text_word(text, "mode=", lb_mode_name(line->mode));
}

void text_lb_flow_line(struct text *text, const struct lb_flow_line *line)
{
	text_lb_flow_ends(text, line);
	if (!line->is_direct)
		text_translation(text, line);
	text_word(text, "state=", conn_state_name(line->state));
	text_word(text, "table=", flow_table_name(line->table));
	text_word(text, "answered=", line->answered ? "yes" : "no");
	text_flow_time(text, "created=", line->created);
	text_flow_time(text, "last=", line->last);
	text_flow_flags(text, line->flags);
}

/* ---- flows ---- */

static void service_fill(struct lb_flow_line *line, const struct lb_flow_row *row)
{
	struct lb_flow_end source = lb_flow_source(row);

	line->service = row->item->name;
	line->backend = lb_target_of(row->backend);
	line->port = lb_flow_vip(row).port;
	line->mode = row->forward.flow.mode;
	line->has_mode = true;
	/* in LB_NAT, with the port that the client has too, it is the client */
	if (line->mode != LB_NAT || !lb_flow_end_is(&source, &line->client))
		line->source = source;
}

static void direct_fill(struct lb_flow_line *line, const struct lb_flow_row *row)
{
	struct lb_flow_end backend = lb_flow_vip(row);

	line->is_direct = true;
	line->service.proto = row->forward.key.proto;
	line->service.family = backend.family;
	line->backend = (struct lb_target){ .family = backend.family, .port = backend.port };
	memcpy(line->backend.addr, backend.addr, sizeof(backend.addr));
}

struct lb_flow_line lb_flow_line_of(const struct lb_flow_row *row, int64_t offset)
{
	const struct lb_flow *flow = &row->forward.flow;
	struct lb_flow_line line = {
		.client = lb_flow_client(row),
		.state = flow->state,
		.flags = flow->flags,
		.table = (uint8_t)row->table,
		.answered = flow->is_answered,
		.created = clock_to_epoch_by(flow->created, offset),
		.last = clock_to_epoch_by(flow->last, offset),
	};

	if (flow->kind == LB_DIRECT)
		direct_fill(&line, row);
	else
		service_fill(&line, row);
	return line;
}

static void end_put(const struct lb_flow_end *end, __u64 addr[2], __be16 *port)
{
	memcpy(addr, end->addr, sizeof(end->addr));
	*port = htons(end->port);
}

/* As the programs have it for a new flow. */
static struct lb_flow_end source_of(const struct lb_flow_line *line, uint8_t mode, const struct lb_backend *backend)
{
	struct lb_flow_end source = line->client;

	if (line->source.family)
		return line->source;
	if (mode == LB_NAT)
		return source;
	source.family = backend->family;
	memcpy(source.addr, backend->source, sizeof(source.addr));
	return source;
}

static void service_apply(const struct lb_flow_line *line, struct lb_flow_row *row)
{
	uint8_t mode = line->has_mode ? line->mode : row->item->mode;
	struct lb_flow_end source = source_of(line, mode, row->backend);
	struct lb_flow *flow = &row->forward.flow;
	struct lb_key *key = &row->forward.key;

	end_put(&line->client, key->src, &key->sport);
	memcpy(key->dst, line->service.addr, sizeof(key->dst));
	key->dport = htons(line->port);
	end_put(&source, flow->src, &flow->sport);
	memcpy(flow->dst, row->backend->addr, sizeof(flow->dst));
	flow->dport = row->backend->port && mode != LB_DSR ? row->backend->port : key->dport;
	flow->kind = LB_FORWARD;
	flow->mode = mode;
	flow->family = row->backend->family;
	flow->service = row->item->index;
	flow->stat = row->backend->stat;
	flow->place = (__u16)(row->backend - row->item->backends);
	lb_entry_sum(&row->forward);
}

static void direct_apply(const struct lb_flow_line *line, struct lb_flow_row *row)
{
	struct lb_flow_end backend = { .family = line->backend.family, .port = line->backend.port };
	struct lb_flow *flow = &row->forward.flow;
	struct lb_key *key = &row->forward.key;

	memcpy(backend.addr, line->backend.addr, sizeof(backend.addr));
	end_put(&backend, key->src, &key->sport);
	end_put(&line->client, key->dst, &key->dport);
	/* opening_direct makes it so: nothing reads it */
	end_put(&line->client, flow->src, &flow->sport);
	end_put(&backend, flow->dst, &flow->dport);
	flow->kind = LB_DIRECT;
	flow->family = backend.family;
}

struct lb_flow_row lb_flow_line_row(const struct lb_flow_line *line, const struct lb_item *item,
				    const struct lb_backend *backend, int64_t offset, uint64_t now)
{
	struct lb_flow_row row = { .table = (enum conn_table)line->table, .item = item, .backend = backend };
	struct lb_flow *flow = &row.forward.flow;

	row.forward.key.proto = line->service.proto;
	row.forward.key.family = line->service.family;
	flow->state = line->state;
	flow->flags = line->flags;
	flow->is_answered = line->answered;
	flow->last = clock_past_by(line->last, offset, now);
	flow->created = clock_past_by(line->created, offset, flow->last);
	if (line->is_direct)
		direct_apply(line, &row);
	else
		service_apply(line, &row);
	return row;
}
