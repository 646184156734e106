/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks hosts whether they are there, many at the same time and each with a time-out of its own: by a TCP connection, an
 * HTTP request, an ICMP echo, or a command. Time that the caller spends between two calls of prober_wait, waiting for a
 * lock perhaps, is not held against those who are asked.
 */
#ifndef SPLICER_PROBE_H
#define SPLICER_PROBE_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

enum probe_kind { PROBE_TCP, PROBE_HTTP, PROBE_ICMP, PROBE_COMMAND };

/* "tcp", "http", "icmp", "command" */
const char *probe_kind_name(enum probe_kind kind);

struct probe_how {
	enum probe_kind kind;
	uint64_t timeout; /* ns */
	/* Of PROBE_HTTP. */
	const char *path; /* begins with '/' */
	const char
		*host; /* NAME or NAME:PORT: what is asked for, and whose certificate it must be; NULL: the address */
	bool https;
	bool insecure; /* any certificate does */
	uint16_t status_low, status_high;
	/* Of PROBE_COMMAND: for sh -c. */
	const char *command;
};

enum probe_result {
	PROBE_SUCCESS,
	PROBE_FAILURE,
	PROBE_NOT_MADE, /* for want of something here: says nothing of the other side */
};

#define PROBE_WHY_MAX 160

struct probe_outcome {
	enum probe_result result;
	uint64_t took;           /* ns */
	char why[PROBE_WHY_MAX]; /* what is wrong; of a success, "" or what came (status 200) */
};

struct probe {
	/* The caller's; stays as it is until it has the result. */
	const struct probe_how *how;
	uint8_t family;           /* 4 or 6 */
	uint8_t addr[16];         /* network byte order; IPv4 in the first 4 bytes */
	uint16_t port;            /* host byte order; of PROBE_TCP and PROBE_HTTP */
	char *const *environment; /* NAME=VALUE, NULL-terminated: what a command has beside our own; or NULL */
	void *owner;

	/* What came of it; while it is active, nothing that holds. */
	struct probe_outcome outcome;

	/* Of probe.c and its kinds. */
	bool active; /* waits, or runs */
	uint64_t begun, deadline;
	struct probe *next; /* that waits too */
	union {
		struct {
			void *easy;                 /* CURL */
			void *headers, *connect_to; /* struct curl_slist */
			uint64_t body;              /* bytes that came */
		} curl;
		uint64_t echo; /* its number */
		struct {
			int pid, fd;
		} command;
	} state;
};

struct prober;

/* The result is there. May start probes, this one too. */
typedef void probe_done(void *context, struct probe *probe);

/* NULL with *error. */
struct prober *prober_open(probe_done *done, void *context, struct error *error);

/* Begins, or waits for others to end where too many run. It must not be active. */
void prober_start(struct prober *prober, struct probe *probe);

/* Forgets a probe that is active; there is no result. */
void prober_drop(struct prober *prober, struct probe *probe);

/* Whether any is active. */
bool prober_busy(const struct prober *prober);

/*
 * Waits until something happens, for so many ns at most, and hands over the results that are there. Returns 1 when
 * there is something to read from descriptor `other` (-1: none), else 0; -1 with *error.
 */
int prober_wait(struct prober *prober, uint64_t ns, int other, struct error *error);

/* Forgets all that are active; what commands run is killed. NULL is nothing. */
void prober_close(struct prober *prober);

#endif
