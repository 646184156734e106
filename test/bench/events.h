/* SPDX-License-Identifier: GPL-2.0-only */
/* What the part "events" is made of: what subscribers cost packets, and how fast one reader gets its lines. */
#ifndef SPLICER_BENCH_EVENTS_H
#define SPLICER_BENCH_EVENTS_H

#include "frames.h"
#include "pin.h"

#define EVENTS_COST_ROWS 100

struct events_cost {
	const char *packet;
	const char *wants; /* what the subscribers ask for */
	uint32_t subscribers;
	double empty, splicer, none; /* nanoseconds per packet; none: of splicer.o without subscribers */
};

enum events_reader { READER_NONE, READER_JSON, READER_TEXT, READER_PIPE, EVENTS_READERS };

/* Medians of rounds. */
struct events_delivery {
	bool done;
	double packets, lines, lost;
	double sender;  /* nanoseconds per packet, at the sender */
	double rate;    /* lines per second, from the first packet until the reader had written its last line */
	double busy;    /* lines per second of processor time of the reader */
	double in_drop; /* nanoseconds that the event, or bpf_printk, adds to a dropped packet in a test run */
};

struct events {
	struct bench bench;
	struct pins pins;
	const char *tools;
	const char *scratch;      /* a directory for what the readers write */
	struct bpf_object *print; /* NULL: bpf_printk cannot be used here */
	const char *trace;        /* directory of tracefs; NULL: there is none */
	struct events_cost cost[EVENTS_COST_ROWS];
	size_t costs;
	struct events_delivery delivery[EVENTS_READERS];
};

/* Fills cost. */
void events_measure_cost(struct events *events);

/* Fills delivery. */
void events_measure_delivery(struct events *events);

#endif
