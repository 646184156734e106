/* SPDX-License-Identifier: GPL-2.0-only */
/* The event plane: one record, written to every subscriber whose filter takes it. */
#ifndef SPLICER_LIB_EVENTS_H
#define SPLICER_LIB_EVENTS_H

#include "abi/event.h"
#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/match.h"
#include "lib/packet.h"
#include "maps/event.h"

/* Bits of the slots in use; 0, and nothing else need be done, when nobody listens. */
static __always_inline __u64 events_active(void)
{
	__u32 zero = 0;
	struct event_control *control = bpf_map_lookup_elem(&event1_control, &zero);

	return control ? *(volatile __u64 *)&control->active : 0;
}

static __always_inline void events_fill_packet(struct event *event, const struct packet *p)
{
	event->ifindex = p->ifindex;
	event->length = p->length;
	__builtin_memcpy(event->src, p->src, sizeof(event->src));
	__builtin_memcpy(event->dst, p->dst, sizeof(event->dst));
	event->sport = p->sport;
	event->dport = p->dport;
	event->ethertype = bpf_ntohs(p->ethertype);
	event->vlan = p->vlan;
	event->family = p->family;
	event->proto = p->proto;
	event->tcp_flags = p->tcp_flags;
	event->icmp_type = p->icmp_type;
	event->icmp_code = p->icmp_code;
	event->fragment = p->fragment == FRAGMENT_ATOMIC ? FRAGMENT_NONE : p->fragment;
}

static __always_inline void events_fill_rule(struct event *event, const struct rules_hit *hit)
{
	struct rules_cell *service = rules_service(hit);

	event->rule = rules_decision_sequence(hit->decision);
	event->splice_port = rules_decision_port(hit->decision);
	if (service)
		__builtin_memcpy(event->service, service, sizeof(event->service));
}

static __always_inline int events_wanted(const struct event_slot *slot, const struct event *event)
{
	return slot->types & 1ull << (event->type & 63) && slot->verdicts & 1u << (event->verdict & 31) &&
	       (!slot->ifindex || slot->ifindex == event->ifindex) &&
	       (!slot->proto || (event->family && slot->proto == event->proto + 1));
}

/* Writes the record in the scratch map to the slots of `active` that want it. */
__noinline int events_send(__u64 active)
{
	__u32 zero = 0;
	struct event *event = bpf_map_lookup_elem(&event_scratch, &zero);

	if (!event)
		return 0;
	for (__u32 i = 0; i < EVENT_SLOT_COUNT; i++) {
		__u32 key = i;
		struct event_slot *slot;
		void *ring;

		if (!(active & 1ull << i))
			continue;
		slot = bpf_map_lookup_elem(&event1_slots, &key);
		if (!slot || !events_wanted(slot, event))
			continue;
		ring = bpf_map_lookup_elem(&event1_rings, &key);
		if (!ring || bpf_ringbuf_output(ring, event, sizeof(*event), 0))
			__sync_fetch_and_add(&slot->lost, 1);
	}
	return 0;
}

/* The scratch record, cleared, with what every event has; NULL only if the map cannot be read. */
static __always_inline struct event *events_new(enum event_object object, enum event_hook hook, __u32 reason,
						enum verdict verdict)
{
	__u32 zero = 0;
	struct event *event = bpf_map_lookup_elem(&event_scratch, &zero);

	if (!event)
		return NULL;
	__builtin_memset(event, 0, sizeof(*event));
	event->size = sizeof(*event);
	event->type = EVENT_DECISION;
	event->object = object;
	event->hook = hook;
	event->verdict = verdict;
	event->reason = (__u16)reason;
	event->time = bpf_ktime_get_ns();
	return event;
}

#endif
