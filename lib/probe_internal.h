/* SPDX-License-Identifier: GPL-2.0-only */
/* What probe.c and the kinds of probes share. */
#ifndef SPLICER_PROBE_INTERNAL_H
#define SPLICER_PROBE_INTERNAL_H

#include "probe.h"

#include <curl/curl.h>
#include <stddef.h>
#include <sys/types.h>

#define PROBES_MAX 512 /* at the same time */

struct echo_socket {
	int fd;   /* -1: none */
	bool raw; /* we see the replies to others too, and IPv4 headers */
};

struct prober {
	probe_done *done;
	void *context;
	CURLM *multi;
	struct echo_socket echo[2]; /* IPv4, IPv6 */
	uint64_t echo_nonce;        /* what ours have in them */
	uint64_t echoes;            /* sent so far */
	pid_t *killed;              /* of commands; not reaped yet */
	size_t killed_count;
	struct probe *running[PROBES_MAX];
	size_t count, limit;
	struct probe *first, *last; /* that wait */
	uint64_t left;              /* clock_now when the caller was last given back the word */
};

struct probe_ops {
	const char *name;
	/* Begins; or ends it at once (probe_end), and returns -1. */
	int (*start)(struct prober *prober, struct probe *probe);
	/* Gives back what start took, whether or not there is a result. */
	void (*stop)(struct prober *prober, struct probe *probe);
	const char *late; /* what it failed to do in time */
};

extern const struct probe_ops probe_tcp, probe_http, probe_icmp, probe_command;

/* Sets the result; the reason as printf has it. Returns -1. */
int probe_end(struct probe *probe, enum probe_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As it, with the text of this error number: of one that stands for a shortage here, PROBE_NOT_MADE. */
int probe_end_errno(struct probe *probe, int number);

/* A probe that runs has its result: gives back what it holds, and hands it over. */
void probe_finish(struct prober *prober, struct probe *probe);

/* Each looks for what came and finishes the probes that it ends. */
void probes_collect_curl(struct prober *prober);
void probes_collect_echoes(struct prober *prober, const struct echo_socket *socket);
void probe_collect_command(struct prober *prober, struct probe *probe);

/* Those that were killed and are gone by now. */
void probes_reap(struct prober *prober);

#endif
