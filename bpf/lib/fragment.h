/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments. Only the first has ports, so only the first is decided; the others follow it.
 *
 * Needs frags_map from the maps of the object, included before.
 */
#ifndef SPLICER_LIB_FRAGMENT_H
#define SPLICER_LIB_FRAGMENT_H

#include "abi/conns.h"
#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/fragkey.h"
#include "lib/packet.h"

/* ---- later fragments ---- */

/* What its first fragment says of a later one: reason | verdict << 8, or REASON_NONE when that is not known. */
__weak __noinline int fragment_follow(const struct packet *p)
{
	struct frag_key key;
	struct frag *frag;

	if (!p)
		return REASON_INTERNAL;
	fragment_make_key(p, &key);
	frag = bpf_map_lookup_elem(frags_map(), &key);
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

/* Whether the rule of this sequence number is newer than what decided its first fragment, if that is known. */
__weak __noinline int fragment_is_older(const struct packet *p, __u32 sequence)
{
	struct frag_key key;
	struct frag *frag;

	if (!p)
		return 0;
	fragment_make_key(p, &key);
	frag = bpf_map_lookup_elem(frags_map(), &key);
	return frag && (__s32)(sequence - frag->sequence) > 0;
}

/* ---- first fragments ---- */

/* A first fragment was decided, when this rule was the newest: the others follow. */
__weak __noinline int fragment_remember(const struct packet *p, __u32 verdict, __u32 sequence)
{
	struct frag frag = { .time = bpf_ktime_get_coarse_ns(), .sequence = sequence, .verdict = verdict };
	struct frag_key key;

	if (!p)
		return -1;
	fragment_make_key(p, &key);
	return (int)bpf_map_update_elem(frags_map(), &key, &frag, BPF_ANY);
}

/* What an earlier packet of the same identification left does not hold for this one. */
static __always_inline void fragment_forget(const struct packet *p)
{
	struct frag_key key;

	fragment_make_key(p, &key);
	bpf_map_delete_elem(frags_map(), &key);
}

#endif
