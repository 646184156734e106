/* SPDX-License-Identifier: GPL-2.0-only */
/* How signs are printed: a line for people, one of JSON, or what xdp_rule(8) takes. */
#ifndef SPLICER_SIGNOUT_H
#define SPLICER_SIGNOUT_H

#include "contacts.h"
#include "error.h"
#include "never.h"
#include "repeats.h"
#include "signs.h"

#include <stdbool.h>
#include <stdint.h>

enum signout_form { SIGNS_AS_TEXT, SIGNS_AS_JSON, SIGNS_AS_BANS };

/* The first four are set, the others all zero to begin with; released with signout_close. */
struct signout {
	enum signout_form form;
	bool absolute;    /* text: times with date, UTC */
	bool proven_only; /* nothing of sources whose address may be a forgery */
	uint64_t again;   /* ns until the same source is banned again */
	struct never never;
	/* Its own. */
	bool by_packets;
	int64_t offset;
	struct repeats *banned;
};

/* Before signs of a look: looks at clocks and own addresses anew. */
int signout_refresh(struct signout *out, const struct contacts *contacts, struct error *error);

/* A sign_take: prints one, and flushes. */
void signout_print(void *context, const struct sign *sign);

void signout_close(struct signout *out);

#endif
