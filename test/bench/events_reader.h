/* SPDX-License-Identifier: GPL-2.0-only */
/* A process that reads a line per packet, on a CPU of its own, and writes to a file: trace_tail, or cat trace_pipe. */
#ifndef SPLICER_BENCH_EVENTS_READER_H
#define SPLICER_BENCH_EVENTS_READER_H

#include "events.h"

#include <sys/types.h>

struct reader {
	struct events *events;
	enum events_reader kind;
	const char *const *argv; /* NULL: nobody reads */
	char output[256];
	pid_t pid;
	const struct event_control *control;
	const struct event_slot *slots;
};

void reader_open(struct reader *reader, struct events *events, enum events_reader kind, const char *const *argv);

/* Starts it on CPU 1, and waits until it listens. The caller is on CPU 0 then; with one CPU they share it. */
void reader_start(struct reader *reader);
void reader_stop(const struct reader *reader);

/* Waits until it has written all, and returns when that was. */
double reader_settle(const struct reader *reader);

/* Seconds of processor time until now; lines lost until now: both while it runs. */
double reader_processor(const struct reader *reader);
uint64_t reader_lost(const struct reader *reader);

/* Lines that it has written; of trace_pipe, those of the bench. */
double reader_lines(const struct reader *reader);

/* This process runs on that CPU from now on, if there is such a one. */
void reader_run_on(int cpu);

#endif
