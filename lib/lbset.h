/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The services that there are, in memory: all of LB_SERVICES but the tables. Who changes them holds pins_lock from
 * lbset_open until lbset_write; who only reads needs no lock.
 */
#ifndef SPLICER_LBSET_H
#define SPLICER_LBSET_H

#include "abi/lb.h"
#include "error.h"
#include "lbtext.h"
#include "pin.h"
#include "prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LB_INDEX_NONE 0xffffffffu

struct lb_item {
	struct lb_name name;
	uint32_t index; /* in LB_SERVICES; LB_INDEX_NONE: it is not there yet */
	uint8_t mode;   /* enum lb_mode */
	uint32_t affinity;
	struct prefix source;        /* lb_backend.source of all backends; family 0: the kernel is asked */
	struct lb_backend *backends; /* by place; family 0: nobody is there */
	size_t places;
	/* for lbset_write */
	bool changed; /* to be built anew and put in its place */
	bool gone;    /* to be deleted */
};

struct lbset {
	struct lb_item *items; /* in the order of lb_name_order */
	size_t count;
};

/* Reads all services. -1 with *error; lbset_close releases what was read. */
int lbset_open(const struct pins *pins, struct lbset *set, struct error *error);
void lbset_close(struct lbset *set);

/* NULL: there is none, or it is gone. */
struct lb_item *lbset_find(const struct lbset *set, const struct lb_name *name);
struct lb_backend *lb_item_find(const struct lb_item *item, const struct lb_target *target);

/* As they, but that it is not there is an error (EXIT_STATE) about text. */
struct lb_item *lbset_require(const struct lbset *set, const struct lb_name *name, struct error *error);
struct lb_backend *lb_item_require(const struct lb_item *item, const struct lb_target *target, struct error *error);

/* Adds a service that is not there; NULL with *error where it lies across another one. Items move. */
struct lb_item *lbset_add(struct lbset *set, const struct lb_name *name, struct error *error);

/* Adds a backend that is not there, of weight 1, in the first place that nobody has; NULL with *error. */
struct lb_backend *lb_item_add(struct lb_item *item, const struct lb_target *target, struct error *error);

/* Takes it out; others keep their places. */
void lb_item_remove(struct lb_item *item, struct lb_backend *backend);

/* The places of somebody in the order of lb_target_order, to order[LB_BACKENDS_MAX]; returns how many. */
size_t lb_item_order(const struct lb_item *item, uint16_t *order);

/* Whether mode, source and the families of the backends go together; -1 with *error. */
int lb_item_check(const struct lb_item *item, struct error *error);

/*
 * Builds what changed and puts it in its place, one service at a time by one store; brings the indexes up to date, also
 * what somebody who was killed left of them. All is checked before the first write. With dry_run nothing but that.
 */
int lbset_write(const struct pins *pins, struct lbset *set, bool dry_run, struct error *error);

/* ---- for a prober ---- */

struct lb_verdict {
	struct lb_name service;
	struct lb_target backend;
	bool down;   /* what LB_BACKEND_DOWN is to be */
	char letter; /* out: 'C' changed, '=' was so, '?' the service or the backend is gone */
};

/* Takes the lock, reads all anew, sets what is to be set and writes it. That one is gone is no error. */
int lbset_mark(const struct pins *pins, struct lb_verdict *verdicts, size_t count, struct error *error);

#endif
