/* SPDX-License-Identifier: GPL-2.0-only */
/* Where messages of IPFIX go: to a collector by UDP or TCP (RFC 7011 section 10), to a file (RFC 5655), to stdout. */
#ifndef SPLICER_IPFIXOUT_H
#define SPLICER_IPFIXOUT_H

#include "collector.h"
#include "error.h"
#include "newfile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ipfixout_kind { IPFIX_TO_COLLECTOR, IPFIX_TO_FILE, IPFIX_TO_STDOUT };

struct ipfixout {
	const char *to; /* the operand */
	enum ipfixout_kind kind;
	struct collector collector;
	int fd; /* of its socket */
	struct newfile file;
	size_t limit;        /* bytes of a message */
	bool is_lossy;       /* messages may be lost: what all depend on is to be sent again and again */
	unsigned int in_row; /* messages since the last rest */
};

/* "-", what has a slash, or as collector.h has it. Nothing is opened. -1 with *error (EXIT_USAGE). */
int ipfixout_parse(struct ipfixout *out, const char *to, struct error *error);

/* After ipfixout_parse. A file appears only when it is closed. -1 with *error (EXIT_STATE). */
int ipfixout_open(struct ipfixout *out, struct error *error);

/* A whole message. By UDP not more of them at once than a collector has room for. An error of stdout is left there. */
int ipfixout_send(struct ipfixout *out, const uint8_t *message, size_t size, struct error *error);

/* All was sent: whether it came, as far as that can be told (collector.h); a file is put in its place. */
int ipfixout_close(struct ipfixout *out, struct error *error);

/* Instead of that: leaves no file behind. */
void ipfixout_abandon(struct ipfixout *out);

#endif
