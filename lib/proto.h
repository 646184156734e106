/* SPDX-License-Identifier: GPL-2.0-only */
/* IP protocols by name and number (IANA), and what the port operands of a rule mean for each. */
#ifndef SPLICER_PROTO_H
#define SPLICER_PROTO_H

#include "error.h"

#include <stdint.h>

#define PROTO_ANY 256 /* RULES_PROTO_ANY */
#define PROTO_TEXT_MAX 12

enum proto_ports {
	PROTO_NO_PORTS, /* 0-65535 only */
	PROTO_HAS_PORTS,
	PROTO_HAS_TYPES, /* ICMP: type and code */
};

/* A name, a number 0-255, or "any" (PROTO_ANY). */
int proto_parse(const char *text, uint16_t *out, struct error *error);

/* The name, or the number as text, to buf; returns buf. */
char *proto_format(uint16_t proto, char buf[PROTO_TEXT_MAX]);

enum proto_ports proto_ports(uint16_t proto);

#endif
