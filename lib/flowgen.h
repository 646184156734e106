/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generations of what flow.o keeps: opened, read while programs write, taken, handed out. See abi/flow.h.
 *
 * To take what was counted: with the writers' lock, flowgens_take; what is in flowgens.item[1] and later is then final.
 * When it is with its reader, flowgens_deliver. Killed in between, nothing is lost: the next one finds it.
 */
#ifndef SPLICER_FLOWGEN_H
#define SPLICER_FLOWGEN_H

#include "abi/flow.h"
#include "error.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One generation, in memory shared with the programs. */
struct flowgen {
	struct flow_head *head;
	struct flow_bucket *buckets; /* bucket_count of them; head lies before */
	struct flow_packets_head *packets_head;
	struct flow_packet *packets; /* packet_count of them; packets_head lies before */
	uint32_t bucket_count, packet_count;
	size_t sessions_size, packets_size; /* bytes that are mapped */
};

/* The generation in force and, newest first, those before it that nobody was handed yet. */
struct flowgens {
	struct flowgen item[FLOW_GENERATIONS];
	uint32_t count; /* at least 1 */
};

/* What the next generation is to be. */
struct flowgen_plan {
	uint32_t buckets, packets;            /* 0: as many as now */
	const struct flow_settings *settings; /* NULL: as now */
};

/*
 * Opens them. Each generation is there once, whatever a tool that was killed left behind. No pointer is NULL: what is
 * missing of a generation (see flowgens_repair) has no entries, and a head of its own.
 */
int flowgens_open(struct flowgens *gens, const struct pins *pins, struct error *error);
void flowgens_close(struct flowgens *gens);

/* As it, with the one before the one in force also where it was handed out: as long as programs ask it, it is there. */
int flowgens_open_all(struct flowgens *gens, const struct pins *pins, struct error *error);

/*
 * Puts an empty generation in force; the caller holds the writers' lock. When it returns, no program writes to the one
 * that was in force. EXIT_STATE when too many generations wait to be handed out.
 */
int flowgens_rotate(const struct pins *pins, const struct flowgen_plan *plan, struct error *error);

/*
 * Rotates and opens; the caller holds the writers' lock. Where so many generations wait that there is no room for
 * another, it only opens them: *complete is then false, and what the one in force has counted is for the next time.
 */
int flowgens_take(struct flowgens *gens, const struct pins *pins, bool *complete, struct error *error);

/* Completes a rotation that was killed; who rotates need not. The caller holds the writers' lock. */
int flowgens_repair(const struct pins *pins, struct error *error);

/* All but the generation in force were handed out: they count no more. The caller holds the writers' lock. */
void flowgens_deliver(struct flowgens *gens);

/*
 * Puts settings in force, in an order in which no program sees half of them; they fit the generation. Idle times also
 * hold for what programs look up in the generation before. The caller holds the writers' lock.
 */
int flowgens_set(const struct pins *pins, const struct flow_settings *settings, struct error *error);

/* What programs do by default where the settings have 0. */
struct flow_settings flowgen_settings(const struct flowgen *gen);

/*
 * A session as it was at one moment: a copy of the place `way` of a bucket. False: the place is free. Programs may
 * write meanwhile; after a tenth of a second a copy in pieces is taken as it is.
 */
bool flowgen_copy(const struct flow_bucket *bucket, uint32_t way, struct flow *flow);

/*
 * What a bucket has counted, as at one moment: its sessions, those whose place others took, and what was missed. It
 * never falls, unless a program holds the lock for longer than flowgen_copy waits.
 */
struct flow_tally flowgen_sum(const struct flow_bucket *bucket);

/* Shown one session after the other. -1 ends it, and is what it returns. */
typedef int flow_visit(void *context, const struct flow *flow);

/*
 * Visits each session of a generation. Where programs write meanwhile what is shown is a copy, of a session as it was
 * at one moment; otherwise it is where it stands, and stays.
 */
int flowgen_visit(const struct flowgen *gen, bool is_changing, flow_visit *visit, void *context);

#endif
