/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables for the balancer: frames that run one after another through a box with services, and for each what comes out,
 * byte by byte. What is expected is built anew with the addresses and ports it should have, so its checksums are summed
 * up from nothing.
 */
#ifndef TEST_EXCHANGE_H
#define TEST_EXCHANGE_H

#include "becomes.h"
#include "box.h"
#include "flows.h"
#include "services.h"

#include <linux/pkt_cls.h>

/* In a table this port stands for the one that the balancer chose last, in whatever place. */
#define PORT_CHOSEN 1
#define PORT_CHOSEN_FIRST 1024
#define PORT_CHOSEN_LAST 32767

struct step {
	const char *name; /* NULL ends a table */
	struct spec spec; /* family and proto 0: of the run */
	enum context context;
	int action;         /* TC_ACT_REDIRECT takes a hop, others keep it; TC_ACT_UNSPEC without reason: unchanged */
	enum reason reason; /* whose counter moves; REASON_NONE: none */
	struct becomes becomes;
	const char *flow; /* its flow afterwards, as flow_print tells it; NULL: whatever it is */
	/* done before, in this order */
	const struct service_spec *put; /* takes the place of service 0 */
	bool is_deleted;                /* service 0 is */
	uint32_t age;                   /* as if so many seconds had passed since all flows' last packets */
	void (*before)(struct fixture *fixture, int family);
};

#define EXCHANGE_SERVICES 3
#define EXCHANGE_STEPS 26
struct exchange {
	const char *name;
	int family;                                      /* 0: both */
	uint8_t proto;                                   /* 0: TCP and UDP */
	struct service_spec services[EXCHANGE_SERVICES]; /* the first is there always, others if they have a backend */
	struct step steps[EXCHANGE_STEPS];
};

/* Each in a fixture of its own, which its families and protocols share. */
void exchanges_run(struct fixture *fixture, const struct exchange *exchanges, size_t count);

/* How a run of one family and protocol sees a frame: what stands for another value has it. */
struct spec step_spec(const struct spec *spec, int family, uint8_t proto);
/* The frame that a step's must have become, its spec being that of the run. False: a chosen port is out of range. */
bool step_expect(const struct fixture *fixture, const struct step *step, const struct frame *in,
		 struct frame *expected);

#endif
