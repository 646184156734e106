/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that flow.o sampled, of generations that are open: as a table and for programs, and in the two forms of
 * eBPF_TrafficAnalyzer. Times are ns since 1970: those of CLOCK_MONOTONIC by the clocks as they stand when they are
 * read, those of captures as they are.
 */
#ifndef SPLICER_FLOWSAMPLE_H
#define SPLICER_FLOWSAMPLE_H

#include "abi/flow.h"
#include "error.h"
#include "flowgen.h"
#include "out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct flowsample {
	struct flow_packet packet; /* .time is ns since 1970; ports are 0 for ICMP */
	uint64_t generation;
	size_t order; /* its place among all */
};

/* All zero to begin with; released with flowsamples_free. */
struct flowsamples {
	struct flowsample *items; /* in order of time */
	size_t count;
	uint64_t lost;        /* packets that found no room */
	uint64_t overwritten; /* records that were written over when the buffer began anew */
	uint64_t refused;     /* packets whose session was not one of those that are sampled */
};

/* Whether a packet is wanted; its time is ns since 1970. */
typedef bool flowsample_wanted(const void *context, const struct flow_packet *packet);

/*
 * Copies the records of gens->item[first] and later ones: 0 for all, 1 for those that no program writes to any more.
 * wanted NULL: all records. What is lost is counted of all packets, wanted or not. EXIT_STATE without memory.
 */
int flowsamples_read(struct flowsamples *samples, const struct flowgens *gens, uint32_t first,
		     flowsample_wanted *wanted, const void *context, struct error *error);
void flowsamples_free(struct flowsamples *samples);

/* One record for each packet, on stdout. */
int flowsamples_print(const struct flowsamples *samples, enum out_form form, struct error *error);

/* A line for people that tells what was lost; nothing where nothing was. */
void flowsamples_note_losses(const struct flowsamples *samples);

/*
 * The result.json of eBPF_TrafficAnalyzer: {"flows":[{"id":[source,port,destination,port,protocol],"packets":[[ns since
 * 1970,length,flags and offset,TCP payload,TCP acknowledgement,TCP flags,TCP window,UDP payload,ICMP type],...]},...]}.
 * A flow is one direction of a session: on two interfaces, or with two VLAN ids, there are two of one id. What a
 * protocol does not have is 0. EXIT_STATE without memory; whether the stream took it is for the caller to see (ferror).
 */
int flowsamples_result(FILE *stream, const struct flowsamples *samples, struct error *error);

/* The same as a file, which appears when it is whole: in the place of one of that name, whose mode it gets. "-": to
 * standard output. */
int flowsamples_result_file(const char *path, const struct flowsamples *samples, struct error *error);

/*
 * The files of its --debug: one for each packet, SOURCE-PORT___DESTINATION-PORT__TIME.csv in a directory that is there
 * or is made. Each appears when it is whole; one of that name is replaced, but no two packets of one call have one
 * name: the second of a time is TIME-2. Of no packet, no file. The clocks differ by some ns more or less the next time,
 * so then the same packet has another name.
 */
int flowsamples_debug(const char *directory, const struct flowsamples *samples, struct error *error);

#endif
