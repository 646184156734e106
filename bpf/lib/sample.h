/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sampling: the first packets of sessions as records in a buffer. So many sessions are taken up; some time after the
 * last one was, as many others are, in place of those. A session whose packets are recorded is recorded anew when it
 * was left alone for some time, and so is the buffer when it is full.
 */
#ifndef SPLICER_LIB_SAMPLE_H
#define SPLICER_LIB_SAMPLE_H

#include "abi/flow.h"
#include "lib/bpf.h"
#include "lib/lock.h"
#include "lib/packet.h"
#include "lib/sighting.h"
#include "maps/flow.h"

/* Where a record goes. */
struct sample_place {
	__u32 at; /* entry of the buffer; 0: none */
	__u32 round;
};

static __always_inline int sample_is_after(__u64 now, __u64 time, __u64 wait)
{
	return now > time && now - time >= wait;
}

/* Whether the session is of those that are sampled now, or becomes one. */
static __always_inline int sample_take_up(struct flow_head *head, struct flow *flow, __u64 now)
{
	const struct flow_settings *settings = &head->settings;
	int is_taken;

	if (flow->sample_epoch && flow->sample_epoch == head->epoch)
		return 1;
	if (head->taken >= settings->sessions && !sample_is_after(now, head->taken_last, settings->session_restart))
		return 0;
	if (!lock_take(&head->sample_lock))
		return 0;
	if (!head->epoch ||
	    (head->taken >= settings->sessions && sample_is_after(now, head->taken_last, settings->session_restart))) {
		head->epoch++;
		head->taken = 0;
	}
	is_taken = head->taken < settings->sessions;
	if (is_taken) {
		head->taken++;
		head->taken_last = now;
		flow->sample_epoch = head->epoch;
		flow->sampled = 0;
	}
	lock_give(&head->sample_lock);
	return is_taken;
}

/* Whether a record more of this session is wanted. */
static __always_inline int sample_is_wanted(const struct flow_settings *settings, struct flow *flow, __u64 now)
{
	if (flow->sampled < settings->session_packets)
		return 1;
	if (!sample_is_after(now, flow->sample_last, settings->packet_restart))
		return 0;
	flow->sampled = 0;
	return 1;
}

/* The next record of the buffer. */
static __always_inline void sample_claim(struct flow_packets_head *head, __u32 limit, __u64 restart, __u64 now,
					 struct sample_place *place)
{
	__u32 room = head->room ? head->room : FLOW_PACKETS_DEFAULT;

	if (limit > room)
		limit = room;
	if (!lock_take(&head->lock))
		return;
	if (head->next >= limit && limit && sample_is_after(now, head->last, restart)) {
		head->overwritten += head->next;
		head->next = 0;
		head->round++;
	}
	if (head->next < limit) {
		place->at = 1 + head->next++;
		place->round = 1 + head->round;
		head->last = now;
	} else {
		head->lost++;
	}
	lock_give(&head->lock);
}

static __always_inline struct flow_packets_head *sample_buffer(void **buffer)
{
	__u32 first = FLOW_NOW;

	*buffer = bpf_map_lookup_elem(&flow1_packets, &first);
	first = 0;
	return *buffer ? bpf_map_lookup_elem(*buffer, &first) : NULL;
}

/* With the session locked: decides whether its packet is recorded, and where. */
__weak __noinline int sample_decide(struct flow_head *head, struct flow *flow, struct sample_place *place, __u64 now)
{
	struct flow_packets_head *packets;
	void *buffer;

	if (!head || !flow || !place)
		return 0;
	if (!sample_take_up(head, flow, now)) {
		__sync_fetch_and_add(&head->refused, 1);
		return 0;
	}
	if (!sample_is_wanted(&head->settings, flow, now))
		return 0;
	packets = sample_buffer(&buffer);
	if (!packets)
		return 0;
	sample_claim(packets, head->settings.packets, head->settings.buffer_restart, now, place);
	if (!place->at)
		return 0;
	flow->sampled++;
	flow->sample_last = now;
	return 1;
}

/* In a later fragment of ICMP what stands for ports is that of the key. */
static __always_inline int sample_has_ports(const struct packet *p)
{
	return p->proto != IPPROTO_ICMP && p->proto != IPPROTO_ICMPV6;
}

/* Writes the record; its round last. */
static __always_inline void sample_write(const struct packet *p, const struct sighting *s,
					 const struct sample_place *place, __u8 from, __u8 egress)
{
	struct flow_packet *record;
	void *buffer;

	if (!sample_buffer(&buffer) || !buffer)
		return;
	record = bpf_map_lookup_elem(buffer, &place->at);
	if (!record)
		return;
	record->round = 0;
	record->src[0] = p->src[0];
	record->src[1] = p->src[1];
	record->dst[0] = p->dst[0];
	record->dst[1] = p->dst[1];
	record->sport = sample_has_ports(p) ? p->sport : 0;
	record->dport = sample_has_ports(p) ? p->dport : 0;
	record->ifindex = p->ifindex;
	record->time = s->now;
	record->length = p->l4 - p->l3 + p->l4_length;
	record->payload = s->payload;
	record->seq = s->seq;
	record->ack = s->ack;
	record->window = s->window;
	record->flags_frag = p->frag_off;
	record->udp_length = s->udp_length;
	record->vlan = p->vlan;
	record->proto = p->proto;
	record->family = p->family;
	record->tcp_flags = p->tcp_flags;
	record->icmp_type = s->icmp_type;
	record->icmp_code = s->icmp_code;
	record->hops = p->hop_limit;
	record->from = from;
	record->egress = egress;
	record->segments = (__u16)s->packets;
	__sync_lock_test_and_set(&record->round, place->round);
}

#endif
