/* SPDX-License-Identifier: GPL-2.0-only */
#include "session.h"

#include "num.h"
#include "prefix.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "SSH_CONNECTION="
#define ANCESTORS_MAX 64

/* ---- the variable ---- */

static int end_parse(char *address, const char *port, struct conn_end *end, uint8_t *family)
{
	struct error ignored;
	struct prefix prefix;
	uint64_t number;

	address[strcspn(address, "%")] = '\0'; /* the zone of a link-local address */
	if (prefix_parse_address(address, &prefix, &ignored) || num_parse(port, 1, 65535, &number, &ignored))
		return -1;
	prefix_unmap(&prefix);
	memcpy(end->addr, prefix.addr, sizeof(end->addr));
	end->port = (uint16_t)number;
	*family = prefix.family;
	return 0;
}

int session_parse(const char *text, struct session *session)
{
	char client[64], server[64], client_port[8], server_port[8];
	uint8_t family;

	if (sscanf(text, "%63s %7s %63s %7s", client, client_port, server, server_port) != 4)
		return -1;
	if (end_parse(client, client_port, &session->client, &family) ||
	    end_parse(server, server_port, &session->server, &session->family))
		return -1;
	return family == session->family ? 0 : -1;
}

void session_key(const struct session *session, struct conn_key *key)
{
	conn_key_make(key, session->family, IPPROTO_TCP, &session->client, &session->server);
}

/* ---- who has it ---- */

/* A file about a process, of one of its lines or records; NULL: it is gone, or not the caller's to see. */
static FILE *process_open(const char *proc, pid_t process, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/%s", proc, (int)process, name);
	return fopen(path, "re");
}

/* 0 when there is none. */
static pid_t process_parent(const char *proc, pid_t process)
{
	FILE *file = process_open(proc, process, "status");
	char line[256];
	int parent = 0;

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "PPid: %d", &parent) == 1)
			break;
	fclose(file);
	return parent;
}

static int environment_find(const char *proc, pid_t process, struct session *session)
{
	FILE *file = process_open(proc, process, "environ");
	char *record = NULL;
	size_t room = 0;
	int result = -1;

	if (!file)
		return -1;
	while (result && getdelim(&record, &room, '\0', file) > 0)
		if (!strncmp(record, VARIABLE, strlen(VARIABLE)))
			result = session_parse(record + strlen(VARIABLE), session);
	free(record);
	fclose(file);
	return result;
}

/* What a process has its children have too. */
static size_t session_add(struct session sessions[SESSIONS_MAX], size_t count, const struct session *session)
{
	struct conn_key key, known;

	session_key(session, &key);
	for (size_t i = 0; i < count; i++) {
		session_key(&sessions[i], &known);
		if (!memcmp(&known, &key, sizeof(key)))
			return count;
	}
	sessions[count] = *session;
	return count + 1;
}

size_t sessions_find_in(const char *proc, pid_t process, struct session sessions[SESSIONS_MAX])
{
	struct session session;
	size_t count = 0;

	for (int i = 0; i < ANCESTORS_MAX && process && count < SESSIONS_MAX; i++) {
		if (!environment_find(proc, process, &session))
			count = session_add(sessions, count, &session);
		process = process_parent(proc, process);
	}
	return count;
}

size_t sessions_find(struct session sessions[SESSIONS_MAX])
{
	return sessions_find_in("/proc", getpid(), sessions);
}
