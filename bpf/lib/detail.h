/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a session is like beyond its counts, where it was asked for when it began: times between packets of both ends,
 * spells of activity, bulks, lengths of payload. Meanings are those of CICFlowMeter; see abi/flow.h.
 */
#ifndef SPLICER_LIB_DETAIL_H
#define SPLICER_LIB_DETAIL_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/sighting.h"
#include "lib/sums.h"

/* ---- times ---- */

/* Packets of two CPUs may come here in another order than their times have. */
static __always_inline __u64 detail_since(__u64 now, __u64 then)
{
	return now > then ? now - then : 0;
}

static __always_inline void detail_time(struct flow_times *times, __u64 time)
{
	if (time < times->min || !times->count)
		times->min = time;
	if (time > times->max)
		times->max = time;
	times->count++;
	times->sum += time;
	sum_square(times->squares, time);
}

/* Packets of which offload made one have no time between them. */
static __always_inline void detail_no_times(struct flow_times *times, __u32 count)
{
	if (!count)
		return;
	times->count += count;
	times->min = 0;
}

static __always_inline void detail_spells(struct flow_detail *d, __u64 last, __u64 now, __u64 gap)
{
	if (gap > FLOW_PAUSE)
		sum_count(&d->pauses, 1);
	if (gap <= FLOW_IDLE_SPELL)
		return;
	if (last > d->active_since)
		detail_time(&d->active, last - d->active_since);
	detail_time(&d->idle, gap);
	d->active_since = now;
}

static __always_inline void detail_times(struct flow_detail *d, const struct flow *flow, const struct sighting *s)
{
	__u64 last = flow->side[0].last > flow->side[1].last ? flow->side[0].last : flow->side[1].last;
	__u64 gap = detail_since(s->now, last);

	if (last) {
		detail_time(&d->gaps, gap);
		detail_spells(d, last, s->now, gap);
	} else {
		d->active_since = s->now;
	}
	detail_no_times(&d->gaps, s->packets - 1);
}

/* ---- what one end sends ---- */

static __always_inline void detail_payload(struct flow_detail_side *side, __u32 payload, __u32 packets, int is_first)
{
	__u16 shown = payload > 0xffff ? 0xffff : (__u16)payload;

	if (is_first || shown < side->payload_min)
		side->payload_min = shown;
	if (shown > side->payload_max)
		side->payload_max = shown;
	side->payload_squares += (__u64)payload * payload * packets;
	if (payload)
		sum_count(&side->data_packets, packets);
}

static __always_inline void detail_lengths(struct flow_detail_side *side, const struct sighting *s, int is_first)
{
	__u32 headers = s->packets > 1 ? (s->bytes - s->payload) / s->packets : s->bytes - s->payload;

	if (is_first || s->header < side->header_min)
		side->header_min = s->header;
	side->headers += (__u64)s->header * s->packets;
	if (s->packets > 1) {
		detail_payload(side, s->length - headers, s->packets - 1, is_first);
		is_first = 0;
	}
	detail_payload(side, s->last_length - headers, 1, is_first);
}

static __always_inline void detail_bulk(struct flow_detail_side *side, __u32 packets, __u32 bytes, __u64 time)
{
	sum_count(&side->bulk_packets, packets);
	side->bulk_bytes += bytes;
	side->bulk_time += time;
}

/* Packets with payload of one end in a row: from so many on they are a bulk, and run_bytes is of no use any more. */
static __always_inline void detail_run(struct flow_detail_side *side, const struct sighting *s)
{
	__u32 before = side->run_packets;

	if (!side->run_start || detail_since(s->now, side->run_last) > FLOW_PAUSE) {
		side->run_start = side->run_last = s->now;
		side->run_packets = side->run_bytes = before = 0;
	}
	sum_count(&side->run_packets, s->packets);
	side->run_bytes += s->payload;
	if (before >= FLOW_BULK_PACKETS) {
		detail_bulk(side, s->packets, s->payload, detail_since(s->now, side->run_last));
	} else if (side->run_packets >= FLOW_BULK_PACKETS) {
		sum_count(&side->bulks, 1);
		detail_bulk(side, side->run_packets, side->run_bytes, detail_since(s->now, side->run_start));
	}
	if (side->run_packets >= FLOW_BULK_PACKETS)
		side->run_bytes = 0;
	if (s->now > side->run_last)
		side->run_last = s->now;
}

/* Adds a packet to a session that does not have it yet. Global, so that the verifier follows it once. */
__weak __noinline int detail_note(struct flow *flow, const struct sighting *s)
{
	struct flow_detail *d;
	__u32 which;

	if (!flow || !s)
		return 0;
	d = &flow->detail;
	which = s->from != flow->originator;
	detail_times(d, flow, s);
	detail_lengths(&d->side[which], s, !flow->side[which].packets);
	if (!s->payload)
		return 0;
	d->side[!which].run_start = 0;
	detail_run(&d->side[which], s);
	return 0;
}

/* What a session goes on with in the next generation. */
static __always_inline void detail_continue(struct flow_detail *d, const struct flow_detail *before)
{
	d->active_since = before->active_since;
	for (int i = 0; i < 2; i++) {
		d->side[i].run_start = before->side[i].run_start;
		d->side[i].run_last = before->side[i].run_last;
		d->side[i].run_packets = before->side[i].run_packets;
		d->side[i].run_bytes = before->side[i].run_bytes;
	}
}

#endif
