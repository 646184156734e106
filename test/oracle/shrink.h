/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet on which program and model disagree, told with as few rules as show it. */
#ifndef TEST_ORACLE_SHRINK_H
#define TEST_ORACLE_SHRINK_H

#include "question.h"
#include "subject.h"

/* Asks; whether program and model agree on the packet. */
bool packet_agrees(struct subject *subject, struct asker *asker, const struct plain_packet *packet);

/*
 * Prints, as comments of TAP, the packet, both answers, and the smallest set of rules found on which they differ still;
 * or the newest change, when they agree once the same rules are loaded afresh. The subject's set is changed.
 */
void mismatch_print(struct subject *subject, struct asker *asker, const struct plain_packet *packet);

#endif
