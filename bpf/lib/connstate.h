/* SPDX-License-Identifier: GPL-2.0-only */
/* How long a connection lasts, and how TCP goes on: what all tables of connections have in common. */
#ifndef SPLICER_LIB_CONNSTATE_H
#define SPLICER_LIB_CONNSTATE_H

#include "abi/conns.h"
#include "lib/bpf.h"
#include "lib/packet.h"
#include "lib/settings.h"

/* Seconds. */
static __always_inline __u32 conn_timeout(__u32 proto, __u32 state)
{
	enum conn_timeout kind = conn_timeout_of(proto, state);
	struct splicer_config *config = config_get();
	__u32 seconds = config ? config->timeout[kind & (TIMEOUT_COUNT - 1)] : 0;

	return seconds ? seconds : conn_timeout_default(kind);
}

/*
 * Sequence numbers are not followed, so a reset may be forged. It only shortens the time that is left, and its victim
 * undoes that: a host that ignores a reset goes on sending (RFC 5961). flags: CONN_FIN_FORWARD... of the connection,
 * kept; replied: a packet back was seen before.
 */
static __always_inline __u32 conn_next_tcp_state(__u32 state, __u8 *flags, __u32 direction, __u8 tcp_flags, int replied)
{
	__u8 reset = direction == CONN_FORWARD ? CONN_RST_FORWARD : CONN_RST_BACK;
	__u8 reset_by_other = direction == CONN_FORWARD ? CONN_RST_BACK : CONN_RST_FORWARD;

	if (tcp_flags & TCP_FLAG_BYTE_RST) {
		*flags |= reset;
		return CONN_CLOSED;
	}
	if (tcp_flags & TCP_FLAG_BYTE_FIN)
		*flags |= direction == CONN_FORWARD ? CONN_FIN_FORWARD : CONN_FIN_BACK;
	if (state == CONN_CLOSED && !(*flags & reset_by_other))
		return CONN_CLOSED;
	*flags &= ~reset_by_other;
	if (*flags & (CONN_FIN_FORWARD | CONN_FIN_BACK))
		return CONN_CLOSING;
	/* who sends a SYN once more need not have had the answer, and may be nobody */
	if (state == CONN_HANDSHAKE && (tcp_flags & TCP_FLAG_BYTE_SYN || direction == CONN_BACK || !replied))
		return CONN_HANDSHAKE;
	return CONN_ESTABLISHED;
}

#endif
