/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resets both ends of a TCP connection (RFC 9293 section 3.5.2) by one of its packets: the packet becomes a reset to
 * its receiver, a copy of it a reset to its sender. Each has the sequence number that its receiver expects, so it is
 * taken (RFC 5961); where it is not, the packet that the receiver answers with brings the next one.
 *
 * Needs ctx_link_length, ctx_store, ctx_truncate and ctx_send_back from the adapter of the hook.
 */
#ifndef SPLICER_LIB_RESET_H
#define SPLICER_LIB_RESET_H

#include "lib/bpf.h"
#include "lib/checksum.h"
#include "lib/packet.h"

#define TCP_HEADER 20
#define TCP_HEADER_WORDS 0x50 /* 5 words, in the upper half of the byte */

struct tcp_header {
	__be16 sport, dport;
	__be32 seq, ack;
	__u8 data_offset, flags;
	__be16 window, check, urgent;
};

struct reset_pseudo_header {
	__u64 src[2], dst[2]; /* IPv4: zeros do not count */
	__be32 length;
	__be32 proto;
};

/* The sum of the pseudo header, not yet folded: RFC 9293, 8200. It is the same in both directions. */
static __always_inline __u64 reset_pseudo_sum(const struct packet *p, __u32 length)
{
	struct reset_pseudo_header h = {
		.src = { p->src[0], p->src[1] },
		.dst = { p->dst[0], p->dst[1] },
		.length = bpf_htonl(length),
		.proto = bpf_htonl(IPPROTO_TCP),
	};

	return (__u64)bpf_csum_diff(NULL, 0, (__be32 *)&h, sizeof(h), 0);
}

/*
 * Whether the checksum is still to be made by whoever sends the packet on (CHECKSUM_PARTIAL): the field has the sum of
 * the pseudo header only. Nothing else tells; a checksum that happens to look so spoils one reset in 65536.
 */
static __always_inline int reset_is_partial(const struct packet *p, const struct tcp_header *tcp)
{
	return tcp->check == csum_fold(reset_pseudo_sum(p, p->l4_length));
}

static __always_inline void reset_sum(const struct packet *p, struct tcp_header *tcp, int partial)
{
	__u64 sum = reset_pseudo_sum(p, TCP_HEADER);

	tcp->check = 0;
	if (partial)
		tcp->check = csum_fold(sum);
	else
		tcp->check = (__u16)~csum_fold(sum + (__u64)bpf_csum_diff(NULL, 0, (__be32 *)tcp, sizeof(*tcp), 0));
}

/* To where the packet goes. */
static __always_inline void reset_forward(const struct tcp_header *seen, struct tcp_header *reset)
{
	*reset = *seen;
	reset->data_offset = TCP_HEADER_WORDS;
	reset->flags = TCP_FLAG_BYTE_RST | TCP_FLAG_BYTE_ACK;
	reset->window = reset->urgent = 0;
}

/* To where it came from: what it has acknowledged is what it expects next. */
static __always_inline void reset_back(const struct tcp_header *seen, struct tcp_header *reset)
{
	reset_forward(seen, reset);
	reset->sport = seen->dport;
	reset->dport = seen->sport;
	reset->seq = seen->ack;
	reset->ack = 0;
	reset->flags = TCP_FLAG_BYTE_RST;
}

/* Shortens the packet to its headers and makes the IP header say so. Offsets are from the link-layer header on. */
static __always_inline int reset_shorten(struct __sk_buff *ctx, const struct packet *p, __u32 link)
{
	__be16 length;
	__u32 at;

	if (ctx_truncate(ctx, link + p->l4 + TCP_HEADER))
		return -1;
	if (p->family == 6) {
		/* all between the fixed header and TCP counts */
		length = bpf_htons((__u16)(p->l4 - p->l3 - sizeof(struct ipv6_header) + TCP_HEADER));
		return (int)ctx_store(ctx, link + p->l3 + __builtin_offsetof(struct ipv6_header, payload), &length, 2);
	}
	at = p->l3 + __builtin_offsetof(struct ipv4_header, length);
	length = 0;
	if (ctx_load(ctx, at, &length, sizeof(length)))
		return -1;
	bpf_l3_csum_replace(ctx, link + p->l3 + __builtin_offsetof(struct ipv4_header, check), length,
			    bpf_htons((__u16)(p->l4 - p->l3 + TCP_HEADER)), sizeof(length));
	length = bpf_htons((__u16)(p->l4 - p->l3 + TCP_HEADER));
	return (int)ctx_store(ctx, link + at, &length, sizeof(length));
}

static __always_inline int reset_store_tcp(struct __sk_buff *ctx, const struct packet *p, __u32 link,
					   struct tcp_header *tcp, int partial)
{
	reset_sum(p, tcp, partial);
	return (int)ctx_store(ctx, link + p->l4, tcp, sizeof(*tcp));
}

/* The sum of the IP header is the same when its addresses change places. */
static __always_inline int reset_store_addresses(struct __sk_buff *ctx, const struct packet *p, __u32 link,
						 const __u64 *src, const __u64 *dst)
{
	__u32 size = p->family == 6 ? 16 : 4;
	__u32 at = link + p->l3 +
		   (p->family == 6 ? __builtin_offsetof(struct ipv6_header, src)
				   : __builtin_offsetof(struct ipv4_header, src));

	if (p->family == 6)
		return ctx_store(ctx, at, src, 16) || ctx_store(ctx, at + size, dst, 16);
	return ctx_store(ctx, at, src, 4) || ctx_store(ctx, at + size, dst, 4);
}

/*
 * 1 when the packet has become a reset to its receiver and should go on, 0 when nothing could be done. hook: enum
 * event_hook, for a copy goes back by the interface it came in by, or up the one it would have left by.
 */
__weak __noinline int reset_both(struct __sk_buff *ctx, const struct packet *p, int leaves)
{
	struct tcp_header seen, reset;
	__u32 link;
	int partial;

	if (!p || p->proto != IPPROTO_TCP || p->fragment || !(p->tcp_flags & TCP_FLAG_BYTE_ACK))
		return 0;
	link = ctx_link_length(ctx, p->l3);
	if (ctx_load(ctx, p->l4, &seen, sizeof(seen)))
		return 0;
	partial = reset_is_partial(p, &seen);
	if (reset_shorten(ctx, p, link))
		return 0;
	reset_back(&seen, &reset);
	if (reset_store_tcp(ctx, p, link, &reset, partial) || reset_store_addresses(ctx, p, link, p->dst, p->src) ||
	    ctx_send_back(ctx, link, leaves))
		return 0;
	reset_forward(&seen, &reset);
	if (reset_store_tcp(ctx, p, link, &reset, partial) || reset_store_addresses(ctx, p, link, p->src, p->dst))
		return 0;
	return 1;
}

#endif
