/* SPDX-License-Identifier: GPL-2.0-only */
/* Local sockets: whose packet is this, and giving a packet to a listener. */
#ifndef SPLICER_LIB_SOCKET_H
#define SPLICER_LIB_SOCKET_H

#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/packet.h"
#include "lib/splice.h"

#include <linux/errno.h>
#include <linux/pkt_cls.h>

#define LOOPBACK_IPV4 bpf_htonl(0x7f000001)

/* The packet's own addresses and ports; returns the size that tells the helper which family it is. */
static __always_inline __u32 socket_tuple(const struct packet *p, struct bpf_sock_tuple *tuple)
{
	if (p->family == 4) {
		tuple->ipv4.saddr = (__be32)p->src[0];
		tuple->ipv4.daddr = (__be32)p->dst[0];
		tuple->ipv4.sport = p->sport;
		tuple->ipv4.dport = p->dport;
		return sizeof(tuple->ipv4);
	}
	__builtin_memcpy(tuple->ipv6.saddr, p->src, sizeof(p->src));
	__builtin_memcpy(tuple->ipv6.daddr, p->dst, sizeof(p->dst));
	tuple->ipv6.sport = p->sport;
	tuple->ipv6.dport = p->dport;
	return sizeof(tuple->ipv6);
}

/* The same sender, addressed to PORT on the loopback address. */
static __always_inline __u32 socket_tuple_spliced(const struct packet *p, struct bpf_sock_tuple *tuple, __be16 port)
{
	__u32 size = socket_tuple(p, tuple);

	if (p->family == 4) {
		tuple->ipv4.daddr = LOOPBACK_IPV4;
		tuple->ipv4.dport = port;
	} else {
		tuple->ipv6.daddr[0] = tuple->ipv6.daddr[1] = tuple->ipv6.daddr[2] = 0;
		tuple->ipv6.daddr[3] = bpf_htonl(1);
		tuple->ipv6.dport = port;
	}
	return size;
}

/* What the stack's own lookup finds for a packet. */
enum socket_found {
	SOCKET_NONE = 0,
	SOCKET_LISTENS = 1,   /* a listener, or a UDP socket that is not connected */
	SOCKET_CONNECTED = 2, /* the packet's own connection */
};

/*
 * A handshake in progress (NEW_SYN_RECV) counts as established: its last ACK must reach the request and not the
 * listener. A SYN that finds only TIME_WAIT starts a new connection, and rules decide that.
 */
static __always_inline enum socket_found socket_find_tcp(struct __sk_buff *skb, const struct packet *p)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = socket_tuple(p, &tuple), state;
	struct bpf_sock *sk = bpf_skc_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);

	if (!sk)
		return SOCKET_NONE;
	state = sk->state;
	bpf_sk_release(sk);
	if (state == BPF_TCP_LISTEN || (state == BPF_TCP_TIME_WAIT && packet_is_first_syn(p)))
		return SOCKET_LISTENS;
	return SOCKET_CONNECTED;
}

/* A connected UDP socket has the state of an established TCP one. */
static __always_inline enum socket_found socket_find_udp(struct __sk_buff *skb, const struct packet *p)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = socket_tuple(p, &tuple), state;
	struct bpf_sock *sk = bpf_sk_lookup_udp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);

	if (!sk)
		return SOCKET_NONE;
	state = sk->state;
	bpf_sk_release(sk);
	return state == BPF_TCP_ESTABLISHED ? SOCKET_CONNECTED : SOCKET_LISTENS;
}

/*
 * The local socket that a packet is for. It is not assigned here: the stack's own lookup finds the same socket, and an
 * assigned one would cost it the socket's cached route.
 */
static __always_inline enum socket_found socket_find(struct __sk_buff *skb, const struct packet *p)
{
	if (p->proto == IPPROTO_TCP)
		return socket_find_tcp(skb, p);
	if (p->proto == IPPROTO_UDP)
		return socket_find_udp(skb, p);
	return SOCKET_NONE;
}

/* Whether a local socket may have sent the packet: one that is connected so, or a UDP socket on its source port. */
static __always_inline int socket_has_sent(struct __sk_buff *skb, const struct packet *sent)
{
	struct packet back = {
		.dst = { sent->src[0], sent->src[1] },
		.src = { sent->dst[0], sent->dst[1] },
		.sport = sent->dport,
		.dport = sent->sport,
		.family = sent->family,
	};

	if (sent->proto == IPPROTO_TCP)
		return socket_find_tcp(skb, &back) == SOCKET_CONNECTED;
	return sent->proto == IPPROTO_UDP && socket_find_udp(skb, &back) != SOCKET_NONE;
}

/* Read as the 4 bytes that the field once was: kernels before 5.18 refuse 2, later ones take both. */
static __always_inline __be16 socket_dst_port(const struct bpf_sock *sk)
{
	return (__be16) * (const volatile __u32 *)&sk->dst_port;
}

/* Whether a packet's addresses, from its sender's side, are other than those of a connected socket. */
static __always_inline int socket_is_not_ipv4(const struct bpf_sock *sk, const struct packet *p)
{
	return sk->src_ip4 != (__u32)p->src[0] || sk->dst_ip4 != (__u32)p->dst[0];
}

static __always_inline int socket_is_not_ipv6(const struct bpf_sock *sk, const struct packet *p)
{
	return (sk->src_ip6[0] | (__u64)sk->src_ip6[1] << 32) != p->src[0] ||
	       (sk->src_ip6[2] | (__u64)sk->src_ip6[3] << 32) != p->src[1] ||
	       (sk->dst_ip6[0] | (__u64)sk->dst_ip6[1] << 32) != p->dst[0] ||
	       (sk->dst_ip6[2] | (__u64)sk->dst_ip6[3] << 32) != p->dst[1];
}

/* port, of the listener, in host byte order */
static __always_inline __u32 socket_assign(struct __sk_buff *skb, const struct packet *p, struct bpf_sock *sk,
					   __u16 port)
{
	long error;

	if (p->fragment == FRAGMENT_FIRST)
		return fragment_splice(p, sk, port);
	error = p->is_question ? 0 : bpf_sk_assign(skb, sk, 0);
	if (!error)
		return REASON_RULE_SPLICE;
	return error == -ESOCKTNOSUPPORT ? REASON_REUSEPORT : REASON_ASSIGN;
}

static __always_inline __u32 socket_splice_tcp(struct __sk_buff *skb, const struct packet *p, __u16 port)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = socket_tuple_spliced(p, &tuple, bpf_htons(port)), reason = REASON_NO_LISTENER;
	struct bpf_sock *sk = bpf_skc_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);

	if (!sk)
		return reason;
	if (sk->state == BPF_TCP_LISTEN)
		reason = socket_assign(skb, p, sk, port);
	bpf_sk_release(sk);
	return reason;
}

static __always_inline __u32 socket_splice_udp(struct __sk_buff *skb, const struct packet *p, __u16 port)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = socket_tuple_spliced(p, &tuple, bpf_htons(port)), reason;
	struct bpf_sock *sk = bpf_sk_lookup_udp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);

	if (!sk)
		return REASON_NO_LISTENER;
	reason = socket_assign(skb, p, sk, port);
	bpf_sk_release(sk);
	return reason;
}

/* Gives the packet to the socket that listens on PORT (host byte order) of the loopback address of its family. */
static __always_inline __u32 socket_splice(struct __sk_buff *skb, const struct packet *p, __u16 port)
{
	if (p->proto == IPPROTO_TCP)
		return socket_splice_tcp(skb, p, port);
	if (p->proto == IPPROTO_UDP)
		return socket_splice_udp(skb, p, port);
	return REASON_NO_LISTENER;
}

#endif
