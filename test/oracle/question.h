/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions to the program (bpf/abi/config.h): what would become of this packet, and by which rule. */
#ifndef TEST_ORACLE_QUESTION_H
#define TEST_ORACLE_QUESTION_H

#include "packet/harness.h"
#include "unit/oracle.h"

struct asker {
	int program;
	struct frame frames[2][2]; /* by family; UDP and what is made from it, TCP */
};

struct answer {
	int error;          /* errno of the run, EBADMSG when a question was not dropped; the rest says nothing then */
	enum reason reason; /* enum reason */
	uint64_t rule;      /* sequence number of the deciding rule; 0: none */
};

void asker_init(struct asker *asker, int program);

void question_ask(struct asker *asker, const struct plain_packet *packet, struct answer *answer);

/* Prints the packet: "udp 10.0.0.1:40000 10.0.0.2:80 veth0"; ICMP with "type 8 code 0" behind it. */
void question_print(const struct plain_packet *packet);

#endif
