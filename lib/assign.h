/* SPDX-License-Identifier: GPL-2.0-only */
/* Words like NAME=VALUE, from one table. */
#ifndef SPLICER_ASSIGN_H
#define SPLICER_ASSIGN_H

#include "error.h"

#include <stddef.h>

#define ASSIGN_MAX 32

/* word is all of NAME=VALUE, for errors: -1 with *error. */
typedef int assign_callback(void *context, const char *word, const char *value, struct error *error);

struct assign_row {
	const char *name; /* with the '='; NULL ends the table, which has at most ASSIGN_MAX */
	assign_callback *take;
};

/* Takes all words, in their order. A name that is not in the table, or is there twice, is an error (EXIT_USAGE). */
int assign_parse(const struct assign_row *table, char *const *words, int count, void *context, struct error *error);

#endif
