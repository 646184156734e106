/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowstate.h"

#include "clock.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#define PORT_WELL_KNOWN_END 1024 /* RFC 6335 section 6 */
#define PORT_REGISTERED_END 49152
#define ICMP_ECHO_REQUEST 8
#define ICMP6_ECHO_REQUESTED 128

static const char *const state_names[FLOW_STATES] = {
	[FLOW_STATE_S0] = "S0",     [FLOW_STATE_S1] = "S1",       [FLOW_STATE_SF] = "SF",
	[FLOW_STATE_REJ] = "REJ",   [FLOW_STATE_S2] = "S2",       [FLOW_STATE_S3] = "S3",
	[FLOW_STATE_RSTO] = "RSTO", [FLOW_STATE_RSTR] = "RSTR",   [FLOW_STATE_RSTOS0] = "RSTOS0",
	[FLOW_STATE_SH] = "SH",     [FLOW_STATE_RSTRH] = "RSTRH", [FLOW_STATE_SHR] = "SHR",
	[FLOW_STATE_OTH] = "OTH",
};

static const char *const finish_names[FLOW_FINISHES] = {
	[FLOW_FINISH_OPEN] = "open",
	[FLOW_FINISH_FIN] = "fin",
	[FLOW_FINISH_RST] = "rst",
	[FLOW_FINISH_IDLE] = "idle",
};

static const char *const method_names[FLOW_METHODS] = {
	[FLOW_BY_SYN] = "syn",
	[FLOW_BY_SYNACK] = "synack",
	[FLOW_BY_ECHO] = "echo",
	[FLOW_BY_WELL_KNOWN] = "well-known",
	[FLOW_BY_REGISTERED] = "registered",
	[FLOW_BY_LOWER] = "lower",
	[FLOW_BY_FIRST] = "first",
};

/* ---- words ---- */

static int word_find(const char *const *words, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(words[i], text))
			return i;
	return -1;
}

const char *flow_state_name(enum flow_state state)
{
	return state_names[state];
}

int flow_state_parse(const char *text, enum flow_state *state, struct error *error)
{
	int found = word_find(state_names, FLOW_STATES, text);

	if (found < 0)
		return error_usage(error, text,
				   "a state is S0, S1, SF, REJ, S2, S3, RSTO, RSTR, RSTOS0, RSTRH, SH, SHR or OTH");
	*state = (enum flow_state)found;
	return 0;
}

const char *flow_finish_name(enum flow_finish finish)
{
	return finish_names[finish];
}

int flow_finish_parse(const char *text, enum flow_finish *finish, struct error *error)
{
	int found = word_find(finish_names, FLOW_FINISHES, text);

	if (found < 0)
		return error_usage(error, text, "an end is open, fin, rst or idle");
	*finish = (enum flow_finish)found;
	return 0;
}

const char *flow_method_name(enum flow_method method)
{
	return method_names[method];
}

/* ---- the state: what Zeek's two ends would be in after the letters of the history ---- */

enum end_state { END_INACTIVE, END_SYN_SENT, END_SYNACK_SENT, END_PARTIAL, END_ESTABLISHED, END_CLOSED, END_RESET };

struct end {
	enum end_state now, before;
};

struct ends {
	struct end end[2];   /* originator, responder */
	bool multi_is_reset; /* what SYN stands with in a letter q: RST, else FIN */
};

static void end_set(struct end *end, enum end_state state)
{
	end->before = end->now;
	end->now = state;
}

static void take_syn(struct ends *ends, int side, bool acknowledges)
{
	struct end *own = &ends->end[side], *peer = &ends->end[!side];

	if (own->now == END_PARTIAL && peer->now == END_INACTIVE && !acknowledges)
		end_set(own, END_SYN_SENT);
	if (own->now != END_INACTIVE)
		return;
	if (side == 0) {
		end_set(own, acknowledges ? END_SYNACK_SENT : END_SYN_SENT);
		return;
	}
	if (peer->now == END_SYN_SENT)
		end_set(peer, END_ESTABLISHED);
	end_set(own, END_ESTABLISHED);
}

/* That a peer sent FIN and then RST is forgotten once this end closes as well. */
static void take_fin(struct ends *ends, int side)
{
	struct end *own = &ends->end[side], *peer = &ends->end[!side];
	bool was_established = own->now == END_ESTABLISHED || own->now == END_PARTIAL;

	if (own->now == END_CLOSED || own->now == END_RESET)
		return;
	end_set(own, END_CLOSED);
	if (was_established && peer->now == END_RESET && peer->before == END_CLOSED)
		end_set(peer, END_CLOSED);
}

static void take_rst(struct ends *ends, int side)
{
	struct end *own = &ends->end[side];

	if (own->now == END_RESET || (own->now == END_CLOSED && ends->end[!side].now == END_CLOSED))
		return;
	end_set(own, END_RESET);
}

/* An acknowledgement or data of an end that was silent. A bare acknowledgement of a SYN tells nothing yet. */
static void take_plain(struct ends *ends, int side, bool has_data)
{
	struct end *own = &ends->end[side], *peer = &ends->end[!side];

	if (own->now != END_INACTIVE)
		return;
	if (side == 1 && !has_data && peer->now == END_SYN_SENT)
		return;
	end_set(own, peer->now == END_ESTABLISHED ? END_ESTABLISHED : END_PARTIAL);
}

static void take_letter(struct ends *ends, char letter)
{
	int side = islower((unsigned char)letter) ? 1 : 0;

	switch (tolower((unsigned char)letter)) {
	case 's':
		take_syn(ends, side, false);
		break;
	case 'h':
		take_syn(ends, side, true);
		break;
	case 'q':
		take_syn(ends, side, false);
		if (ends->multi_is_reset)
			take_rst(ends, side);
		else
			take_fin(ends, side);
		break;
	case 'f':
		take_fin(ends, side);
		break;
	case 'i':
	case 'r':
		take_rst(ends, side);
		break;
	case 'a':
	case 'd':
		take_plain(ends, side, tolower((unsigned char)letter) == 'd');
		break;
	default:
		break; /* t, w, g and ^ stand beside others, or change no state */
	}
}

static bool has_letter(const struct flow *flow, enum flow_letter letter, int side)
{
	return flow->seen >> (side * FLOW_RESPONDER_SHIFT) & 1u << letter;
}

static size_t history_length(const struct flow *flow)
{
	return flow->history_length < FLOW_HISTORY_MAX ? flow->history_length : FLOW_HISTORY_MAX;
}

/* A long history may have no room for the letters of the end. */
static void take_late_letters(struct ends *ends, const struct flow *flow)
{
	if (history_length(flow) < FLOW_HISTORY_MAX)
		return;
	for (int side = 0; side < 2; side++) {
		if (has_letter(flow, LETTER_FIN, side))
			take_fin(ends, side);
		if (has_letter(flow, LETTER_RST, side) || has_letter(flow, LETTER_ODD, side))
			take_rst(ends, side);
	}
}

static bool has_reset_letter(const struct flow *flow)
{
	return has_letter(flow, LETTER_RST, 0) || has_letter(flow, LETTER_RST, 1) || has_letter(flow, LETTER_ODD, 0) ||
	       has_letter(flow, LETTER_ODD, 1);
}

static struct ends ends_of(const struct flow *flow)
{
	struct ends ends = { .multi_is_reset = flow->ended == FLOW_RST && !has_reset_letter(flow) };

	for (size_t i = 0; i < history_length(flow); i++)
		take_letter(&ends, flow->history[i]);
	take_late_letters(&ends, flow);
	return ends;
}

static bool is_inactive(enum end_state state)
{
	return state == END_INACTIVE || state == END_PARTIAL;
}

/* Zeek's pattern for it: ^\^?S[^HAFGIQ]*R */
static bool is_syn_then_reset(const struct flow *flow)
{
	size_t at = 0, length = history_length(flow);

	if (at < length && flow->history[at] == '^')
		at++;
	if (at == length || flow->history[at] != 'S')
		return false;
	while (++at < length && !strchr("HAFGIQ", flow->history[at]))
		if (flow->history[at] == 'R')
			return true;
	return false;
}

static bool has_payload(const struct flow *flow)
{
	return has_letter(flow, LETTER_DATA, 0) || has_letter(flow, LETTER_DATA, 1);
}

static enum flow_state state_of_reset_by_responder(const struct flow *flow, enum end_state originator)
{
	if (originator == END_SYN_SENT || originator == END_SYNACK_SENT)
		return FLOW_STATE_REJ;
	if (originator == END_RESET && !has_payload(flow))
		return FLOW_STATE_REJ;
	return is_inactive(originator) ? FLOW_STATE_RSTRH : FLOW_STATE_RSTR;
}

static enum flow_state state_of_reset_by_originator(const struct flow *flow, enum end_state responder)
{
	if (!is_inactive(responder))
		return FLOW_STATE_RSTO;
	return is_syn_then_reset(flow) ? FLOW_STATE_RSTOS0 : FLOW_STATE_OTH;
}

static enum flow_state state_of_tcp(const struct flow *flow)
{
	struct ends ends = ends_of(flow);
	enum end_state originator = ends.end[0].now, responder = ends.end[1].now;

	if (responder == END_RESET)
		return state_of_reset_by_responder(flow, originator);
	if (originator == END_RESET)
		return state_of_reset_by_originator(flow, responder);
	if (originator == END_CLOSED && responder == END_CLOSED)
		return FLOW_STATE_SF;
	if (originator == END_CLOSED)
		return is_inactive(responder) ? FLOW_STATE_SH : FLOW_STATE_S2;
	if (responder == END_CLOSED)
		return is_inactive(originator) ? FLOW_STATE_SHR : FLOW_STATE_S3;
	if (originator == END_SYN_SENT && responder == END_INACTIVE)
		return FLOW_STATE_S0;
	if (originator == END_ESTABLISHED && responder == END_ESTABLISHED)
		return FLOW_STATE_S1;
	return FLOW_STATE_OTH;
}

static enum flow_state state_of_udp(const struct flow *flow)
{
	bool originator = flow->side[0].last != 0, responder = flow->side[1].last != 0;

	if (originator)
		return responder ? FLOW_STATE_SF : FLOW_STATE_S0;
	return responder ? FLOW_STATE_SHR : FLOW_STATE_OTH;
}

enum flow_state flow_state(const struct flow *flow)
{
	if (flow->key.proto == IPPROTO_TCP)
		return state_of_tcp(flow);
	if (flow->key.proto == IPPROTO_UDP)
		return state_of_udp(flow);
	return FLOW_STATE_OTH;
}

/* ---- its end ---- */

uint64_t flow_last(const struct flow *flow)
{
	return flow->side[0].last > flow->side[1].last ? flow->side[0].last : flow->side[1].last;
}

uint64_t flow_duration(const struct flow *flow)
{
	uint64_t last = flow_last(flow);

	return last > flow->start ? last - flow->start : 0;
}

enum flow_finish flow_finish(const struct flow *flow, const struct flow_settings *settings, uint64_t now)
{
	uint64_t last = flow_last(flow);

	if (flow->ended == FLOW_FIN)
		return FLOW_FINISH_FIN;
	if (flow->ended == FLOW_RST)
		return FLOW_FINISH_RST;
	if (now > last && now - last > flow_idle_seconds(settings, flow->key.proto, flow->ended) * CLOCK_SECOND)
		return FLOW_FINISH_IDLE;
	return FLOW_FINISH_OPEN;
}

/* ---- its beginning ---- */

static bool time_between(uint64_t from, uint64_t to, uint64_t *ns)
{
	if (!from || !to || to < from)
		return false;
	*ns = to - from;
	return true;
}

bool flow_rtt_responder(const struct flow *flow, uint64_t *ns)
{
	return time_between(flow->syn, flow->synack, ns);
}

bool flow_rtt_originator(const struct flow *flow, uint64_t *ns)
{
	return time_between(flow->synack, flow->ack, ns);
}

/* ---- who serves ---- */

/* The one of the two that is true, as a side; -1 where both are or none is. */
static int only_one(bool originator, bool responder)
{
	return originator == responder ? -1 : responder;
}

static int server_by_syn(const struct flow *flow)
{
	int opener = only_one(has_letter(flow, LETTER_SYN, 0), has_letter(flow, LETTER_SYN, 1));

	return opener < 0 ? -1 : !opener;
}

static int server_by_synack(const struct flow *flow)
{
	return only_one(has_letter(flow, LETTER_HANDSHAKE, 0), has_letter(flow, LETTER_HANDSHAKE, 1));
}

static int server_by_echo(const struct flow *flow)
{
	uint8_t request = flow->key.family == 6 ? ICMP6_ECHO_REQUESTED : ICMP_ECHO_REQUEST;

	if (flow->key.kind != FLOW_ECHO)
		return -1;
	return flow->icmp_type == request;
}

static uint16_t port_of(const struct flow *flow, int side)
{
	return ntohs(flow->key.port[(flow->originator & 1) ^ side]);
}

/* Of ports below a limit; 0 is none. */
static int server_by_port_below(const struct flow *flow, uint16_t limit)
{
	uint16_t originator = port_of(flow, 0), responder = port_of(flow, 1);

	if (flow->key.kind != FLOW_PORTS || !originator || !responder)
		return -1;
	return only_one(originator < limit, responder < limit);
}

static int server_by_well_known(const struct flow *flow)
{
	return server_by_port_below(flow, PORT_WELL_KNOWN_END);
}

static int server_by_registered(const struct flow *flow)
{
	return server_by_port_below(flow, PORT_REGISTERED_END);
}

static int server_by_lower(const struct flow *flow)
{
	uint16_t originator = port_of(flow, 0), responder = port_of(flow, 1);

	if (flow->key.kind != FLOW_PORTS || !originator || !responder)
		return -1;
	return only_one(originator < responder, responder < originator);
}

static int server_by_first(const struct flow *flow)
{
	(void)flow;
	return 1;
}

struct flow_server flow_server(const struct flow *flow)
{
	static int (*const guess[FLOW_METHODS])(const struct flow *) = {
		[FLOW_BY_SYN] = server_by_syn,
		[FLOW_BY_SYNACK] = server_by_synack,
		[FLOW_BY_ECHO] = server_by_echo,
		[FLOW_BY_WELL_KNOWN] = server_by_well_known,
		[FLOW_BY_REGISTERED] = server_by_registered,
		[FLOW_BY_LOWER] = server_by_lower,
		[FLOW_BY_FIRST] = server_by_first,
	};
	int method = 0, side;

	while ((side = guess[method](flow)) < 0)
		method++;
	return (struct flow_server){ .side = (uint8_t)side, .method = (enum flow_method)method };
}
