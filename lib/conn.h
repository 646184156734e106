/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracked connections (abi/conns.h): their keys, states and timeouts. */
#ifndef SPLICER_CONN_H
#define SPLICER_CONN_H

#include "abi/config.h"
#include "abi/conns.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* One of the two ends. */
struct conn_end {
	uint8_t addr[16]; /* network byte order; IPv4 in the first 4 bytes, the rest zero */
	uint16_t port;    /* host byte order; ICMP echo: the identifier; 0 where the protocol has none */
};

/*
 * The key of a connection between two ends, whichever is named first; family 4 or 6. Returns the end (0 or 1) at which
 * `first` stands in the key.
 */
unsigned int conn_key_make(struct conn_key *key, uint8_t family, uint8_t proto, const struct conn_end *first,
			   const struct conn_end *second);

/* An end of a key: 0 or 1. */
struct conn_end conn_key_end(const struct conn_key *key, unsigned int end);

/* The end that sent the first packet, and the other. Of the connection only opener is read: 0 or 1. */
struct conn_end conn_source(const struct conn_key *key, const struct conn *conn);
struct conn_end conn_destination(const struct conn_key *key, const struct conn *conn);

/* The word of an enum conn_state; "unknown" for one of a later version. */
const char *conn_state_name(unsigned int state);
int conn_state_parse(const char *text, uint8_t *state, struct error *error);

/* The interface where the first packet was seen; 0: none. */
uint32_t conn_interface(const struct conn *conn);
void conn_set_interface(struct conn *conn, uint32_t ifindex);

/* Sequence number of the rule that decided what the opener sends: as it came in, else as it left. 0: none. */
uint64_t conn_rule(const struct conn *conn);

/* Whether a rule of this sequence number is one of those. */
bool conn_has_rule(const struct conn *conn, uint64_t sequence);

/* The name of a timeout as conn_set takes it: "tcp_handshake". */
const char *timeout_name(enum conn_timeout timeout);

/* Seconds in force. */
uint32_t timeout_seconds(const struct splicer_config *config, enum conn_timeout timeout);

/* Seconds that a connection of this protocol in its state lasts without a packet. */
uint32_t conn_timeout_seconds(const struct splicer_config *config, const struct conn_key *key, const struct conn *conn);

/* Whether what had its last packet then is past its timeout; both times ns of CLOCK_MONOTONIC. */
bool timeout_is_over(const struct splicer_config *config, uint8_t proto, uint8_t state, uint64_t last, uint64_t now);

/* Whether it counts as absent at a time, ns of CLOCK_MONOTONIC. */
bool conn_is_overdue(const struct splicer_config *config, const struct conn_key *key, const struct conn *conn,
		     uint64_t now);

#endif
