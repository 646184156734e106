/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet adds to its session: counts, lengths, gaps, histograms. */
#ifndef SPLICER_LIB_SEEN_H
#define SPLICER_LIB_SEEN_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/history.h"
#include "lib/sighting.h"
#include "lib/sums.h"
#include "lib/tcpseen.h"

/* The position of the highest bit; 0 of 0. */
static __always_inline __u32 seen_log2(__u64 x)
{
	__u32 log2 = 0;

	if (x >> 32) {
		x >>= 32;
		log2 += 32;
	}
	if (x >> 16) {
		x >>= 16;
		log2 += 16;
	}
	if (x >> 8) {
		x >>= 8;
		log2 += 8;
	}
	if (x >> 4) {
		x >>= 4;
		log2 += 4;
	}
	if (x >> 2) {
		x >>= 2;
		log2 += 2;
	}
	return log2 + (x >> 1 ? 1 : 0);
}

static __always_inline __u32 seen_bin(__u64 x, __u32 lowest, __u32 bins)
{
	__u32 log2 = seen_log2(x), bin = log2 > lowest ? log2 - lowest : 0;

	return bin < bins ? bin : bins - 1;
}

static __always_inline void seen_lengths_of(struct flow_side *side, __u32 length, __u32 packets)
{
	__u32 bin = seen_bin(length, FLOW_LENGTH_BIN_LOG2, FLOW_LENGTH_BINS);
	__u16 shown = length > 0xffff ? 0xffff : (__u16)length;

	side->length_squares += (__u64)length * length * packets;
	if (shown < side->length_min || !side->length_min)
		side->length_min = shown;
	if (shown > side->length_max)
		side->length_max = shown;
	sum_count(&side->lengths[bin], packets);
}

static __always_inline void seen_lengths(struct flow_side *side, const struct sighting *s)
{
	if (!side->packets)
		side->first = s->now;
	side->packets += s->packets;
	side->bytes += s->bytes;
	side->payload += s->payload;
	if (s->packets > 1)
		seen_lengths_of(side, s->length, s->packets - 1);
	seen_lengths_of(side, s->last_length, 1);
}

static __always_inline void seen_gap(struct flow_side *side, __u64 gap, __u32 times)
{
	if (gap < side->gap_min || !side->gaps)
		side->gap_min = gap;
	if (gap > side->gap_max)
		side->gap_max = gap;
	side->gaps += times;
	sum_count(&side->gap_times[seen_bin(gap, FLOW_GAP_BIN_LOG2, FLOW_GAP_BINS)], times);
}

/* Packets of two CPUs may come here in another order than their times have. */
static __always_inline void seen_times(struct flow_side *side, const struct sighting *s)
{
	__u64 gap = s->now > side->last ? s->now - side->last : 0;

	if (side->last) {
		side->gap_sum += gap;
		sum_square(side->gap_squares, gap);
		seen_gap(side, gap, 1);
	}
	if (s->packets > 1)
		seen_gap(side, 0, s->packets - 1);
	if (s->now > side->last)
		side->last = s->now;
}

static __always_inline void seen_hops(struct flow_side *side, __u8 hops)
{
	if (hops > side->hops_max)
		side->hops_max = hops;
	if (hops < side->hops_min || side->packets == 0)
		side->hops_min = hops;
}

/* Adds a packet to its session. Global, so that the verifier follows it once. */
__weak __noinline int seen_note(struct flow *flow, const struct sighting *s)
{
	struct flow_side *side;
	__u32 which;

	if (!flow || !s)
		return 0;
	which = s->from != flow->originator;
	side = &flow->side[which];
	seen_hops(side, s->hops);
	seen_lengths(side, s);
	seen_times(side, s);
	if (s->is_fragment)
		side->fragments++;
	if (s->key.proto == IPPROTO_TCP && !s->is_later)
		tcpseen_note(flow, s, which);
	else if (s->key.proto == IPPROTO_UDP && s->payload)
		history_note(flow, s, LETTER(LETTER_DATA), which);
	return 0;
}

#endif
