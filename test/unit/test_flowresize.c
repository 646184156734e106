/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/flowresize.c on maps of the kernel: what packets do between its steps is done here between its calls. */
#include "flowresize.h"

#include "clock.h"
#include "conn.h"
#include "conntable.h"

#include "tables.h"

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <unistd.h>

static struct splicer_config config;
static const struct pins pins = { .config = &config };
static int outer;
static uint64_t base; /* when the entries were last used */

static void tables_reset(void)
{
	tables_fill(outer, sizeof(struct conn_key), sizeof(struct conn));
	base = clock_now() - CLOCK_SECOND;
}

static struct conn_key key_of(unsigned int number)
{
	struct conn_end server = { .addr = { 192, 0, 2, 1 }, .port = 53 };
	struct conn_end client = { .addr = { 10, 0, (uint8_t)(number >> 8), (uint8_t)number }, .port = 1000 };
	struct conn_key key;

	conn_key_make(&key, 4, IPPROTO_UDP, &client, &server);
	return key;
}

/* A packet of a connection, at a time after base. */
static void packet(int map, unsigned int number, unsigned int ns, unsigned int packets)
{
	struct conn_key key = key_of(number);
	struct conn conn = { .created = base, .last = base + ns, .packets = { packets }, .state = CONN_NEW };

	if (bpf_map_update_elem(map, &key, &conn, BPF_ANY))
		bail_out("entry");
}

static int table_open(enum conn_table table)
{
	struct flow_table map;
	struct error error;

	if (conn_map_open(outer, table, &map, &error))
		bail_out(error.text);
	return map.fd;
}

/* Packets of a connection as the table in force has it; -1: it is not there. */
static long long packets_of(enum conn_table table, unsigned int number)
{
	struct conn_key key = key_of(number);
	int map = table_open(table);
	struct conn conn;
	long long result = bpf_map_lookup_elem(map, &key, &conn) ? -1 : (long long)conn.packets[0];

	close(map);
	return result;
}

static int count_one(void *context, const struct conn_key *key, const struct conn *conn)
{
	(void)key;
	(void)conn;
	++*(long long *)context;
	return 0;
}

static long long table_count(enum conn_table table)
{
	int map = table_open(table);
	long long count = 0;

	if (conn_map_each(map, count_one, &count))
		bail_out("reading");
	close(map);
	return count;
}

static void fill(enum conn_table table, unsigned int count)
{
	int map = table_open(table);

	for (unsigned int i = 0; i < count; i++)
		packet(map, i, i, 1);
	close(map);
}

static void begin(struct flow_resize *resize, enum conn_table table, uint32_t size)
{
	struct error error;

	if (flow_resize_begin(resize, &conn_shape, &pins, outer, table, size, &error))
		bail_out(error.text);
}

static void commit(struct flow_resize *resize)
{
	struct error error;

	if (flow_resize_commit(resize, &error))
		bail_out(error.text);
}

/* ---- tests ---- */

static void test_growth(void)
{
	struct flow_resize resize;
	char wrong[64] = "";

	tables_reset();
	fill(CONNS_CONFIRMED, 1000);
	begin(&resize, CONNS_CONFIRMED, 4 * TABLE_SIZE);
	check(table_count(CONNS_CONFIRMED), 1000, "until the exchange the old table is in force");
	commit(&resize);
	check((long long)resize.dropped, 0, "a larger table has room for all");
	flow_resize_end(&resize);
	for (unsigned int i = 0; i < 1000 && !*wrong; i++)
		if (packets_of(CONNS_CONFIRMED, i) != 1)
			snprintf(wrong, sizeof(wrong), "connection %u", i);
	check_property(wrong, "all connections are in it");
	check(table_count(CONNS_CONFIRMED), 1000, "and no other");
}

static void test_changes_meanwhile(void)
{
	struct flow_resize resize;

	tables_reset();
	fill(CONNS_CONFIRMED, 10);
	begin(&resize, CONNS_CONFIRMED, 2 * TABLE_SIZE);
	packet(resize.old, 3, 5000, 7);   /* used on */
	packet(resize.old, 4, 4, 2);      /* within the same tick of the clock */
	packet(resize.old, 11, 6000, 1);  /* begun */
	packet(resize.next, 12, 7000, 9); /* in the new one only, as after the exchange */
	packet(resize.old, 12, 6000, 8);
	packet(resize.next, 5, 8000, 3); /* later than in the old one */
	packet(resize.old, 5, 7000, 2);
	commit(&resize);
	flow_resize_end(&resize);
	check(packets_of(CONNS_CONFIRMED, 3), 7, "one that was used since it was copied");
	check(packets_of(CONNS_CONFIRMED, 4), 2, "one that was used within the same tick");
	check(packets_of(CONNS_CONFIRMED, 11), 1, "one that began since");
	check(packets_of(CONNS_CONFIRMED, 12), 9, "one that began in both: the later stays");
	check(packets_of(CONNS_CONFIRMED, 5), 3, "one that was used in both: the later stays");
	check(packets_of(CONNS_CONFIRMED, 9), 1, "one that was not used");
	check(table_count(CONNS_CONFIRMED), 12, "all there are");
}

static void test_shrinking(void)
{
	struct flow_resize resize;
	char wrong[64] = "";

	tables_reset();
	fill(CONNS_CONFIRMED, 100);
	begin(&resize, CONNS_CONFIRMED, 10);
	commit(&resize);
	check((long long)resize.dropped, 90, "how many had no room");
	flow_resize_end(&resize);
	for (unsigned int i = 0; i < 100 && !*wrong; i++)
		if (packets_of(CONNS_CONFIRMED, i) != (i < 90 ? -1 : 1))
			snprintf(wrong, sizeof(wrong), "connection %u", i);
	check_property(wrong, "the most recently used ones stay");
}

static void test_overdue(void)
{
	struct flow_resize resize;

	tables_reset();
	fill(CONNS_CONFIRMED, 2);
	base -= (conn_timeout_default(TIMEOUT_UDP) + 1) * CLOCK_SECOND;
	begin(&resize, CONNS_CONFIRMED, TABLE_SIZE);
	packet(resize.old, 7, 0, 1); /* as if it had been used last long ago */
	commit(&resize);
	flow_resize_end(&resize);
	check(packets_of(CONNS_CONFIRMED, 7), -1, "one that is overdue is not carried over");
	check(table_count(CONNS_CONFIRMED), 2, "the others are");
}

static void test_confirmed_meanwhile(void)
{
	struct flow_resize resize;
	int confirmed;

	tables_reset();
	fill(CONNS_UNCONFIRMED, 3);
	confirmed = table_open(CONNS_CONFIRMED);
	begin(&resize, CONNS_UNCONFIRMED, 2 * TABLE_SIZE);
	packet(confirmed, 1, 9000, 2);
	base -= (conn_timeout_default(TIMEOUT_UDP) + 1) * CLOCK_SECOND;
	packet(confirmed, 2, 0, 2); /* long ago, and begun anew since */
	commit(&resize);
	flow_resize_end(&resize);
	close(confirmed);
	check(packets_of(CONNS_UNCONFIRMED, 1), -1, "one that was confirmed meanwhile is not in both tables");
	check(packets_of(CONNS_CONFIRMED, 1), 2, "... but in the confirmed one");
	check(packets_of(CONNS_UNCONFIRMED, 2), 1, "one that was confirmed long ago and began anew stays");
	check(table_count(CONNS_UNCONFIRMED), 2, "the others are where they were");
}

static void test_given_up(void)
{
	struct flow_resize resize;

	tables_reset();
	fill(CONNS_CONFIRMED, 5);
	begin(&resize, CONNS_CONFIRMED, 2 * TABLE_SIZE);
	flow_resize_end(&resize);
	check(table_count(CONNS_CONFIRMED), 5, "what ends before the exchange has changed nothing");
}

int main(void)
{
	outer = tables_make(sizeof(struct conn_key), sizeof(struct conn));
	test_growth();
	test_changes_meanwhile();
	test_shrinking();
	test_overdue();
	test_confirmed_meanwhile();
	test_given_up();
	return tap_done();
}
