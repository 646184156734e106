/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of the packet path for what leaves. */
#ifndef SPLICER_LIB_EGRESS_H
#define SPLICER_LIB_EGRESS_H

#include "lib/events.h"
#include "lib/passage.h"
#include "lib/through.h"

static __always_inline int out_drops(const struct packet *p)
{
	return setting_drops(p->ifindex, SETTING_OUT);
}

static __always_inline __u32 row_link_out(const struct packet *p)
{
	if (p->family)
		return REASON_NONE;
	if (p->ethertype == bpf_htons(ETH_P_ARP))
		return REASON_ARP;
	return out_drops(p) && !setting_passes(p->ifindex, SETTING_NONIP) ? REASON_ETHERTYPE : REASON_NONIP;
}

static __always_inline __u32 row_fragment_out(struct passage *x)
{
	__u32 reason;

	if (x->p.fragment != FRAGMENT_LATER)
		return REASON_NONE;
	reason = follow_first(x);
	if (reason)
		return reason;
	return out_drops(&x->p) ? REASON_FRAGMENT : REASON_OUT;
}

/*
 * Whether a TCP socket of this host sent it, a handshake in progress (of which there is no full socket) included. What
 * packet sockets and virtual machines send has a socket too, but of another kind; what is bridged from a container has
 * one of another host, so to speak, and has come in by an interface.
 */
static __always_inline int is_from_tcp_socket(const struct __sk_buff *skb, const struct packet *p)
{
	struct bpf_sock *sk = skb->sk, *full;

	if (skb->ingress_ifindex)
		return 0;
	if (!sk || (sk->family != AF_INET && sk->family != AF_INET6))
		return is_syn_ack(p);
	full = bpf_sk_fullsock(sk);
	return !full || full->protocol == IPPROTO_TCP;
}

/*
 * Whether the stack has translated the addresses of what a connected local socket sent: replies come in for the
 * translated ones, which no socket has.
 */
static __always_inline int is_translated(const struct __sk_buff *skb, const struct packet *p)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk || sk->state == BPF_TCP_LISTEN || sk->state == BPF_TCP_CLOSE)
		return 0;
	if (sk->src_port != bpf_ntohs(p->sport) || socket_dst_port(sk) != p->dport)
		return 1;
	return p->family == 4 ? socket_is_not_ipv4(sk, p) : socket_is_not_ipv6(sk, p);
}

/* Rules never cut an established local connection: of TCP from a local socket only the first packet is theirs. */
static __always_inline __u32 row_socket_out(struct __sk_buff *skb, struct passage *x)
{
	int translated;

	if (x->p.proto != IPPROTO_TCP || !is_from_tcp_socket(skb, &x->p))
		return REASON_NONE;
	translated = is_translated(skb, &x->p);
	if (!packet_is_first_syn(&x->p))
		return translated ? row_followed(x) : row_established(x);
	x->seen->socket = translated ? SOCKET_NONE : SOCKET_LISTENS;
	return REASON_NONE;
}

static __always_inline __u32 row_rules_out(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason = ask_rules(x);

	if (!reason)
		reason = out_drops(&x->p) ? REASON_OUT_DROP : REASON_OUT;
	return record(skb, x, reason);
}

/*
 * A forwarded packet of a connection that was looked up as it came in: nothing here could say otherwise. It is not
 * even read, unless somebody wants to see packets.
 */
static __always_inline int is_through(struct __sk_buff *skb)
{
	return through_is_tracked(skb) && rules_none_out() && !setting_drops(skb->ifindex, SETTING_OUT) &&
	       !events_packets_wanted();
}

static __always_inline __u32 egress_by_header(struct passage *x)
{
	__u32 reason = row_link_out(&x->p);

	if (!reason)
		reason = row_fragment_out(x);
	if (!reason)
		reason = row_neighbour(&x->p);
	if (!reason)
		reason = row_dhcp(&x->p, x->p.dport, x->p.sport);
	return reason;
}

#endif
