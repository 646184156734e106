/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes to the services of the load balancer: commands, applied in memory and then written together. */
#ifndef SPLICER_LBCHANGE_H
#define SPLICER_LBCHANGE_H

#include "error.h"
#include "lbset.h"
#include "lbtext.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lb_verb { LB_ADD, LB_DELETE, LB_DRAIN, LB_UNDRAIN, LB_WEIGHT, LB_SET, LB_UP, LB_DOWN, LB_VERBS };

/* One command about one service, or one backend of it. */
struct lb_op {
	enum lb_verb verb;
	struct lb_name service;
	bool has_target, has_weight;
	struct lb_target target;
	uint32_t weight;
	struct lb_settings settings; /* of LB_SET */
	unsigned long line;          /* of the file; 0: the command line */
	char letter;                 /* out: 'A' added, 'C' changed, 'D' deleted, '=' was so already */
};

struct lb_ops {
	struct lb_op *items; /* released with free() */
	size_t count;
};

/* -1 with errno. */
int lb_ops_add(struct lb_ops *ops, const struct lb_op *op);

/* The word of a verb, and the verb of a word; LB_VERBS: it is none. */
const char *lb_verb_name(enum lb_verb verb);
enum lb_verb lb_verb_find(const char *word);

/* The operands of a verb as commands; weight is the argument of -w or NULL. */
int lb_ops_parse(struct lb_ops *ops, enum lb_verb verb, char *const *operands, int count, const char *weight,
		 unsigned long line, struct error *error);

#define LB_OP_TEXT_MAX 320

/* "add 192.0.2.1:80/tcp 10.0.0.2:8080 -w 2" to buf; returns buf. */
char *lb_op_format(const struct lb_op *op, char buf[LB_OP_TEXT_MAX]);

/* The commands that make a service as it is, but for what a prober said of backends. -1 with errno. */
int lb_item_save(const struct lb_item *item, struct lb_ops *out);

struct lb_change {
	struct lb_ops ops;
	const char *file; /* that they are from, or NULL */
	bool replace;     /* they say all there is to be: what else there is goes */
	bool all;         /* replace: also where they say nothing */
	bool dry_run;
	struct lb_ops done; /* out: what was done; of a replacement the commands that make the difference */
	bool ipv4, ipv6;    /* out: there are backends of this family */
};

/* Takes the lock, reads what there is, and makes all of the changes, or on -1 none. */
int lb_change_make(const struct pins *pins, struct lb_change *change, struct error *error);
void lb_change_free(struct lb_change *change);

/* Which families backends are of. */
void lbset_families(const struct lbset *set, bool *ipv4, bool *ipv6);

#endif
