/* SPDX-License-Identifier: GPL-2.0-only */
/* Who collects, as an operand, and a socket to it: "HOST:PORT" or "[ADDRESS]:PORT", with "tcp:" before it for TCP. */
#ifndef SPLICER_COLLECTOR_H
#define SPLICER_COLLECTOR_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

#define COLLECTOR_HOST_MAX 256
#define COLLECTOR_PORT_MAX 6

struct collector {
	const char *text; /* the operand */
	char host[COLLECTOR_HOST_MAX];
	char port[COLLECTOR_PORT_MAX]; /* 1 to 65535 */
	bool tcp;                      /* else UDP */
};

/* -1 with *error (EXIT_USAGE). A name is not resolved yet. */
int collector_parse(const char *text, struct collector *collector, struct error *error);

/* A connected socket, of the first of its addresses that lets itself be connected to. -1 with *error (EXIT_STATE). */
int collector_connect(const struct collector *collector, struct error *error);

/*
 * Of a socket to the collector: sends all of it. Of TCP a collector that takes nothing for ten seconds is an error. Of
 * UDP an ICMP error that answers what was sent before is one.
 */
int collector_send(const struct collector *collector, int fd, const void *bytes, size_t size, struct error *error);

/*
 * Nothing more is to be sent: whether all of it came, as far as that can be told. Of TCP: the other machine has
 * acknowledged it, and did not reset the connection within a tenth of a second. Of UDP: no ICMP error came within a
 * tenth of a second.
 */
int collector_finish(const struct collector *collector, int fd, struct error *error);

/* The largest datagram that the way to the collector is known to take whole, 512 to 65507 bytes. */
size_t collector_datagram_max(int fd);

#endif
