/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures of packets, as libpcap reads them (pcap-savefile(5), pcapng), as frames of Ethernet: what was captured with
 * another link-layer header is given that of Ethernet in its place.
 */
#ifndef SPLICER_CAPTURE_H
#define SPLICER_CAPTURE_H

#include "error.h"

#include <stdint.h>

/*
 * Of a frame no more than this is handed out: headers are in the first bytes, and BPF_PROG_TEST_RUN takes what fits
 * into one page beside what the kernel keeps there (on x86-64 3,712 bytes, elsewhere down to 3,584).
 */
#define CAPTURE_FRAME_MAX 3072

struct capture_link;
struct pcap;

struct capture {
	const char *path;
	struct pcap *pcap;
	const struct capture_link *link;
	uint64_t packets; /* read so far */
	uint8_t frame[CAPTURE_FRAME_MAX];
};

struct capture_packet {
	uint64_t time;        /* ns since 1970 */
	const uint8_t *frame; /* until the next one is read */
	uint32_t length; /* bytes of it; less than an Ethernet header: less was captured than a link-layer header */
	uint32_t wire;   /* bytes that it had on the wire, with the header that it was captured with */
};

/*
 * Opens a file ("-": standard input). -1 with *error: EXIT_STATE when it cannot be read, EXIT_USAGE when it is no
 * capture, or of an unknown link type.
 */
int capture_open(struct capture *capture, const char *path, struct error *error);

/* 1: there is one; 0: the end; -1 with *error: the file is cut off or damaged here (EXIT_STATE). */
int capture_next(struct capture *capture, struct capture_packet *packet, struct error *error);

void capture_close(struct capture *capture);

#endif
