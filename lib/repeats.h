/* SPDX-License-Identifier: GPL-2.0-only */
/* What was said lately, so that it is not said again and again. */
#ifndef SPLICER_REPEATS_H
#define SPLICER_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of what it is said. Zero where there is nothing, also between the fields: it is compared as bytes. */
struct repeat_key {
	uint8_t src[16], dst[16];
	uint16_t kind, dport, proto, service;
	uint8_t family, parts;
	uint8_t reserved[6];
};
_Static_assert(sizeof(struct repeat_key) == 48, "a key has no holes: it is compared as bytes");

struct repeats;

/* NULL without memory. */
struct repeats *repeats_new(void);
void repeats_free(struct repeats *repeats);

/*
 * Whether it was not said within `again` ns before `now`; if so, it is said now. Without memory it is said: once too
 * often rather than never.
 */
bool repeats_take(struct repeats *repeats, const struct repeat_key *key, uint64_t now, uint64_t again);

#endif
