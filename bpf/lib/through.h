/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mark that a packet keeps on its way from ingress to egress of this host: of its connection everything is known, so
 * that egress need not look it up again.
 *
 * The mark is made of the packet's addresses and ports, for the stack may change these between: by address translation,
 * or by putting the packet into a tunnel or taking it out of one. What leaves then is of another connection, of which
 * nothing is known. Two sets of addresses and ports that look alike are one pair in 32767; then egress misses packets
 * of the second connection, but not the one that opens it, which is never marked, nor its replies.
 *
 * Its lowest bit says that the packet goes back, for egress to count it as it would have if it had looked.
 *
 * Whoever else sets tc_index hardly ever sets it so, and where something could be refused the mark is not heeded.
 */
#ifndef SPLICER_LIB_THROUGH_H
#define SPLICER_LIB_THROUGH_H

#include "lib/bpf.h"
#include "lib/hash.h"
#include "lib/packet.h"

/* From the IP header on to the ports, or whatever a protocol has in their place. */
struct through_ipv4 {
	__u8 version_ihl, tos;
	__be16 length, id, frag_off;
	__u8 ttl, proto;
	__be16 check;
	__be32 src, dst, ports;
};

struct through_ipv6 {
	__u32 head[2];
	__u64 addr[4];
	__be32 ports;
} __attribute__((packed));

#define THROUGH_BACK 1u

/* 0: the packet can have no mark. With IPv4 options it has none. */
static __always_inline __u64 through_hash_ipv4(struct __sk_buff *ctx)
{
	struct through_ipv4 h;

	if (ctx_load(ctx, 0, &h, sizeof(h)) || h.version_ihl != 0x45)
		return 0;
	return hash_mix(hash_mix(h.ports, h.src), h.dst);
}

static __always_inline __u64 through_hash_ipv6(struct __sk_buff *ctx)
{
	struct through_ipv6 h;
	__u64 hash;

	if (ctx_load(ctx, 0, &h, sizeof(h)))
		return 0;
	hash = h.ports;
	for (int i = 0; i < 4; i++)
		hash = hash_mix(hash, h.addr[i]);
	return hash;
}

static __always_inline __u32 through_fold(__u64 hash)
{
	return (__u32)(hash >> 49 ? hash >> 49 : 1) << 1;
}

/* The mark that the packet would have, by what it is now; 0: none. */
static __always_inline __u32 through_mark(struct __sk_buff *ctx)
{
	__be16 ethertype = ctx_ethertype(ctx);
	__u64 hash = 0;

	if (ethertype == bpf_htons(ETH_P_IP))
		hash = through_hash_ipv4(ctx);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		hash = through_hash_ipv6(ctx);
	return hash ? through_fold(hash) : 0;
}

/* The same by what was read of it; only of TCP and UDP, right after an IP header without more. */
static __always_inline __u32 through_mark_of(const struct packet *p)
{
	union {
		__be16 port[2];
		__u32 both;
	} ports = { .port = { p->sport, p->dport } };
	__u64 hash = ports.both;

	if ((p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) || p->l3 ||
	    p->l4 != (p->family == 4 ? sizeof(struct ipv4_header) : sizeof(struct ipv6_header)))
		return 0;
	hash = hash_mix(hash, p->src[0]);
	if (p->family == 6)
		hash = hash_mix(hash, p->src[1]);
	hash = hash_mix(hash, p->dst[0]);
	if (p->family == 6)
		hash = hash_mix(hash, p->dst[1]);
	return hash ? through_fold(hash) : 0;
}

/*
 * tracked: of the packet's connection everything is known, and back: it is one of its replies. A mark that the packet
 * came with otherwise goes.
 */
static __always_inline void through_set(struct __sk_buff *ctx, const struct packet *p, int tracked, int back)
{
	__u32 seen = ctx_mark(ctx), mark;

	if (!tracked && !seen)
		return;
	mark = through_mark_of(p);
	if (tracked)
		ctx_set_mark(ctx, mark && back ? mark | THROUGH_BACK : mark);
	else if ((seen & ~THROUGH_BACK) == mark)
		ctx_set_mark(ctx, 0);
}

static __always_inline int through_is_tracked(struct __sk_buff *ctx)
{
	__u32 mark = ctx_mark(ctx);

	return mark && (mark & ~THROUGH_BACK) == through_mark(ctx);
}

/* Of one that is tracked. */
static __always_inline int through_goes_back(const struct __sk_buff *ctx)
{
	return ctx_mark(ctx) & THROUGH_BACK;
}

#endif
