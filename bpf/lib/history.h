/* SPDX-License-Identifier: GPL-2.0-only */
/* The history of a session in letters, as Zeek writes them in conn.log: see splicer.flows(5). */
#ifndef SPLICER_LIB_HISTORY_H
#define SPLICER_LIB_HISTORY_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/sighting.h"

#define LETTER(letter) (1u << (letter))

/* The letter that the header alone tells, as a set; with SYN, FIN or RST, data is not told. */
static __always_inline __u32 history_of_tcp(const struct sighting *s)
{
	__u32 flags = s->tcp_flags & TCP_FLAG_BYTES_OF_ENDS, is_ack = s->tcp_flags & TCP_FLAG_BYTE_ACK;

	if (!flags && s->payload)
		return LETTER(LETTER_DATA);
	if (!flags)
		return is_ack ? LETTER(LETTER_ACK) : 0;
	if (flags == TCP_FLAG_BYTE_SYN)
		return is_ack ? LETTER(LETTER_HANDSHAKE) : LETTER(LETTER_SYN);
	if (flags == TCP_FLAG_BYTE_FIN)
		return LETTER(LETTER_FIN);
	if (flags == TCP_FLAG_BYTE_RST)
		return LETTER(LETTER_RST);
	return flags & TCP_FLAG_BYTE_FIN && flags & TCP_FLAG_BYTE_RST ? LETTER(LETTER_ODD) : LETTER(LETTER_MULTI);
}

static __always_inline char history_letter(__u32 letter)
{
	/* by enum flow_letter, the first in the lowest byte; a table would be a map */
	const __u64 first = 0x6164747769716873ull, rest = 0x677266ull;

	return (char)((letter < 8 ? first : rest) >> (letter % 8 * 8));
}

static __always_inline void history_put(struct flow *flow, __u32 letter, __u32 side)
{
	__u32 at = flow->history_length;

	if (at >= FLOW_HISTORY_MAX)
		return;
	flow->history[at] = (char)(history_letter(letter) - (side ? 0 : 'a' - 'A'));
	flow->history_length = (__u8)(at + 1);
}

/* Which letters are written each time that their sequence number is another: index of letter_seq, or -1. */
static __always_inline int history_sequence(__u32 letter)
{
	switch (letter) {
	case LETTER_SYN:
		return 0;
	case LETTER_HANDSHAKE:
		return 1;
	case LETTER_FIN:
		return 2;
	case LETTER_RST:
		return 3;
	default:
		return -1;
	}
}

/* The number that tells whether a letter is written again: a FIN's comes after the data. */
static __always_inline __u32 history_number(const struct sighting *s, __u32 letter)
{
	return letter == LETTER_FIN ? s->seq + s->payload : s->seq;
}

/* Each letter once for each end, but those that repeat; *s is of the side. */
__weak __noinline int history_write(struct flow *flow, const struct sighting *s, __u32 letters, __u32 side)
{
	if (!flow || !s || side > 1)
		return 0;
	for (__u32 letter = 0; letter < LETTER_COUNT; letter++) {
		__u32 bit = LETTER(letter) << side * FLOW_RESPONDER_SHIFT;
		int which = history_sequence(letter);

		if (!(letters & LETTER(letter)))
			continue;
		if (flow->seen & bit && (which < 0 || flow->side[side].letter_seq[which] == history_number(s, letter)))
			continue;
		if (which >= 0)
			flow->side[side].letter_seq[which] = history_number(s, letter);
		flow->seen |= bit;
		history_put(flow, letter, side);
	}
	return 0;
}

/* Of what happens often the first is written, then the tenth, the hundredth... */
__weak __noinline int history_write_count(struct flow *flow, __u32 letter, __u32 side, __u32 before, __u32 after)
{
	__u32 bit = LETTER(letter % LETTER_COUNT) << side * FLOW_RESPONDER_SHIFT;

	if (!flow || side > 1)
		return 0;
	for (__u32 i = 0, power = 1; i < 10; i++, power *= 10) {
		if (power == 1 ? flow->seen & bit : before >= power || after < power)
			continue;
		flow->seen |= bit;
		history_put(flow, letter, side);
	}
	return 0;
}

/* The letters of a packet, most of which tell nothing new. */
static __always_inline void history_note(struct flow *flow, const struct sighting *s, __u32 letters, __u32 side)
{
	if (letters & ~(flow->seen >> side * FLOW_RESPONDER_SHIFT) || s->tcp_flags & TCP_FLAG_BYTES_OF_ENDS)
		history_write(flow, s, letters, side);
}

#endif
