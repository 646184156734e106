/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of the packet path for what comes in. */
#ifndef SPLICER_LIB_INGRESS_H
#define SPLICER_LIB_INGRESS_H

#include "lib/flood.h"
#include "lib/passage.h"

#define SSH_PORT 22

static __always_inline __u32 row_link(const struct packet *p)
{
	if (p->family)
		return REASON_NONE;
	if (p->ethertype == bpf_htons(ETH_P_ARP))
		return REASON_ARP;
	return setting_passes(p->ifindex, SETTING_NONIP) ? REASON_NONIP : REASON_ETHERTYPE;
}

static __always_inline __u32 row_fragment(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason;

	if (x->p.fragment != FRAGMENT_LATER)
		return REASON_NONE;
	reason = follow_first(x);
	if (reason)
		return reason;
	/* then it is put together here or not at all, and its first fragment, decided by itself, is needed for that */
	return route_ends_here(skb, &x->p) ? REASON_FRAGMENT_EARLY : REASON_FRAGMENT;
}

static __always_inline int is_own_address(const struct packet *p)
{
	struct splicer_addr key = { .ifindex = p->ifindex, .family = p->family };

	__builtin_memcpy(key.addr, p->dst, sizeof(key.addr));
	return bpf_map_lookup_elem(&splicer1_addrs, &key) != NULL;
}

static __always_inline int rules_were_seen(void)
{
	struct splicer_config *config = config_get();

	return !config || config->rules_seen;
}

static __always_inline __u32 row_ssh(const struct packet *p)
{
	if (p->proto != IPPROTO_TCP || p->dport != bpf_htons(SSH_PORT))
		return REASON_NONE;
	switch (setting_get(p->ifindex, SETTING_SSH)) {
	case SSH_ANY:
		return REASON_SSH_ANY;
	case SSH_OFF:
		return REASON_NONE;
	case SSH_OWN:
		break;
	default:
		if (!rules_were_seen())
			return REASON_SSH_ANY;
	}
	return is_own_address(p) ? REASON_SSH_OWN : REASON_NONE;
}

/* The rows that a packet's headers alone decide. */
static __always_inline __u32 rows_by_header(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason = row_link(&x->p);

	if (!reason)
		reason = row_fragment(skb, x);
	if (!reason)
		reason = row_neighbour(&x->p);
	if (!reason)
		reason = row_dhcp(&x->p, x->p.sport, x->p.dport);
	if (!reason)
		reason = row_ssh(&x->p);
	return reason;
}

static __always_inline __u32 row_socket(struct __sk_buff *skb, struct passage *x)
{
	x->seen->socket = socket_find(skb, &x->p);
	return x->seen->socket == SOCKET_CONNECTED ? row_established(x) : REASON_NONE;
}

/*
 * Whether the table is asked before sockets. UDP and others are mostly there; TCP is where the CPU's last TCP packet
 * was found, as a router forwards it and a host has sockets for it. The order makes no difference to the verdict,
 * unless connections of sockets are tracked, too.
 */
static __always_inline int is_table_first(const struct passage *x)
{
	struct splicer_config *config = config_get();

	return x->p.proto != IPPROTO_TCP || (x->seen->tcp_in_table && config && !config->durations_seen);
}

/* Local sockets and tracked connections. */
static __always_inline __u32 rows_by_connection(struct __sk_buff *skb, struct passage *x)
{
	int table_first = is_table_first(x);
	__u32 reason = table_first ? row_tracked(skb, x) : row_socket(skb, x);
	int by_table = table_first == (reason != REASON_NONE);

	if (!reason)
		reason = table_first ? row_socket(skb, x) : row_tracked(skb, x);
	if (reason && x->p.proto == IPPROTO_TCP)
		x->seen->tcp_in_table = (__u32)by_table;
	return reason;
}

static __always_inline __u32 row_echo(struct __sk_buff *skb, struct passage *x)
{
	if (!packet_is_echo_request(&x->p) || !setting_passes(x->p.ifindex, SETTING_ICMP_ECHO))
		return REASON_NONE;
	return record(skb, x, REASON_ECHO);
}

static __always_inline __u32 row_flood(const struct passage *x)
{
	return x->seen->step == CONN_UNKNOWN && flood_exceeds(&x->p) ? REASON_FLOOD : REASON_NONE;
}

/* TCP in the middle of a connection that nobody knows. */
static __always_inline int is_stray(const struct packet *p)
{
	return p->proto == IPPROTO_TCP && !packet_is_first_syn(p) && setting_drops(p->ifindex, SETTING_ON_STATE);
}

static __always_inline __u32 row_rules(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason = ask_rules(x);

	if (!reason)
		reason = REASON_NO_RULE;
	if (reason_verdict(reason) != VERDICT_DROP && x->seen->step == CONN_UNKNOWN && is_stray(&x->p))
		return REASON_STATE;
	return record(skb, x, splice_or(skb, &x->p, reason, x->hit.decision));
}

/*
 * Where nothing is dropped for its own sake, too many flows of a source are not either; but rules still splice, and a
 * rule of the mode prevent still drops.
 */
static __always_inline int is_overruled(const struct passage *x, __u32 reason)
{
	return reason_verdict(reason) == VERDICT_SPLICE ||
	       (x->hit.head && rules_decision_mode(x->hit.decision) == RULES_PREVENT);
}

static __always_inline __u32 rows_by_rule(struct __sk_buff *skb, struct passage *x)
{
	__u32 flood = row_flood(x), reason;

	if (flood && setting_get(x->p.ifindex, SETTING_MODE) != MODE_DETECT)
		return flood;
	reason = row_rules(skb, x);
	if (!flood || is_overruled(x, reason))
		return reason;
	x->hit.head = NULL;
	return flood;
}

/* On loopback what is well formed passes; only a splice rule has a say there. */
static __always_inline __u32 loopback_decide(struct __sk_buff *skb, struct passage *x)
{
	if (!x->p.family || x->p.fragment == FRAGMENT_LATER)
		return REASON_LOOPBACK;
	if (socket_find(skb, &x->p) == SOCKET_CONNECTED)
		return REASON_ESTABLISHED;
	if (ask_rules(x) == REASON_RULE_SPLICE)
		return socket_splice(skb, &x->p, rules_decision_port(x->hit.decision));
	x->hit.head = NULL;
	return REASON_LOOPBACK;
}

#endif
