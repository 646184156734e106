/* SPDX-License-Identifier: GPL-2.0-only */
/* How many flows a source may open. */
#ifndef SPLICER_LIB_FLOOD_H
#define SPLICER_LIB_FLOOD_H

#include "abi/conns.h"
#include "lib/bpf.h"
#include "lib/bucket.h"
#include "lib/conntrack.h"
#include "lib/packet.h"
#include "lib/settings.h"
#include "maps/conns.h"

/* The entry that says how many, the interface's own or that of all; NULL: nobody did. */
static __always_inline struct splicer_iface *flood_limit(__u32 ifindex)
{
	__u32 any = SPLICER_IFACE_ANY;
	struct splicer_iface *iface;

	if (!setting_was_seen(32 + NUMBER_FLOW_RATE))
		return NULL;
	iface = bpf_map_lookup_elem(&splicer1_ifaces, &ifindex);
	if (!iface || !iface->number[NUMBER_FLOW_RATE])
		iface = bpf_map_lookup_elem(&splicer1_ifaces, &any);
	if (!iface || !iface->number[NUMBER_FLOW_RATE] || iface->number[NUMBER_FLOW_RATE] == FLOW_RATE_OFF)
		return NULL;
	return iface;
}

static __always_inline void flood_make_key(const struct packet *p, struct source_key *key)
{
	key->ifindex = p->ifindex;
	key->family = p->family;
	key->addr[0] = p->src[0];
	key->addr[1] = 0;
}

/* Takes one flow from the source's bucket; whether there was none. A question takes nothing. */
__weak __noinline int flood_exceeds(const struct packet *p)
{
	__u64 now = bpf_ktime_get_coarse_ns(), full;
	struct splicer_iface *limit;
	struct source_key key;
	__u64 *stored;

	if (!p)
		return 1;
	limit = flood_limit(p->ifindex);
	if (!limit)
		return 0;
	flood_make_key(p, &key);
	stored = bpf_map_lookup_elem(&splicer1_sources, &key);
	if (stored && p->is_question) {
		full = *stored;
		stored = &full;
	}
	if (stored)
		return bucket_is_empty(stored, limit->number[NUMBER_FLOW_RATE], limit->number[NUMBER_FLOW_BURST], now);
	full = bucket_begin(limit->number[NUMBER_FLOW_RATE], now);
	if (!p->is_question)
		bpf_map_update_elem(&splicer1_sources, &key, &full, BPF_ANY);
	return 0;
}

#endif
