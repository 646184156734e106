/* SPDX-License-Identifier: GPL-2.0-only */
/* The SSH connection that the caller sits at. */
#ifndef SPLICER_SESSION_H
#define SPLICER_SESSION_H

#include "abi/conns.h"

#include <stddef.h>

#define SESSION_KEYS_MAX 8

/*
 * The connections named by SSH_CONNECTION (ssh(1)) in the environment of this process or of one that started it,
 * however indirectly: sudo(8) takes the variable away, the shell before it still has it. Returns how many were put to
 * keys.
 */
size_t session_keys(struct conn_key keys[SESSION_KEYS_MAX]);

/* The connection of a value of SSH_CONNECTION, "ADDRESS PORT ADDRESS PORT"; -1 if it is malformed. */
int session_parse(const char *text, struct conn_key *key);

#endif
