/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connection tracking: which connection a packet belongs to, what was decided about it, and its state.
 *
 * conn_follow is asked first and writes what a known connection's packet changes; conn_record takes a new one, or what
 * rules now say of an old one. Both are global functions: the verifier reads each once.
 */
#ifndef SPLICER_LIB_CONNTRACK_H
#define SPLICER_LIB_CONNTRACK_H

#include "abi/conns.h"
#include "abi/reasons.h"
#include "abi/rules.h"
#include "lib/bpf.h"
#include "lib/connstate.h"
#include "lib/match.h"
#include "lib/packet.h"
#include "lib/settings.h"
#include "maps/conns.h"

enum conn_step {
	CONN_UNKNOWN = 0,    /* not tracked, or the packet begins it anew */
	CONN_REPLY = 1,      /* goes back */
	CONN_REMEMBERED = 2, /* goes forward, and what rules said still holds */
	CONN_ASK = 3,        /* goes forward; rules must say */
	CONN_OVERDUE = 4,    /* lasted longer than its rule allows: this packet is the first to find it */
	CONN_GONE = 5,       /* was cut */
	CONN_DOUBTED = 6,    /* goes back, unless rules let it in: then its sender was the opener */
};

/* A packet and its connection. */
struct conn_seen {
	struct conn_verdict verdict; /* remembered, or to be recorded */
	__u32 hook;                  /* enum rules_direction: RULES_IN on ingress */
	__u32 end;                   /* of the key, that sent the packet */
	__u32 step;                  /* enum conn_step */
	__u32 connected;             /* it passes anyway, as a local socket is connected so: the far end is proven */
	__u32 passes;                /* to be recorded: the packet passes */
	__u32 max_duration;          /* to be recorded: seconds, 0: any */
	__u32 recorded;              /* it began a connection */
	__u32 socket;                /* enum socket_found: what the stack has for it */
	__u32 tcp_in_table;          /* the last TCP packet on this CPU was found in the table */
	__u32 followed;              /* enum verdict of the first fragment, of a later one */
	__u32 reason;                /* enum reason: see forget_reason */
};

/* One for each CPU, for it is too large for the stack beside its callers'. Not pinned: each object has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct conn_seen);
} conn_seen_scratch SEC(".maps");

/* Before a packet of this hook (enum rules_direction) is looked at. */
static __always_inline struct conn_seen *conn_begin(__u32 hook)
{
	__u32 zero = 0;
	struct conn_seen *seen = bpf_map_lookup_elem(&conn_seen_scratch, &zero);

	if (!seen)
		return NULL;
	seen->hook = hook;
	seen->step = CONN_UNKNOWN;
	seen->connected = 0;
	seen->recorded = 0;
	seen->socket = 0;
	seen->followed = VERDICT_NONE;
	return seen;
}

/* ---- keys ---- */

/* Whether its packets are of a connection at all: ICMP other than echo is not, and later fragments have no ports. */
static __always_inline int conn_is_tracked(const struct packet *p)
{
	if (!p->family || p->fragment == FRAGMENT_LATER)
		return 0;
	return (p->proto != IPPROTO_ICMP && p->proto != IPPROTO_ICMPV6) || packet_is_echo(p);
}

/* Fills *key; returns the end that sent the packet. */
static __always_inline __u32 conn_make_key(const struct packet *p, struct conn_key *key)
{
	int echo = packet_is_echo(p);
	__be16 sport = echo ? p->icmp_id : p->sport, dport = echo ? p->icmp_id : p->dport;
	__u32 end = packet_set_ends(p, sport, dport, key->addr, key->port);

	key->proto = p->proto;
	key->family = p->family;
	key->reserved[0] = key->reserved[1] = 0;
	return end;
}

/* ---- time ---- */

static __always_inline int conn_is_overdue(const struct conn *conn, __u32 proto, __u64 now)
{
	return now > conn->last && now - conn->last > conn_timeout(proto, conn->state) * NS_PER_SECOND;
}

/* ---- tables ---- */

static __always_inline struct conn *conn_of_table(__u32 table, const struct conn_key *key, __u64 now)
{
	void *inner = bpf_map_lookup_elem(&splicer1_conns, &table);
	struct conn *conn = inner ? bpf_map_lookup_elem(inner, key) : NULL;

	return conn && !conn_is_overdue(conn, key->proto, now) ? conn : NULL;
}

/* NULL: not tracked. *table is where it stands. */
static __always_inline struct conn *conn_find(const struct conn_key *key, __u64 now, __u32 *table)
{
	struct conn *conn;

	*table = CONNS_CONFIRMED;
	conn = conn_of_table(CONNS_CONFIRMED, key, now);
	if (conn)
		return conn;
	*table = CONNS_UNCONFIRMED;
	return conn_of_table(CONNS_UNCONFIRMED, key, now);
}

static __always_inline long conn_insert(__u32 table, const struct conn_key *key, const struct conn *conn, __u64 flags)
{
	void *inner = bpf_map_lookup_elem(&splicer1_conns, &table);

	return inner ? bpf_map_update_elem(inner, key, conn, flags) : -1;
}

static __always_inline void conn_remove(__u32 table, const struct conn_key *key)
{
	void *inner = bpf_map_lookup_elem(&splicer1_conns, &table);

	if (inner)
		bpf_map_delete_elem(inner, key);
}

/* Two packets at once may both move it; then the second finds it moved. */
static __always_inline void conn_confirm(const struct conn_key *key, const struct conn *conn)
{
	if (!conn_insert(CONNS_CONFIRMED, key, conn, BPF_ANY))
		conn_remove(CONNS_UNCONFIRMED, key);
}

/* ---- state ---- */

static __always_inline __u32 conn_direction(const struct conn *conn, __u32 end)
{
	return conn->opener == end ? CONN_FORWARD : CONN_BACK;
}

static __always_inline int conn_has_replied(const struct conn *conn)
{
	return conn->ifindex[CONN_BACK] != 0;
}

static __always_inline __u32 conn_next_state(struct conn *conn, __u32 direction, const struct packet *p)
{
	if (p->proto == IPPROTO_TCP)
		return conn_next_tcp_state(conn->state, &conn->flags, direction, p->tcp_flags, conn_has_replied(conn));
	return direction == CONN_BACK || conn_has_replied(conn) ? CONN_ESTABLISHED : conn->state;
}

/* Whether packets of this direction are counted here: see struct conn. The first one decides. */
static __always_inline int conn_counts_here(struct conn *conn, __u32 direction, __u32 ifindex, __u32 hook)
{
	__u8 left = direction == CONN_FORWARD ? CONN_OUTBOUND : CONN_BACK_LEFT;

	if (direction == CONN_BACK && !conn->ifindex[CONN_BACK]) {
		conn->ifindex[CONN_BACK] = ifindex;
		conn->flags |= hook == RULES_OUT ? CONN_BACK_LEFT : 0;
	}
	return conn->ifindex[direction & 1] == ifindex && !!(conn->flags & left) == (hook == RULES_OUT);
}

/* A packet of the connection passes. */
static __always_inline void conn_touch(struct conn *conn, const struct packet *p, const struct conn_seen *seen,
				       __u64 now)
{
	__u32 direction = conn_direction(conn, seen->end) & 1;

	if (conn_counts_here(conn, direction, p->ifindex, seen->hook)) {
		/* not atomically, which would be a tenth of all that is done here: one direction keeps to one CPU */
		conn->packets[direction]++;
		conn->bytes[direction] += p->length;
	}
	conn->state = conn_next_state(conn, direction, p);
	conn->last = now;
}

/* Whether the far end is proven, after its packet: see abi/conns.h. */
static __always_inline int conn_is_proven(const struct conn *conn, __u32 end)
{
	if (!conn_has_replied(conn))
		return 0;
	if (conn->flags & CONN_OUTBOUND)
		return 1;
	return conn_direction(conn, end) == CONN_FORWARD && conn->state != CONN_HANDSHAKE;
}

/* After a packet of it has passed. */
static __always_inline void conn_promote(const struct conn_key *key, __u32 table, const struct conn *conn,
					 const struct conn_seen *seen)
{
	if (table == CONNS_UNCONFIRMED && (seen->connected || conn_is_proven(conn, seen->end)))
		conn_confirm(key, conn);
}

/* ---- what was decided ---- */

/* Whether nothing has changed since rules were asked, nor has the rule expired. */
static __always_inline int conn_verdict_holds(const struct conn_verdict *verdict, __u32 ifindex)
{
	void *arena = rules_arena();
	struct rules_header *header = arena ? rules_cell(arena, 0) : NULL;
	struct rules_head *head;

	if (!verdict->reason || verdict->ifindex != ifindex || !header)
		return 0;
	if (header->arena != verdict->arena || *(volatile __u32 *)&header->changes != verdict->changes)
		return 0;
	if (!verdict->record)
		return 1;
	head = rules_cell(arena, verdict->record);
	return head && !rules_has_expired(head);
}

/*
 * A SYN opens a connection: only while it has not been answered is it one that was seen before. An echo request goes
 * forward, a reply back.
 */
static __always_inline int conn_begins_anew(const struct conn *conn, const struct packet *p, __u32 direction)
{
	if (packet_is_echo(p))
		return packet_is_echo_request(p) != (direction == CONN_FORWARD);
	return packet_is_first_syn(p) && !(direction == CONN_FORWARD && conn->state == CONN_HANDSHAKE);
}

static __always_inline __u32 conn_step_of(struct conn *conn, const struct packet *p, struct conn_seen *seen, __u64 now)
{
	__u32 direction = conn_direction(conn, seen->end);

	if (conn_begins_anew(conn, p, direction))
		return CONN_UNKNOWN;
	if (conn->flags & CONN_CUT || (conn->deadline && conn->deadline <= now)) {
		seen->verdict = conn->verdict[RULES_OUT].decision & RULES_LIMITED ? conn->verdict[RULES_OUT]
										  : conn->verdict[RULES_IN];
		return conn->flags & CONN_CUT ? CONN_GONE : CONN_OVERDUE;
	}
	if (direction == CONN_BACK)
		return conn->flags & CONN_IN_DOUBT && seen->hook == RULES_IN ? CONN_DOUBTED : CONN_REPLY;
	/* two copies, for the verifier does not follow an index into a struct that it knows by field */
	seen->verdict = seen->hook == RULES_OUT ? conn->verdict[RULES_OUT] : conn->verdict[RULES_IN];
	return conn_verdict_holds(&seen->verdict, p->ifindex) ? CONN_REMEMBERED : CONN_ASK;
}

static __always_inline void conn_cut(struct conn *conn, __u64 now)
{
	conn->flags |= CONN_CUT;
	conn->state = CONN_CLOSED;
	conn->last = now;
}

/* Whether what is known lets the packet pass. */
static __always_inline int conn_passes(const struct conn_seen *seen)
{
	switch (seen->step) {
	case CONN_REPLY:
	case CONN_DOUBTED:
		return 1;
	case CONN_REMEMBERED:
		return seen->connected || reason_verdict(seen->verdict.reason) != VERDICT_DROP;
	case CONN_ASK:
		return seen->connected != 0;
	default:
		return 0;
	}
}

/*
 * Finds the connection of a packet and, unless a tool only asks, takes note of the packet if it passes by what is
 * known. The caller sets hook and connected. Fills end, step, and verdict where that is CONN_REMEMBERED, or the limit's
 * where it is CONN_OVERDUE or CONN_GONE; returns the step.
 */
__weak __noinline int conn_follow(const struct packet *p, struct conn_seen *seen)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct conn_key key;
	struct conn *conn;
	__u32 table;

	if (!p || !seen)
		return CONN_UNKNOWN;
	seen->end = conn_make_key(p, &key);
	conn = conn_find(&key, now, &table);
	if (!conn)
		return CONN_UNKNOWN;
	seen->step = conn_step_of(conn, p, seen, now);
	if (p->is_question)
		return (int)seen->step;
	if (seen->step == CONN_OVERDUE)
		conn_cut(conn, now);
	if (seen->step == CONN_DOUBTED)
		conn->flags &= ~CONN_IN_DOUBT;
	if (conn_passes(seen)) {
		conn_touch(conn, p, seen, now);
		conn_promote(&key, table, conn, seen);
	}
	return (int)seen->step;
}

/* Whether a packet's connection is tracked, whichever way the packet goes. */
__weak __noinline int conn_is_known(const struct packet *p)
{
	struct conn_key key;
	__u32 table;

	if (!p)
		return 0;
	conn_make_key(p, &key);
	return conn_find(&key, bpf_ktime_get_coarse_ns(), &table) != NULL;
}

/* ---- recording ---- */

static __always_inline __u64 conn_deadline(const struct conn *conn, const struct conn_seen *seen)
{
	return seen->max_duration ? conn->created + seen->max_duration * NS_PER_SECOND : 0;
}

static __always_inline void conn_set_verdict(struct conn *conn, const struct conn_seen *seen)
{
	if (seen->hook == RULES_OUT)
		conn->verdict[RULES_OUT] = seen->verdict;
	else
		conn->verdict[RULES_IN] = seen->verdict;
}

/* What rules now say of a connection that is known. */
static __always_inline long conn_revise(const struct conn_key *key, __u32 table, struct conn *conn,
					const struct packet *p, const struct conn_seen *seen, __u64 now)
{
	conn_set_verdict(conn, seen);
	/* a limit stays as it was when the first rule with one was asked */
	if (seen->max_duration && !conn->deadline)
		conn->deadline = conn_deadline(conn, seen);
	if (seen->passes) {
		conn_touch(conn, p, seen, now);
		conn_promote(key, table, conn, seen);
	}
	return 0;
}

static __always_inline long conn_open(const struct conn_key *key, const struct packet *p, const struct conn_seen *seen,
				      __u64 now)
{
	__u32 zero = 0;
	struct conn *conn = bpf_map_lookup_elem(&conn_scratch, &zero);

	if (!conn)
		return -1;
	__builtin_memset(conn, 0, sizeof(*conn));
	conn->created = now;
	conn->last = now;
	conn->deadline = conn_deadline(conn, seen);
	conn->packets[CONN_FORWARD] = 1;
	conn->bytes[CONN_FORWARD] = p->length;
	conn->ifindex[CONN_FORWARD] = p->ifindex;
	conn->opener = (__u8)seen->end;
	conn->flags = seen->hook == RULES_OUT ? CONN_OUTBOUND : 0;
	if (p->proto == IPPROTO_TCP) {
		int begins = packet_is_first_syn(p);

		conn->state = begins ? CONN_HANDSHAKE : CONN_ESTABLISHED;
		conn->flags |= seen->hook == RULES_OUT && !begins ? CONN_IN_DOUBT : 0;
	}
	conn_set_verdict(conn, seen);
	/* what stood there has ended, or this packet would have been one of it */
	conn_remove(CONNS_CONFIRMED, key);
	return conn_insert(CONNS_UNCONFIRMED, key, conn, BPF_ANY);
}

/*
 * After conn_follow and with its *seen, where verdict is what rules now say (reason 0: not to be
 * remembered), passes and max_duration. Negative: it could not be recorded.
 */
__weak __noinline int conn_record(const struct packet *p, struct conn_seen *seen)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct conn *conn = NULL;
	struct conn_key key;
	__u32 table = CONNS_CONFIRMED;

	if (!p || !seen)
		return -1;
	conn_make_key(p, &key);
	if (seen->step == CONN_ASK)
		conn = conn_find(&key, now, &table);
	return (int)(conn ? conn_revise(&key, table, conn, p, seen, now) : conn_open(&key, p, seen, now));
}

#endif
