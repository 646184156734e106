/* SPDX-License-Identifier: GPL-2.0-only */
#include "session.h"

#include "conn.h"
#include "num.h"
#include "prefix.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "SSH_CONNECTION="
#define ANCESTORS_MAX 64

static int end_parse(char *address, const char *port, struct conn_end *end, uint8_t *family)
{
	struct error ignored;
	struct prefix prefix;
	uint64_t number;

	address[strcspn(address, "%")] = '\0'; /* the zone of a link-local address */
	if (prefix_parse_address(address, &prefix, &ignored) || num_parse(port, 1, 65535, &number, &ignored))
		return -1;
	memcpy(end->addr, prefix.addr, sizeof(end->addr));
	end->port = (uint16_t)number;
	*family = prefix.family;
	return 0;
}

int session_parse(const char *text, struct conn_key *key)
{
	char address[2][64], port[2][8];
	struct conn_end ends[2];
	uint8_t family[2];

	if (sscanf(text, "%63s %7s %63s %7s", address[0], port[0], address[1], port[1]) != 4)
		return -1;
	for (int end = 0; end < 2; end++)
		if (end_parse(address[end], port[end], &ends[end], &family[end]))
			return -1;
	if (family[0] != family[1])
		return -1;
	conn_key_make(key, family[0], IPPROTO_TCP, &ends[0], &ends[1]);
	return 0;
}

/* A file of /proc about a process, of one of its lines or records; NULL: it is gone, or not the caller's to see. */
static FILE *process_open(pid_t process, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)process, name);
	return fopen(path, "re");
}

/* 0 when there is none. */
static pid_t process_parent(pid_t process)
{
	FILE *file = process_open(process, "status");
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

static int environment_find(pid_t process, struct conn_key *key)
{
	FILE *file = process_open(process, "environ");
	char *record = NULL;
	size_t room = 0;
	int result = -1;

	if (!file)
		return -1;
	while (result && getdelim(&record, &room, '\0', file) > 0)
		if (!strncmp(record, VARIABLE, strlen(VARIABLE)))
			result = session_parse(record + strlen(VARIABLE), key);
	free(record);
	fclose(file);
	return result;
}

size_t session_keys(struct conn_key keys[SESSION_KEYS_MAX])
{
	pid_t process = getpid();
	size_t count = 0;

	for (int i = 0; i < ANCESTORS_MAX && process && count < SESSION_KEYS_MAX; i++) {
		if (!environment_find(process, &keys[count]))
			count++;
		process = process_parent(process);
	}
	return count;
}
