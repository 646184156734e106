/* SPDX-License-Identifier: GPL-2.0-only */
/* One end of a packet or connection as text: "10.0.0.1", "10.0.0.1:80", "[2001:db8::1]:80". */
#ifndef SPLICER_ENDTEXT_H
#define SPLICER_ENDTEXT_H

#include "error.h"
#include "prefix.h"
#include "text.h"

#include <stdint.h>

struct endtext {
	struct prefix address;
	const char *port; /* what stands behind the colon, in the word; NULL: nothing does */
};

/* IPv6 addresses with a port stand in brackets, without one with or without them. -1 with *error (EXIT_USAGE). */
int endtext_split(const char *word, struct endtext *out, struct error *error);

/* A number of an end, told with the whole word when it is none. */
int endtext_number(const char *word, const char *text, uint64_t max, uint16_t *out, struct error *error);

/* An end that must have a port, or must have none, in which case port is NULL. */
int endtext_parse(const char *word, struct prefix *address, uint16_t *port, struct error *error);

/* port: host byte order, or negative for none; the address is then without brackets. */
void text_end(struct text *text, uint8_t family, const uint8_t addr[16], int32_t port);

#endif
