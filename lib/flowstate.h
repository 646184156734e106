/* SPDX-License-Identifier: GPL-2.0-only */
/* What a session tells of itself beyond its counters: its state as Zeek names it, how it ended, who serves. */
#ifndef SPLICER_FLOWSTATE_H
#define SPLICER_FLOWSTATE_H

#include "abi/flow.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* conn_state of Zeek's conn.log; see splicer.flows(5). */
enum flow_state {
	FLOW_STATE_S0,
	FLOW_STATE_S1,
	FLOW_STATE_SF,
	FLOW_STATE_REJ,
	FLOW_STATE_S2,
	FLOW_STATE_S3,
	FLOW_STATE_RSTO,
	FLOW_STATE_RSTR,
	FLOW_STATE_RSTOS0,
	FLOW_STATE_RSTRH,
	FLOW_STATE_SH,
	FLOW_STATE_SHR,
	FLOW_STATE_OTH,
	FLOW_STATES
};

/* By the history, which is that of the whole session, also where the counters are of a part of it. */
enum flow_state flow_state(const struct flow *flow);

const char *flow_state_name(enum flow_state state);

/* A name as flow_state_name has it. -1 with *error (EXIT_USAGE). */
int flow_state_parse(const char *text, enum flow_state *state, struct error *error);

/* How it ended: what its packets show, or that none came for so long that the next one begins another session. */
enum flow_finish { FLOW_FINISH_OPEN, FLOW_FINISH_FIN, FLOW_FINISH_RST, FLOW_FINISH_IDLE, FLOW_FINISHES };

/* now: of the clock of the settings. */
enum flow_finish flow_finish(const struct flow *flow, const struct flow_settings *settings, uint64_t now);

/* "open", "fin", "rst", "idle" */
const char *flow_finish_name(enum flow_finish finish);
int flow_finish_parse(const char *text, enum flow_finish *finish, struct error *error);

/* Time of the last packet. */
uint64_t flow_last(const struct flow *flow);

/* Time of the last packet less that of the first, ns. */
uint64_t flow_duration(const struct flow *flow);

/*
 * From the hook to the responder and back, and to the originator and back, ns: SYN to SYN and ACK, and that to what
 * acknowledges it. False: not all of it was seen.
 */
bool flow_rtt_responder(const struct flow *flow, uint64_t *ns);
bool flow_rtt_originator(const struct flow *flow, uint64_t *ns);

/* What a guess was made by, the surest first. */
enum flow_method {
	FLOW_BY_SYN,        /* who was sent a SYN */
	FLOW_BY_SYNACK,     /* who sent SYN and ACK */
	FLOW_BY_ECHO,       /* who was sent an echo request, or sent the reply */
	FLOW_BY_WELL_KNOWN, /* whose port alone is below 1024 */
	FLOW_BY_REGISTERED, /* whose port alone is below 49152 (RFC 6335 section 6) */
	FLOW_BY_LOWER,      /* who has the lower port */
	FLOW_BY_FIRST,      /* who did not send the first packet */
	FLOW_METHODS
};

struct flow_server {
	uint8_t side; /* 0: the originator; 1: the responder */
	enum flow_method method;
};

struct flow_server flow_server(const struct flow *flow);

/* "syn", "synack", "echo", "well-known", "registered", "lower", "first" */
const char *flow_method_name(enum flow_method method);

#endif
