/* SPDX-License-Identifier: GPL-2.0-only */
#include "conn.h"

#include "abi/rules.h"
#include "clock.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

/* ---- keys ---- */

/* As abi/conns.h says: words and ports as this machine reads them. */
static bool end_is_lower(const struct conn_end *a, const struct conn_end *b)
{
	uint64_t left[2], right[2];

	memcpy(left, a->addr, sizeof(left));
	memcpy(right, b->addr, sizeof(right));
	if (left[0] != right[0])
		return left[0] < right[0];
	if (left[1] != right[1])
		return left[1] < right[1];
	return htons(a->port) < htons(b->port);
}

static void end_put(struct conn_key *key, unsigned int end, const struct conn_end *from)
{
	memcpy(key->addr[end], from->addr, sizeof(key->addr[end]));
	key->port[end] = htons(from->port);
}

unsigned int conn_key_make(struct conn_key *key, uint8_t family, uint8_t proto, const struct conn_end *first,
			   const struct conn_end *second)
{
	unsigned int at = end_is_lower(second, first);

	memset(key, 0, sizeof(*key));
	key->family = family;
	key->proto = proto;
	end_put(key, at, first);
	end_put(key, !at, second);
	return at;
}

struct conn_end conn_key_end(const struct conn_key *key, unsigned int end)
{
	struct conn_end out;

	memcpy(out.addr, key->addr[end & 1], sizeof(out.addr));
	out.port = ntohs(key->port[end & 1]);
	return out;
}

struct conn_end conn_source(const struct conn_key *key, const struct conn *conn)
{
	return conn_key_end(key, conn->opener);
}

struct conn_end conn_destination(const struct conn_key *key, const struct conn *conn)
{
	return conn_key_end(key, !conn->opener);
}

/* ---- states ---- */

static const char *const states[] = {
	[CONN_NEW] = "new",         [CONN_HANDSHAKE] = "handshake", [CONN_ESTABLISHED] = "established",
	[CONN_CLOSING] = "closing", [CONN_CLOSED] = "closed",
};

#define STATES (sizeof(states) / sizeof(states[0]))

const char *conn_state_name(unsigned int state)
{
	return state < STATES ? states[state] : "unknown";
}

int conn_state_parse(const char *text, uint8_t *state, struct error *error)
{
	for (size_t i = 0; i < STATES; i++) {
		*state = (uint8_t)i;
		if (!strcmp(text, states[i]))
			return 0;
	}
	return error_usage(error, text, "a state is new, handshake, established, closing or closed");
}

uint32_t conn_interface(const struct conn *conn)
{
	return conn->ifindex[CONN_FORWARD];
}

void conn_set_interface(struct conn *conn, uint32_t ifindex)
{
	conn->ifindex[CONN_FORWARD] = ifindex;
}

/* ---- rules ---- */

static uint64_t verdict_rule(const struct conn *conn, enum rules_direction direction)
{
	const struct conn_verdict *verdict = &conn->verdict[direction];

	return verdict->reason ? rules_decision_sequence(verdict->decision) : 0;
}

uint64_t conn_rule(const struct conn *conn)
{
	uint64_t in = verdict_rule(conn, RULES_IN);

	return in ? in : verdict_rule(conn, RULES_OUT);
}

bool conn_has_rule(const struct conn *conn, uint64_t sequence)
{
	return verdict_rule(conn, RULES_IN) == sequence || verdict_rule(conn, RULES_OUT) == sequence;
}

/* ---- timeouts ---- */

const char *timeout_name(enum conn_timeout timeout)
{
	static const char *const names[TIMEOUT_COUNT] = {
		[TIMEOUT_TCP_HANDSHAKE] = "tcp_handshake",
		[TIMEOUT_TCP_ESTABLISHED] = "tcp_established",
		[TIMEOUT_TCP_CLOSING] = "tcp_closing",
		[TIMEOUT_TCP_CLOSED] = "tcp_closed",
		[TIMEOUT_UDP] = "udp",
		[TIMEOUT_UDP_STREAM] = "udp_stream",
		[TIMEOUT_ICMP] = "icmp",
		[TIMEOUT_OTHER] = "other",
	};

	return names[timeout];
}

uint32_t timeout_seconds(const struct splicer_config *config, enum conn_timeout timeout)
{
	uint32_t seconds = __atomic_load_n(&config->timeout[timeout], __ATOMIC_RELAXED);

	return seconds ? seconds : conn_timeout_default(timeout);
}

uint32_t conn_timeout_seconds(const struct splicer_config *config, const struct conn_key *key, const struct conn *conn)
{
	return timeout_seconds(config, conn_timeout_of(key->proto, conn->state));
}

/* The last packet may be younger than the caller's clock reading. */
bool timeout_is_over(const struct splicer_config *config, uint8_t proto, uint8_t state, uint64_t last, uint64_t now)
{
	return now > last && now - last > timeout_seconds(config, conn_timeout_of(proto, state)) * CLOCK_SECOND;
}

bool conn_is_overdue(const struct splicer_config *config, const struct conn_key *key, const struct conn *conn,
		     uint64_t now)
{
	return timeout_is_over(config, key->proto, conn->state, conn->last, now);
}
