/* SPDX-License-Identifier: GPL-2.0-only */
/* Inserting rules, those of splicer.o with the tool itself. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* environ */
#endif
#include "harness.h"
#include "words.h"
#include "xdp_rules.h"

#include <err.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Every option takes a value; the first two words after them are destination and length. */
static void to_family(int family, struct words *words)
{
	char address[FRAME_ADDRESS_TEXT];
	size_t i = 0;

	for (; i + 1 < words->count && words->text[i][0] == '-'; i += 2)
		if (!strcmp(words->text[i], "-s"))
			word_to_family_prefix(family, words->text[i + 1]);
	if (i + 1 >= words->count || strchr(words->text[i], ':'))
		return;
	spec_address(family, words->text[i], address);
	snprintf(words->text[i], WORD_SIZE, "%s", address);
	word_to_family_length(family, words->text[i + 1], WORD_SIZE);
}

static int run_tool(char **argv)
{
	posix_spawn_file_actions_t actions;
	int error, status;
	pid_t pid;

	/* standard output is TAP */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, 2, 1);
	error = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error) {
		errno = error;
		err(2, "%s", argv[0]);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(2, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int tool_insert(struct fixture *fixture, int family, const char *text)
{
	char *argv[WORDS_MAX + 4], tool[512], pin_dir[512], option[] = "--pin-dir";
	struct words words = { .count = 0 };
	size_t count = 0;

	words_split(&words, text);
	to_family(family, &words);
	snprintf(tool, sizeof(tool), "%s", fixture->map_update);
	snprintf(pin_dir, sizeof(pin_dir), "%s", fixture->pin_dir);
	argv[count++] = tool;
	argv[count++] = option;
	argv[count++] = pin_dir;
	for (size_t i = 0; i < words.count; i++)
		argv[count++] = words.text[i];
	argv[count] = NULL;
	return run_tool(argv);
}

int rule_insert(struct fixture *fixture, int family, const char *text)
{
	return fixture->tested == XDP_FILTER ? xdp_rules_insert(fixture, family, text)
					     : tool_insert(fixture, family, text);
}
