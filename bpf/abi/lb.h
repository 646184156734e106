/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps of lb.o, the load balancer.
 *
 * A service is all that is known of it in one map: its VIP, its backends and the table that chooses among them. A tool
 * builds a new one and puts it in the place of the old, so packets see the service as it was or as it is. LB_SERVICES
 * is the truth; LB_VIPS and LB_BACKENDS are indexes that whoever changes a service brings up to date, entries that lead
 * to a service being added after it is there and taken away before it goes.
 */
#ifndef SPLICER_ABI_LB_H
#define SPLICER_ABI_LB_H

#include <linux/types.h>

/* Besides SPLICER_CONFIG, which has the timeouts and says whose bpffs this is, and the maps of abi/event.h and
 * abi/counts.h. */
#define LB_SERVICES "lb1_services" /* ARRAY_OF_MAPS, LB_SERVICES_MAX x mmapable ARRAY of 1 struct lb_service */
#define LB_VIPS "lb1_vips"         /* LPM_TRIE, struct lb_vip -> __u32 index in LB_SERVICES */
#define LB_BACKENDS "lb1_backends" /* HASH, struct lb_end -> __u32 lb_where(), or LB_AMBIGUOUS */
#define LB_FLOWS "lb1_flows"       /* ARRAY_OF_MAPS, by enum conn_table, LRU_HASH: struct lb_key -> struct lb_flow */
#define LB_CLIENTS "lb1_clients"   /* LRU_HASH, struct lb_client -> struct lb_choice */
#define LB_FRAGS "lb1_frags"       /* LRU_HASH, struct frag_key of abi/conns.h -> struct lb_frag */
#define LB_STATS "lb1_stats"       /* PERCPU_ARRAY, LB_STATS_MAX x struct lb_stat */

#define LB_SERVICES_MAX 4096
#define LB_BACKENDS_MAX 1024 /* of a service */
#define LB_STATS_MAX 16384   /* of all services: each backend of each has one; 0 is nobody's */
#define LB_ENDS_MAX 65536    /* entries of LB_BACKENDS and of LB_VIPS */
#define LB_CLIENTS_MAX 65536
#define LB_FRAGS_MAX 8192

/*
 * Maglev hashing (Eisenbud et al., NSDI 2016): a prime, so that each backend's steps visit the whole table.
 */
#define LB_TABLE_SIZE 65537

enum lb_mode {
	LB_NAT = 0,        /* the destination is changed; backends route back through this box */
	LB_MASQUERADE = 1, /* the source too, to an address of this box: backends need not */
	LB_DSR = 2,        /* packets go in an IP tunnel (RFC 2003, 2473, 4213), unchanged; backends have the VIP */
};

#define LB_BACKEND_DRAINED 1u /* by an operator: no new flows */
#define LB_BACKEND_DOWN 2u    /* by a prober: no new flows, and flows that begin anew choose again */

struct lb_backend {
	__u64 addr[2];   /* network byte order; IPv4 in the first 4 bytes, the rest zero */
	__u64 source[2]; /* likewise: of LB_MASQUERADE and LB_DSR, this box as the backend is to see it, of the
			    backend's family */
	__u32 stat;      /* index in LB_STATS; never 0 */
	__u32 weight;    /* 0: no new flows */
	__u32 share;     /* entries of lb_service.table */
	__be16 port;     /* where it listens; 0: on the port that the packet came to */
	__u8 family;     /* 4 or 6; 0: nobody is in this place */
	__u8 flags;      /* LB_BACKEND_DRAINED... */
	__u32 reserved[4];
};
_Static_assert(sizeof(struct lb_backend) == 64, "lb_backend is ABI");

/* A backend keeps its place for as long as it is one of the service. */
struct lb_service {
	__u64 vip[2];    /* as in struct lb_backend */
	__u16 low, high; /* ports, host byte order, both included; 0-65535: any */
	__u8 proto;      /* 6 or 17 */
	__u8 family;     /* of the VIP: 4 or 6; 0: no service. Backends are of it too, but in LB_DSR may be of either */
	__u8 mode;       /* enum lb_mode */
	__u8 source_family; /* of source; 0: none was given */
	__u32 affinity;     /* seconds that a source address keeps its backend after its last new flow; 0: none */
	__u32 backends;     /* places in use: all others are empty from here on */
	__u32 available;    /* backends in the table */
	__u32 reserved32;
	__u64 source[2]; /* that an operator gave for all backends; for tools, programs have it in each */
	__u32 reserved[2];
	struct lb_backend backend[LB_BACKENDS_MAX];
	__u16 table[LB_TABLE_SIZE]; /* place of a backend; with `available` 0 it says nothing */
	__u16 reserved16[3];
};
_Static_assert(__builtin_offsetof(struct lb_service, backend) == 64, "lb_service.backend is ABI");
_Static_assert(sizeof(struct lb_service) == 64 + 64 * LB_BACKENDS_MAX + 2 * (LB_TABLE_SIZE + 3), "lb_service is ABI");

/*
 * Where a VIP leads: the key of an LPM trie. Ports are a prefix of their 16 bits, so a range is as many entries as its
 * smallest cover has; of two services the one with fewer ports has an entry that both would need.
 */
struct lb_vip {
	__u32 prefix_len; /* bits of what follows: LB_VIP_BITS + those of the port */
	__u8 family;      /* 4 or 6 */
	__u8 proto;
	__u8 addr[16]; /* as in struct lb_backend */
	__u8 port[2];  /* network byte order; bits beyond the prefix are zero */
};
_Static_assert(sizeof(struct lb_vip) == 24, "lb_vip is ABI");
#define LB_VIP_BITS 144

/*
 * A backend as what it sends shows it, for packets back of which no flow is known: it was with another box, or was
 * forgotten. Only services in LB_NAT are here, and only where port and service tell what the client had asked for: a
 * service of one port, or one whose backends keep the port (then port is 0 here, if it has several). LB_AMBIGUOUS: more
 * than one service.
 */
struct lb_end {
	__u64 addr[2]; /* as in struct lb_backend */
	__be16 port;
	__u8 proto;
	__u8 family;
	__u32 reserved;
};
_Static_assert(sizeof(struct lb_end) == 24, "lb_end is ABI");
#define LB_AMBIGUOUS 0xffffffffu

/* A service by its index in LB_SERVICES, and one of its backends by its place. */
static inline __u32 lb_where(__u32 index, __u32 place)
{
	return place << 16 | index;
}

/* Packets of one direction, as they come. */
struct lb_key {
	__u64 src[2], dst[2]; /* as in struct lb_backend */
	__be16 sport, dport;
	__u8 proto;
	__u8 family;
	__u8 reserved[2];
};
_Static_assert(sizeof(struct lb_key) == 40, "lb_key is ABI");

enum lb_kind {
	LB_FORWARD = 1, /* from the client to the VIP */
	LB_REPLY = 2,   /* from the backend */
	LB_DIRECT = 3,  /* from the backend to a client that speaks to it without the VIP: they stay as they are */
};

/*
 * One direction of a flow. The other is found by what this one becomes, with both ends exchanged; in LB_DSR there is
 * none. Timeouts are those of struct splicer_config, by IP protocol and state, as in abi/conns.h.
 */
struct lb_flow {
	__u64 last; /* ns of CLOCK_MONOTONIC, coarse: the last packet; of the other direction as far as told */
	__u64 told; /* likewise: when the other direction was last told, and the route was asked for */
	__u64 src[2], dst[2]; /* what the packet's addresses become, as in struct lb_backend; LB_DSR: of the tunnel */
	__be16 sport, dport;  /* what its ports become; LB_DSR: as they are */
	__u8 kind;            /* enum lb_kind */
	__u8 mode;            /* enum lb_mode */
	__u8 state;           /* enum conn_state */
	__u8 flags;           /* CONN_FIN_FORWARD... of abi/conns.h, of the flow */
	__u32 service;        /* index in LB_SERVICES */
	__u32 stat;           /* index in LB_STATS */
	__u16 place;          /* of the backend in lb_service.backend */
	__u8 family;          /* of src and dst, which LB_DSR may change */
	__u8 is_answered;     /* a packet back was seen */
	__u32 addr_diff;      /* by which the sum over the pseudo header (IPv4: also over the IP header) changes */
	__u32 port_diff;      /* by which that over the ports does; both as bpf_csum_diff has it */
	/* Where packets go: asked for again after LB_ROUTE_NS. */
	__u32 ifindex;     /* 0: the stack decides */
	__u64 next_hop[2]; /* as in struct lb_backend; of next_hop_family */
	__u32 mtu;         /* bytes of an IP packet */
	__u8 next_hop_family;
	__u8 reserved[3];
	__u64 created; /* ns of CLOCK_MONOTONIC, coarse */
};
_Static_assert(sizeof(struct lb_flow) == 112, "lb_flow is ABI");

/* What later fragments become: as the first one did, but without ports. Holds for FRAG_SECONDS of abi/conns.h. */
struct lb_frag {
	__u64 time;          /* ns of CLOCK_MONOTONIC, coarse: of the first fragment */
	struct lb_flow flow; /* as it was then */
	__u32 verdict;       /* enum verdict of the first fragment */
	__u32 reserved;
};
_Static_assert(sizeof(struct lb_frag) == 128, "lb_frag is ABI");

/* For so long a flow's packets follow the route that was found for it. */
#define LB_ROUTE_NS 500000000ull

/* Entries of the tables that the object declares, two for a flow. */
#define LB_CONFIRMED_DEFAULT 131072
#define LB_UNCONFIRMED_DEFAULT 32768

struct lb_client {
	__u64 addr[2];
	__u32 service;
	__u32 family;
};
_Static_assert(sizeof(struct lb_client) == 24, "lb_client is ABI");

/* Which backend a client has: holds for lb_service.affinity, as long as the backend takes new flows. */
struct lb_choice {
	__u64 time; /* ns of CLOCK_MONOTONIC, coarse */
	__u64 addr[2];
	__u16 place;
	__be16 port; /* lb_backend.port: who else is in this place is somebody else */
	__u32 reserved;
};
_Static_assert(sizeof(struct lb_choice) == 32, "lb_choice is ABI");

struct lb_stat {
	__u64 packets[2]; /* by enum conn_direction: to the backend, and back; LB_DSR sees none back */
	__u64 bytes[2];   /* as the hook sees them */
	__u64 flows;      /* that were opened */
	__u64 reserved[3];
};
_Static_assert(sizeof(struct lb_stat) == 64, "lb_stat is ABI");

#endif
