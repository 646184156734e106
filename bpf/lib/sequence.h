/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What TCP sequence numbers tell of one end's packets: sent again, late, or never seen here. RFC 9293 section 3.4;
 * the distinctions are those that packet analysers make.
 */
#ifndef SPLICER_LIB_SEQUENCE_H
#define SPLICER_LIB_SEQUENCE_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/sighting.h"

/* What fills a hole sooner than this after it was torn took another way, if the round trip is not known: ns. */
#define SEQUENCE_LATE_NS 3000000ull

static __always_inline __u32 sequence_length(const struct sighting *s)
{
	return s->payload + !!(s->tcp_flags & TCP_FLAG_BYTE_SYN) + !!(s->tcp_flags & TCP_FLAG_BYTE_FIN);
}

static __always_inline int sequence_is_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

static __always_inline __u64 sequence_late(const struct flow *flow)
{
	return flow->ack > flow->syn && flow->syn ? flow->ack - flow->syn : SEQUENCE_LATE_NS;
}

/* A SYN whose number is none of those before: what follows is counted from there. RFC 9293 section 3.5. */
static __always_inline int sequence_begins_anew(const struct flow_side *side, const struct sighting *s)
{
	__u8 ends = s->tcp_flags & TCP_FLAG_BYTES_OF_ENDS;

	return ends == TCP_FLAG_BYTE_SYN && s->seq != side->letter_seq[0] && s->seq != side->letter_seq[1];
}

/* All of it lies in what was skipped before. */
static __always_inline int sequence_fills(const struct flow_side *side, __u32 from, __u32 to)
{
	return side->hole_from != side->hole_to && !sequence_is_before(from, side->hole_from) &&
	       !sequence_is_before(side->hole_to, to);
}

/* A packet leaves something out. Of several holes the whole is remembered, and what it lacks. */
static __always_inline void sequence_tear(struct flow_side *side, const struct sighting *s)
{
	if (side->hole_from == side->hole_to) {
		side->hole_from = side->next;
		side->hole_bytes = 0;
	}
	side->hole_bytes += s->seq - side->next;
	side->hole_to = s->seq;
	side->hole_time = s->now;
}

/* Of what is left of a hole the lower part is remembered. */
static __always_inline void sequence_shrink(struct flow_side *side, __u32 from, __u32 to)
{
	side->hole_bytes -= to - from < side->hole_bytes ? to - from : side->hole_bytes;
	if (!side->hole_bytes)
		side->hole_from = side->hole_to;
	else if (from == side->hole_from)
		side->hole_from = to;
	else
		side->hole_to = from;
	if (side->hole_bytes > side->hole_to - side->hole_from)
		side->hole_bytes = side->hole_to - side->hole_from;
}

/* A packet that begins before the highest that was sent. Returns whether payload was sent again. */
static __always_inline int sequence_note_old(const struct flow *flow, struct flow_side *side, const struct sighting *s,
					     __u32 length)
{
	__u32 end = s->seq + length;

	/* a probe whether the other end is alive: RFC 9293 section 3.8.4 */
	if (length == 1 && s->payload == 1 && end == side->next)
		return 0;
	if (sequence_fills(side, s->seq, end)) {
		sequence_shrink(side, s->seq, end);
		if (s->now < side->hole_time + sequence_late(flow)) {
			side->out_of_order += s->packets;
			return 0;
		}
	} else if (sequence_is_before(side->next, end)) {
		side->next = end;
	}
	side->retransmitted += s->packets;
	return s->payload != 0;
}

/* Whether the packet carries payload that was sent before. */
static __always_inline int sequence_note(const struct flow *flow, struct flow_side *side, const struct sighting *s)
{
	__u32 length = sequence_length(s);

	if (!length || s->is_fragment)
		return 0;
	if (!(side->known & FLOW_KNOWS_SEQUENCE) || sequence_begins_anew(side, s)) {
		side->known |= FLOW_KNOWS_SEQUENCE;
		side->hole_from = side->hole_to;
		side->next = s->seq;
	}
	if (sequence_is_before(s->seq, side->next))
		return sequence_note_old(flow, side, s, length);
	if (s->seq != side->next)
		sequence_tear(side, s);
	side->next = s->seq + length;
	return 0;
}

/* Whether an acknowledgement tells of what the other end sent and was not seen here. */
static __always_inline int sequence_note_ack(struct flow_side *other, const struct sighting *s)
{
	__u64 missed = 0;

	if (!(s->tcp_flags & TCP_FLAG_BYTE_ACK) || s->tcp_flags & TCP_FLAG_BYTE_RST || s->is_fragment ||
	    !(other->known & FLOW_KNOWS_SEQUENCE))
		return 0;
	if (other->hole_from != other->hole_to && !sequence_is_before(s->ack, other->hole_to)) {
		missed = other->hole_bytes;
		other->hole_from = other->hole_to;
	}
	if (sequence_is_before(other->next, s->ack)) {
		missed += s->ack - other->next;
		other->next = s->ack;
	}
	other->missed += missed;
	return missed != 0;
}

#endif
