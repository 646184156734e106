/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Splices of datagrams that come in fragments.
 *
 * A socket that was assigned to a fragment does not survive reassembly. So a splice is left in two maps, and the
 * sk_lookup program gives the datagram to its listener when the stack has put it together.
 */
#ifndef SPLICER_LIB_SPLICE_H
#define SPLICER_LIB_SPLICE_H

#include "abi/conns.h"
#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/fragment.h"
#include "lib/packet.h"
#include "lib/route.h"
#include "lib/settings.h"
#include "maps/conns.h"

/* ---- a first fragment was decided ---- */

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
__weak __noinline int splice_forget(const struct packet *p)
{
	struct splice_key key;

	if (!p)
		return -1;
	if (!splices_are_fresh())
		return 0;
	splice_make_key(p, &key);
	return (int)bpf_map_delete_elem(&splicer1_splices, &key);
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
