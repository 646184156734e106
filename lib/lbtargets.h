/* SPDX-License-Identifier: GPL-2.0-only */
/* Which backends a prober asks, and what it knows of each: kept in step with the services that there are. */
#ifndef SPLICER_LBTARGETS_H
#define SPLICER_LBTARGETS_H

#include "error.h"
#include "health.h"
#include "lbset.h"
#include "lbtext.h"
#include "probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "VIP:PORT/PROTO [BACKEND[:PORT]]...", any number of them; none: all backends of all services. */
struct lb_select {
	struct lb_selected *items; /* in the order in which they were given */
	size_t count;
};

/* One service, or one backend of it. */
struct lb_selected {
	struct lb_name service;
	bool has_backend;
	struct lb_target backend; /* port 0: whatever its port */
	const char *text;         /* as it was given */
};

/* What it allocates lives as long as the program. */
int lb_select_parse(struct lb_select *select, char *const *operands, int count, struct error *error);

/* Whether each of what was named is there; -1 with *error (EXIT_STATE). */
int lb_select_check(const struct lb_select *select, const struct lbset *set, struct error *error);

/* How to probe: backends of TCP services, and of UDP services. */
struct lb_how {
	struct probe_how tcp, udp;
	uint32_t port; /* instead of the backend's; 0: none */
};

#define LB_ENVIRONMENT 5
#define LB_VARIABLE_MAX 64

struct lb_probed {
	struct lb_name service;
	struct lb_target backend;
	bool drained;
	bool stored; /* whether it was down when the map was read last, or written by us */
	bool down;   /* likewise; with a prober that changes nothing, as it would be */
	struct health health;
	/* That which set health as it is: another probe may be on its way before the change is made, or be over. */
	struct probe_outcome decisive;
	struct probe probe;                              /* its owner is this */
	char told[PROBE_WHY_MAX];                        /* why it could not be probed, as it was told; "": it could */
	bool changed;                                    /* by the last change that was made */
	char variables[LB_ENVIRONMENT][LB_VARIABLE_MAX]; /* of probe.environment */
	char *environment[LB_ENVIRONMENT + 1];
};

struct lb_targets {
	struct lb_probed **items; /* in the order of the services, then of the backends; each stays where it is */
	size_t count;
};

/*
 * Brings the list up to date with the services. Who is new is as up or down as the map has it. Who was set up or down
 * by somebody else is that from now on. Who is gone is dropped by the prober.
 */
int lb_targets_read(struct lb_targets *targets, const struct lbset *set, const struct lb_select *select,
		    const struct lb_how *how, struct prober *prober, struct error *error);

/* Whether there is a port to probe, or none is needed. */
bool lb_probed_has_port(const struct lb_probed *probed);

/* Gives all back. */
void lb_targets_free(struct lb_targets *targets, struct prober *prober);

#endif
