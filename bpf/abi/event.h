/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events go to subscribers. A subscriber puts a ring buffer of its own in a free slot of EVENT_RINGS, a filter in the
 * slot of the same number in EVENT_SLOTS, and then sets the slot's bit in EVENT_CONTROL. Programs write each event to
 * every slot whose filter matches; with no bit set they do nothing at all. All objects share these maps.
 */
#ifndef SPLICER_ABI_EVENT_H
#define SPLICER_ABI_EVENT_H

#include <linux/types.h>

#define EVENT_ABI 1
#define EVENT_CONTROL "event1_control" /* ARRAY, mmapable, 1 x struct event_control */
#define EVENT_SLOTS "event1_slots"     /* ARRAY, mmapable, EVENT_SLOT_COUNT x struct event_slot */
#define EVENT_RINGS "event1_rings"     /* ARRAY_OF_MAPS, EVENT_SLOT_COUNT ring buffers of struct event */

#define EVENT_SLOT_COUNT 16
#define EVENT_RING_SIZE 4096 /* bytes, of the ring that the object declares; a subscriber's may be larger */

struct event_control {
	__u64 active; /* bit n: slot n has a subscriber */
	__u64 reserved[7];
};
_Static_assert(sizeof(struct event_control) == 64, "event_control is ABI");

enum event_type {
	EVENT_DECISION = 1, /* a packet was decided: a new flow, or a drop */
};

struct event_slot {
	__u64 start_time; /* of the subscriber, as field 22 of /proc/PID/stat (clock ticks after boot) */
	__u32 pid;        /* of the subscriber; 0: the slot is free */
	__u32 ifindex;    /* filter: 0 any */
	__u64 lost;       /* events that found the ring full; written by the programs, atomically */
	__u64 types;      /* filter: bit n is enum event_type n */
	__u32 verdicts;   /* filter: bit n is enum verdict n */
	__u16 proto;      /* filter: protocol + 1; 0 any */
	__u16 reserved16;
	__u64 reserved[11]; /* zero: room for further filters */
};
_Static_assert(sizeof(struct event_slot) == 128, "event_slot is ABI");

enum event_object { EVENT_SPLICER = 1, EVENT_XDP = 2, EVENT_LB = 3, EVENT_FLOW = 4 };
enum event_hook { EVENT_INGRESS = 1, EVENT_EGRESS = 2 };

/* A later fragment has no ports; the first has those of all. */
enum event_fragment { EVENT_WHOLE = 0, EVENT_FIRST_FRAGMENT = 1, EVENT_LATER_FRAGMENT = 2 };

struct event {
	__u16 size;   /* of this record, bytes: a reader skips what it does not know */
	__u8 type;    /* enum event_type */
	__u8 object;  /* enum event_object */
	__u8 hook;    /* enum event_hook */
	__u8 verdict; /* enum verdict */
	__u16 reason; /* enum reason */
	__u64 time;   /* ns of CLOCK_MONOTONIC */
	__u32 ifindex;
	__u32 length;          /* bytes, as the hook sees them */
	__u64 rule;            /* sequence number of the deciding rule; 0: none */
	__u8 src[16], dst[16]; /* network byte order; IPv4 in the first 4 bytes, the rest zero */
	__be16 sport, dport;   /* 0 where the protocol has none */
	__u16 ethertype;       /* host byte order, after VLAN tags */
	__u16 vlan;            /* outermost VLAN id; 0: untagged */
	__u8 family;           /* 4, 6, or 0: not IP */
	__u8 proto;            /* of IP */
	__u8 tcp_flags;        /* byte 13 of the TCP header */
	__u8 icmp_type, icmp_code;
	__u8 fragment;     /* enum event_fragment */
	__u16 splice_port; /* host byte order; 0: not spliced */
	__u8 service[64];  /* tag of the deciding rule, zero padded */
	__u8 reserved[80]; /* zero: room for a translated tuple, next hop and checksums */
};
_Static_assert(sizeof(struct event) == 224, "event is ABI");
_Static_assert(__builtin_offsetof(struct event, service) == 80, "event.service is ABI");

#endif
