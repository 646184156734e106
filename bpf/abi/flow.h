/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What flow.o keeps of sessions, and the packets it samples. tc creates the maps, so all-zero is the default.
 *
 * Sessions stand in generations. Programs write to the one in slot 0 and, of a session that they do not find there, ask
 * the one in slot 1 what it was; they only read that. A tool that takes what was counted puts an empty generation in
 * slot 0 and the one that was there in slot 1: once bpf(2) has returned, no program writes to the old one. What was not
 * yet handed to anybody moves on to slots 2, 3... and stays until it is.
 *
 * A generation is an array of entries: entry 0 is struct flow_head, the others are buckets. Times are ns of
 * CLOCK_MONOTONIC, unless flow_settings.clock says otherwise.
 */
#ifndef SPLICER_ABI_FLOW_H
#define SPLICER_ABI_FLOW_H

#include <linux/types.h>

#define FLOW_SESSIONS "flow1_sessions" /* ARRAY_OF_MAPS, FLOW_GENERATIONS x ARRAY of struct flow_bucket, mmapable */
#define FLOW_PACKETS "flow1_packets"   /* ARRAY_OF_MAPS, FLOW_GENERATIONS x ARRAY of struct flow_packet, mmapable */
#define FLOW_FRAGS "flow1_frags"       /* LRU_HASH, struct frag_key -> struct flow_frag */

#define FLOW_GENERATIONS 8
#define FLOW_NOW 0    /* slot of the generation that programs write to */
#define FLOW_BEFORE 1 /* slot of the one before */

#define FLOW_WAYS 8               /* sessions of a bucket */
#define FLOW_BUCKETS_DEFAULT 4096 /* of the generation that the object declares */
#define FLOW_BUCKETS_MAX (1u << 21)
#define FLOW_PACKETS_DEFAULT 16384 /* records of the generation that the object declares */
#define FLOW_PACKETS_MAX (1u << 24)
#define FLOW_FRAGS_MAX 8192

/* ---- a session ---- */

/* What the ports of a key are. */
enum flow_kind {
	FLOW_PORTS = 0, /* ports; 0 where the protocol has none, and of later fragments whose first was not seen */
	FLOW_ECHO = 1,  /* the identifier of an ICMP echo, twice */
	FLOW_ICMP = 2,  /* other ICMP: type << 8 | code in network byte order, twice */
};

/*
 * Both directions of a session have one key. End 0 is the lower one: addresses compared as two words of the machine's
 * byte order (word 0 first), then ports as numbers of its byte order.
 */
struct flow_key {
	__u64 addr[2][2]; /* by end; network byte order in memory; IPv4 in the first 4 bytes, the rest zero */
	__be16 port[2];   /* by end */
	__u32 ifindex;    /* where it was seen: the same packet on two interfaces is of two sessions */
	__u16 vlan;       /* id of the outermost tag; 0: none */
	__u8 proto;       /* of what follows the IP header and the extension headers */
	__u8 family;      /* 4 or 6 */
	__u8 kind;        /* enum flow_kind */
	__u8 reserved[3]; /* zero */
};
_Static_assert(sizeof(struct flow_key) == 48, "flow_key is ABI");

#define FLOW_LENGTH_BINS 12
#define FLOW_GAP_BINS 32

/* Bin n of lengths: IP packets of 2^(n+4) to 2^(n+5)-1 bytes; the first also shorter ones, the last longer ones. */
#define FLOW_LENGTH_BIN_LOG2 4
/* Bin n of gaps: 2^(n+9) to 2^(n+10)-1 ns; the first also shorter ones, the last longer ones. */
#define FLOW_GAP_BIN_LOG2 9

/* Of flow_side.known */
#define FLOW_KNOWS_SEQUENCE 1
#define FLOW_KNOWS_WINDOW 2
#define FLOW_KNOWS_CONTENT 4 /* flow.content is there, or is not to be */

/*
 * What came from one end. Packets are those on the wire: one that GRO or segmentation offload made of several counts as
 * those, with the length that each had, no time between them. What every packet changes is in as few lines of cache as
 * can be: the first three, and one of gap_times.
 */
struct flow_side {
	__u64 packets;
	__u64 bytes;          /* of IP: headers and payload, neither link layer nor padding */
	__u64 payload;        /* bytes after the header of TCP, UDP, ICMP; of others after the IP headers */
	__u64 length_squares; /* sum of squares of IP lengths, bytes^2 */
	__u64 last;           /* time of the last packet, also of earlier generations; 0: none yet */
	__u64 gap_squares[2]; /* sum of squares of gaps, ns^2: low and high word */
	__u64 gap_sum;        /* of the times between two packets in turn, ns */

	__u64 gap_min, gap_max;
	__u64 gaps;       /* how many: packets - 1, and one more where an earlier generation has the packet before */
	__u64 first;      /* time of the first packet in this generation; 0: none */
	__u32 next;       /* TCP: the sequence number after the highest that was sent */
	__u16 length_min; /* IP, bytes */
	__u16 length_max; /* 65535: that or more */
	__u8 hops_min;    /* TTL or hop limit */
	__u8 hops_max;
	__u16 window;        /* TCP: of the first packet, as the header has it, not scaled */
	__u8 known;          /* FLOW_KNOWS_* */
	__u8 reserved8[3];   /* zero */
	__u32 zero_windows;  /* TCP: packets that offer none, not counting resets */
	__u32 retransmitted; /* TCP: packets that carry what was sent before */
	__u32 out_of_order;  /* TCP: packets that fill a hole soon after it came to be */
	__u32 fragments;     /* IP packets that are parts of one */

	__u32 tcp[8]; /* packets with FIN, SYN, RST, PSH, ACK, URG, ECE, CWR; 4294967295: that or more, as below */
	__u32 lengths[FLOW_LENGTH_BINS];
	__u32 hole_from, hole_to; /* TCP: where something was skipped, [from, to); none: both equal */
	__u64 hole_time;          /* when */
	__u64 missed;             /* TCP: bytes that the other end acknowledged and nobody here saw */
	__u32 missed_times;       /* how often that was noticed */
	__u32 letter_seq[4];      /* TCP: sequence number of the last s, h, f, r in the history */
	__u32 hole_bytes;         /* how many bytes are not there in what was skipped; of no meaning without */
	__u32 gap_times[FLOW_GAP_BINS];
};
_Static_assert(sizeof(struct flow_side) == 384, "flow_side is ABI");
_Static_assert(__builtin_offsetof(struct flow_side, tcp) == 128, "flow_side.tcp is ABI");
_Static_assert(__builtin_offsetof(struct flow_side, gap_times) == 256, "flow_side.gap_times is ABI");

/* ---- what is kept of a session beyond that, where flow_settings.detailed asks for it ---- */

/* Times, ns: how many, their sum, and of 128 bits, low word first, that of their squares. */
struct flow_times {
	__u64 count, sum;
	__u64 squares[2];
	__u64 min, max;
};
_Static_assert(sizeof(struct flow_times) == 48, "flow_times is ABI");

/* No packet of either end for longer than this parts what comes from what was, ns: as CICFlowMeter has it. */
#define FLOW_PAUSE 1000000000ull
#define FLOW_IDLE_SPELL 5000000000ull
/* A bulk is so many packets with payload of one end, or more, without payload of the other end or a pause between. */
#define FLOW_BULK_PACKETS 4

/* What came from one end. Packets and lengths are those on the wire, as in flow_side. */
struct flow_detail_side {
	__u64 payload_squares; /* sum of squares of payload lengths, bytes^2, of all packets */
	__u64 headers;         /* bytes of transport headers; 0 of protocols that have none here */
	__u64 bulk_bytes;      /* payload of bulks */
	__u64 bulk_time;       /* from the first to the last packet of each, ns */
	__u64 run_start;       /* of what may become a bulk, or is one; 0: none */
	__u64 run_last;
	__u32 data_packets; /* packets with payload; this and what follows: 4294967295: that or more */
	__u32 bulks;
	__u32 bulk_packets;
	__u32 run_packets;
	__u32 run_bytes;                /* of no meaning of what is a bulk */
	__u16 payload_min, payload_max; /* bytes; 65535: that or more */
	__u16 header_min;               /* of transport headers, bytes */
	__u8 reserved8[6];              /* zero */
};
_Static_assert(sizeof(struct flow_detail_side) == 80, "flow_detail_side is ABI");

struct flow_detail {
	struct flow_times gaps;          /* between two packets in turn, whichever end sent them */
	struct flow_times active;        /* spells without FLOW_IDLE_SPELL in them, but the last one */
	struct flow_times idle;          /* the gaps between these */
	__u64 active_since;              /* the last of them */
	__u32 pauses;                    /* gaps longer than FLOW_PAUSE */
	__u32 reserved32;                /* zero */
	struct flow_detail_side side[2]; /* of the originator, of the responder */
};
_Static_assert(sizeof(struct flow_detail) == 320, "flow_detail is ABI");

/* How a session ended, as packets show it. Whether one was idle for too long is seen when it is looked at. */
enum flow_end {
	FLOW_OPEN = 0,
	FLOW_FIN = 1, /* both ends sent FIN */
	FLOW_RST = 2, /* one sent RST */
};

/* Of flow.flags */
#define FLOW_FLIPPED 1   /* the first packet came from the responder: SYN and ACK */
#define FLOW_OPENED 4    /* TCP: the handshake was seen to its end: flow.ack is set */
#define FLOW_CONTINUED 2 /* began in an earlier generation: counters are of this one, the rest of the whole session */
#define FLOW_DETAILED 8  /* flow.detail is kept, since the first packet */

/*
 * The letters of a history, by bit of flow.seen; the responder's 16 bits higher. Of one packet one of s, h, q, i, d,
 * a, f, r is written, then w, t, and g of the other end. See splicer.flows(5).
 */
enum flow_letter {
	LETTER_SYN = 0,       /* s */
	LETTER_HANDSHAKE = 1, /* h: SYN and ACK */
	LETTER_MULTI = 2,     /* q: SYN with FIN or RST */
	LETTER_ODD = 3,       /* i: FIN with RST */
	LETTER_WINDOW = 4,    /* w: a window of zero */
	LETTER_AGAIN = 5,     /* t: payload that was sent before */
	LETTER_DATA = 6,      /* d */
	LETTER_ACK = 7,       /* a: nothing but an acknowledgement */
	LETTER_FIN = 8,       /* f */
	LETTER_RST = 9,       /* r */
	LETTER_GAP = 10,      /* g: of the end whose bytes were acknowledged, but never seen */
	LETTER_COUNT = 11,
};
#define FLOW_RESPONDER_SHIFT 16

#define FLOW_HISTORY_MAX 32
#define FLOW_CONTENT_MAX 24

struct flow {
	struct flow_key key;
	__u8 originator;     /* end of the key that opened it: the sender of the first packet, unless FLOW_FLIPPED */
	__u8 flags;          /* FLOW_* */
	__u8 ended;          /* enum flow_end */
	__u8 history_length; /* of history */
	__u32 seen;          /* enum flow_letter */
	__u64 start;         /* time of the first packet, in whatever generation */
	/* TCP: times of the first SYN, of the first SYN and ACK that answers it, and of what acknowledges that; 0: none
	 */
	__u64 syn, synack, ack;
	char history[FLOW_HISTORY_MAX];    /* letters in their order; the originator's are capitals; not terminated */
	__u32 sample_epoch;                /* flow_head.epoch when sampling took it up; 0: it has not */
	__u32 sampled;                     /* records made of it since */
	__u64 sample_last;                 /* time of the last one */
	__u8 icmp_type, icmp_code;         /* of the first packet */
	__u8 content_length[2];            /* of content */
	__u8 reserved8[4];                 /* zero */
	__u8 content[2][FLOW_CONTENT_MAX]; /* the first bytes that each side sent as payload of TCP or UDP */
	struct flow_side side[2];          /* of the originator, of the responder */
	struct flow_detail detail;         /* with FLOW_DETAILED; otherwise zero */
};
_Static_assert(sizeof(struct flow) == 1280, "flow is ABI");
_Static_assert(__builtin_offsetof(struct flow, side) == 192, "flow.side is ABI");
_Static_assert(__builtin_offsetof(struct flow, detail) == 960, "flow.detail is ABI");

/* ---- a generation of sessions ---- */

/*
 * The places that a session can have: all ways of two buckets, the first of which is taken while it has room. A place,
 * once taken, is not free again; of a full second bucket the one that is worth least is given to the newcomer, and
 * counted.
 */
struct flow_bucket {
	__u32 lock;            /* odd while a program changes the bucket; each change makes it 2 more */
	__u32 reserved32;      /* zero */
	__u16 tags[FLOW_WAYS]; /* of the hash; 0: nothing finds this session any more, though it counts */
	__u32 used[FLOW_WAYS]; /* FLOW_USED_*; 0: the place is free */
	__u64 evicted;         /* sessions whose place others took; they had: */
	__u64 evicted_packets;
	__u64 evicted_bytes;
	__u64 missed_packets; /* of no session, because the bucket was locked for too long */
	__u64 missed_bytes;
	__u64 reserved[4]; /* zero */
	struct flow flows[FLOW_WAYS];
};
_Static_assert(sizeof(struct flow_bucket) == 128 + FLOW_WAYS * sizeof(struct flow), "flow_bucket is ABI");

/* flow_bucket.used: what is worth more is a larger number. */
#define FLOW_USED_BOTH 0x80000000u /* both ends have sent, and it has not ended */
#define FLOW_USED_TIME_SHIFT 24    /* the rest: time of the last packet >> this, and 1 */

enum flow_clock {
	FLOW_CLOCK_KERNEL = 0, /* CLOCK_MONOTONIC */
	FLOW_CLOCK_PACKET = 1, /* __sk_buff.tstamp, ns since 1970: for captures that are run through the program. The
				* length of a packet is then what its IP header says, though less of it is there. */
};

/* Seconds without a packet after which the next one begins another session, where flow_settings has 0. */
#define FLOW_IDLE_TCP 3600
#define FLOW_IDLE_ENDED 60
#define FLOW_IDLE_UDP 60
#define FLOW_IDLE_OTHER 60

/* Copied from one generation to the next. */
struct flow_settings {
	__u32 idle_tcp, idle_ended, idle_udp, idle_other; /* seconds; 0: the default. ended: TCP with FIN or RST */
	__u32 clock;                                      /* enum flow_clock */
	/* Sampling: the first packets of sessions, as records. */
	__u32 session_packets; /* N_PACKET_PER_SESSION; 0: nothing is sampled */
	__u32 sessions;        /* N_SESSION: sessions that are sampled at a time */
	__u32 packets;         /* N_PACKET_TOTAL: records; no more than the generation has room for */
	__u64 session_restart; /* SESSION_ACCEPT_RESTART_TIME, ns since the last session was taken up */
	__u64 packet_restart;  /* SESSION_PACKET_RESTART_TIME, ns since the last record of the session */
	__u64 buffer_restart;  /* BUFFER_PACKET_RESTART_TIME, ns since the last record */
	__u32 detailed;        /* 1: of sessions that begin, flow.detail is kept */
	__u32 without_content; /* 1: of sessions that begin, flow.content is not */
	__u64 reserved[1];     /* zero */
};
_Static_assert(sizeof(struct flow_settings) == 72, "flow_settings is ABI");

/* Seconds after which the next packet of a session begins another one; proto as in flow_key, ended as in flow. */
static inline __u32 flow_idle_seconds(const struct flow_settings *settings, __u8 proto, __u8 ended)
{
	if (proto == 6 /* TCP */ && ended)
		return settings->idle_ended ? settings->idle_ended : FLOW_IDLE_ENDED;
	if (proto == 6)
		return settings->idle_tcp ? settings->idle_tcp : FLOW_IDLE_TCP;
	if (proto == 17 /* UDP */)
		return settings->idle_udp ? settings->idle_udp : FLOW_IDLE_UDP;
	return settings->idle_other ? settings->idle_other : FLOW_IDLE_OTHER;
}

struct flow_tally {
	__u64 packets, bytes; /* as the hook sees them */
};

/* Entry 0 of a generation of sessions. */
struct flow_head {
	__u64 generation; /* counted from 0 */
	__u64 seed;       /* of the hash; 0: the first packet chooses one */
	__u64 began;      /* CLOCK_MONOTONIC, when it was put in force; 0: with the object */
	__u64 ended;      /* when the next one was; 0: not yet */
	__u32 buckets;    /* 0: FLOW_BUCKETS_DEFAULT */
	__u32 delivered;  /* 1: a tool has handed out what it counted; it is kept for what sessions were */
	struct flow_settings settings;
	/* Sampling; changed under the lock, which is as that of a bucket. */
	__u32 sample_lock;
	__u32 epoch;                 /* how often sessions were taken up anew, from 1; 0: none was yet */
	__u32 taken;                 /* sessions taken up in this epoch */
	__u32 reserved32;            /* zero */
	__u64 taken_last;            /* time of the last one */
	struct flow_tally not_ip;    /* packets of other ethertypes */
	struct flow_tally malformed; /* packets whose headers contradict themselves or their length */
	__u64 refused;               /* packets not sampled because their session was not taken up */
	__u64 reserved[10];          /* zero */
};
_Static_assert(sizeof(struct flow_head) == 256, "flow_head is ABI");
_Static_assert(sizeof(struct flow_head) <= sizeof(struct flow_bucket), "a head is an entry");

/* ---- sampled packets ---- */

/* One IP packet as the hook saw it: what offload made of several is one record. */
struct flow_packet {
	__u64 src[2], dst[2]; /* as in flow_key */
	__be16 sport, dport;  /* 0 where the protocol has none */
	__u32 ifindex;
	__u64 time;
	__u32 length;     /* of the IP packet, bytes */
	__u32 payload;    /* as in flow_side */
	__u32 seq, ack;   /* TCP */
	__u16 window;     /* TCP, as the header has it */
	__u16 flags_frag; /* of the IPv4 header: DF 0x4000, MF 0x2000, offset in units of 8 bytes; IPv6: alike, no DF */
	__u16 udp_length; /* of the UDP header: 8 + payload */
	__u16 vlan;
	__u8 proto, family;
	__u8 tcp_flags; /* the byte of the header */
	__u8 icmp_type, icmp_code;
	__u8 hops;      /* TTL or hop limit */
	__u8 from;      /* 0: from the originator of its session, 1: from the responder */
	__u8 egress;    /* 1: it was leaving */
	__u32 round;    /* flow_packets_head.round when it was written, plus 1, set last; 0: none */
	__u16 segments; /* packets on the wire */
	__u16 reserved; /* zero */
};
_Static_assert(sizeof(struct flow_packet) == 88, "flow_packet is ABI");

/* Entry 0 of a generation of packets; records follow. */
struct flow_packets_head {
	__u64 generation;  /* as in flow_head */
	__u64 last;        /* time of the last record */
	__u64 lost;        /* packets that found no room */
	__u64 overwritten; /* records that were written over when the buffer began anew */
	__u32 lock;        /* as that of a bucket */
	__u32 next;        /* records of this round */
	__u32 round;       /* how often the buffer began anew */
	__u32 room;        /* records; 0: FLOW_PACKETS_DEFAULT */
	__u64 reserved[5]; /* zero */
};
_Static_assert(sizeof(struct flow_packets_head) == 88, "flow_packets_head is ABI");

/* ---- fragments ---- */

/* What the first fragment says of the others. */
struct flow_frag {
	__u64 time;
	__be16 sport, dport;
	__u8 proto;
	__u8 icmp_type, icmp_code;
	__u8 kind; /* enum flow_kind: what the ports are */
};
_Static_assert(sizeof(struct flow_frag) == 16, "flow_frag is ABI");

#endif
