/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event plane: one record, written to every subscriber whose filter takes it. An object asks events_any whether
 * anybody listens, and event_control.wanted whether anybody wants what it has to tell, and only then makes a record
 * with events_new, fills it in, and tells it.
 */
#ifndef SPLICER_LIB_EVENTS_H
#define SPLICER_LIB_EVENTS_H

#include "abi/event.h"
#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/packet.h"
#include "maps/event.h"

/* ---- who wants it ---- */

static __always_inline struct event_control *events_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&event1_control, &zero);
}

/* Whether anybody listens. */
static __always_inline int events_any(const struct event_control *control)
{
	__u64 slots = 0;

	for (int type = EVENT_DECISION; type < EVENT_TYPE_COUNT; type++)
		slots |= control->wanted[type];
	return slots != 0;
}

/* Bits of the slots that want packets. */
static __always_inline __u64 events_packets_wanted(void)
{
	struct event_control *control = events_control();

	return control ? control->wanted[EVENT_PACKET] : 0;
}

static __always_inline struct event_slot *events_slot(__u32 slot)
{
	return bpf_map_lookup_elem(&event1_slots, &slot);
}

static __always_inline struct event *events_record(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&event_scratch, &zero);
}

/* Of slots that want packets, those whose turn it is: each has its chance of one in filter.sample, drawn at random. */
__weak __noinline int events_draw(__u64 slots)
{
	__u32 drawn = 0, chance = bpf_get_prandom_u32();

	for (__u32 i = 0; i < EVENT_SLOT_COUNT && slots >> i; i++) {
		struct event_slot *slot;

		if (!(slots & 1ull << i))
			continue;
		slot = events_slot(i);
		if (slot && slot->filter.sample && !((__u64)chance * slot->filter.sample >> 32))
			drawn |= 1u << i;
	}
	return (int)drawn;
}

/* ---- filters ---- */

static __always_inline int mask_takes(__u32 mask, __u32 number)
{
	return !mask || mask & 1u << (number & 31);
}

static __always_inline int reasons_take(const struct event_filter *filter, const struct event *event)
{
	const __u64 *mask = filter->reasons;

	return !(mask[0] | mask[1]) || mask[event->reason >> 6 & 1] & 1ull << (event->reason & 63);
}

static __always_inline int protos_take(const struct event_filter *filter, const struct event *event)
{
	const __u64 *mask = filter->protos;

	if (!(mask[0] | mask[1] | mask[2] | mask[3]))
		return 1;
	return event->family && mask[event->proto >> 6] & 1ull << (event->proto & 63);
}

static __always_inline int interfaces_take(const struct event_filter *filter, const struct event *event)
{
	int takes = !filter->ifindexes;

	for (__u32 i = 0; i < EVENT_TERMS; i++)
		takes |= i < filter->ifindexes && filter->ifindex[i] == event->ifindex;
	return takes;
}

static __always_inline int has_ports(const struct event *event)
{
	if (!event->family || event->fragment == EVENT_LATER_FRAGMENT)
		return 0;
	return event->proto == IPPROTO_TCP || event->proto == IPPROTO_UDP || event->proto == IPPROTO_UDPLITE ||
	       event->proto == IPPROTO_SCTP || event->proto == IPPROTO_DCCP;
}

static __always_inline int port_list_takes(const struct event_ports *ports, __u32 count, __u16 port)
{
	int takes = !count;

	for (__u32 i = 0; i < EVENT_TERMS; i++)
		takes |= i < count && ports[i].low <= port && port <= ports[i].high;
	return takes;
}

static __always_inline int ports_take(const struct event_filter *filter, const struct event *event)
{
	if (!(filter->sports | filter->dports))
		return 1;
	return has_ports(event) && port_list_takes(filter->sport, filter->sports, bpf_ntohs(event->sport)) &&
	       port_list_takes(filter->dport, filter->dports, bpf_ntohs(event->dport));
}

static __always_inline int is_below(const __u64 a[2], const __u64 b[2])
{
	return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]);
}

static __always_inline int ranges_take(const struct event_range *ranges, __u32 count, const __u8 addr[16], __u8 family)
{
	int takes = 0;
	__u64 words[2];

	__builtin_memcpy(words, addr, sizeof(words));
	words[0] = bpf_be64_to_cpu(words[0]);
	words[1] = bpf_be64_to_cpu(words[1]);
	for (__u32 i = 0; i < EVENT_TERMS; i++)
		takes |= i < count && ranges[i].family == family && !is_below(words, ranges[i].low) &&
			 !is_below(ranges[i].high, words);
	return takes;
}

static __always_inline int addresses_take(const struct event_filter *filter, const struct event *event)
{
	__u8 family = event->family;

	return (!filter->srcs || ranges_take(filter->src, filter->srcs, event->src, family)) &&
	       (!filter->dsts || ranges_take(filter->dst, filter->dsts, event->dst, family)) &&
	       (!filter->ends || ranges_take(filter->end, filter->ends, event->src, family) ||
		ranges_take(filter->end, filter->ends, event->dst, family));
}

static __always_inline int service_takes(const struct event_filter *filter, const struct event *event)
{
	const __u64 *wanted = (const __u64 *)filter->service, *got = (const __u64 *)event->service;
	__u64 differs = 0;

	if (!filter->service[0])
		return 1;
	for (__u32 i = 0; i < sizeof(event->service) / sizeof(*got); i++)
		differs |= wanted[i] ^ got[i];
	return !differs;
}

/* The cheap and telling first. */
static __always_inline int filter_takes(const struct event_filter *filter, const struct event *event)
{
	return mask_takes(filter->verdicts, event->verdict) && interfaces_take(filter, event) &&
	       mask_takes(filter->hooks, event->hook) && mask_takes(filter->objects, event->object) &&
	       protos_take(filter, event) && reasons_take(filter, event) &&
	       (!filter->rule || filter->rule == event->rule) && ports_take(filter, event) &&
	       addresses_take(filter, event) && service_takes(filter, event);
}

/* Whether the slot's filter takes the record. A global function: the verifier reads it once. */
__weak __noinline int events_taken(__u32 number)
{
	struct event_slot *slot = events_slot(number);
	struct event *event = events_record();

	return slot && event && filter_takes(&slot->filter, event);
}

/* ---- sending ---- */

static __always_inline void ring_write(__u32 number, struct event *event)
{
	void *ring = bpf_map_lookup_elem(&event1_rings, &number);
	struct event_slot *slot = events_slot(number);

	if (!slot)
		return;
	if (!event->time)
		event->time = bpf_ktime_get_ns();
	event->sample = event->type == EVENT_PACKET ? slot->filter.sample : 0;
	if (!ring || bpf_ringbuf_output(ring, event, sizeof(*event), slot->polls ? BPF_RB_NO_WAKEUP : 0))
		__sync_fetch_and_add(&slot->lost, 1);
}

/* Writes the record, as one of this type, to those of the slots whose filters take it. */
__weak __noinline int events_send(__u32 type, __u64 slots)
{
	struct event *event = events_record();

	if (!event)
		return 0;
	event->type = (__u8)type;
	for (__u32 i = 0; i < EVENT_SLOT_COUNT && slots >> i; i++)
		if (slots & 1ull << i && events_taken(i))
			ring_write(i, event);
	return 0;
}

/* Tells the record: as an event of this type to the slots that want those, and as a packet to those that were drawn. */
static __always_inline void events_tell(enum event_type type, __u64 wanted, __u64 packets)
{
	if (wanted)
		events_send(type, wanted);
	if (packets)
		events_send(EVENT_PACKET, packets);
}

/* ---- the record ---- */

/*
 * The record with what every event has; NULL only if the map cannot be read. Each object has a record of its own and
 * fills in all that it ever does, so what the others leave out stays zero.
 */
static __always_inline struct event *events_new(enum event_object object, enum event_hook hook, __u32 reason,
						enum verdict verdict)
{
	struct event *event = events_record();

	if (!event)
		return NULL;
	event->size = sizeof(*event);
	event->version = EVENT_ABI;
	event->object = object;
	event->hook = hook;
	event->verdict = verdict;
	event->reason = (__u8)reason;
	event->time = 0; /* is not asked for until somebody is to know */
	return event;
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

#endif
