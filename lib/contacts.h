/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sessions as signs of attack are looked for in them: small records that outlive what flow.o keeps, so that neither an
 * eviction nor flow_dump --reset hides what a look has seen once.
 */
#ifndef SPLICER_CONTACTS_H
#define SPLICER_CONTACTS_H

#include "abi/flow.h"
#include "error.h"
#include "flowgen.h"
#include "flowrow.h"
#include "flowselect.h"
#include "keyindex.h"
#include "pin.h"
#include "service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A TCP session without an answer is not called failed, nor half open, before it is so old, ns. */
#define CONTACT_PATIENCE 3000000000ull

enum contact_outcome {
	CONTACT_PENDING,  /* no answer yet, and it is not old enough for CONTACT_FAILED */
	CONTACT_ANSWERED, /* the responder sent something other than a refusal */
	CONTACT_REFUSED,  /* the responder sent RST to the SYN (REJ, RSTRH) */
	CONTACT_FAILED,   /* no answer came (S0, SH, RSTOS0), or UDP or an echo request has none */
};

/* What was counted of one, by the originator and by the responder. */
struct contact_count {
	uint64_t packets[2], bytes[2], payload[2];
};

/* A record of flow.o: what one generation has of a session. */
struct contact_record {
	uint64_t generation;
	uint64_t first; /* time of the first packet in it */
	struct contact_count count;
};

struct contact {
	struct flow_id id;        /* first: contacts are found by it */
	uint8_t src[16], dst[16]; /* of the originator and the responder; as in flow_key */
	uint16_t sport, dport;    /* host byte order; 0 where there are none */
	uint8_t proto, family;
	bool is_opened;    /* TCP: the SYN of the originator was seen */
	bool is_attempt;   /* the originator wanted something of the responder: SYN, an echo request, UDP... */
	bool is_opening;   /* TCP: SYN came; the handshake was not completed when it was last seen, nor reset */
	bool is_half_open; /* the same, and CONTACT_PATIENCE is over */
	bool is_proven;    /* TCP: the originator completed the handshake, so its address is no forgery */
	enum contact_outcome outcome;
	enum service service;
	uint32_t ifindex;
	uint64_t start, last;                      /* ns by the clock of contacts.now */
	uint64_t packets[2], bytes[2], payload[2]; /* by the originator, by the responder, in all */
	/*
	 * Gaps between packets of the originator, in the record that was read last: how many, ns, and ns^2. Of TCP with
	 * details (FLOW_DETAILED) the spells in which both ends were silent for FLOW_IDLE_SPELL, if there were any.
	 */
	uint64_t gaps, gap_sum;
	double gap_squares;
	/* Since the look before: bytes of both, thought of as spread evenly over (more_from, more_to]. */
	uint64_t more_bytes, more_from, more_to;
	/* Of its own: what is in the sums above of the newest generation, and what is being read. */
	uint64_t look; /* the last one that found it */
	bool has_counted, is_reading;
	struct contact_record counted, reading;
};

/* All zero but for `selector` and `most` to begin with; released with contacts_free. */
struct contacts {
	const struct flow_selector *selector; /* NULL: all are wanted */
	size_t most;                          /* contacts that are kept; those that were silent longest go first */
	struct contact *items;
	size_t count;
	struct keyindex index;
	uint64_t now;     /* when the last look was: CLOCK_MONOTONIC, or the last packet by the clock of packets */
	uint64_t before;  /* when the one before it was; 0: there was none */
	bool by_packets;  /* flow.o has the clock of packets: times are ns since the epoch */
	uint64_t evicted; /* sessions that lost their place in flow.o since the look before, perhaps never seen */
	uint64_t missed;  /* generations that came and went between two looks, in all */
	uint64_t dropped; /* contacts that `most` had no room for, in all */
	bool is_anew;     /* flow.o was attached anew since the look before */
	/* Its own. */
	uint64_t look, looked; /* number of the last look, and when it began */
	uint32_t map;          /* that was looked at */
	uint64_t generation, generation_evicted;
};

/*
 * Looks at all that flow.o has, also at what was handed out last, and brings contacts up to date. Nothing is handed out
 * or changed by it.
 */
int contacts_look(struct contacts *contacts, const struct pins *pins, struct error *error);

/* The same with generations that are open. */
int contacts_take(struct contacts *contacts, const struct flowgens *gens, struct error *error);

/* Forgets those whose last packet came before this time, but for what flow.o still has: that would count again. */
int contacts_forget(struct contacts *contacts, uint64_t before, struct error *error);

/* Bytes since the look before that fall into (from, to]. */
uint64_t contact_bytes_within(const struct contact *contact, uint64_t from, uint64_t to);

void contacts_free(struct contacts *contacts);

#endif
