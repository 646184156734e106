/* SPDX-License-Identifier: GPL-2.0-only */
/* Contacts in the order of their beginning, and what of them lies before a moment. */
#ifndef SPLICER_TIMELINE_H
#define SPLICER_TIMELINE_H

#include "contacts.h"
#include "error.h"
#include "signs.h"

#include <stddef.h>
#include <stdint.h>

/* All zero to begin with; of no use once the contacts change. Released with timeline_free. */
struct timeline {
	const struct contact **items;
	size_t count;
};

int timeline_read(struct timeline *timeline, const struct contacts *contacts, struct error *error);
void timeline_free(struct timeline *timeline);

/* Fills in the contacts of a moment, whose `now` and `window` are set. */
void timeline_at(const struct timeline *timeline, struct moment *moment);

/* Moments every `step` ns up to `end`, in windows that do not overlap; the first begins before all that is there. */
struct steps {
	uint64_t begin, end, step, window;
};

struct steps timeline_steps(const struct timeline *timeline, uint64_t end, uint64_t step, uint64_t window);

/* Whether a window that began at `begin` or so many windows later ends in (before, now]. */
bool window_ends(uint64_t begin, uint64_t window, uint64_t before, uint64_t now);

/* The next moment, after moment->now, which is 0 before the first. False: there is none. */
bool timeline_next(const struct timeline *timeline, const struct steps *steps, struct moment *moment);

#endif
