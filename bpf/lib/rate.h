/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules that apply only to what a source sends beyond a rate, or only to what stays within. */
#ifndef SPLICER_LIB_RATE_H
#define SPLICER_LIB_RATE_H

#include "abi/xdp.h"
#include "lib/bpf.h"
#include "lib/bucket.h"
#include "lib/match.h"
#include "lib/packet.h"
#include "maps/xdp.h"

static __always_inline void *rate_sources(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&xdp1_sources, &zero);
}

/* The first so many bits of 64, network byte order. */
static __always_inline __u64 first_bits(__u32 bits)
{
	if (!bits)
		return 0;
	return bits < 64 ? bpf_cpu_to_be64(~0ull << (64 - bits)) : ~0ull;
}

static __always_inline void source_of(const struct packet *p, __u32 bits, struct xdp_source *key)
{
	key->addr[0] = p->src[0] & first_bits(bits);
	key->addr[1] = p->src[1] & first_bits(bits > 64 ? bits - 64 : 0);
}

/* Takes a packet from the bucket that the source has of the rule; whether there was none. */
static __always_inline int rate_exceeds(const struct xdp_source *key, __u32 rate, __u32 burst)
{
	__u64 now = bpf_ktime_get_ns(), *full;
	void *sources = rate_sources();
	__u64 begin = bucket_begin(rate, now);

	if (!sources)
		return 1;
	full = bpf_map_lookup_elem(sources, key);
	if (!full) {
		if (!bpf_map_update_elem(sources, key, &begin, BPF_NOEXIST))
			return 0;
		/* another CPU was quicker */
		full = bpf_map_lookup_elem(sources, key);
	}
	return full ? bucket_is_empty(full, rate, burst, now) : 0;
}

/* Whether the rule that was found applies to a packet of its source now. A global function: it is asked repeatedly. */
__weak __noinline int rate_applies(const struct packet *p, const struct rules_query *q)
{
	struct xdp_source source;
	struct rules_cell *limits;
	void *arena = rules_arena();
	int exceeds, passes;

	if (!p || !q || !arena)
		return 0;
	passes = rules_decision_action(q->decision) == RULES_PASS;
	limits = rules_cell(arena, q->record + 1);
	/* what cannot be read is beyond the rate */
	if (!limits)
		return !passes;
	source.rule = rules_decision_sequence(q->decision);
	source_of(p, RULES_SECOND(limits, rate_bits), &source);
	exceeds = rate_exceeds(&source, RULES_SECOND(limits, rate), RULES_SECOND(limits, burst));
	return exceeds != passes;
}

#endif
