/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rules a deletion means. */
#ifndef SPLICER_RULEFIND_H
#define SPLICER_RULEFIND_H

#include "abi/rules.h"
#include "error.h"
#include "prefix.h"
#include "ruleset.h"
#include "select.h"

#include <stdbool.h>
#include <stddef.h>

/* Which of the rules that match. Dead is a rule whose listener is gone (rule_is_dead). */
enum rule_which {
	RULE_ONE,         /* the only one; of several the only one that is dead */
	RULE_OLDEST_DEAD, /* the only one; of several the oldest of those that are dead */
	RULE_ONLY,        /* the only one; or of two that differ only in their family, and have no prefix, both */
	RULE_ALL,         /* all, also none */
};

struct rule_wanted {
	struct selector selector; /* unless there is `like` */
	/* Rules of this identity (rule_compare in rulekey.h), found without a look at others; NULL: the selector says
	 */
	const struct rules_record *like;
	bool any_service; /* like: its service tag does not matter */
	enum rule_which which;
	bool or_none; /* none is no error */
	char *named;  /* how the user named it, for messages */
};

/* All zero to begin with. What it allocates lives as long as the program. */
struct wanted_list {
	struct rule_wanted *items;
	size_t count;
};

/* Takes note of how the user named what is wanted: words, after the place in a file (line 0: not in one). */
int wanted_name(struct rule_wanted *wanted, const char *file, unsigned long line, char *const *words, int count,
		struct error *error);

/* Adds it: a range made a rule for each of its prefixes, and each of them is wanted as if it had been named alone. */
int wanted_add(struct wanted_list *list, const struct rule_wanted *wanted, struct error *error);

/* Told, before the error, of the several rules that match and of which none is meant; -1 with another *error. */
typedef int rule_several(struct ruleset *set, const struct rule_place *places, size_t count, struct error *error);

/*
 * Adds the deletions of what each of `count` wanted means to changes. -1 (EXIT_STATE) where none is there or several
 * are; several may be NULL. The caller holds pins_lock.
 * Listeners are looked for in the caller's network namespace, and only when it depends on them.
 */
int rules_find(struct ruleset *set, const struct rule_wanted *wanted, size_t count, rule_several *several,
	       struct changes *changes, struct error *error);

#endif
