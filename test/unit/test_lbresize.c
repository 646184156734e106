/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/flowresize.c on tables of lb.o, where a flow has two entries. What is as with connections: test_flowresize.c. */
#include "flowresize.h"

#include "clock.h"
#include "lbtable.h"

#include "abi/lb.h"
#include "tables.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static struct splicer_config config;
static const struct pins pins = { .config = &config };
static int outer;
static uint64_t base; /* when the entries were last used */
static uint8_t family = 4;

/* Who has the port of an address of 2001:db8::, or with IPv4 of 10.0.0.0/8. */
struct end {
	uint8_t host;
	uint16_t port;
};

static const struct end vip = { 1, 80 };

static void tables_reset(void)
{
	tables_fill(outer, sizeof(struct lb_key), sizeof(struct lb_flow));
	base = clock_now() - CLOCK_SECOND;
}

static void addr_put(__u64 addr[2], uint8_t host)
{
	uint8_t bytes[16] = { 10, 0, 0, host };

	if (family == 6) {
		const uint8_t other[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = host };

		memcpy(bytes, other, sizeof(bytes));
	}
	memcpy(addr, bytes, sizeof(bytes));
}

static struct lb_key key_of(struct end from, struct end to)
{
	struct lb_key key = {
		.sport = htons(from.port), .dport = htons(to.port), .proto = IPPROTO_TCP, .family = family
	};

	addr_put(key.src, from.host);
	addr_put(key.dst, to.host);
	return key;
}

static struct lb_flow flow_of(enum lb_kind kind, struct end from, struct end to, uint64_t last)
{
	struct lb_flow flow = {
		.created = base,
		.last = last,
		.kind = (__u8)kind,
		.state = CONN_ESTABLISHED,
		.family = family,
		.sport = htons(from.port),
		.dport = htons(to.port),
	};

	addr_put(flow.src, from.host);
	addr_put(flow.dst, to.host);
	return flow;
}

static void put(int map, const struct lb_key *key, const struct lb_flow *flow)
{
	if (bpf_map_update_elem(map, key, flow, BPF_ANY))
		bail_out("entry");
}

static struct end client_of(unsigned int number)
{
	return (struct end){ 2, (uint16_t)(1000 + number) };
}

static struct end backend_of(uint8_t host)
{
	return (struct end){ host, 8080 };
}

/* To the VIP, and what it becomes; ns after base. */
static void put_forward(int map, unsigned int number, uint8_t backend, unsigned int ns)
{
	struct lb_key key = key_of(client_of(number), vip);
	struct lb_flow flow = flow_of(LB_FORWARD, client_of(number), backend_of(backend), base + ns);

	put(map, &key, &flow);
}

static void put_back(int map, unsigned int number, uint8_t backend, unsigned int ns)
{
	struct lb_key key = key_of(backend_of(backend), client_of(number));
	struct lb_flow flow = flow_of(LB_REPLY, vip, client_of(number), base + ns);

	put(map, &key, &flow);
}

static int table_open(enum conn_table table)
{
	struct flow_table map;
	struct error error;

	if (flow_table_open(&lb_shape, outer, table, &map, &error))
		bail_out(error.text);
	return map.fd;
}

static bool is_there(enum conn_table table, const struct lb_key *key)
{
	int map = table_open(table);
	struct lb_flow flow;
	bool found = !bpf_map_lookup_elem(map, key, &flow);

	close(map);
	return found;
}

static bool has_forward(enum conn_table table, unsigned int number)
{
	struct lb_key key = key_of(client_of(number), vip);

	return is_there(table, &key);
}

static bool has_back(enum conn_table table, unsigned int number, uint8_t backend)
{
	struct lb_key key = key_of(backend_of(backend), client_of(number));

	return is_there(table, &key);
}

static void begin(struct flow_resize *resize, enum conn_table table, uint32_t size)
{
	struct error error;

	if (flow_resize_begin(resize, &lb_shape, &pins, outer, table, size, &error))
		bail_out(error.text);
}

static void finish(struct flow_resize *resize)
{
	struct error error;

	if (flow_resize_commit(resize, &error))
		bail_out(error.text);
	flow_resize_end(resize);
}

/* Flows of which the packets forward and those back came at any two times. */
static void fill(unsigned int count)
{
	int map = table_open(CONNS_CONFIRMED);

	for (unsigned int i = 0; i < count; i++) {
		put_forward(map, i, 3, i % 2 ? i : 1000 + i);
		put_back(map, i, 3, i % 2 ? 1000 + i : i);
	}
	close(map);
}

/* ---- tests ---- */

static void test_growth(void)
{
	struct flow_resize resize;
	char wrong[64] = "";

	tables_reset();
	fill(100);
	begin(&resize, CONNS_CONFIRMED, 4 * TABLE_SIZE);
	finish(&resize);
	check((long long)resize.dropped, 0, "IPv%u: a larger table has room for all", family);
	for (unsigned int i = 0; i < 100 && !*wrong; i++)
		if (!has_forward(CONNS_CONFIRMED, i) || !has_back(CONNS_CONFIRMED, i, 3))
			snprintf(wrong, sizeof(wrong), "flow %u", i);
	check_property(wrong, "both directions of all flows are in it");
}

/* The last packet of either direction counts, and no flow loses one. */
static void test_shrinking(uint32_t size)
{
	struct flow_resize resize;
	char wrong[64] = "";
	unsigned int kept = size / 2;

	tables_reset();
	fill(100);
	begin(&resize, CONNS_CONFIRMED, size);
	finish(&resize);
	check((long long)resize.dropped, 100 - kept, "IPv%u, %u entries: how many flows had no room", family, size);
	for (unsigned int i = 0; i < 100 && !*wrong; i++) {
		bool stays = i >= 100 - kept;

		if (has_forward(CONNS_CONFIRMED, i) != stays || has_back(CONNS_CONFIRMED, i, 3) != stays)
			snprintf(wrong, sizeof(wrong), "flow %u", i);
	}
	check_property(wrong, "those used last stay whole, the others go whole");
}

/* DSR has no entry back, and an entry that leads to another flow's is not of that flow. */
static void test_alone(void)
{
	struct flow_resize resize;
	int map;

	tables_reset();
	map = table_open(CONNS_CONFIRMED);
	for (unsigned int i = 0; i < 6; i++) {
		struct lb_key key = key_of(client_of(i), vip);
		struct lb_flow flow = flow_of(LB_FORWARD, (struct end){ 9, 0 }, (struct end){ 3, 0 }, base + i);

		flow.mode = LB_DSR;
		put(map, &key, &flow);
	}
	put_back(map, 6, 3, 5000);
	put_forward(map, 7, 3, 4000);
	put_back(map, 7, 3, 4000);
	close(map);
	begin(&resize, CONNS_CONFIRMED, 5);
	finish(&resize);
	check((long long)resize.dropped, 4, "IPv%u: of flows with one entry, as many as had no room", family);
	check(has_forward(CONNS_CONFIRMED, 3), 0, "... the longest unused ones");
	check(has_forward(CONNS_CONFIRMED, 4) && has_forward(CONNS_CONFIRMED, 5), 1, "... others stay");
	check(has_back(CONNS_CONFIRMED, 6, 3) && has_forward(CONNS_CONFIRMED, 7) && has_back(CONNS_CONFIRMED, 7, 3), 1,
	      "... as do those used later");
}

/* What a packet says of a flow within one tick of the clock. */
static void test_same_tick(void)
{
	struct lb_key key = key_of(client_of(0), vip);
	struct lb_flow flow = flow_of(LB_FORWARD, client_of(0), backend_of(3), 0);
	struct flow_resize resize;
	int map;

	tables_reset();
	flow.created = flow.last = base;
	map = table_open(CONNS_CONFIRMED);
	put(map, &key, &flow);
	close(map);
	begin(&resize, CONNS_CONFIRMED, 2 * TABLE_SIZE);
	flow.state = CONN_CLOSING;
	flow.flags = CONN_FIN_FORWARD;
	put(resize.old, &key, &flow);
	finish(&resize);
	map = table_open(CONNS_CONFIRMED);
	memset(&flow, 0, sizeof(flow));
	check(bpf_map_lookup_elem(map, &key, &flow), 0, "IPv%u: a flow that was copied", family);
	check(flow.state, CONN_CLOSING, "... and ended within the same tick: that is carried over");
	close(map);
}

/* As the programs do it: out of the confirmed table, anew into the unconfirmed one, by another backend. */
static void test_begun_anew(void)
{
	struct flow_resize resize;
	struct lb_key key;
	int unconfirmed;

	tables_reset();
	fill(2);
	begin(&resize, CONNS_CONFIRMED, 2 * TABLE_SIZE);
	unconfirmed = table_open(CONNS_UNCONFIRMED);
	put_forward(unconfirmed, 1, 3, 5000); /* being confirmed: of the same age */
	key = key_of(client_of(0), vip);
	bpf_map_delete_elem(resize.old, &key);
	base += CLOCK_SECOND / 2;
	put_forward(unconfirmed, 0, 4, 1);
	put_back(unconfirmed, 0, 4, 1);
	close(unconfirmed);
	finish(&resize);
	check(has_forward(CONNS_CONFIRMED, 0), 0, "IPv%u: one that began anew meanwhile is not where it was", family);
	check(has_back(CONNS_CONFIRMED, 0, 3), 0, "... nor what its old backend sends");
	check(has_forward(CONNS_UNCONFIRMED, 0) && has_back(CONNS_UNCONFIRMED, 0, 4), 1, "... but where it is");
	check(has_forward(CONNS_CONFIRMED, 1), 1, "one that did not stays");
}

static void test_all(void)
{
	test_growth();
	test_shrinking(20);
	test_shrinking(21);
	test_shrinking(1);
	test_alone();
	test_same_tick();
	test_begun_anew();
}

int main(void)
{
	outer = tables_make(sizeof(struct lb_key), sizeof(struct lb_flow));
	test_all();
	family = 6;
	test_all();
	return tap_done();
}
