/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowrow.h"

#include "array.h"
#include "clock.h"
#include "flowdetail.h"
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

static void counts_add(uint32_t *counts, const uint32_t *more, size_t size)
{
	for (size_t i = 0; i < size; i++)
		flow_count_add(&counts[i], more[i]);
}

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
	flow_squares_add(side->gap_squares, older->gap_squares);
	side->gap_sum += older->gap_sum;
	side->gaps += older->gaps;
	side->missed += older->missed;
	flow_count_add(&side->missed_times, older->missed_times);
	flow_count_add(&side->zero_windows, older->zero_windows);
	flow_count_add(&side->retransmitted, older->retransmitted);
	flow_count_add(&side->out_of_order, older->out_of_order);
	flow_count_add(&side->fragments, older->fragments);
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

/* What was known goes on in the next generation, so that the newer record has no less; but it may be in the making. */
static void merge_content(struct flow *flow, const struct flow *older, unsigned int side)
{
	if (flow->content_length[side] >= older->content_length[side])
		return;
	flow->content_length[side] = older->content_length[side];
	memcpy(flow->content[side], older->content[side], sizeof(flow->content[side]));
}

void flow_merge(struct flow *flow, const struct flow *older)
{
	flow->flags = (__u8)((flow->flags & ~FLOW_CONTINUED) | (older->flags & FLOW_CONTINUED));
	flow_count_add(&flow->sampled, older->sampled);
	merge_content(flow, older, 0);
	merge_content(flow, older, 1);
	flow_detail_merge(flow, older);
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

static int take_flow(void *context, const struct flow *flow)
{
	struct reading *reading = context;
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
	for (uint32_t i = 0; i < gen->bucket_count; i++)
		losses_add(&rows->losses, &gen->buckets[i]);
	return flowgen_visit(gen, reading->is_changing, take_flow, reading);
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
