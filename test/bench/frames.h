/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames of flows through a router, from a client to a server and back, and of connected sockets. */
#ifndef SPLICER_BENCH_FRAMES_H
#define SPLICER_BENCH_FRAMES_H

#include "bench.h"

#define FRAME_PORT 5060       /* what rules let in */
#define FRAME_OTHER_PORT 5061 /* and what not */

#define TCP_ACK 0x10
#define TCP_SYN 0x02

/* client to server through the box, or back; port in host byte order, flags of TCP. */
void frame_make(struct bench_frame *frame, uint32_t family, uint8_t proto, uint16_t port, bool back, uint8_t flags);

/* Of a connection over loopback, made here: where it comes in elsewhere, it is that of a connected socket. */
void frame_make_connected(struct bench_frame *frame, uint32_t family, uint8_t proto);

/* Prepares UDP packets to the server's port from so many sources, and lets runs take them. */
void frames_prepare(struct bench *bench, uint32_t family, uint16_t port, uint32_t count);

#endif
