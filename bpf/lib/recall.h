/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU remembers of established flows whose packets it has just had, so that the next one need not be looked up
 * in a table that all share. It holds until the flow's route would be asked for again, which is when the table learns
 * that the flow goes on.
 */
#ifndef SPLICER_LIB_RECALL_H
#define SPLICER_LIB_RECALL_H

#include "abi/lb.h"
#include "lib/balance.h"
#include "lib/bpf.h"
#include "lib/following.h"
#include "lib/hash.h"

#define RECALL_BITS 10 /* log2 of the lines: 160 KiB for each CPU */

struct recall_line {
	struct lb_key key;
	struct lb_flow flow;
	__u64 reserved;
};

/* Not pinned: each object has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1u << RECALL_BITS);
	__type(key, __u32);
	__type(value, struct recall_line);
} recall_lines SEC(".maps");

static __always_inline struct recall_line *recall_line(const struct lb_key *key)
{
	__u64 ports = (__u64)key->sport << 16 | key->dport;
	__u32 at = (__u32)((hash_mix(key->src[0] ^ key->src[1], ports ^ key->dst[0] ^ key->dst[1]) * HASH_FACTOR) >>
			   (64 - RECALL_BITS));

	return bpf_map_lookup_elem(&recall_lines, &at);
}

static __always_inline int recall_is_of(const struct recall_line *line, const struct lb_key *key)
{
	const __u64 *a = (const __u64 *)&line->key, *b = (const __u64 *)key;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]));
}

/* The flow of a packet that tells nothing new; NULL: ask the tables. */
static __always_inline struct lb_flow *recall_find(const struct packet *p, const struct lb_key *key, __u64 now)
{
	struct recall_line *line = recall_line(key);

	if (!line || !recall_is_of(line, key) || !following_is_fresh(&line->flow, now))
		return NULL;
	return following_is_news(p) ? NULL : &line->flow;
}

/* A flow of which nothing changes soon, and how its packets go is known. */
static __always_inline void recall_keep(const struct lb_key *key, const struct lb_flow *flow)
{
	struct recall_line *line = recall_line(key);

	if (!line)
		return;
	line->key = *key;
	line->flow = *flow;
}

/* A flow of which something has changed. */
static __always_inline void recall_forget(const struct lb_key *key)
{
	struct recall_line *line = recall_line(key);

	if (line && recall_is_of(line, key))
		line->flow.told = 0;
}

#endif
