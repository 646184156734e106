/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flow.o: what sessions there are, and what they look like. It changes no packet and no verdict.
 *
 *     tc qdisc add dev IF clsact
 *     tc filter add dev IF ingress prio 10 bpf da obj flow.o sec action
 *     tc filter add dev IF egress prio 30 bpf da obj flow.o sec action/egress
 *
 * What is kept is documented in splicer.flows(5).
 */
#include "maps/flow.h"
#include "lib/bpf.h"
#include "lib/ctx_tc.h"
#include "lib/packet.h"
#include "maps/config.h"
#include "maps/counts.h"
#include "maps/event.h"

#include "lib/content.h"
#include "lib/detail.h"
#include "lib/fragkey.h"
#include "lib/sample.h"
#include "lib/sessions.h"

#include <linux/pkt_cls.h>

static __always_inline __u64 clock(const struct __sk_buff *skb, const struct flow_settings *settings)
{
	if (settings->clock == FLOW_CLOCK_PACKET)
		return skb->tstamp ? skb->tstamp : 1;
	return bpf_ktime_get_ns();
}

static __always_inline void count_other(struct flow_tally *tally, const struct packet *p)
{
	__sync_fetch_and_add(&tally->packets, 1);
	__sync_fetch_and_add(&tally->bytes, p->length);
}

/* Later fragments have no ports of their own. */
static __always_inline void attribute_fragment(struct packet *p, struct sighting *s)
{
	struct frag_key key;
	struct flow_frag *frag;

	fragment_make_key(p, &key);
	if (p->fragment == FRAGMENT_FIRST) {
		struct flow_frag first = {
			.time = s->now,
			.sport = p->sport,
			.dport = p->dport,
			.proto = p->proto,
			.icmp_type = p->icmp_type,
			.icmp_code = p->icmp_code,
		};

		sighting_make_ports(p, s, &first.sport, &first.dport);
		first.kind = s->key.kind;
		bpf_map_update_elem(&flow1_frags, &key, &first, BPF_ANY);
		return;
	}
	frag = bpf_map_lookup_elem(&flow1_frags, &key);
	if (!frag || !fragment_is_fresh(frag->time, s->now))
		return;
	p->sport = frag->sport;
	p->dport = frag->dport;
	p->proto = frag->proto;
	s->key.kind = frag->kind;
	p->icmp_type = frag->icmp_type;
	p->icmp_code = frag->icmp_code;
}

/* A packet of a session, whose bucket is locked. */
static __always_inline void account(struct __sk_buff *skb, struct flow_head *head, struct flow_bucket *b,
				    const struct packet *p, const struct sighting *s, __u32 way, int egress)
{
	struct flow *flow = &b->flows[way & (FLOW_WAYS - 1)];
	struct sample_place place = {};
	__u8 from = s->from != flow->originator;

	if (flow->flags & FLOW_DETAILED)
		detail_note(flow, s);
	seen_note(flow, s);
	content_note(skb, p, flow, s);
	b->used[way & (FLOW_WAYS - 1)] = place_worth(flow, s->now);
	if (head->settings.session_packets)
		sample_decide(head, flow, &place, s->now);
	lock_give(&b->lock);
	if (place.at)
		sample_write(p, s, &place, from, (__u8)egress);
}

static __always_inline void observe_session(struct __sk_buff *skb, void *table, struct flow_head *head,
					    const struct packet *p, const struct sighting *s, int egress)
{
	__u64 hash = place_hash(&s->key, place_seed(head));
	struct flow_bucket *b = sessions_lock(table, place_first(head, hash), s);
	__u16 tag = place_tag(hash);
	int way, is_next = 0;

	if (!b)
		return;
	way = sessions_find(b, head, s, tag, &is_next);
	if (way < 0 && place_is_full(b)) {
		lock_give(&b->lock);
		b = sessions_lock(table, place_second(head, hash), s);
		if (!b)
			return;
		way = sessions_find(b, head, s, tag, &is_next);
	}
	account(skb, head, b, p, s, way < 0 ? sessions_enter(b, head, s, tag, is_next) : (__u32)way, egress);
}

static __always_inline void observe(struct __sk_buff *skb, int egress)
{
	void *table = sessions_table(FLOW_NOW);
	struct sighting s = {};
	struct packet p = {};
	struct flow_head *head;

	if (!table)
		return;
	head = sessions_head(table);
	if (!head)
		return;
	p.is_cut = head->settings.clock == FLOW_CLOCK_PACKET;
	if (packet_parse(skb, &p)) {
		count_other(&head->malformed, &p);
		return;
	}
	if (!p.family) {
		count_other(&head->not_ip, &p);
		return;
	}
	s.now = clock(skb, &head->settings);
	if (packet_is_fragment(&p))
		attribute_fragment(&p, &s);
	sighting_make(skb, &p, &s);
	if (head->settings.session_packets)
		sighting_read_udp(skb, &p, &s);
	observe_session(skb, table, head, &p, &s, egress);
}

SEC("action")
int flow_ingress(struct __sk_buff *skb)
{
	observe(skb, 0);
	return TC_ACT_UNSPEC;
}

SEC("action/egress")
int flow_egress(struct __sk_buff *skb)
{
	/* what leaves by the loopback comes in by it */
	if (skb->ifindex != LOOPBACK_IFINDEX)
		observe(skb, 1);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
