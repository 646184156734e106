/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows of the load balancer as they are asked for, and as they are shown. */
#include "lbflowview.h"

#include "clock.h"
#include "conn.h"
#include "endtext.h"
#include "flowflags.h"
#include "lbflowline.h"
#include "proto.h"

#include <stdio.h>

/* ---- selectors ---- */

static int proto_take(struct lb_flow_selector *selector, const char *value, struct error *error)
{
	if (proto_parse(value, &selector->proto, error))
		return -1;
	selector->has_proto = selector->proto != PROTO_ANY;
	return 0;
}

int lb_flow_selector_option(struct lb_flow_selector *selector, size_t row, const char *value, struct error *error)
{
	switch ((enum lb_flow_select_row)row) {
	case LB_FLOW_SELECT_SOURCE:
		return end_take_prefix(&selector->client, value, error);
	case LB_FLOW_SELECT_DESTINATION:
		return end_take_prefix(&selector->vip, value, error);
	case LB_FLOW_SELECT_BACKEND:
		return end_take_prefix(&selector->backend, value, error);
	case LB_FLOW_SELECT_PROTO:
		return proto_take(selector, value, error);
	case LB_FLOW_SELECT_STATE:
		selector->has_state = true;
		return conn_state_parse(value, &selector->state, error);
	default:
		selector->drained = true;
		return 0;
	}
}

int lb_flow_selector_operands(struct lb_flow_selector *selector, char *const *operands, int count, struct error *error)
{
	if (count > 1)
		return error_usage(error, operands[1], "unexpected operand (see --help)");
	selector->has_service = count;
	return count ? lb_name_parse(operands[0], &selector->service, error) : 0;
}

/* ---- fields ---- */

#define END_TEXT_MAX (PREFIX_TEXT_MAX + 10)

static void end_out(struct out *out, const char *key, const char *port_key, const char *header,
		    const struct lb_flow_end *end)
{
	char both[END_TEXT_MAX], address[PREFIX_TEXT_MAX];
	struct text text = TEXT_OF(both);

	text_end(&text, end->family, end->addr, end->port);
	text_char(&text, '\0');
	out_text(out, NULL, header, both);
	out_text(out, key, NULL, address_format(end->family, end->addr, address));
	out_number(out, port_key, NULL, end->port);
}

static const char *backend_state(const struct lb_flow_row *row)
{
	if (row->forward.flow.kind == LB_DIRECT)
		return NULL;
	return row->backend ? lb_state_name(row->backend->flags) : "gone";
}

static void times_out(struct out *out, const struct lb_flow_view *view, const struct lb_flow_row *row)
{
	const struct lb_flow *flow = &row->forward.flow;
	uint32_t timeout = timeout_seconds(&view->config, conn_timeout_of(row->forward.key.proto, flow->state));

	stamp_out(out, &view->stamp, "created", "AGE", flow->created);
	stamp_out(out, &view->stamp, "last", "IDLE", flow->last);
	stamp_out(out, &view->stamp, "expires", "LEFT", flow->last + timeout * CLOCK_SECOND);
	out_number(out, "timeout", NULL, timeout);
}

static void row_out(struct out *out, const struct lb_flow_view *view, const struct lb_flow_row *row)
{
	struct lb_flow_end client = lb_flow_client(row), vip = lb_flow_vip(row), backend = lb_flow_backend(row),
			   source = lb_flow_source(row);
	const struct lb_flow *flow = &row->forward.flow;
	char proto[PROTO_TEXT_MAX], service[LB_TEXT_MAX];

	out_text(out, "proto", "PROTO", proto_format(row->forward.key.proto, proto));
	end_out(out, "src", "sport", "CLIENT", &client);
	end_out(out, "dst", "dport", "VIP", &vip);
	out_text(out, "service", NULL, row->item ? lb_name_format(&row->item->name, service) : NULL);
	end_out(out, "backend", "backend_port", "BACKEND", &backend);
	out_rare(out, flow->mode != LB_NAT || !lb_flow_end_is(&source, &client));
	end_out(out, "source", "source_port", "SOURCE", &source);
	out_text(out, "mode", "MODE", lb_flow_mode_name(flow));
	out_text(out, "state", "STATE", conn_state_name(flow->state));
	out_text(out, "table", "TABLE", flow_table_name((uint8_t)row->table));
	out_bool(out, "answered", flow->is_answered);
	out_text(out, "backend_state", "BACKEND_STATE", backend_state(row));
	times_out(out, view, row);
}

void lb_flow_view_print(const struct lb_flow_view *view, enum out_form form)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < view->count; i++) {
			out_begin(&out);
			row_out(&out, view, &view->rows[i]);
			out_end(&out);
		}
	} while (out_again(&out));
}

/* ---- lines ---- */

static bool has_line(const struct lb_flow_row *row)
{
	const struct lb_flow *flow = &row->forward.flow;

	return (row->backend || flow->kind == LB_DIRECT) && flow->state <= CONN_CLOSED && flow->mode <= LB_DSR;
}

size_t lb_flow_view_print_lines(const struct lb_flow_view *view)
{
	int64_t offset = (int64_t)(view->stamp.now_epoch - view->stamp.now);
	size_t gone = 0;

	for (size_t i = 0; i < view->count; i++) {
		struct lb_flow_line line;
		char bytes[LB_FLOW_LINE_MAX];
		struct text text = TEXT_OF(bytes);

		gone += !has_line(&view->rows[i]);
		if (!has_line(&view->rows[i]))
			continue;
		line = lb_flow_line_of(&view->rows[i], offset);
		text_lb_flow_line(&text, &line);
		text_char(&text, '\n');
		fwrite(bytes, 1, text.length, stdout);
	}
	return gone;
}
