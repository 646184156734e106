/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments. Only the first has ports, so only the first is decided; the others follow it.
 *
 * A socket that was assigned to a fragment does not survive reassembly. So a splice is left in two maps, and the
 * sk_lookup program gives the datagram to its listener when the stack has put it together.
 */
#ifndef SPLICER_LIB_FRAGMENT_H
#define SPLICER_LIB_FRAGMENT_H

#include "abi/conns.h"
#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/conntrack.h"
#include "lib/packet.h"
#include "lib/route.h"
#include "lib/settings.h"
#include "maps/conns.h"

static __always_inline void fragment_make_key(const struct packet *p, struct frag_key *key)
{
	key->src[0] = p->src[0];
	key->src[1] = p->src[1];
	key->dst[0] = p->dst[0];
	key->dst[1] = p->dst[1];
	key->id = p->frag_id;
	key->proto = p->family == 4 ? p->proto : 0;
	key->family = p->family;
	key->reserved[0] = key->reserved[1] = 0;
}

static __always_inline int fragment_is_fresh(__u64 time, __u64 now)
{
	return now < time || now - time < FRAG_SECONDS * NS_PER_SECOND;
}

/* ---- later fragments ---- */

/* What its first fragment says of a later one: reason | verdict << 8, or REASON_NONE when that is not known. */
__noinline int fragment_follow(const struct packet *p)
{
	struct frag_key key;
	struct frag *frag;

	if (!p)
		return REASON_INTERNAL;
	fragment_make_key(p, &key);
	frag = bpf_map_lookup_elem(&splicer1_frags, &key);
	if (!frag || !fragment_is_fresh(frag->time, bpf_ktime_get_coarse_ns()))
		return REASON_NONE;
	switch (frag->verdict) {
	case VERDICT_SPLICE:
		return REASON_FRAGMENT_SPLICE | VERDICT_SPLICE << 8;
	case VERDICT_PASS:
		return REASON_FRAGMENT_PASS | VERDICT_PASS << 8;
	case VERDICT_DETECT:
		return REASON_FRAGMENT | VERDICT_DETECT << 8;
	default:
		return REASON_FRAGMENT | VERDICT_DROP << 8;
	}
}

/* ---- first fragments ---- */

static __always_inline void splice_make_key(const struct packet *p, struct splice_key *key)
{
	key->src[0] = p->src[0];
	key->src[1] = p->src[1];
	key->dst[0] = p->dst[0];
	key->dst[1] = p->dst[1];
	key->sport = p->sport;
	key->dport = p->dport;
	key->proto = p->proto;
	key->family = p->family;
	key->reserved[0] = key->reserved[1] = 0;
}

/* Whether any splice may be left there. */
static __always_inline int splices_are_fresh(void)
{
	struct splicer_config *config = config_get();

	return config && config->spliced && fragment_is_fresh(config->spliced, bpf_ktime_get_coarse_ns());
}

/* Packets of these addresses and ports are no longer for a listener. */
__noinline int splice_forget(const struct packet *p)
{
	struct splice_key key;

	if (!p)
		return -1;
	if (!splices_are_fresh())
		return 0;
	splice_make_key(p, &key);
	return (int)bpf_map_delete_elem(&splicer1_splices, &key);
}

/* A first fragment was decided: the others follow. */
__noinline int fragment_remember(const struct packet *p, __u32 verdict)
{
	struct frag frag = { .time = bpf_ktime_get_coarse_ns(), .verdict = verdict };
	struct frag_key key;

	if (!p)
		return -1;
	fragment_make_key(p, &key);
	return (int)bpf_map_update_elem(&splicer1_frags, &key, &frag, BPF_ANY);
}

/* Leaves the listener where sk_lookup finds it; port in host byte order. */
static __always_inline __u32 fragment_splice(const struct packet *p, struct bpf_sock *sk, __u16 port)
{
	__u32 listener = splice_listener(p->family, p->proto, port);
	struct splice splice = { .time = bpf_ktime_get_coarse_ns(), .listener = listener };
	struct splicer_config *config = config_get();
	struct splice_key key;

	if (!config || !config->lookup_linked)
		return REASON_NO_LOOKUP;
	if (p->is_question)
		return REASON_RULE_SPLICE;
	splice_make_key(p, &key);
	config->spliced = splice.time;
	if (bpf_map_update_elem(&splicer1_listeners, &listener, sk, BPF_ANY) ||
	    bpf_map_update_elem(&splicer1_splices, &key, &splice, BPF_ANY))
		return REASON_ASSIGN;
	return REASON_RULE_SPLICE;
}

/* ---- after reassembly ---- */

static __always_inline void splice_key_of_lookup(const struct bpf_sk_lookup *ctx, struct splice_key *key)
{
	if (ctx->family == AF_INET) {
		key->src[0] = ctx->remote_ip4;
		key->dst[0] = ctx->local_ip4;
		key->family = 4;
	} else {
		key->src[0] = ctx->remote_ip6[0] | (__u64)ctx->remote_ip6[1] << 32;
		key->src[1] = ctx->remote_ip6[2] | (__u64)ctx->remote_ip6[3] << 32;
		key->dst[0] = ctx->local_ip6[0] | (__u64)ctx->local_ip6[1] << 32;
		key->dst[1] = ctx->local_ip6[2] | (__u64)ctx->local_ip6[3] << 32;
		key->family = 6;
	}
	key->sport = (__be16)ctx->remote_port;
	key->dport = bpf_htons((__u16)ctx->local_port);
	key->proto = (__u8)ctx->protocol;
}

/* SK_DROP where the listener is gone: another socket must not get what was for it. */
static __always_inline int fragment_deliver(struct bpf_sk_lookup *ctx)
{
	struct splice_key key = {};
	struct splice *splice;
	struct bpf_sock *sk;
	long error;

	if (!splices_are_fresh())
		return SK_PASS;
	splice_key_of_lookup(ctx, &key);
	splice = bpf_map_lookup_elem(&splicer1_splices, &key);
	if (!splice || !fragment_is_fresh(splice->time, bpf_ktime_get_coarse_ns()))
		return SK_PASS;
	sk = bpf_map_lookup_elem(&splicer1_listeners, &splice->listener);
	if (!sk)
		return SK_DROP;
	error = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return error ? SK_DROP : SK_PASS;
}

#endif
