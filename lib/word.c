/* SPDX-License-Identifier: GPL-2.0-only */
#include "word.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool stands_before(const char *const *words, size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (words[i] && !strcmp(words[i], words[place]))
			return true;
	return false;
}

const char *words_list(const char *const *words, size_t count, char text[WORDS_TEXT_MAX])
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < count; i++)
		if (words[i] && !stands_before(words, i) && used < WORDS_TEXT_MAX)
			used += (size_t)snprintf(text + used, WORDS_TEXT_MAX - used, used ? ", %s" : "%s", words[i]);
	return text;
}

int word_parse(const char *const *words, size_t count, const char *what, const char *text, struct error *error)
{
	char known[WORDS_TEXT_MAX];

	for (size_t i = 0; i < count; i++)
		if (words[i] && !strcmp(text, words[i]))
			return (int)i;
	return error_usage(error, text, "unknown %s (%s)", what, words_list(words, count, known));
}
