/* SPDX-License-Identifier: GPL-2.0-only */
/* The SSH connection that the caller sits at. */
#ifndef SPLICER_SESSION_H
#define SPLICER_SESSION_H

#include "abi/conns.h"
#include "conn.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SESSIONS_MAX 8

struct session {
	uint8_t family; /* 4 or 6 */
	struct conn_end client, server;
};

/* The session of a value of SSH_CONNECTION, "ADDRESS PORT ADDRESS PORT"; -1 if it is malformed. */
int session_parse(const char *text, struct session *session);

/*
 * The sessions named by SSH_CONNECTION (ssh(1)) in the environment of this process or of one that started it, however
 * indirectly: sudo(8) takes the variable away, the shell before it still has it. Returns how many were put to sessions,
 * the nearest first.
 */
size_t sessions_find(struct session sessions[SESSIONS_MAX]);

/* As it, of a process, by files laid out as those of /proc. */
size_t sessions_find_in(const char *proc, pid_t process, struct session sessions[SESSIONS_MAX]);

/* The connection of a session. */
void session_key(const struct session *session, struct conn_key *key);

#endif
