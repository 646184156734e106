/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures run through flow.o as it is attached, by BPF_PROG_TEST_RUN, one packet after the other, each at the time
 * that it was captured: the same captures always come to the same.
 */
#ifndef SPLICER_FLOWREPLAY_H
#define SPLICER_FLOWREPLAY_H

#include "error.h"
#include "pin.h"

#include <stdbool.h>
#include <stdint.h>

struct flow_replay {
	int program; /* of the ingress of the interface */
	uint32_t ifindex;
	const char *iface;
};

/* What became of a capture. */
struct flow_replayed {
	bool opened; /* it is a capture */
	uint64_t packets;
	uint64_t bytes;     /* on the wire, with link-layer headers */
	uint64_t no_header; /* packets of which less was captured than link-layer and IP header: no program saw them */
	uint64_t first, last; /* lowest and highest time, ns since 1970; 0: there was no packet */
	uint64_t evicted;     /* sessions that have lost their place to others meanwhile */
};

/*
 * Finds the program on the interface, and makes times those of packets, which is only possible (EXIT_STATE) while there
 * is no session; waits for the writers' lock. To be closed when it has succeeded.
 */
int flow_replay_open(struct flow_replay *replay, const struct pins *pins, const char *iface, struct error *error);
void flow_replay_close(struct flow_replay *replay);

/* Whether a file is a capture; what can be read only once is left alone. Errors as of capture_open. */
int flow_replay_check(const char *path, struct error *error);

/* Runs a file ("-": standard input). After an error packets before it are counted, in *replayed too. */
int flow_replay_file(const struct flow_replay *replay, const struct pins *pins, const char *path,
		     struct flow_replayed *replayed, struct error *error);

#endif
