/* SPDX-License-Identifier: GPL-2.0-only */
/* What the program remembers of packets, read and written as a tool would. */
#include "harness.h"

#include <bpf/bpf.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEY_MAX 64
#define NS 1000000000ull

/* A map that the object has not is -1. */
static void map_clear(int map)
{
	uint8_t key[KEY_MAX];

	while (map >= 0 && !bpf_map_get_next_key(map, NULL, key))
		if (bpf_map_delete_elem(map, key) && errno != ENOENT)
			err(2, "delete");
}

void state_forget(struct fixture *fixture)
{
	for (int i = 0; i < CONN_TABLES; i++)
		map_clear(fixture->table[i]);
	map_clear(fixture->frags);
	map_clear(fixture->splices);
	map_clear(fixture->sources);
}

size_t state_count(int map)
{
	uint8_t key[KEY_MAX], *from = NULL;
	size_t count = 0;

	for (; !bpf_map_get_next_key(map, from, key); from = key)
		count++;
	return count;
}

uint64_t state_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now))
		err(2, "clock_gettime");
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

static void table_age(int table, uint64_t ns)
{
	struct conn_key key, *from = NULL;
	struct conn conn;

	for (; !bpf_map_get_next_key(table, from, &key); from = &key) {
		if (bpf_map_lookup_elem(table, &key, &conn))
			err(2, "lookup");
		conn.last -= ns;
		if (bpf_map_update_elem(table, &key, &conn, BPF_EXIST))
			err(2, "update");
	}
}

bool state_age(struct fixture *fixture, unsigned int seconds)
{
	if (state_now() <= seconds * NS)
		return false;
	for (int i = 0; i < CONN_TABLES; i++)
		table_age(fixture->table[i], seconds * NS);
	return true;
}

/* ---- connections ---- */

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP;
}

static void key_ports(const struct frame *frame, uint8_t proto, uint16_t port[2])
{
	const uint8_t *transport = frame->data + frame->transport;

	if (has_ports(proto))
		memcpy(port, transport, 2 * sizeof(port[0]));
	else if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
		for (int i = 0; i < 2; i++)
			memcpy(&port[i], transport + 4, sizeof(port[i]));
}

static bool is_higher(const uint64_t addr[2][2], const uint16_t port[2])
{
	for (int i = 0; i < 2; i++)
		if (addr[0][i] != addr[1][i])
			return addr[0][i] > addr[1][i];
	return port[0] > port[1];
}

void conn_key_of(const struct frame *frame, struct conn_key *key)
{
	size_t size = frame->family == 6 ? 16 : 4;
	const uint8_t *addresses = frame->data + frame->network + (frame->family == 6 ? 8 : 12);
	uint64_t addr[2][2] = { { 0 } };
	uint16_t port[2] = { 0 };
	int source;

	memset(key, 0, sizeof(*key));
	key->family = (uint8_t)frame->family;
	key->proto = frame->data[frame->next];
	memcpy(addr[0], addresses, size);
	memcpy(addr[1], addresses + size, size);
	key_ports(frame, key->proto, port);
	source = is_higher(addr, port);
	for (int i = 0; i < 2; i++) {
		memcpy(key->addr[i ^ source], addr[i], sizeof(addr[i]));
		key->port[i ^ source] = port[i];
	}
}

int conn_get(const struct fixture *fixture, const struct conn_key *key, struct conn *conn)
{
	int table = 0;

	while (table < CONN_TABLES && bpf_map_lookup_elem(fixture->table[table], key, conn))
		table++;
	return table;
}

void conn_print(const struct fixture *fixture, const struct frame *frame, char text[CONN_TEXT_MAX])
{
	static const char *const states[] = { "new", "handshake", "established", "closing", "closed" };
	static const char *const tables[] = { "confirmed", "unconfirmed", "none" };
	struct conn_key key;
	struct conn conn;
	int table;

	conn_key_of(frame, &key);
	table = conn_get(fixture, &key, &conn);
	if (table == CONN_TABLES)
		snprintf(text, CONN_TEXT_MAX, "none");
	else
		snprintf(text, CONN_TEXT_MAX, "%s %s %llu/%llu%s%s", tables[table],
			 conn.state < sizeof(states) / sizeof(states[0]) ? states[conn.state] : "?",
			 (unsigned long long)conn.packets[CONN_FORWARD], (unsigned long long)conn.packets[CONN_BACK],
			 conn.flags & CONN_OUTBOUND ? " outbound" : "", conn.flags & CONN_CUT ? " cut" : "");
}
