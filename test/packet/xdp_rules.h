/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of xdp_filter.o, written from bpf/abi/xdp.h alone: what xdp_rule makes of words is not asked here. */
#ifndef TEST_XDP_RULES_H
#define TEST_XDP_RULES_H

#include "abi/rules.h"
#include "harness.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Inserts one rule, an exit status: "[SRC/LEN] drop|pass|monitor|never-drop" with -d DST/LEN, -p PROTO|nonip, --dport
 * LOW[-HIGH], --icmp TYPE/CODE, -i NAME, -P PRIORITY, -S TAG, --ttl SECONDS, --rate PPS:BURST[/BITS]; or "default
 * drop|pass|monitor" with -i NAME, which is three rules.
 */
int xdp_rules_insert(struct fixture *fixture, int family, const char *text);

/* Inserts records, in their order, and fills in their sequence numbers; an exit status. */
int xdp_rules_put(struct fixture *fixture, struct rules_record *records, size_t count);

/* The rules that have counted since it was asked last. */
struct rules_counted {
	size_t rules;      /* how many */
	char name[80];     /* of the last: its tag, else "default", "never-drop" or "rule"; "": none */
	uint64_t sequence; /* of the last */
	uint64_t packets, bytes, last;
};
struct rules_counted xdp_rules_counted(struct fixture *fixture);
/* All rules, and all that they ever counted; only sums are told. */
struct rules_counted xdp_rules_total(struct fixture *fixture);

void xdp_rules_close(struct fixture *fixture);

#endif
