/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many flows a source may open: a token bucket, kept as the time at which it will be full again (the generic cell
 * rate algorithm), so that one word does. Two CPUs that serve one source at once may let one flow too many pass.
 */
#ifndef SPLICER_LIB_FLOOD_H
#define SPLICER_LIB_FLOOD_H

#include "abi/conns.h"
#include "lib/bpf.h"
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
__noinline int flood_exceeds(const struct packet *p)
{
	__u64 now = bpf_ktime_get_coarse_ns(), full, interval, most;
	struct splicer_iface *limit;
	struct source_key key;
	__u64 *stored;

	if (!p)
		return 1;
	limit = flood_limit(p->ifindex);
	if (!limit)
		return 0;
	interval = NS_PER_SECOND / (limit->number[NUMBER_FLOW_RATE] ?: 1);
	most = interval * limit->number[NUMBER_FLOW_BURST];
	flood_make_key(p, &key);
	stored = bpf_map_lookup_elem(&splicer1_sources, &key);
	full = (stored && *stored > now ? *stored : now) + interval;
	if (full - now > most)
		return 1;
	if (p->is_question)
		return 0;
	if (stored)
		*stored = full;
	else
		bpf_map_update_elem(&splicer1_sources, &key, &full, BPF_ANY);
	return 0;
}

#endif
