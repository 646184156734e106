/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks the attached program itself what becomes of a packet, by BPF_PROG_TEST_RUN: see QUESTION_MAGIC0 of abi/config.h.
 * Nothing is counted, told or assigned.
 */
#ifndef SPLICER_ASK_H
#define SPLICER_ASK_H

#include "error.h"
#include "pin.h"
#include "question.h"

#include <stddef.h>
#include <stdint.h>

struct answer {
	uint32_t reason;  /* enum reason */
	uint32_t verdict; /* enum verdict */
	uint64_t rule;    /* sequence number of the deciding rule; 0: none */
};

/*
 * A descriptor of the program to ask, that of ingress or egress as the question's direction is: the one attached to the
 * interface of the question, else (with a note) one that is attached elsewhere. Where no interface is named, the only
 * one that has a program becomes the question's. -1 with *error: EXIT_USAGE when several have, EXIT_STATE when none
 * has.
 */
int ask_open(const struct pins *pins, struct question *question, struct error *error);

int ask(int program, const struct question *question, struct answer *out, struct error *error);

#define ASK_FRAME_MAX (14 + 40 + 20)

/*
 * The Ethernet frame of a question, to frame; returns its size in bytes. TCP is a SYN; ICMPv6 has the hop limit that
 * its type needs (RFC 4861, 2710, 3810). Checksums above IPv4 are zero: nobody reads them.
 */
size_t ask_frame(const struct question *question, uint8_t frame[ASK_FRAME_MAX]);

#endif
