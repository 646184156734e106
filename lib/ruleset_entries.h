/* SPDX-License-Identifier: GPL-2.0-only */
/* Between ruleset_entries.c (which rules a new arena has) and ruleset_build.c (the arena made of them). */
#ifndef SPLICER_RULESET_ENTRIES_H
#define SPLICER_RULESET_ENTRIES_H

#include "rulekey.h"
#include "ruleset_internal.h"

#include <errno.h>

/* A rule that is there, or a change to it. Sorted, all entries of one rule stand together, oldest first. */
struct entry {
	uint64_t hash; /* of the key; until layers are given, of the key in layer 0 */
	const struct rules_record *rule;
	struct rules_record *old; /* of the set as it is; NULL: not in it */
	struct change *change;    /* NULL: not changed */
	uint64_t decision;
	uint64_t expires;
	uint64_t packets, bytes; /* as copied to the new arena */
	uint32_t order;          /* 0: is there; then by place in the changes */
	uint32_t cell;           /* in the new arena */
	uint32_t layer;          /* in the new arena */
};

struct entries {
	struct entry *items; /* those of one key stand together, sorted by their ports */
	size_t count;
	struct changes removed; /* by a replacement */
};

/*
 * The rules there will be. *same: they are those that there are, a replacement has nothing to do. Sets the letters and
 * decisions of the changes (NULL: none).
 */
int entries_make(struct entries *entries, struct ruleset *set, struct changes *changes, bool *same,
		 struct error *error);
void entries_free(struct entries *entries);

/* The key of an entry, in its layer. */
struct rules_key entry_key(const struct entry *entry);

/* The end of the rules that share the key of items[from]. */
size_t key_end(const struct entries *entries, size_t from);

static inline int entries_memory(struct error *error)
{
	errno = ENOMEM;
	return error_errno(error, "rules");
}

#endif
