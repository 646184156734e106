/* SPDX-License-Identifier: GPL-2.0-only */
/* Inserting rules with the tool itself. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* environ */
#endif
#include "harness.h"

#include <err.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define WORDS_MAX 32
#define WORD_SIZE 96

struct words {
	char text[WORDS_MAX][WORD_SIZE];
	size_t count;
};

static void words_add(struct words *words, const char *text, size_t size)
{
	if (words->count == WORDS_MAX || size >= WORD_SIZE)
		errx(2, "%s: rule too long", text);
	memcpy(words->text[words->count], text, size);
	words->text[words->count++][size] = '\0';
}

static void words_split(struct words *words, const char *text)
{
	while (*(text += strspn(text, " "))) {
		size_t size = strcspn(text, " ");

		words_add(words, text, size);
		text += size;
	}
}

static void to_family_length(int family, char *length, size_t size)
{
	if (family == 6)
		snprintf(length, size, "%lu", strtoul(length, NULL, 10) + SPEC_IPV6_LENGTH);
}

/* "a.b.c.d/n" */
static void to_family_prefix(int family, char word[WORD_SIZE])
{
	char address[FRAME_ADDRESS_TEXT], length[24], *slash = strchr(word, '/');

	if (!slash || strchr(word, ':'))
		return;
	snprintf(length, sizeof(length), "%s", slash + 1);
	*slash = '\0';
	to_family_length(family, length, sizeof(length));
	spec_address(family, word, address);
	snprintf(word, WORD_SIZE, "%s/%s", address, length);
}

/* Every option takes a value; the first two words after them are destination and length. */
static void to_family(int family, struct words *words)
{
	char address[FRAME_ADDRESS_TEXT];
	size_t i = 0;

	for (; i + 1 < words->count && words->text[i][0] == '-'; i += 2)
		if (!strcmp(words->text[i], "-s"))
			to_family_prefix(family, words->text[i + 1]);
	if (i + 1 >= words->count || strchr(words->text[i], ':'))
		return;
	spec_address(family, words->text[i], address);
	snprintf(words->text[i], WORD_SIZE, "%s", address);
	to_family_length(family, words->text[i + 1], WORD_SIZE);
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

int rule_insert(struct fixture *fixture, int family, const char *text)
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
