/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions as IPFIX (RFC 7011) biflows (RFC 5103): to a collector, or to a file (RFC 5655). */
#ifndef SPLICER_FLOWIPFIX_H
#define SPLICER_FLOWIPFIX_H

#include "error.h"
#include "flowcols.h"

#include <stddef.h>

/*
 * Exports the first `count` rows. `to`: "HOST:PORT" or "[ADDRESS]:PORT" for UDP, "tcp:" before it for TCP; what has a
 * slash is a file; "-" is standard output. EXIT_USAGE when it is none of these; EXIT_STATE when not all could be sent
 * or written, as far as that can be told.
 */
int flowipfix_export(const struct flow_scene *scene, size_t count, const char *to, struct error *error);

/* Whether `to` is one of these. -1 with *error (EXIT_USAGE). */
int flowipfix_check(const char *to, struct error *error);

#endif
