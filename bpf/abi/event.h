/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events go to subscribers. A subscriber puts a ring buffer of its own in a free slot of EVENT_RINGS, a filter in the
 * slot of the same number in EVENT_SLOTS, and then sets the slot's bits in EVENT_CONTROL. Programs write each event to
 * every slot whose filter takes it; what nobody wants costs them one look at EVENT_CONTROL. All objects share these
 * maps. The steps of a subscriber, one by one, are in splicer.events(5).
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

enum event_type {
	EVENT_NONE = 0,
	EVENT_DECISION = 1,   /* a new flow was decided, or a packet was dropped */
	EVENT_REDECISION = 2, /* a known connection was decided anew: rules were changed, or its time is up */
	EVENT_PACKET = 3,     /* a packet, one in so many; whether or not it was decided just then */
	EVENT_TYPE_COUNT,     /* those that there are */
	EVENT_TYPES = 8,      /* room for them */
};

struct event_control {
	__u64 wanted[EVENT_TYPES]; /* by enum event_type; bit n: slot n has a subscriber that wants events of the type
				    */
};
_Static_assert(sizeof(struct event_control) == 64, "event_control is ABI");

/* Addresses from low to high, both included: the 16 bytes as one number, in two words of host byte order, the first of
 * more weight. IPv4 is in the first 4 bytes, the rest is zero. */
struct event_range {
	__u64 low[2], high[2];
	__u8 family; /* 4 or 6 */
	__u8 reserved[7];
};
_Static_assert(sizeof(struct event_range) == 40, "event_range is ABI");

/* Ports from low to high, both included; host byte order. Only what has ports matches. */
struct event_ports {
	__u16 low, high;
};

#define EVENT_TERMS 4 /* ranges, ports and interfaces that a filter may list of a kind; one of them must match */

/* What a subscriber wants. Zeros but for types: every event of these types. */
struct event_filter {
	__u32 types;                                      /* bit n: enum event_type n; at least one */
	__u32 verdicts;                                   /* bit n: enum verdict n; 0: any */
	__u32 hooks;                                      /* bit n: enum event_hook n; 0: any */
	__u32 objects;                                    /* bit n: enum event_object n; 0: any */
	__u64 reasons[2];                                 /* bit n % 64 of word n / 64: enum reason n; both 0: any */
	__u64 protos[4];                                  /* likewise, IP protocol n; all 0: any, and what is not IP */
	__u64 rule;                                       /* sequence number of the deciding rule; 0: any */
	__u32 sample;                                     /* of EVENT_PACKET, one in so many, at random; 0: none */
	__u8 ifindexes, sports, dports, srcs, dsts, ends; /* how many of these are listed; 0: any */
	__u8 reserved8[6];
	__u32 ifindex[EVENT_TERMS];
	struct event_ports sport[EVENT_TERMS], dport[EVENT_TERMS];
	struct event_range src[EVENT_TERMS], dst[EVENT_TERMS];
	struct event_range end[EVENT_TERMS]; /* of either */
	__u8 service[64];                    /* tag of the deciding rule, zero padded; empty: any */
	__u64 reserved[4];                   /* zero */
};
_Static_assert(sizeof(struct event_filter) == 712, "event_filter is ABI");
_Static_assert(__builtin_offsetof(struct event_filter, ifindex) == 88, "event_filter.ifindex is ABI");
_Static_assert(__builtin_offsetof(struct event_filter, service) == 616, "event_filter.service is ABI");

struct event_slot {
	__u64 start_time; /* of the subscriber, as field 22 of /proc/PID/stat (clock ticks after boot) */
	__u32 pid;        /* of the subscriber; 0: the slot is free */
	__u32 polls;      /* 1: the reader looks for itself; 0: programs wake it when it has read all there was. A
			     wake-up costs many times an event, so who is busy should poll for the while. */
	struct event_filter filter;
	__u64 reserved[5];      /* zero */
	__u64 lost;             /* events that found the ring full; written by the programs, atomically */
	__u64 reserved_lost[7]; /* zero: what programs write has a cache line of its own */
};
_Static_assert(sizeof(struct event_slot) == 832, "event_slot is ABI");
_Static_assert(__builtin_offsetof(struct event_slot, lost) == 768, "event_slot.lost is ABI");

enum event_object { EVENT_SPLICER = 1, EVENT_XDP = 2, EVENT_LB = 3, EVENT_FLOW = 4 };
enum event_hook { EVENT_INGRESS = 1, EVENT_EGRESS = 2, EVENT_DRIVER = 3 };

/* A later fragment has no ports; the first has those of all. */
enum event_fragment { EVENT_WHOLE = 0, EVENT_FIRST_FRAGMENT = 1, EVENT_LATER_FRAGMENT = 2 };

struct event {
	__u16 size;   /* of this record, bytes: a later version only adds at the end */
	__u8 version; /* EVENT_ABI */
	__u8 type;    /* enum event_type */
	__u8 object;  /* enum event_object */
	__u8 hook;    /* enum event_hook */
	__u8 verdict; /* enum verdict */
	__u8 reason;  /* enum reason */
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
	__u32 sample;      /* of EVENT_PACKET: it stands for so many */
	/* Of VERDICT_TRANSLATE, else zero: how the packet goes on. */
	__u32 new_ifindex;                      /* by this interface */
	__u8 next_hop[6];                       /* link-layer address; zero: not resolved yet */
	__be16 ip_check_before, ip_check_after; /* checksum of the IPv4 header */
	__be16 l4_check_before, l4_check_after; /* of TCP, UDP or ICMP */
	__u8 new_family;                        /* of the addresses it gets; 0: as family */
	__u8 reserved8;
	__u8 new_src[16], new_dst[16]; /* as src and dst */
	__be16 new_sport, new_dport;
	__u8 reserved32[4];
	__u8 service[64];    /* tag of the deciding rule, zero padded */
	__u64 reserved64[2]; /* zero */
};
_Static_assert(sizeof(struct event) == 224, "event is ABI");
_Static_assert(__builtin_offsetof(struct event, service) == 144, "event.service is ABI");

#endif
