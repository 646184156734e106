/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowrow.h"

#include "array.h"
#include "clock.h"
#include "flowstate.h"
#include "keyindex.h"
#include "proto.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 1024 /* flows that memory is taken for at once */

_Static_assert(sizeof(struct flow_id) == 56, "an id has no holes: it is compared as bytes");

/* ---- one session ---- */

const uint8_t *flow_address(const struct flow *flow, unsigned int side)
{
	return (const uint8_t *)flow->key.addr[(flow->originator & 1) ^ side];
}

uint16_t flow_port(const struct flow *flow, unsigned int side)
{
	return ntohs(flow->key.port[(flow->originator & 1) ^ side]);
}

bool flow_has_ports(const struct flow *flow)
{
	return flow->key.kind == FLOW_PORTS && proto_ports(flow->key.proto) == PROTO_HAS_PORTS;
}

/* ---- two records of one session ---- */

/* 4294967295 is that or more. */
static void count_add(uint32_t *count, uint32_t more)
{
	if (__builtin_add_overflow(*count, more, count))
		*count = UINT32_MAX;
}

static void counts_add(uint32_t *counts, const uint32_t *more, size_t size)
{
	for (size_t i = 0; i < size; i++)
		count_add(&counts[i], more[i]);
}

static void squares_add(__u64 sum[2], const __u64 more[2])
{
	unsigned __int128 a = (unsigned __int128)sum[1] << 64 | sum[0], b = (unsigned __int128)more[1] << 64 | more[0];

	a += b;
	sum[0] = (__u64)a;
	sum[1] = (__u64)(a >> 64);
}

#define LEAST(a, b)                \
	do {                       \
		if ((b) < (a))     \
			(a) = (b); \
	} while (0)
#define MOST(a, b)                 \
	do {                       \
		if ((b) > (a))     \
			(a) = (b); \
	} while (0)

/* Of extremes, a side without packets, or without gaps, has none. */
static void merge_extremes(struct flow_side *side, const struct flow_side *older)
{
	if (older->packets && side->packets) {
		LEAST(side->length_min, older->length_min);
		LEAST(side->hops_min, older->hops_min);
	} else if (older->packets) {
		side->length_min = older->length_min;
		side->hops_min = older->hops_min;
	}
	MOST(side->length_max, older->length_max);
	MOST(side->hops_max, older->hops_max);
	if (older->gaps && side->gaps)
		LEAST(side->gap_min, older->gap_min);
	else if (older->gaps)
		side->gap_min = older->gap_min;
	MOST(side->gap_max, older->gap_max);
}

static void merge_sums(struct flow_side *side, const struct flow_side *older)
{
	side->packets += older->packets;
	side->bytes += older->bytes;
	side->payload += older->payload;
	side->length_squares += older->length_squares;
	squares_add(side->gap_squares, older->gap_squares);
	side->gap_sum += older->gap_sum;
	side->gaps += older->gaps;
	side->missed += older->missed;
	count_add(&side->missed_times, older->missed_times);
	count_add(&side->zero_windows, older->zero_windows);
	count_add(&side->retransmitted, older->retransmitted);
	count_add(&side->out_of_order, older->out_of_order);
	count_add(&side->fragments, older->fragments);
	counts_add(side->tcp, older->tcp, sizeof(side->tcp) / sizeof(side->tcp[0]));
	counts_add(side->lengths, older->lengths, FLOW_LENGTH_BINS);
	counts_add(side->gap_times, older->gap_times, FLOW_GAP_BINS);
}

static void merge_side(struct flow_side *side, const struct flow_side *older)
{
	merge_extremes(side, older);
	merge_sums(side, older);
	if (older->first)
		side->first = older->first;
	MOST(side->last, older->last);
}

void flow_merge(struct flow *flow, const struct flow *older)
{
	flow->flags = (__u8)((flow->flags & ~FLOW_CONTINUED) | (older->flags & FLOW_CONTINUED));
	count_add(&flow->sampled, older->sampled);
	merge_side(&flow->side[0], &older->side[0]);
	merge_side(&flow->side[1], &older->side[1]);
}

/* ---- memory ---- */

static struct flow *store_take(struct flow_store *store)
{
	size_t piece = store->count / PIECE;

	if (store->count % PIECE == 0) {
		struct flow **pieces = array_room(store->pieces, piece, sizeof(struct flow *));

		if (!pieces)
			return NULL;
		store->pieces = pieces;
		pieces[piece] = malloc(PIECE * sizeof(struct flow));
		if (!pieces[piece])
			return NULL;
	}
	return &store->pieces[piece][store->count++ % PIECE];
}

static void store_free(struct flow_store *store)
{
	for (size_t piece = 0; piece * PIECE < store->count; piece++)
		free(store->pieces[piece]);
	free(store->pieces);
	*store = (struct flow_store){ 0 };
}

/* A copy of a flow, NULL without memory. */
static struct flow *store_copy(struct flow_store *store, const struct flow *flow)
{
	struct flow *copy = store_take(store);

	if (copy)
		*copy = *flow;
	return copy;
}

/* ---- reading ---- */

struct reading {
	struct flowrows *rows;
	flow_wanted *wanted;
	const void *context;
	bool merge;
	bool is_last;          /* no older generation is read after this one */
	bool is_changing;      /* programs write to this one */
	struct keyindex index; /* of the rows that a record of an older generation may belong to */
	struct flow_part *part;
	uint64_t last_packet; /* by the clock of packets, of all sessions, wanted or not */
};

static int row_join(struct reading *reading, struct flow_row *row, const struct flow *older)
{
	if (!row->own)
		row->own = store_copy(&reading->rows->store, row->flow);
	if (!row->own)
		return -1;
	row->flow = row->own;
	flow_merge(row->own, older);
	return 0;
}

static int row_add(struct reading *reading, const struct flow_id *id, const struct flow *flow, bool findable)
{
	struct flowrows *rows = reading->rows;
	struct flow_row *items = array_room(rows->rows, rows->count, sizeof(*items));
	struct flow *own = NULL;

	if (!items)
		return -1;
	rows->rows = items;
	if (reading->is_changing) {
		own = store_copy(&rows->store, flow);
		if (!own)
			return -1;
	}
	items[rows->count++] = (struct flow_row){
		.id = *id,
		.flow = own ? own : flow,
		.own = own,
		.part = reading->part,
	};
	if (!findable || reading->is_last || !(flow->flags & FLOW_CONTINUED))
		return 0;
	return keyindex_add(&reading->index, rows->rows, rows->count - 1);
}

static int take_flow(struct reading *reading, const struct flow *flow)
{
	struct flow_id id = { .key = flow->key, .start = flow->start };
	size_t place = KEYINDEX_NONE;

	if (reading->part->settings.clock == FLOW_CLOCK_PACKET)
		MOST(reading->last_packet, flow_last(flow));
	if (reading->wanted && !reading->wanted(reading->context, flow))
		return 0;
	if (reading->merge)
		place = keyindex_find(&reading->index, reading->rows->rows, &id);
	/* records of one generation are of sessions of their own, whatever their start */
	if (place == KEYINDEX_NONE || reading->rows->rows[place].part == reading->part)
		return row_add(reading, &id, flow, reading->merge && place == KEYINDEX_NONE);
	return row_join(reading, &reading->rows->rows[place], flow);
}

/* Places of a bucket are taken from the first on. */
static int take_bucket(struct reading *reading, const struct flow_bucket *bucket)
{
	for (uint32_t way = 0; way < FLOW_WAYS; way++) {
		const struct flow *flow = &bucket->flows[way];
		struct flow copy;

		if (!__atomic_load_n(&bucket->used[way], __ATOMIC_RELAXED))
			break;
		if (reading->is_changing && !flowgen_copy(bucket, way, &copy))
			break;
		if (take_flow(reading, reading->is_changing ? &copy : flow))
			return -1;
	}
	return 0;
}

static void tally_add(struct flow_tally *sum, uint64_t packets, uint64_t bytes)
{
	sum->packets += packets;
	sum->bytes += bytes;
}

static void losses_add(struct flow_losses *losses, const struct flow_bucket *bucket)
{
	losses->evicted += bucket->evicted;
	losses->evicted_packets += bucket->evicted_packets;
	losses->evicted_bytes += bucket->evicted_bytes;
	tally_add(&losses->missed, bucket->missed_packets, bucket->missed_bytes);
}

static int take_generation(struct reading *reading, const struct flowgen *gen)
{
	struct flowrows *rows = reading->rows;

	reading->part = &rows->parts[rows->part_count++];
	*reading->part = (struct flow_part){
		.generation = gen->head->generation,
		.settings = flowgen_settings(gen),
		.now = clock_now(),
	};
	tally_add(&rows->losses.not_ip, gen->head->not_ip.packets, gen->head->not_ip.bytes);
	tally_add(&rows->losses.malformed, gen->head->malformed.packets, gen->head->malformed.bytes);
	for (uint32_t i = 0; i < gen->bucket_count; i++) {
		losses_add(&rows->losses, &gen->buckets[i]);
		if (take_bucket(reading, &gen->buckets[i]))
			return -1;
	}
	return 0;
}

/* Captures have a past of their own: what came after the last packet is not known. */
static void packet_clock_set(struct flowrows *rows, uint64_t now)
{
	for (uint32_t i = 0; i < rows->part_count; i++)
		if (rows->parts[i].settings.clock == FLOW_CLOCK_PACKET)
			rows->parts[i].now = now;
}

int flowrows_read(struct flowrows *rows, const struct flowgens *gens, uint32_t first, bool merge, flow_wanted *wanted,
		  const void *context, struct error *error)
{
	struct reading reading = {
		.rows = rows,
		.wanted = wanted,
		.context = context,
		.merge = merge,
		.index = { .key_size = sizeof(struct flow_id), .stride = sizeof(struct flow_row) },
	};
	int result = 0;

	*rows = (struct flowrows){ .offset = clock_epoch_offset() };
	for (uint32_t i = first; i < gens->count && !result; i++) {
		reading.is_changing = i == 0;
		reading.is_last = i + 1 == gens->count;
		result = take_generation(&reading, &gens->item[i]);
	}
	keyindex_free(&reading.index);
	packet_clock_set(rows, reading.last_packet);
	return result ? error_errno(error, "sessions") : 0;
}

void flowrows_free(struct flowrows *rows)
{
	free(rows->rows);
	store_free(&rows->store);
	*rows = (struct flowrows){ 0 };
}

uint64_t flowrows_epoch(const struct flowrows *rows, const struct flow_row *row, uint64_t time)
{
	return row->part->settings.clock == FLOW_CLOCK_PACKET ? time : clock_to_epoch_by(time, rows->offset);
}
