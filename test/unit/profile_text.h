/* SPDX-License-Identifier: GPL-2.0-only */
/* Profiles as text, from text: what their unit test and their fuzz target share. */
#ifndef SPLICER_TEST_PROFILE_TEXT_H
#define SPLICER_TEST_PROFILE_TEXT_H

#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The text on standard input; NULL with *error. */
static inline struct profile *profile_of_text(const char *text, size_t size, struct error *error)
{
	FILE *saved = stdin;
	struct profile *profile;

	stdin = size ? fmemopen((void *)(uintptr_t)text, size, "r") : fopen("/dev/null", "re");
	if (!stdin)
		abort();
	profile = profile_read("-", error);
	fclose(stdin);
	stdin = saved;
	return profile;
}

/* As profile_write writes it to a file; released with free(). */
static inline char *text_of_profile(const struct profile *profile, size_t *size)
{
	char path[] = "/tmp/profile.XXXXXX", *text = NULL;
	int fd = mkstemp(path);
	struct error error;
	ssize_t got;
	FILE *file;

	if (fd < 0 || profile_write(profile, path, &error))
		abort();
	close(fd);
	file = fopen(path, "re");
	*size = 0;
	got = file ? getdelim(&text, size, '\0', file) : -1;
	if (got < 0)
		abort();
	*size = (size_t)got;
	fclose(file);
	unlink(path);
	return text;
}

#endif
