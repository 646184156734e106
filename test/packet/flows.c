/* SPDX-License-Identifier: GPL-2.0-only */
#include "flows.h"

#include "box.h"

#include <bpf/bpf.h>
#include <err.h>
#include <stdio.h>
#include <string.h>

#define NS 1000000000ull

void flow_key_of(const struct frame *frame, struct lb_key *key)
{
	size_t size = frame->family == 6 ? 16 : 4;
	const uint8_t *addresses = frame->data + frame->network + (frame->family == 6 ? 8 : 12);

	memset(key, 0, sizeof(*key));
	memcpy(key->src, addresses, size);
	memcpy(key->dst, addresses + size, size);
	memcpy(&key->sport, frame->data + frame->transport, sizeof(key->sport));
	memcpy(&key->dport, frame->data + frame->transport + 2, sizeof(key->dport));
	key->proto = frame->data[frame->next];
	key->family = (uint8_t)frame->family;
}

int flow_get(const struct fixture *fixture, const struct lb_key *key, struct lb_flow *flow)
{
	struct lb_flow found;
	int where = CONN_TABLES;

	for (int table = 0; table < CONN_TABLES; table++) {
		if (bpf_map_lookup_elem(fixture->table[table], key, &found) ||
		    (where != CONN_TABLES && found.last < flow->last))
			continue;
		*flow = found;
		where = table;
	}
	return where;
}

void flow_print(const struct fixture *fixture, const struct frame *frame, char text[FLOW_TEXT_MAX])
{
	static const char *const states[] = { "new", "handshake", "established", "closing", "closed" };
	static const char *const tables[] = { "confirmed", "unconfirmed", "none" };
	struct lb_flow flow;
	struct lb_key key;
	int table;

	flow_key_of(frame, &key);
	table = flow_get(fixture, &key, &flow);
	if (table == CONN_TABLES)
		snprintf(text, FLOW_TEXT_MAX, "none");
	else
		snprintf(text, FLOW_TEXT_MAX, "%s %s%s%s", tables[table],
			 flow.state < sizeof(states) / sizeof(states[0]) ? states[flow.state] : "?",
			 flow.is_answered ? " answered" : "", flow.kind == LB_DIRECT ? " direct" : "");
}

static void table_age(int table, uint64_t ns)
{
	struct lb_key key, *from = NULL;
	struct lb_flow flow;

	for (; !bpf_map_get_next_key(table, from, &key); from = &key) {
		if (bpf_map_lookup_elem(table, &key, &flow))
			err(2, "lookup");
		flow.last -= ns;
		if (bpf_map_update_elem(table, &key, &flow, BPF_EXIST))
			err(2, "update");
	}
}

/* A table that is large: what comes after a key is asked for before that goes. */
static void table_forget(int table)
{
	struct lb_key key, next;
	int error = bpf_map_get_next_key(table, NULL, &key);

	while (!error) {
		error = bpf_map_get_next_key(table, &key, &next);
		bpf_map_delete_elem(table, &key);
		key = next;
	}
}

void flows_forget(const struct fixture *fixture)
{
	for (int i = 0; i < CONN_TABLES; i++)
		table_forget(fixture->table[i]);
	box_let_routes_age();
}

static void clients_age(int map, uint64_t ns)
{
	struct lb_client key, *from = NULL;
	struct lb_choice choice;

	for (; !bpf_map_get_next_key(map, from, &key); from = &key) {
		if (bpf_map_lookup_elem(map, &key, &choice))
			err(2, "lookup");
		choice.time -= ns;
		if (bpf_map_update_elem(map, &key, &choice, BPF_EXIST))
			err(2, "update");
	}
}

void flows_age(const struct fixture *fixture, uint32_t seconds)
{
	if (state_now() <= seconds * NS)
		errx(2, "the machine is not up for %u seconds", seconds);
	for (int i = 0; i < CONN_TABLES; i++)
		table_age(fixture->table[i], seconds * NS);
	clients_age(fixture->clients, seconds * NS);
	box_let_routes_age();
}
