/* SPDX-License-Identifier: GPL-2.0-only */
/* What tells the fragments of one packet from others. */
#ifndef SPLICER_LIB_FRAGKEY_H
#define SPLICER_LIB_FRAGKEY_H

#include "abi/conns.h"
#include "lib/bpf.h"
#include "lib/packet.h"

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

#endif
