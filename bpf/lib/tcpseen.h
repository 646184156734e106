/* SPDX-License-Identifier: GPL-2.0-only */
/* What TCP headers tell of a session: its handshake, its end, what is sent again, windows, flags. */
#ifndef SPLICER_LIB_TCPSEEN_H
#define SPLICER_LIB_TCPSEEN_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/history.h"
#include "lib/sequence.h"
#include "lib/sighting.h"
#include "lib/sums.h"

/* Segments that offload makes of one all have ACK and ECE; the others only one of them: RFC 3168,
 * segmentation-offloads. */
static __always_inline void tcpseen_count_flags(struct flow_side *side, const struct sighting *s)
{
	__u8 rare = s->tcp_flags & ~(TCP_FLAG_BYTE_ACK | TCP_FLAG_BYTE_PSH);

	if (s->tcp_flags & TCP_FLAG_BYTE_ACK)
		sum_count(&side->tcp[4], s->packets);
	if (s->tcp_flags & TCP_FLAG_BYTE_PSH)
		sum_count(&side->tcp[3], 1);
	if (!rare)
		return;
	for (int i = 0; i < 8; i++)
		if (rare & 1 << i)
			sum_count(&side->tcp[i], 1 << i == TCP_FLAG_BYTE_ECE ? s->packets : 1);
}

/* The originator's SYN, what answers it, what answers that. Those that are sent again do not count. */
static __always_inline void tcpseen_handshake(struct flow *flow, const struct sighting *s, __u32 side)
{
	__u8 flags = s->tcp_flags & (TCP_FLAG_BYTES_OF_ENDS | TCP_FLAG_BYTE_ACK);

	if (!side && flags == TCP_FLAG_BYTE_SYN && !flow->syn)
		flow->syn = s->now;
	else if (side && flags == (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK) && !flow->synack)
		flow->synack = s->now;
	else if (!side && flags == TCP_FLAG_BYTE_ACK && flow->synack && !flow->ack && s->ack == flow->side[1].next) {
		flow->ack = s->now;
		flow->flags |= FLOW_OPENED;
	}
}

static __always_inline void tcpseen_end(struct flow *flow, __u8 tcp_flags)
{
	__u32 both = LETTER(LETTER_FIN) | LETTER(LETTER_FIN) << FLOW_RESPONDER_SHIFT;

	if (flow->ended)
		return;
	if (tcp_flags & TCP_FLAG_BYTE_RST)
		flow->ended = FLOW_RST;
	else if ((flow->seen & both) == both)
		flow->ended = FLOW_FIN;
}

static __always_inline void tcpseen_window(struct flow *flow, struct flow_side *side, const struct sighting *s,
					   __u32 which)
{
	__u32 before = side->zero_windows;

	if (!(side->known & FLOW_KNOWS_WINDOW)) {
		side->known |= FLOW_KNOWS_WINDOW;
		side->window = s->window;
	}
	if (s->window || s->tcp_flags & TCP_FLAG_BYTE_RST)
		return;
	side->zero_windows += s->packets;
	history_write_count(flow, LETTER_WINDOW, which, before, side->zero_windows);
}

static __always_inline void tcpseen_ack(struct flow *flow, struct flow_side *other, const struct sighting *s,
					__u32 which)
{
	__u32 before = other->missed_times;

	if (!sequence_note_ack(other, s))
		return;
	other->missed_times++;
	history_write_count(flow, LETTER_GAP, which, before, other->missed_times);
}

/* A packet of TCP, from side 0 or 1, that has its header. */
static __always_inline void tcpseen_note(struct flow *flow, const struct sighting *s, __u32 which)
{
	struct flow_side *side = &flow->side[which], *other = &flow->side[!which];
	__u32 before = side->retransmitted;
	int is_again = sequence_note(flow, side, s);

	tcpseen_count_flags(side, s);
	history_note(flow, s, history_of_tcp(s), which);
	tcpseen_window(flow, side, s, which);
	if (is_again)
		history_write_count(flow, LETTER_AGAIN, which, before, side->retransmitted);
	tcpseen_ack(flow, other, s, !which);
	if (s->tcp_flags & TCP_FLAG_BYTES_OF_ENDS || !(flow->flags & FLOW_OPENED))
		tcpseen_handshake(flow, s, which);
	if (s->tcp_flags & (TCP_FLAG_BYTE_FIN | TCP_FLAG_BYTE_RST))
		tcpseen_end(flow, s->tcp_flags);
}

#endif
