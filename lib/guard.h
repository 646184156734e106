/* SPDX-License-Identifier: GPL-2.0-only */
/* Keeps who changes the rules of xdp_filter.o over SSH from cutting the branch that they sit on. */
#ifndef SPLICER_GUARD_H
#define SPLICER_GUARD_H

#include "error.h"
#include "netlink.h"
#include "prefix.h"
#include "ruleset.h"
#include "session.h"

/* The address of the client of the caller's SSH session (lib/session.h); EXIT_STATE when there is none. */
int guard_session(struct prefix *client, struct error *error);

/*
 * Whether packets of the caller's SSH sessions would still come in after these changes, which are not made yet; -1
 * (EXIT_STATE) names the session that would be cut, now or when a rule ends, unless its packets are dropped then
 * without the changes too. They come in by the interfaces that have the server's address, or are stacked under those;
 * at a rate that no rule minds. The caller holds pins_lock, and ruleset_apply follows. 0 at once where no change can
 * matter to a session.
 */
int guard_check(const struct changes *changes, struct ruleset *set, struct error *error);

/* As it, of one session on a host with these addresses. */
int guard_check_session(const struct session *session, const struct own_addresses *own, const struct changes *changes,
			struct ruleset *set, struct error *error);

#endif
