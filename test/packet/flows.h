/* SPDX-License-Identifier: GPL-2.0-only */
/* What the balancer remembers, read and written as a tool would. */
#ifndef TEST_FLOWS_H
#define TEST_FLOWS_H

#include "abi/lb.h"
#include "harness.h"

/* The key of a TCP or UDP frame's direction. */
void flow_key_of(const struct frame *frame, struct lb_key *key);
/* In which table it stands (enum conn_table); CONN_TABLES: in none. Of two the newer: the other one is overdue. */
int flow_get(const struct fixture *fixture, const struct lb_key *key, struct lb_flow *flow);
/* "confirmed established answered" */
#define FLOW_TEXT_MAX 64
void flow_print(const struct fixture *fixture, const struct frame *frame, char text[FLOW_TEXT_MAX]);
/* As if seconds had passed since the last packet of each flow, and of the choice of each client. */
void flows_age(const struct fixture *fixture, uint32_t seconds);
/* All that is remembered of flows is forgotten. */
void flows_forget(const struct fixture *fixture);

#endif
