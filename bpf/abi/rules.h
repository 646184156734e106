/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule set: one arena of 64-byte cells that the packet programs search and the tools write through mmap.
 *
 * The arena is the inner ARRAY map (mmapable) in slot 0 of SPLICER_RULES, or XDP_RULES. Being one map, it is grown or
 * replaced by a single swap, and a packet sees the old set or the new one. Cell 0 is all zero in the arena that the
 * object declares: that is the empty set.
 *
 *   cells 0-4   struct rules_header
 *   guard       a Bloom filter over keys, one word of one cell per key
 *   buckets     8 slots each, filled from the first: the hash table of keys, slot = tag (32 bit) and cell of the key's
 *               block; a search ends at a slot that is 0
 *   records     struct rules_record, 3 cells each, growing upwards; the truth, all else derives from it
 *   (free)
 *   blocks      struct rules_block and lists of struct rules_tuple, 2^n cells each, growing downwards
 *
 * Two levels. A *tuple* is a combination of lengths: direction, family, protocol, interface named or any, both
 * prefix lengths. A *key* is a tuple with values. The program walks the tuples of the packet's (direction, family,
 * protocol class) from the best possible rank downwards, masks the packet's addresses, asks the guard, then the
 * table. A key's block holds disjoint port intervals, sorted, each naming the rule that wins there; so several rules
 * of one key, with ranges that overlap, cost one lookup and a binary search.
 *
 * Words that are read while a tool writes (slots, list words, decisions) are 8 bytes, aligned, stored whole.
 * Blocks and lists are never changed once they can be reached: a new one is written and its word stored. A cell that
 * was reachable is given to a new use only after a grace period.
 */
#ifndef SPLICER_ABI_RULES_H
#define SPLICER_ABI_RULES_H

#include <linux/types.h>

#define RULES_CELL_SIZE 64
#define RULES_DEFAULT_CELLS 64  /* the arena that the object declares */
#define RULES_TUPLES_MAX 512    /* tuples per list: the cap on distinct length combinations per protocol class */
#define RULES_PROBES 4          /* buckets looked at for a key */
#define RULES_SLOTS 8           /* per bucket */
#define RULES_SLOT_DELETED 1ull /* was in use; a search goes on past it */
#define RULES_PROTO_ANY 256     /* any of IP; numbers above are of what is not IP */
#define RULES_RECORD_CELLS 3
#define RULES_SIZES 16       /* size classes of blocks: 2^0 .. 2^15 cells */
#define RULES_SERVICE_MAX 64 /* bytes */

struct rules_cell {
	__u64 word[8];
};
_Static_assert(sizeof(struct rules_cell) == RULES_CELL_SIZE, "rules_cell is ABI");

enum rules_direction { RULES_IN = 0, RULES_OUT = 1 };
enum rules_family { RULES_IPV4 = 0, RULES_IPV6 = 1 };
enum rules_class { RULES_TCP = 0, RULES_UDP = 1, RULES_ICMP = 2, RULES_OTHER = 3 };
#define RULES_LISTS 16

static inline __u32 rules_class(__u32 proto)
{
	switch (proto) {
	case 6:
		return RULES_TCP;
	case 17:
		return RULES_UDP;
	case 1:
	case 58:
		return RULES_ICMP;
	default:
		return RULES_OTHER;
	}
}

/* Which of the 16 lists of tuples; a tuple for any protocol stands in all four of its direction and family. */
static inline __u32 rules_list(__u32 direction, __u32 family, __u32 class)
{
	return direction * 8 + family * 4 + class;
}

/* A list word: cell of the first tuple << 16 | number of tuples (at most RULES_TUPLES_MAX). 0: empty. */
#define RULES_LIST_COUNT(word) ((__u32)((word)&0xffff))
#define RULES_LIST_CELL(word) ((__u32)((word) >> 16))

struct rules_header {
	/* cell 0: read for every packet that reaches the rules */
	__u64 arena; /* random, unique to this arena, also in each tuple: tells that it was swapped in mid-search */
	__u32 guard; /* first cell of the guard */
	__u32 guard_mask;  /* cells - 1, cells being a power of two; and RULES_GUARD_SPREAD */
	__u32 buckets;     /* first cell of the table */
	__u32 bucket_mask; /* buckets - 1, buckets being a power of two */
	/* tools only, to the end of the cell, but for sequence and changes */
	__u32 cells;        /* of the whole arena */
	__u32 records;      /* first cell of the records */
	__u32 records_end;  /* first cell after the records */
	__u32 blocks_start; /* lowest cell in use by blocks and lists */
	__u32 live;         /* rules */
	__u32 stale; /* keys deleted since the arena was built: their guard bits and tuples stay until the next build */
	__u64 sequence; /* of the newest rule; never repeats while the pins live */
	/* Counts changes in place; odd while a writer is at work. Found odd under the lock, the arena is built anew. A
	 * verdict that was remembered (struct conn_verdict) holds while arena and changes are what they were. */
	__u32 changes;
	__u32 keys; /* in the table */
	/* cells 1-2 */
	__u64 list[RULES_LISTS];
	/* cells 3-4, tools only: first free block by size, linked through rules_block.link */
	__u32 free[RULES_SIZES];
	__u32 waiting[RULES_SIZES]; /* freed, not yet past a grace period */
	/* cell 5, tools only; linked through rules_head.next */
	__u32 free_record;
	__u32 waiting_record;
	__u64 sweep; /* ns of CLOCK_MONOTONIC from which on a writer looks for expired rules; 0: none expires */
	__u32 rated; /* 0: no rule has a rate */
	__u32 reserved[11];
};
#define RULES_HEADER_CELLS 6
_Static_assert(sizeof(struct rules_header) == RULES_HEADER_CELLS * RULES_CELL_SIZE, "rules_header is ABI");
_Static_assert(__builtin_offsetof(struct rules_header, list) == RULES_CELL_SIZE, "rules_header.list is ABI");

/*
 * A key. meta: bits 0-31 interface index (0: any), 32-39 destination length, 40-47 source length,
 * 48-56 protocol (RULES_PROTO_ANY: any), 57 family, 58 direction, 59 interface named, 60-63 layer.
 * addr: destination in 0-1, source in 2-3, network byte order, masked; IPv4 in the first 4 bytes of each.
 */
struct rules_key {
	__u64 meta;
	__u64 addr[4];
};
_Static_assert(sizeof(struct rules_key) == 40, "rules_key is ABI");

#define RULES_META_NAMED (1ull << 59)

/*
 * Rules that expire, or have a rate, stand in layers of their own, 1 to RULES_LAYERS_MAX, each the lowest where no rule
 * of the same key has a port in common with it. So an interval of theirs hides no other rule: when the rule that it
 * names does not apply, nothing is found there, and the search finds the next best in another layer. Layer 0 has the
 * rules that always apply.
 */
#define RULES_LAYERS_MAX 15
#define RULES_META_LAYER(layer) ((__u64)(layer) << 60)

static inline __u64 rules_meta(__u32 direction, __u32 family, __u32 proto, __u32 named, __u32 dst_len, __u32 src_len)
{
	return (__u64)dst_len << 32 | (__u64)src_len << 40 | (__u64)proto << 48 | (__u64)family << 57 |
	       (__u64)direction << 58 | (__u64)named << 59;
}

static inline __u32 rules_meta_proto(__u64 meta)
{
	return (__u32)(meta >> 48) & 0x1ff;
}

/*
 * Multiplications that do not wait for each other, then a finalizer, so that every input bit reaches the low bits
 * too. Collisions cost time only: the key is compared, and probing is bounded.
 */
static inline __u64 rules_hash(const struct rules_key *key)
{
	__u64 h = key->meta * 0x9e3779b97f4a7c15ull + key->addr[0] * 0xbf58476d1ce4e5b9ull +
		  key->addr[1] * 0x94d049bb133111ebull + key->addr[2] * 0xd6e8feb86659fd93ull +
		  key->addr[3] * 0xa0761d6478bd642full;

	h ^= h >> 32;
	h *= 0xe7037ed1a0b428dbull;
	h ^= h >> 29;
	h *= 0x8ebc6af09c88c6e3ull;
	return h ^ h >> 32;
}

/*
 * The guard: three bits of one word, by a hash. A key is not in the table unless all three are set.
 *
 * The longer of the key's two prefixes chooses the cell, the whole key the word in it, and the prefix has three bits of
 * its own there. So a packet that is tried in many combinations of lengths reads few cells, and where the prefix is not
 * found none of those that differ in the shorter one need be tried. Where so many keys have a prefix in common that
 * its cell would be full, RULES_GUARD_SPREAD lets the whole key choose the cell, and prefixes have no bits.
 */
#define RULES_GUARD_SPREAD 0x80000000u

static inline __u64 rules_guard_bits(__u64 hash)
{
	return 1ull << (hash & 63) | 1ull << (hash >> 6 & 63) | 1ull << (hash >> 12 & 63);
}

static inline __u32 rules_guard_word(__u64 hash)
{
	return (__u32)(hash >> 18) & 7;
}

static inline __u32 rules_guard_cell(__u64 hash, __u32 guard_mask)
{
	return (__u32)(hash >> 21) & guard_mask & ~RULES_GUARD_SPREAD;
}

/* Whether the source prefix is the longer one; meta as in struct rules_key. */
static inline int rules_source_is_longer(__u64 meta)
{
	return (meta >> 40 & 0xff) > (meta >> 32 & 0xff);
}

/* The hash of the longer prefix; it shares its products with rules_hash. */
static inline __u64 rules_prefix_hash(const struct rules_key *key)
{
	__u64 h;

	if (rules_source_is_longer(key->meta))
		h = key->addr[2] * 0xd6e8feb86659fd93ull + key->addr[3] * 0xa0761d6478bd642full +
		    (key->meta >> 40 & 0xff);
	else
		h = key->addr[0] * 0xbf58476d1ce4e5b9ull + key->addr[1] * 0x94d049bb133111ebull +
		    (key->meta >> 32 & 0xff);
	h ^= h >> 32;
	h *= 0x94d049bb133111ebull;
	return h ^ h >> 32;
}

static inline __u32 rules_bucket_index(__u64 hash, __u32 mask)
{
	return (__u32)(hash >> 20) & mask;
}

static inline __u64 rules_slot(__u64 hash, __u32 block)
{
	return (hash & 0xffffffff00000000ull) | block;
}

/* Tuples of a list are sorted by max_rank, highest first. */
struct rules_tuple {
	__u64 arena; /* as in the header */
	__u32 run;   /* tuples after this one that have its longer prefix in common: the same side, the same length */
	__u32 link;  /* tools only: in the first tuple of a freed list, the next freed one; same place as in rules_block
		      */
	__u64 meta;  /* of its keys, without the interface index */
	__u64 max_rank; /* no rule of this tuple ranks higher */
	__u64 mask[4];  /* for rules_key.addr */
};
_Static_assert(sizeof(struct rules_tuple) == RULES_CELL_SIZE, "rules_tuple is ABI");

struct rules_interval {
	__u16 low, high; /* host byte order, inclusive; ICMP: type << 8 | code */
	__u32 record;    /* cell of the rule that wins here */
};
_Static_assert(sizeof(struct rules_interval) == 8, "rules_interval is ABI");

/*
 * Interval i is word 6 + i counted from the start of the block: the first two share the key's cell. Words after the
 * last interval of its cell are RULES_INTERVAL_PAD, which sorts last and names no rule.
 */
#define RULES_INTERVAL_PAD 0x00000000ffffffffull
#define RULES_BLOCK_INLINE 2
struct rules_block {
	__u64 meta;    /* the key */
	__u32 count;   /* intervals */
	__u32 link;    /* tools only: first record of the key; in a freed block the next freed one */
	__u64 addr[4]; /* the key */
	struct rules_interval interval[RULES_BLOCK_INLINE];
};
_Static_assert(__builtin_offsetof(struct rules_block, link) == __builtin_offsetof(struct rules_tuple, link),
	       "freed blocks and freed lists are linked through the same place");
_Static_assert(sizeof(struct rules_block) == RULES_CELL_SIZE, "rules_block is ABI");
#define RULES_INTERVALS_MAX 65536
#define RULES_BLOCK_WORD 6

static inline __u32 rules_block_cells(__u32 intervals)
{
	return (RULES_BLOCK_WORD + intervals + 7) / 8;
}

/*
 * Precedence in two words, compared as numbers, rank first; the larger wins. The tool computes both, so the order
 * of rules is stated here and nowhere else.
 */

/* priority, longer destination prefix, longer source prefix, narrower port range */
static inline __u64 rules_rank(__s32 priority, __u32 dst_len, __u32 src_len, __u32 low, __u32 high)
{
	return (__u64)((__u32)priority ^ 0x80000000u) << 32 | (__u64)dst_len << 24 | (__u64)src_len << 16 |
	       (65535 - (high - low));
}

/*
 * What to do, and the rest of the order: bit 63 interface named, 61-62 action (drop over splice over pass),
 * 21-60 sequence (newer wins), 5-20 splice port in host byte order, 4 reserved (zero), 3 RULES_LIMITED,
 * 1-2 enum rules_mode, 0 RULES_ROUTE. One word, so that a rule is changed in place by one store.
 */
#define RULES_ROUTE 1ull   /* the tool added the local route of this rule's destination */
#define RULES_LIMITED 8ull /* rules_record.max_duration or rate is not 0 */
enum rules_mode { RULES_MODE_UNSET = 0, RULES_PREVENT = 1, RULES_DETECT = 2 }; /* unset: as the interface */
enum rules_action { RULES_PASS = 1, RULES_SPLICE = 2, RULES_DROP = 3 };
#define RULES_SEQUENCE_MAX ((1ull << 40) - 1)

static inline __u64 rules_decision(__u32 named, enum rules_action action, __u64 sequence, __u32 port)
{
	return (__u64)named << 63 | (__u64)action << 61 | sequence << 21 | (__u64)port << 5;
}

static inline __u64 rules_decision_of_mode(enum rules_mode mode)
{
	return (__u64)mode << 1;
}

static inline enum rules_mode rules_decision_mode(__u64 decision)
{
	return (enum rules_mode)(decision >> 1 & 3);
}

static inline enum rules_action rules_decision_action(__u64 decision)
{
	return (enum rules_action)(decision >> 61 & 3);
}

static inline __u64 rules_decision_sequence(__u64 decision)
{
	return decision >> 21 & RULES_SEQUENCE_MAX;
}

static inline __u16 rules_decision_port(__u64 decision)
{
	return (__u16)(decision >> 5);
}

enum rules_state { RULES_FREE = 0, RULES_LIVE = 1 };

/* The first cell of a record: all that a packet needs. */
struct rules_head {
	__u64 decision;
	__u64 rank;
	__u64 packets; /* these three are written by the program, the counters atomically */
	__u64 bytes;
	__u64 last;      /* last hit, ns of CLOCK_MONOTONIC; 0: never */
	__u64 expires;   /* ns of CLOCK_MONOTONIC from which on it does not match; 0: never */
	__u32 next;      /* tools only: next record of the key, or of a free list */
	__u32 state;     /* tools only: enum rules_state */
	__u16 low, high; /* as in rules_interval */
	__u32 ifindex;   /* 0: any */
};
_Static_assert(sizeof(struct rules_head) == RULES_CELL_SIZE, "rules_head is ABI");

struct rules_record {
	struct rules_head head;
	/* second cell */
	__u8 dst[16]; /* network byte order; IPv4 in the first 4 bytes, the rest zero */
	__u8 src[16];
	__s32 priority;
	__u16 proto;           /* 0-255 or RULES_PROTO_ANY */
	__u8 dst_len, src_len; /* bits */
	__u8 family;           /* enum rules_family */
	__u8 direction;        /* enum rules_direction */
	__u8 layer;            /* tools only: see RULES_LAYERS_MAX */
	__u8 reserved8;
	__u32 max_duration; /* seconds that a connection which the rule let in may last; 0: any time */
	/*
	 * xdp_filter.o: packets per second of one source, and how many at once; 0: no matter. A drop rule matches what
	 * is beyond it, a pass rule what is within. Such rules stand in layers of their own, as those that expire.
	 */
	__u32 rate, burst;
	__u32 rate_bits; /* sources that have these first bits of their address in common count as one */
	__u32 reserved;  /* zero */
	/* third cell */
	__u8 service[RULES_SERVICE_MAX]; /* no control characters; zero padded, all zero: none */
};
_Static_assert(sizeof(struct rules_record) == RULES_RECORD_CELLS * RULES_CELL_SIZE, "rules_record is ABI");
_Static_assert(__builtin_offsetof(struct rules_record, dst) == RULES_CELL_SIZE, "rules_record.dst is ABI");
_Static_assert(__builtin_offsetof(struct rules_record, service) == 2 * RULES_CELL_SIZE, "rules_record.service is ABI");
#define RULES_SERVICE_CELL 2

/*
 * What a rule decided on one CPU during one tick, not yet added to its record: a flood that one rule meets on all CPUs
 * must not make them wait for each other. The record's place chooses the cell of a per-CPU array; whoever finds it
 * taken by another rule or an earlier tick adds what is there to that rule's record first. Readers add what they find
 * here.
 */
struct rules_tally {
	__u64 arena; /* as in the header */
	__u64 packets, bytes;
	__u64 last;   /* ns of CLOCK_MONOTONIC, coarse: of the first of them */
	__u64 tick;   /* of jiffies */
	__u32 record; /* its first cell */
	__u32 reserved;
};
_Static_assert(sizeof(struct rules_tally) == 48, "rules_tally is ABI");

#define RULES_TALLIES 1024 /* a power of two */

/*
 * Records are three cells apart, so that they spread over all. Two arenas of which one follows the other differ in the
 * lowest bit of their id, and have a half each: what was tallied for the old one stays there until the tool that
 * swapped them has taken it over.
 */
static inline __u32 rules_tally_index(__u64 arena, __u32 record)
{
	return (__u32)(arena & 1) | (record << 1 & (RULES_TALLIES - 1));
}

#endif
