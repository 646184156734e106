/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowcols_internal.h"
#include "flowstate.h"
#include "service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- who ---- */

VALUE(col_proto)
{
	char text[PROTO_TEXT_MAX];

	return value_word(proto_format(row->id.key.proto, text));
}

VALUE(col_address)
{
	struct flow_value value = { .kind = VALUE_ADDRESS, .family = row->id.key.family };

	memcpy(value.address, flow_address(row->flow, column->side), sizeof(value.address));
	return value;
}

VALUE(col_port)
{
	return number_or_none(flow_has_ports(row->flow), flow_port(row->flow, column->side));
}

VALUE(col_family)
{
	return value_of(VALUE_NUMBER, row->id.key.family);
}

VALUE(col_iface)
{
	return value_word(ifnames_find(&scene->names, row->id.key.ifindex));
}

VALUE(col_vlan)
{
	return number_or_none(row->id.key.vlan, row->id.key.vlan);
}

VALUE(col_icmp_type)
{
	return number_or_none(is_icmp(row), row->flow->icmp_type);
}

VALUE(col_icmp_code)
{
	return number_or_none(is_icmp(row), row->flow->icmp_code);
}

VALUE(col_icmp_id)
{
	return number_or_none(row->id.key.kind == FLOW_ECHO, flow_port(row->flow, 0));
}

/* FNV-1a. The time is that of the program's clock: what it is since 1970 is not the same in each reading. */
VALUE(col_id)
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

VALUE(col_start)
{
	return value_of(VALUE_SECONDS, flowrows_epoch(scene->rows, row, row->flow->start));
}

VALUE(col_start_time)
{
	return value_of(VALUE_TIME, flowrows_epoch(scene->rows, row, row->flow->start));
}

VALUE(col_last)
{
	return value_of(VALUE_SECONDS, flowrows_epoch(scene->rows, row, flow_last(row->flow)));
}

VALUE(col_last_time)
{
	return value_of(VALUE_TIME, flowrows_epoch(scene->rows, row, flow_last(row->flow)));
}

VALUE(col_duration)
{
	return value_of(VALUE_SECONDS, flow_duration(row->flow));
}

/* ---- what it was ---- */

VALUE(col_state)
{
	return value_word(flow_state_name(flow_state(row->flow)));
}

VALUE(col_end)
{
	return value_word(flow_finish_name(flow_finish(row->flow, &row->part->settings, row->part->now)));
}

VALUE(col_history)
{
	char text[FLOW_HISTORY_MAX + 1];
	int length = row->flow->history_length < FLOW_HISTORY_MAX ? row->flow->history_length : FLOW_HISTORY_MAX;

	snprintf(text, sizeof(text), "%.*s", length, row->flow->history);
	return value_word(text);
}

VALUE(col_rtt_responder)
{
	uint64_t ns = 0;
	bool known = flow_rtt_responder(row->flow, &ns);

	return seconds_or_none(known, ns);
}

VALUE(col_rtt_originator)
{
	uint64_t ns = 0;
	bool known = flow_rtt_originator(row->flow, &ns);

	return seconds_or_none(known, ns);
}

VALUE(col_rtt)
{
	uint64_t there = 0, here = 0;
	bool known = flow_rtt_responder(row->flow, &there) && flow_rtt_originator(row->flow, &here);

	return seconds_or_none(known, there + here);
}

VALUE(col_server)
{
	return value_word(flow_server(row->flow).side ? "dst" : "src");
}

VALUE(col_server_method)
{
	return value_word(flow_method_name(flow_server(row->flow).method));
}

VALUE(col_service)
{
	return value_word(service_name(service_of(row->flow)));
}

VALUE(col_continued)
{
	return value_of(VALUE_TRUTH, !!(row->flow->flags & FLOW_CONTINUED));
}

VALUE(col_generation)
{
	return value_of(VALUE_NUMBER, row->part->generation);
}

VALUE(col_samples)
{
	return value_of(VALUE_NUMBER, row->flow->sampled);
}

VALUE(col_bytes)
{
	return value_of(VALUE_NUMBER, row->flow->side[0].bytes + row->flow->side[1].bytes);
}
