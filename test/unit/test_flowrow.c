/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/flowrow.c, flowvalue.c, flowcols.c: records of one session put together, values in order and as text. */
#include "flowcols.h"
#include "flowrow.h"
#include "flowvalue.h"

#include "tap.h"

#include <netinet/in.h>

#define BUCKETS 4

/* ---- generations in memory of our own ---- */

static void gens_make(struct flowgens *gens, uint32_t count)
{
	*gens = (struct flowgens){ .count = count };
	for (uint32_t i = 0; i < count; i++) {
		struct flow_bucket *entries = calloc(1 + BUCKETS, sizeof(*entries));

		if (!entries)
			bail_out("calloc");
		gens->item[i] = (struct flowgen){
			.head = (struct flow_head *)entries,
			.buckets = entries + 1,
			.bucket_count = BUCKETS,
		};
		gens->item[i].head->generation = 10 - i;
	}
}

static void gens_free(struct flowgens *gens)
{
	for (uint32_t i = 0; i < gens->count; i++)
		free(gens->item[i].head);
}

/* A session of UDP, whose number is in its address, with so many packets of 100 bytes. */
static struct flow *session_put(struct flowgen *gen, uint32_t bucket, uint32_t number, uint64_t start, uint64_t packets,
				uint8_t flags)
{
	struct flow_bucket *b = &gen->buckets[bucket];
	uint32_t way = 0;

	while (b->used[way])
		way++;
	b->used[way] = 1;
	b->flows[way].key = (struct flow_key){ .proto = IPPROTO_UDP, .family = 4, .ifindex = 1 };
	b->flows[way].key.addr[0][0] = number;
	b->flows[way].start = start;
	b->flows[way].flags = flags;
	b->flows[way].side[0].packets = packets;
	b->flows[way].side[0].bytes = 100 * packets;
	b->flows[way].side[0].last = start + packets;
	return &b->flows[way];
}

static const struct flow_row *row_find(const struct flowrows *rows, uint32_t number, uint64_t start)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->rows[i].id.key.addr[0][0] == number && rows->rows[i].id.start == start)
			return &rows->rows[i];
	return NULL;
}

static void check_row(const struct flowrows *rows, uint32_t number, uint64_t start, uint64_t packets,
		      uint64_t generation, const char *what)
{
	const struct flow_row *row = row_find(rows, number, start);

	check(row != NULL, 1, "%s: is there", what);
	if (!row)
		return;
	check((long long)row->flow->side[0].packets, (long long)packets, "%s: packets", what);
	check((long long)row->part->generation, (long long)generation, "%s: generation", what);
}

static void read_rows(struct flowrows *rows, const struct flowgens *gens, uint32_t first, bool merge)
{
	struct error error;

	check(flowrows_read(rows, gens, first, merge, NULL, NULL, &error), 0, "generations are read");
}

static void test_merging(void)
{
	struct flowgens gens;
	struct flowrows rows;

	gens_make(&gens, 3);
	session_put(&gens.item[0], 0, 1, 1000, 1, FLOW_CONTINUED);
	session_put(&gens.item[1], 1, 1, 1000, 20, FLOW_CONTINUED);
	session_put(&gens.item[2], 2, 1, 1000, 300, 0);
	session_put(&gens.item[0], 0, 2, 5000, 7, 0); /* another session with the key of the next */
	session_put(&gens.item[1], 0, 2, 1000, 9, 0);
	session_put(&gens.item[1], 3, 3, 1000, 4, FLOW_CONTINUED); /* its beginning was handed out */
	session_put(&gens.item[2], 3, 4, 1000, 5, 0);
	read_rows(&rows, &gens, 0, true);
	check((long long)rows.count, 5, "sessions that are in several generations have one row");
	check_row(&rows, 1, 1000, 321, 10, "of three records");
	check_row(&rows, 2, 5000, 7, 10, "began anew");
	check_row(&rows, 2, 1000, 9, 9, "before it began anew");
	check_row(&rows, 3, 1000, 4, 9, "one record");
	check_row(&rows, 4, 1000, 5, 8, "only in the oldest");
	check(row_find(&rows, 1, 1000)->flow->flags & FLOW_CONTINUED, 0, "whose first part is here has none before");
	check(row_find(&rows, 3, 1000)->flow->flags & FLOW_CONTINUED, FLOW_CONTINUED, "whose is not is continued");
	check((long long)gens.item[1].buckets[1].flows[0].side[0].packets, 20, "generations stay as they are");
	flowrows_free(&rows);
	read_rows(&rows, &gens, 1, false);
	check((long long)rows.count, 5, "without merging each record has a row, those of the one in force not");
	flowrows_free(&rows);
	read_rows(&rows, &gens, 1, true);
	check_row(&rows, 1, 1000, 320, 9, "of the two that ended");
	check((long long)gens.item[1].buckets[1].flows[0].side[0].packets, 20, "generations stay as they are");
	flowrows_free(&rows);
	gens_free(&gens);
}

/* Two of one generation with the same key and start are two, and none of their packets is lost. */
static void test_twins(void)
{
	struct flowgens gens;
	struct flowrows rows;
	uint64_t sum = 0;

	gens_make(&gens, 2);
	session_put(&gens.item[0], 0, 1, 1000, 1, FLOW_CONTINUED);
	session_put(&gens.item[0], 1, 1, 1000, 2, FLOW_CONTINUED);
	session_put(&gens.item[1], 1, 1, 1000, 4, 0);
	read_rows(&rows, &gens, 0, true);
	for (size_t i = 0; i < rows.count; i++)
		sum += rows.rows[i].flow->side[0].packets;
	check((long long)rows.count, 2, "twins have a row each");
	check((long long)sum, 7, "and all that was counted is there once");
	flowrows_free(&rows);
	gens_free(&gens);
}

static bool is_odd(const void *context, const struct flow *flow)
{
	(void)context;
	return flow->key.addr[0][0] & 1;
}

static void test_many(void)
{
	struct flowgens gens;
	struct flowrows rows;
	struct error error;

	gens_make(&gens, 2);
	for (uint32_t number = 0; number < 2 * BUCKETS * FLOW_WAYS; number++)
		session_put(&gens.item[number & 1], number / 2 / FLOW_WAYS, number, 1, number, 0);
	gens.item[0].buckets[0].evicted = 3;
	gens.item[0].buckets[0].evicted_packets = 30;
	gens.item[1].buckets[2].evicted_bytes = 300;
	gens.item[1].buckets[3].missed_packets = 4;
	gens.item[0].buckets[3].missed_bytes = 44;
	gens.item[0].head->not_ip.packets = 5;
	gens.item[1].head->malformed.bytes = 6;
	check(flowrows_read(&rows, &gens, 0, true, is_odd, NULL, &error), 0, "those that are wanted are read");
	check((long long)rows.count, BUCKETS * FLOW_WAYS, "no others");
	check((long long)rows.losses.evicted, 3, "evicted");
	check((long long)rows.losses.evicted_packets, 30, "evicted packets");
	check((long long)rows.losses.evicted_bytes, 300, "evicted bytes");
	check((long long)rows.losses.missed.packets, 4, "missed packets");
	check((long long)rows.losses.missed.bytes, 44, "missed bytes");
	check((long long)rows.losses.not_ip.packets, 5, "not IP");
	check((long long)rows.losses.malformed.bytes, 6, "malformed");
	flowrows_free(&rows);
	gens_free(&gens);
}

static void test_packet_clock(void)
{
	struct flowgens gens;
	struct flowrows rows;

	gens_make(&gens, 1);
	gens.item[0].head->settings.clock = FLOW_CLOCK_PACKET;
	session_put(&gens.item[0], 0, 1, 1000, 5, 0);
	session_put(&gens.item[0], 0, 2, 9000, 7, 0);
	read_rows(&rows, &gens, 0, true);
	check((long long)rows.parts[0].now, 9007, "captures are looked at when their last packet came");
	check((long long)flowrows_epoch(&rows, &rows.rows[0], 1234), 1234, "their times are since 1970");
	check(rows.parts[0].settings.idle_udp, FLOW_IDLE_UDP, "what is not set has its default");
	flowrows_free(&rows);
	gens_free(&gens);
}

/* ---- two records, field by field ---- */

static struct flow full(uint64_t n)
{
	struct flow flow = { .start = 1, .sampled = (uint32_t)n, .history_length = 1, .history = { (char)n } };
	struct flow_side *side = &flow.side[1];

	*side = (struct flow_side){ .packets = n,
				    .bytes = n,
				    .payload = n,
				    .length_squares = n,
				    .gap_sum = n,
				    .gaps = n,
				    .gap_min = n,
				    .gap_max = n,
				    .first = n,
				    .last = n,
				    .missed = n,
				    .length_min = (uint16_t)n,
				    .length_max = (uint16_t)n,
				    .hops_min = (uint8_t)n,
				    .hops_max = (uint8_t)n,
				    .window = (uint16_t)n,
				    .zero_windows = (uint32_t)n,
				    .retransmitted = (uint32_t)n,
				    .out_of_order = (uint32_t)n,
				    .fragments = (uint32_t)n,
				    .missed_times = (uint32_t)n,
				    .gap_squares = { UINT64_MAX, n } };
	for (int i = 0; i < 8; i++)
		side->tcp[i] = (uint32_t)n;
	for (int i = 0; i < FLOW_LENGTH_BINS; i++)
		side->lengths[i] = (uint32_t)n;
	for (int i = 0; i < FLOW_GAP_BINS; i++)
		side->gap_times[i] = (uint32_t)n;
	return flow;
}

static void test_fields(void)
{
	struct flow flow = full(7), older = full(5);
	const struct flow_side *side = &flow.side[1];

	flow_merge(&flow, &older);
	check((long long)(side->packets + side->bytes + side->payload + side->length_squares), 48, "counts are added");
	check((long long)(side->gap_sum + side->gaps + side->missed), 36, "and those");
	check((long long)side->zero_windows + side->retransmitted + side->out_of_order + side->fragments, 48,
	      "and those");
	check((long long)side->missed_times + flow.sampled, 24, "and those");
	check((long long)side->tcp[0] + side->tcp[7] + side->lengths[0] + side->lengths[FLOW_LENGTH_BINS - 1], 48,
	      "flags and lengths");
	check((long long)side->gap_times[0] + side->gap_times[FLOW_GAP_BINS - 1], 24, "and gaps");
	check((long long)side->gap_squares[0], (long long)(UINT64_MAX - 1), "squares of gaps: low word");
	check((long long)side->gap_squares[1], 13, "high word, with what it carries");
	check((long long)(side->gap_min * 100 + side->gap_max), 507, "gaps");
	check(side->length_min * 100 + side->length_max, 507, "lengths");
	check(side->hops_min * 100 + side->hops_max, 507, "hops");
	check((long long)(side->first * 100 + side->last), 507, "times");
	check(side->window * 100 + flow.history[0], 707, "the rest is of the newest");
	check((long long)flow.side[0].packets, 0, "the other end is another");
}

static void test_extremes(void)
{
	struct flow flow = full(7), older = full(5), none = { .start = 1 };

	older.side[1].packets = older.side[1].gaps = 0;
	older.side[1].first = 0;
	flow_merge(&flow, &older);
	check(flow.side[1].length_min * 100 + flow.side[1].hops_min, 707, "what had no packets has no least");
	check((long long)flow.side[1].gap_min, 7, "nor what had no gaps");
	check((long long)flow.side[1].first, 7, "nor a first packet");
	older = full(5);
	flow_merge(&none, &older);
	check(none.side[1].length_min * 100 + none.side[1].hops_min, 505, "of one that had packets");
	check((long long)none.side[1].gap_min, 5, "and gaps");
	flow = full(7);
	flow.side[1].tcp[3] = UINT32_MAX - 4;
	older.side[1].lengths[2] = UINT32_MAX;
	flow_merge(&flow, &older);
	check(flow.side[1].tcp[3], UINT32_MAX, "the largest number is that or more");
	check(flow.side[1].lengths[2], UINT32_MAX, "that or more");
}

/* ---- values ---- */

static void check_value(struct flow_value value, const char *json, const char *cell, const char *field)
{
	char text[FLOW_VALUE_SHOWN_MAX];

	check_text(flow_value_format(&value, VALUE_AS_JSON, text), json, "%s in JSON", json);
	check_text(flow_value_format(&value, VALUE_AS_CELL, text), cell, "%s in a table", json);
	check_text(flow_value_format(&value, VALUE_AS_FIELD, text), field, "%s in CSV", json);
}

static struct flow_value ends_of(uint16_t port, uint16_t other)
{
	return (struct flow_value){
		.kind = VALUE_ENDS,
		.family = 4,
		.ends = { .address = { { 10, 0, 0, 9 }, { 10, 0, 0, 10 } }, .port = { port, other }, .proto = 6 },
	};
}

static void test_values(void)
{
	static const uint32_t three[] = { 1, 0, UINT32_MAX };
	struct flow_value list = { .kind = VALUE_LIST }, wide = { .kind = VALUE_WIDE };
	struct flow_value address = { .kind = VALUE_ADDRESS, .family = 6, .address = { 0x20, 1, [15] = 7 } };

	list.list.items = three;
	list.list.count = 3;
	wide.wide = (unsigned __int128)-1;
	check_value(value_none(), "null", "-", "");
	check_value(value_word(""), "null", "-", "");
	check_value(value_word("idle"), "idle", "idle", "idle");
	check_value(value_of(VALUE_NUMBER, UINT64_MAX), "18446744073709551615", "18446744073709551615",
		    "18446744073709551615");
	check_value(wide, "340282366920938463463374607431768211455", "340282366920938463463374607431768211455",
		    "340282366920938463463374607431768211455");
	check_value(value_real(2.0 / 3), "0.666667", "0.7", "0.666667");
	check_value(value_of(VALUE_SECONDS, 1000000042), "1.000000042", "1.000000", "1.000000042");
	check_value(value_of(VALUE_TIME, 1000000000000000007), "2001-09-09T01:46:40.000000007Z",
		    "2001-09-09T01:46:40.000000007Z", "2001-09-09T01:46:40.000000007Z");
	check_value(value_of(VALUE_TRUTH, 1), "true", "true", "true");
	check_value((struct flow_value){ .kind = VALUE_INTEGER, .integer = -1 }, "-1", "-1", "-1");
	check_value((struct flow_value){ .kind = VALUE_INTEGER, .integer = INT64_MIN }, "-9223372036854775808",
		    "-9223372036854775808", "-9223372036854775808");
	check_value(value_of(VALUE_MICROSECONDS, 1000042), "1000.042", "1000", "1000.042");
	check_value(value_of(VALUE_CIC_TIME, 1000000000000000007), "09/09/2001 01:46:40 AM", "09/09/2001 01:46:40 AM",
		    "09/09/2001 01:46:40 AM");
	check_value(value_of(VALUE_CIC_TIME, 0), "01/01/1970 12:00:00 AM", "01/01/1970 12:00:00 AM",
		    "01/01/1970 12:00:00 AM");
	check_value(value_of(VALUE_CIC_TIME, 43200000000000), "01/01/1970 12:00:00 PM", "01/01/1970 12:00:00 PM",
		    "01/01/1970 12:00:00 PM");
	check_value(ends_of(80, 65535), "10.0.0.9-10.0.0.10-80-65535-6", "10.0.0.9-10.0.0.10-80-65535-6",
		    "10.0.0.9-10.0.0.10-80-65535-6");
	check_value(address, "2001::7", "2001::7", "2001::7");
	check_value(list, "[1,0,4294967295]", "1 0 4294967295", "1 0 4294967295");
}

static void check_order(struct flow_value first, struct flow_value second, const char *what)
{
	check(flow_value_order(&first, &second) < 0, 1, "%s: first", what);
	check(flow_value_order(&second, &first) > 0, 1, "%s: second", what);
	check(flow_value_order(&first, &first), 0, "%s: equal to itself", what);
}

static void test_order(void)
{
	struct flow_value ten = { .kind = VALUE_ADDRESS, .family = 4, .address = { 10, 0, 0, 10 } };
	struct flow_value nine = { .kind = VALUE_ADDRESS, .family = 4, .address = { 10, 0, 0, 9 } };
	struct flow_value six = { .kind = VALUE_ADDRESS, .family = 6 };

	check_order(value_of(VALUE_NUMBER, 10), value_of(VALUE_NUMBER, 9), "larger numbers");
	check_order(value_of(VALUE_NUMBER, 1ull << 63), value_of(VALUE_NUMBER, 1), "also with the highest bit");
	check_order(value_real(0.2), value_real(0.1), "larger reals");
	check_order(value_word("S0"), value_word("SF"), "lesser words");
	check_order(nine, ten, "lesser addresses");
	check_order(ten, six, "IPv4");
	check_order(value_of(VALUE_NUMBER, 0), value_none(), "what is known");
	check_order((struct flow_value){ .kind = VALUE_INTEGER },
		    (struct flow_value){ .kind = VALUE_INTEGER, .integer = -1 }, "larger integers");
	check_order(ends_of(80, 7), ends_of(81, 6), "ends with the lesser port");
	check_order(ends_of(80, 6), ends_of(80, 7), "and that of the other");
}

/* ---- columns ---- */

static void check_column(const char *name, const struct flow_row *row, const char *expected)
{
	struct flow_scene scene = { 0 };
	char text[FLOW_VALUE_SHOWN_MAX];
	struct flowrows rows = { 0 };
	struct error error;
	const struct flow_column *column = flow_column_find(name, &error);
	struct flow_value value;

	scene.rows = &rows;
	value = column->value(&scene, row, column);
	check_text(flow_value_format(&value, VALUE_AS_JSON, text), expected, "%s is %s", name, expected);
}

/* Lengths 60, 60, 1500 and gaps of 1 s and 3 s: by hand. */
static void test_statistics(void)
{
	struct flow_part part = { .settings.clock = FLOW_CLOCK_PACKET };
	struct flow flow = { .key.proto = IPPROTO_TCP };
	struct flow_row row = { .id.key.proto = IPPROTO_TCP, .flow = &flow, .part = &part };
	struct flow_side *side = &flow.side[1];
	unsigned __int128 squares = (unsigned __int128)10 * 1000000000 * 1000000000;

	side->packets = 3;
	side->bytes = 1620;
	side->length_squares = 2 * 3600 + 2250000;
	side->gaps = 2;
	side->gap_sum = 4000000000;
	side->gap_squares[0] = (uint64_t)squares;
	side->gap_squares[1] = (uint64_t)(squares >> 64);
	check_column("length_mean_rev", &row, "540.000000");
	check_column("length_stddev_rev", &row, "678.822510");
	check_column("gap_mean_rev", &row, "2.000000000");
	check_column("gap_stddev_rev", &row, "1.000000000");
	check_column("gap_squares_rev", &row, "10000000000000000000");
	check_column("length_mean_fwd", &row, "null");
	check_column("length_min_fwd", &row, "null");
	check_column("gap_stddev_fwd", &row, "null");
	check_column("gap_min_fwd", &row, "null");
	check_column("window_rev", &row, "null");
	check_column("fin_fwd", &row, "0");
	check_column("bytes", &row, "1620");
	row.id.key.proto = IPPROTO_UDP;
	check_column("fin_fwd", &row, "null");
}

/* Ten years between packets that all are alike: no deviation comes of rounding. */
static void test_large_statistics(void)
{
	const uint64_t gap = 315360000000000000, count = 1000000;
	struct flow_part part = { .settings.clock = FLOW_CLOCK_PACKET };
	struct flow flow = { .key.proto = IPPROTO_TCP };
	struct flow_row row = { .id.key.proto = IPPROTO_TCP, .flow = &flow, .part = &part };
	unsigned __int128 squares = (unsigned __int128)gap * gap * 7;

	flow.side[0].packets = count;
	flow.side[0].bytes = 1500 * count;
	flow.side[0].length_squares = 1500 * 1500 * count;
	flow.side[0].gaps = 7;
	flow.side[0].gap_sum = 7 * gap;
	flow.side[0].gap_squares[0] = (uint64_t)squares;
	flow.side[0].gap_squares[1] = (uint64_t)(squares >> 64);
	check_column("length_stddev_fwd", &row, "0.000000");
	check_column("gap_mean_fwd", &row, "315360000.000000000");
	check_column("gap_stddev_fwd", &row, "0.000000000");
}

static void test_columns(void)
{
	struct flow_choice choice;
	struct error error;
	int twice = 0, counted = 0, bare = 0;

	for (size_t i = 0; i < flow_column_count; i++) {
		for (size_t j = 0; j < i; j++)
			twice += !strcmp(flow_columns[i].name, flow_columns[j].name);
		counted += strstr(flow_columns[i].name, "packets") != NULL;
		bare += !*flow_columns[i].formula || !*flow_columns[i].heading;
	}
	check(twice, 0, "no name is there twice");
	check(counted, 2, "packets_fwd and packets_rev, and no other name has packets in it");
	check(bare, 0, "each has a heading and a formula");
	check(flow_choice_parse("bytes_rev,proto", &choice, &error), 0, "columns are chosen");
	check_text(choice.items[0]->name, "bytes_rev", "in their order");
	check((long long)choice.count, 2, "as many");
	check(flow_choice_parse("proto,proto", &choice, &error), -1, "none twice");
	check(flow_choice_parse("proto,", &choice, &error), -1, "no empty name");
	check(flow_choice_parse("", &choice, &error), -1, "not none");
	check(flow_choice_parse("packets", &choice, &error), -1, "whole names");
	check(error.exit, EXIT_USAGE, "of usage");
}

int main(void)
{
	test_merging();
	test_twins();
	test_many();
	test_packet_clock();
	test_fields();
	test_extremes();
	test_values();
	test_order();
	test_statistics();
	test_large_statistics();
	test_columns();
	return tap_done();
}
