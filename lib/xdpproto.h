/* SPDX-License-Identifier: GPL-2.0-only */
/* Protocols of rules of xdp_filter.o: as lib/proto.h has them, and "nonip" for frames that are neither IP nor ARP. */
#ifndef SPLICER_XDPPROTO_H
#define SPLICER_XDPPROTO_H

#include "error.h"
#include "proto.h"

#include <stdint.h>

int xdp_proto_parse(const char *text, uint16_t *out, struct error *error);
char *xdp_proto_format(uint16_t proto, char buf[PROTO_TEXT_MAX]);

#endif
